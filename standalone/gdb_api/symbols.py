"""``gdb.Symbol``, ``gdb.Symtab``, ``gdb.Block`` and the functions that find them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import drgn
from drgn import FindObjectFlags, Module, Object, StackFrame, TypeKind
from drgn.target import frame_blocks

from .errors import error
from .places import line_at, location
from .session import current

if TYPE_CHECKING:
    from .frames import Frame
    from .types import Type
    from .value import Value

SYMBOL_UNDEF_DOMAIN = 0
SYMBOL_VAR_DOMAIN = 1
SYMBOL_STRUCT_DOMAIN = 2
SYMBOL_MODULE_DOMAIN = 3
SYMBOL_LABEL_DOMAIN = 4
SYMBOL_COMMON_BLOCK_DOMAIN = 5
SYMBOL_VARIABLES_DOMAIN = 1
SYMBOL_FUNCTIONS_DOMAIN = 1
SYMBOL_TYPES_DOMAIN = 1

SYMBOL_LOC_UNDEF = 0
SYMBOL_LOC_CONST = 1
SYMBOL_LOC_STATIC = 2
SYMBOL_LOC_REGISTER = 3
SYMBOL_LOC_ARG = 4
SYMBOL_LOC_REF_ARG = 5
SYMBOL_LOC_REGPARM_ADDR = 6
SYMBOL_LOC_LOCAL = 7
SYMBOL_LOC_TYPEDEF = 8
SYMBOL_LOC_LABEL = 9
SYMBOL_LOC_BLOCK = 10
SYMBOL_LOC_CONST_BYTES = 11
SYMBOL_LOC_UNRESOLVED = 12
SYMBOL_LOC_OPTIMIZED_OUT = 13
SYMBOL_LOC_COMPUTED = 14
SYMBOL_LOC_COMMON_BLOCK = 15


class Symtab:
    """A source file."""

    def __init__(self, filename: str) -> None:
        self.filename = filename

    @property
    def objfile(self) -> Any:
        """The program's main file."""
        found = current().objfiles()
        return found[0] if found else None

    def fullname(self) -> str:
        """The path of the file."""
        return os.path.abspath(self.filename)

    def is_valid(self) -> bool:
        """Always."""
        return True

    def __str__(self) -> str:
        return self.filename


class Symtab_and_line:
    """A place in the source, and the code there."""

    def __init__(
        self, pc: int, filename: str | None, line: int, last: int | None = None
    ) -> None:
        self.pc = pc
        self.last = last
        self.line = line
        self.symtab = None if filename is None else Symtab(filename)

    def is_valid(self) -> bool:
        """Always."""
        return True


class Symbol:
    """A function, a variable or a constant."""

    def __init__(
        self,
        name: str,
        obj: Object,
        frame: StackFrame | None = None,
        argument: bool = False,
    ) -> None:
        self._name, self._obj = name, obj
        self._frame = frame
        self._argument = argument

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    print_name = name

    @property
    def linkage_name(self) -> str:
        """The name of the linker's symbol."""
        if self._obj.address_ is not None and self._frame is None:
            try:
                return self._obj.prog_.symbol(self._obj.address_).name
            except (LookupError, ValueError):
                pass
        return self._name

    @property
    def type(self) -> Type:
        """Its type."""
        from .types import Type

        return Type(self._obj.type_)

    @property
    def symtab(self) -> Symtab | None:
        """The source file of a function's code; None of what is no function."""
        place = self._place()
        return None if place is None else Symtab(place[0])

    @property
    def line(self) -> int:
        """The line where a function's code begins; 0 of what is no function."""
        place = self._place()
        return 0 if place is None else place[1]

    def _place(self) -> tuple[str, int] | None:
        if not self.is_function or self._obj.address_ is None:
            return None
        return location(current(), self._obj.address_)

    @property
    def addr_class(self) -> int:
        """One of ``SYMBOL_LOC_*``."""
        if self.is_function:
            return SYMBOL_LOC_BLOCK
        if self._frame is not None:
            return SYMBOL_LOC_COMPUTED
        if self._obj.address_ is None:
            return SYMBOL_LOC_OPTIMIZED_OUT if self._obj.absent_ else SYMBOL_LOC_CONST
        return SYMBOL_LOC_STATIC

    @property
    def needs_frame(self) -> bool:
        """Whether its value is one of a frame."""
        return self._frame is not None

    @property
    def is_argument(self) -> bool:
        """Whether it is an argument of a function."""
        return self._argument

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant."""
        return self.addr_class == SYMBOL_LOC_CONST

    @property
    def is_function(self) -> bool:
        """Whether it is a function."""
        return self._obj.type_.kind is TypeKind.FUNCTION

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable, not an argument."""
        return not (self.is_function or self.is_constant or self._argument)

    def is_valid(self) -> bool:
        """Always."""
        return True

    def value(self, frame: Frame | None = None) -> Value:
        """Its value, of a variable of a function in a frame."""
        from .value import Value

        if self._frame is not None:
            if frame is None:
                raise TypeError("symbol is frame-dependent, but no frame was given")
            found: Value = frame.read_var(self._name)
            return found
        return Value(self._obj)

    def __str__(self) -> str:
        return self._name


