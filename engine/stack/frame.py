"""A frame of a stack trace, as users see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import class_label
from ..closed import ApiClass, closed, not_constructible
from ..flags import FindObjectFlags
from .machine import Machine, machine_of
from .source import SourceLocation

if TYPE_CHECKING:
    from ..dwarf.die import Die
    from ..objects.object import Object
    from ..symbols.symbol import Symbol
    from .code import Call
    from .trace import StackTrace
    from .unwind import Frame


@closed
@not_constructible
class StackFrame(metaclass=ApiClass):
    """A call in a stack trace; ``frame["name"]`` is a variable as the call sees it."""

    __slots__ = ("_call", "_frame", "_index", "_number", "_trace")

    _trace: StackTrace
    _number: int
    """The number of the frame in the trace."""
    _frame: Frame
    """The frame in memory, which inlined calls share with their caller."""
    _index: int
    """The index of that frame."""
    _call: Call | None
    """The call in the code of the frame; None if its pc is not known."""

    def __init__(self, trace: StackTrace, number: int, index: int, call: int) -> None:
        """``call`` is the index of the call in the code of the frame in memory."""
        self._trace = trace
        self._number = number
        self._index = index
        self._frame = trace._frames[index]
        code = self._frame.code
        self._call = None if code is None else code.calls[call]

    # What it is a call of

    @property
    def function_name(self) -> str | None:
        """Name of the function by debugging information, None if it has none."""
        return None if self._call is None else self._call.name

    @property
    def name(self) -> str:
        """Name of the function, else of the symbol, else the pc, else ``???``."""
        name = self._known_name()
        if name is None:
            pc = self._frame.pc
            return "???" if pc is None else hex(pc)
        return name

    def _known_name(self) -> str | None:
        name = self.function_name
        if name is None:
            symbol = self._symbol()
            return None if symbol is None else symbol.name
        return name

    @property
    def is_inline(self) -> bool:
        """Whether this is an inlined call, which shares its caller's registers."""
        return self._call is not None and self._call.is_inline

    @property
    def interrupted(self) -> bool:
        """Whether the frame was interrupted, and was not doing a call."""
        return self._frame.interrupted

    def _symbol(self) -> Symbol | None:
        code = self._frame.code
        if code is None:
            return None
        return self._trace._prog._find_symbol(None, code.address)

    def symbol(self) -> Symbol:
        """The symbol of the function. LookupError if there is none."""
        code = self._frame.code
        if code is None:
            raise LookupError("program counter is not known at stack frame")
        return self._trace._prog.symbol(code.address)

    def source(self) -> SourceLocation:
        """Where in the source this call is. LookupError if that is not known."""
        line = None if self._call is None else self._call.line
        if line is None:
            raise LookupError("source code location not available")
        return SourceLocation(line.filename, line.line, line.column, self._known_name)

    # Registers

    @property
    def _machine(self) -> Machine | None:
        platform = self._trace._prog.platform
        return None if platform is None else machine_of(platform)

    @property
    def pc(self) -> int:
        """The program counter: the return address, unless `interrupted`."""
        pc = self._frame.pc
        if pc is None:
            raise LookupError("program counter is not known")
        return pc

    @property
    def sp(self) -> int:
        """The stack pointer."""
        machine = self._machine
        sp = None if machine is None else self._frame.registers.get(machine.sp)
        if sp is None:
            raise LookupError("stack pointer is not known")
        return sp

    def register(self, reg: str) -> int:
        """The value of a register.

        ValueError if there is no such register, LookupError if its value is not known.
        """
        if not isinstance(reg, str):
            raise TypeError(f"register() argument must be str, not {class_label(reg)}")
        machine = self._machine
        number = None if machine is None else machine.by_name.get(reg)
        if number is None:
            raise ValueError(f"unknown register '{reg}'")
        value = self._frame.registers.get(number)
        if value is None:
            raise LookupError("register value is not known")
        return value

    def registers(self) -> dict[str, int]:
        """All registers whose values are known."""
        known, machine = self._frame.registers, self._machine
        if machine is None:
            return {}
        return {name: known[n] for name, n in machine.by_name.items() if n in known}

    # Variables

    def locals(self) -> list[str]:
        """Names of the parameters, variables, constants and functions of the call.

        A name appears more than once if inner blocks have it again.
        """
        call = self._call
        if call is None:
            return []
        return [name for scope in call.scopes for name, _ in call.entries(scope)]

    def _find(self, name: object) -> Die | None:
        from ..dwarf.scopes import declaration_in, definition_in

        if self._call is None or not isinstance(name, str):
            return None
        for scope in reversed(self._call.scopes):
            for entry, die in self._call.entries(scope):
                if entry == name:
                    return die
        if not self._call.scopes:
            return None
        function = self._call.scopes[0]
        units = [function.unit]
        if self._call.is_inline:
            # Of link-time optimization: where the source has it is another unit.
            *_, origin = function.origins()
            if origin.unit is not function.unit:
                units.append(origin.unit)
        for unit in units:
            found = definition_in(unit, name)
            if found is not None:
                return found
        if self._is_global(name):
            for unit in units:
                found = declaration_in(unit, name)
                if found is not None:
                    return found
        return None

    def _is_global(self, name: str) -> bool:
        """Whether some unit of the program defines a name."""
        prog = self._trace._prog
        return (
            prog._find_object(name, FindObjectFlags.ANY, None) is not None
            or prog._find_symbol(name, None) is not None
        )

    # Indices are names: there is nothing to iterate over.
    __iter__ = None
    __reversed__ = None

    def __getitem__(self, name: str) -> Object:
        """The variable, function or constant of a name where the call is.

        It is absent if it was optimized out. KeyError if there is none.
        """
        from .variables import frame_object

        die = self._find(name)
        found = None
        if die is not None:
            trace = self._trace
            found = frame_object(trace._prog, trace._frames, self._index, name, die)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    # Text

    def _where(self) -> str:
        """The source as ``file:line:column``, or nothing."""
        line = None if self._call is None else self._call.line
        if line is None:
            return ""
        if not line.filename:
            return "??:?"
        where = f"{line.filename}:{line.line}"
        return f"{where}:{line.column}" if line.column else where

    def _symbol_and_offset(self) -> str:
        """``symbol+offset/size``, or nothing."""
        symbol = self._symbol()
        pc = self._frame.pc
        if symbol is None or pc is None:
            return ""
        return f"{symbol.name}+{pc - symbol.address:#x}/{symbol.size:#x}"

    def _line(self) -> str:
        """How the frame is shown in a trace."""
        pc = self._frame.pc
        text = self.function_name or self._symbol_and_offset()
        if not text:
            text = "???" if pc is None else hex(pc)
        where = self._where()
        line = f"#{self._number:<2} {text}"
        return f"{line} ({where})" if where else line

    def __str__(self) -> str:
        pc = self._frame.pc
        if pc is None:
            return f"#{self._number} at ???"
        text = f"#{self._number} at {pc:#x}" if pc else f"#{self._number} at 0"
        symbol = self._symbol_and_offset()
        if symbol:
            text += f" ({symbol})"
        if self.function_name is not None:
            text += f" in {self.function_name}"
        where = self._where()
        if where:
            text += f" at {where}"
        return text + " (inlined)" if self.is_inline else text

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text("..." if cycle else str(self))
