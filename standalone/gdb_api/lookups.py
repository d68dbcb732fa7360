"""Names of types, variables and symbols, remembered."""

from __future__ import annotations

import drgn
from drgn import FindObjectFlags, Object, Program, TypeKind
from drgn.target import function_at, qualified_name, static_members

from .demangle import demangle
from .errors import error

_UNREADABLE = (drgn.FaultError, drgn.BadDataError)
_CLASSES = TypeKind.STRUCT, TypeKind.CLASS, TypeKind.UNION
_OF_ASSEMBLY = {"phys_base": "unsigned long"}
"""The kernel's variables that assembly code defines, by C's declarations.

GDB finds those; the index here has definitions alone.
"""


def is_inlined(obj: Object) -> bool:
    """Whether it is a function without code of its own, which GDB does not know."""
    return obj.type_.kind is TypeKind.FUNCTION and obj.absent_


class Lookups:
    """What a program's debugging information says of names."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._types: dict[str, drgn.Type | None] = {}
        self._variables: dict[str, bool] = {}
        self._symbols: dict[int, str] = {}
        self._cplus: dict[int | None, bool] = {}
        # With the types themselves, which keeps them and so their numbers.
        self._static: dict[int, tuple[drgn.Type, list[tuple[int, str, drgn.Type]]]] = {}

    def c_type(self, name: str) -> drgn.Type:
        """A type of C's. Raises ``gdb.error`` if the program has none of its size."""
        found = self.find_type(name)
        if found is None and name == "bool":
            # C has it with a header alone.
            found = self._types[name] = self._prog.bool_type(name, 1)
        if found is None:
            raise error(f"No type named {name}.")
        return found

    def find_type(self, name: str) -> drgn.Type | None:
        """The type that a text names; None if there is none."""
        name = name.strip()
        if name not in self._types:
            try:
                found = self._prog.type(name)
            except (LookupError, SyntaxError, ValueError, TypeError):
                found = None
            self._types[name] = found
        return self._types[name]

    def is_variable(self, name: str) -> bool:
        """Whether a name is a variable's, a function's or a constant's."""
        if name not in self._variables:
            try:
                self._prog.object(name)
            except (LookupError, ValueError):
                self._variables[name] = self._symbol(name) is not None
            else:
                self._variables[name] = True
        return self._variables[name]

    def _symbol(self, name: str) -> drgn.Symbol | None:
        try:
            return self._prog.symbol(name)
        except LookupError:
            return None

    def variable(self, name: str, filename: str | None) -> Object:
        """The object of a name. Raises ``gdb.error``."""
        try:
            found = self._prog.object(name, FindObjectFlags.ANY, filename)
        except LookupError:
            pass
        else:
            if not is_inlined(found):
                return found
        if filename is not None:
            raise error(f'No symbol "{name}" in specified context.')
        symbol = self._symbol(name)
        if symbol is None:
            raise error(f'No symbol "{name}" in current context.')
        if symbol.size:
            if symbol.kind.name == "FUNC":
                code = self._prog.function_type(self.c_type("int"), (), True)
                return Object(self._prog, code, address=symbol.address)
            declared = _OF_ASSEMBLY.get(name)
            if declared is not None:
                return Object(self._prog, declared, address=symbol.address)
            raise error(f"'{name}' has unknown type; cast it to its declared type")
        # A mark of the linker's script, which C declares as an array.
        array = self._prog.array_type(self.c_type("char"))
        return Object(self._prog, array, address=symbol.address)

    def static_members(self, type_: drgn.Type) -> list[tuple[int, str, drgn.Type]]:
        """The static members of a class, as `drgn.target.static_members()` has them."""
        found = self._static.get(id(type_))
        if found is None:
            if len(self._static) > 1000:
                self._static.clear()
            try:
                members = static_members(type_)
            except drgn.BadDataError as reason:
                raise error(str(reason)) from None
            found = self._static[id(type_)] = type_, members
        return found[1]

    def static_member(
        self, type_: drgn.Type, name: str, depth: int = 0
    ) -> Object | None:
        """A static member of a class or of its base classes; None if there is none."""
        plain = type_.unaliased()
        if plain.kind not in _CLASSES or plain.language.name == "C" or depth > 50:
            return None
        for _, each, member_type in self.static_members(plain):
            if each == name:
                try:
                    return self.variable(f"{qualified_name(plain)}::{name}", None)
                except error:
                    return Object(self._prog, member_type)
        for member in plain.members or ():
            if member.name is None:
                found = self.static_member(member.type, name, depth + 1)
                if found is not None:
                    return found
        return None

    def address_text(self, address: int) -> str:
        """An address, and where in which symbol it is."""
        return f"{address:#x} {self.symbol_text(address)}".rstrip()

    def symbol_text(self, address: int) -> str:
        """``<symbol+offset>`` of an address; empty if it is in none."""
        found = self._symbols.get(address)
        if found is None:
            if len(self._symbols) > 100_000:
                self._symbols.clear()
            found = self._symbols[address] = self._symbol_text(address)
        return found

    def _symbol_text(self, address: int) -> str:
        try:
            symbol: drgn.Symbol | None = self._prog.symbol(address)
        except (LookupError, ValueError, OverflowError):
            symbol = None
        if symbol is not None and not symbol.size and symbol.address != address:
            symbol = None
        found = self._c_function(address)
        if found is None or (symbol is not None and symbol.address > found[1]):
            if symbol is None:
                return ""
            found = demangle(symbol.name), symbol.address
        name, start = found
        offset = address - start
        return f"<{name}+{offset}>" if offset else f"<{name}>"

    def _c_function(self, address: int) -> tuple[str, int] | None:
        """The function of C at an address by its name in the source, and its start."""
        try:
            function = function_at(self._prog, address)
            name = self._prog.source_location(address)[-1].name()
        except (LookupError, ValueError, OverflowError, *_UNREADABLE):
            return None
        start = function.address_
        if function.type_.language.name != "C" or not name or start is None:
            return None
        return name, start

    def is_cplus(self, pc: int | None) -> bool:
        """Whether the code at an address, or the whole program, is C++."""
        if pc not in self._cplus:
            self._cplus[pc] = self._is_cplus(pc)
        return self._cplus[pc]

    def _is_cplus(self, pc: int | None) -> bool:
        if pc is not None:
            try:
                language = function_at(self._prog, pc).type_.language
            except (LookupError, drgn.FaultError, drgn.BadDataError):
                pass
            else:
                return language.name == "C++"
        return self._prog.language.name == "C++"