class Block:
    """The variables that code sees: of a frame, or of the whole program."""

    def __init__(
        self, frame: Frame | None = None, start: int = 0, end: int = 0
    ) -> None:
        self._of = frame
        self._start, self._end = start, end

    def _range(self) -> tuple[int, int]:
        if self._of is None:
            return self._start, self._end
        try:
            symbol = current().prog.symbol(self._of.pc())
        except LookupError:
            return self._of.pc(), self._of.pc() + 1
        return symbol.address, symbol.address + symbol.size

    @property
    def start(self) -> int:
        """Where its function's code begins."""
        return self._range()[0]

    @property
    def end(self) -> int:
        """Where its function's code ends."""
        return self._range()[1]

    @property
    def function(self) -> Symbol | None:
        """The function that it is of."""
        if self._of is None:
            return None
        found: Symbol | None = self._of.function()
        return found

    @property
    def superblock(self) -> Block | None:
        """The block around it: that of the whole program."""
        return None if self._of is None else Block()

    @property
    def global_block(self) -> Block:
        """The whole program's."""
        return Block()

    static_block = global_block

    @property
    def is_global(self) -> bool:
        """Whether it is the whole program's."""
        return self._of is None

    is_static = is_global

    def is_valid(self) -> bool:
        """Always."""
        return True

    def __iter__(self) -> Iterator[Symbol]:
        if self._of is None:
            return
        frame = self._of._frame
        arguments = argument_names(frame)
        for name in frame.locals():
            yield Symbol(name, frame[name], frame, name in arguments)


def argument_names(frame: StackFrame) -> list[str]:
    """The names of a frame's arguments, in order."""
    blocks = frame_blocks(frame)
    return [each.name for each in (blocks[-1] if blocks else ()) if each.is_parameter]


def function_of(frame: StackFrame) -> Object | None:
    """The function that a frame is of."""
    from drgn.target import function_at

    prog = frame_prog()
    if not frame.is_inline:
        try:
            return function_at(prog, frame.pc - (0 if frame.interrupted else 1))
        except (LookupError, drgn.FaultError, drgn.BadDataError):
            pass
    try:
        return prog.function(frame.function_name or "")
    except LookupError:
        return None


def frame_prog() -> drgn.Program:
    """The program of all frames."""
    return current().prog


def lookup_function(name: str, frame: StackFrame | None = None) -> Symbol | None:
    """The symbol of a function."""
    found = None if frame is None else function_of(frame)
    if found is None:
        try:
            found = current().prog.function(name)
        except LookupError:
            return None
    return Symbol(name, found)


def lookup_global_symbol(name: str, domain: int = SYMBOL_VAR_DOMAIN) -> Symbol | None:
    """The symbol of a variable or function of the whole program; None without one."""
    try:
        return Symbol(name, current().prog.object(name, FindObjectFlags.ANY))
    except LookupError:
        return None


lookup_static_symbol = lookup_global_symbol


def lookup_static_symbols(name: str, domain: int = SYMBOL_VAR_DOMAIN) -> list[Symbol]:
    """The symbols of a name (one: which of equal names is the program's matter)."""
    found = lookup_global_symbol(name)
    return [] if found is None else [found]


def lookup_symbol(
    name: str, block: Any = None, domain: int = SYMBOL_VAR_DOMAIN
) -> tuple[Symbol | None, bool]:
    """The symbol that a name means in the selected frame; whether it is of ``this``."""
    session = current()
    if session.has_stack():
        frame = session.frame()
        if name in frame.locals():
            return Symbol(
                name, frame[name], frame, name in argument_names(frame)
            ), False
    elif block is None:
        raise error("No frame selected.")
    return lookup_global_symbol(name), False


def lookup_in_module(module: Module, name: str) -> Symbol | None:
    """The symbol of a name, if what it means is in a module."""
    found = lookup_global_symbol(name)
    if found is None or found._obj.address_ is None:
        return None
    for start, end in module.address_ranges or ():
        if start <= found._obj.address_ < end:
            return found
    return None


def block_for_pc(pc: int) -> Block | None:
    """The block with the code at an address."""
    try:
        symbol = current().prog.symbol(int(pc))
    except (LookupError, ValueError):
        return None
    return Block(start=symbol.address, end=symbol.address + symbol.size)


def find_pc_line(pc: int) -> Symtab_and_line:
    """The source line of an address."""
    found = line_at(current(), int(pc))
    if found is None:
        return Symtab_and_line(0, None, 0)
    return Symtab_and_line(found.start, found.filename, found.line, found.end - 1)


def decode_line(
    text: str = "",
) -> tuple[str | None, tuple[Symtab_and_line, ...] | None]:
    """The place that a function's name or ``*ADDRESS`` means."""
    session = current()
    if not text:
        if not session.has_stack():
            raise error('No symbol table is loaded.  Use the "file" command.')
        frame = session.frame()
        place = location(session, frame.pc)
        name, line = place or (None, 0)
        return None, (Symtab_and_line(0, name, line),)
    if text.startswith("*"):
        from .evaluate import evaluate

        address = int(evaluate(session, text[1:]))
    else:
        found = lookup_function(text.strip())
        if found is None or found._obj.address_ is None:
            raise error(f'Function "{text}" not defined.')
        address = found._obj.address_
    return None, (find_pc_line(address),)
