"""Unwinding the stack of a thread, by call frame information.

Each step goes from the registers of a frame to those of its caller. Code without call
frame information is left to the architecture: most have a chain of frames of some kind.

No stack is trusted to end: frames are limited in number, and a frame that was there
before ends it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..dwarf import cfi_rows as cfi
from ..dwarf.expr import evaluate_value
from ..dwarf.expr_context import ExprContext, Unavailable, Unsupported
from ..dwarf.expr_operators import CALL_FRAME
from ..errors import FaultError
from .machine import Machine, Registers

if TYPE_CHECKING:
    from ..dwarf.cfi import CfiRow
    from ..dwarf.cfi_rows import Rule
    from ..program import Program
    from .code import Code, CodeInfo

MAX_FRAMES = 1024
"""Frames of a stack at most, not counting inlined calls."""

_MASK = (1 << 64) - 1


class EndOfStack(Exception):
    """The information on some code says that nothing has called it."""


class Frame:
    """A frame in memory; inlined calls share the one of their caller.

    ``interrupted`` says that ``registers`` are as they were at some instruction, rather
    than as they will be when a call returns.
    """

    __slots__ = ("cfa", "code", "interrupted", "pc", "registers")

    registers: Registers
    interrupted: bool
    pc: int | None
    """The program counter, None if it is not known."""
    code: Code | None
    """The code that was running or did the call; None if the pc is not known."""
    cfa: int | None
    """Canonical frame address, None if it was not needed yet or is not known."""

    def __init__(
        self,
        info: CodeInfo,
        registers: Registers,
        *,
        interrupted: bool,
        pc: int | None,
    ) -> None:
        self.registers = registers
        self.interrupted = interrupted
        self.cfa = None
        self.pc = pc
        # A call may be the last instruction of its function, or of its block.
        self.code = (
            None if pc is None else info.at(pc if interrupted else pc - 1 & _MASK)
        )


class _CfiContext(ExprContext):
    """What the expressions of call frame information may ask for."""

    __slots__ = ("_frame", "_prog")

    def __init__(self, prog: Program, frame: Frame) -> None:
        super().__init__()
        self._prog = prog
        self._frame = frame

    def register(self, number: int) -> int:
        value = self._frame.registers.get(number)
        if value is None:
            raise Unavailable
        return value

    def address(self, file_address: int) -> int:
        code = self._frame.code
        assert code is not None and code.module is not None
        address = code.module._to_address(file_address)
        if address is None:
            raise Unavailable
        return address

    def read(self, address: int, size: int) -> bytes:
        return self._prog._memory.read(address, size)


def cfa_by(prog: Program, frame: Frame, row: CfiRow) -> int | None:
    """The CFA of a frame by call frame information, None if it cannot be computed.

    Raises BadDataError if the expression that does is malformed.
    """
    rule = row.cfa
    if len(rule) == 3:
        base = frame.registers.get(rule[1])
        if base is None or prog.platform is None:
            return None
        return base + rule[2] & _MASK >> 64 - 8 * prog.platform.address_size
    assert isinstance(rule[1], bytes)
    try:
        return evaluated(prog, frame, row, rule[1])
    except (Unavailable, Unsupported, FaultError):
        return None


def evaluated(
    prog: Program, frame: Frame, row: CfiRow, expression: bytes, cfa: int | None = None
) -> int:
    """The number that an expression of a row's rules gives in a frame.

    Raises BadDataError if it is malformed, and else as `evaluate_value()`.
    """
    platform = prog.platform
    assert platform is not None
    context = _CfiContext(prog, frame)
    try:
        return evaluate_value(
            expression,
            context,
            address_size=platform.address_size,
            little_endian=platform.is_little_endian,
            initial=cfa,
            purpose=CALL_FRAME,
        )
    except ValueError as error:
        raise row.error(str(error)) from None


class Unwinder:
    """Unwinds stacks of a program; an architecture overrides what it adds."""

    __slots__ = ("_info", "_machine", "_prog")

    def __init__(self, prog: Program, info: CodeInfo, machine: Machine) -> None:
        self._prog = prog
        self._info = info
        self._machine = machine

    def unwind(
        self, registers: Registers, *, interrupted: bool, limit: int = MAX_FRAMES
    ) -> list[Frame]:
        """The frames of a stack, from the innermost one; at least one.

        Raises BadDataError if the call frame information of one of them is malformed.
        """
        frame = self._frame(registers, interrupted=interrupted)
        frames = [frame]
        seen: set[tuple[int | None, int | None]] = set()
        while len(frames) < limit:
            place = (frame.pc, self._place(frame.registers))
            if place in seen or self._is_last(frame):
                break
            seen.add(place)
            caller = self._caller(frame)
            if caller is None:
                break
            frame = caller
            frames.append(frame)
        return frames

    def _place(self, registers: Registers) -> int | None:
        """What tells frames of the same code apart."""
        machine = self._machine
        sp = registers.get(machine.sp)
        if sp is None and machine.frame_pointer is not None:
            return registers.get(machine.frame_pointer)
        return sp

    def _frame(
        self, registers: Registers, *, interrupted: bool, pc: int | None = None
    ) -> Frame:
        """A frame whose pc is that in its registers, or a return address."""
        if pc is None:
            pc = registers.get(self._machine.pc)
        return Frame(self._info, registers, interrupted=interrupted, pc=pc)

    def _is_last(self, frame: Frame) -> bool:
        """Whether nothing is to be found beneath a frame."""
        return frame.pc is None

    def _caller(self, frame: Frame) -> Frame | None:
        code = frame.code
        assert code is not None
        try:
            caller = self._by_information(frame, code)
            if caller is not None:
                return caller
        except EndOfStack:
            return None
        except (Unavailable, Unsupported, FaultError):
            pass  # Its stack may tell where it returns to nonetheless.
        try:
            return self._without_information(frame, code)
        except FaultError:
            return None

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        machine = self._machine
        data = self._prog._memory.read(address & machine.mask, machine.word * count)
        letter = "Q" if machine.word == 8 else "I"
        return struct.unpack(f"{machine.order}{count}{letter}", data)

    # Call frame information

    def _by_information(self, frame: Frame, code: Code) -> Frame | None:
        return None if code.cfi is None else self._by_cfi(frame, code.cfi)

    def _by_cfi(self, frame: Frame, row: CfiRow) -> Frame | None:
        machine = self._machine
        if row.return_address not in machine.numbers:
            raise row.error("unknown return address register")
        cfa = cfa_by(self._prog, frame, row)
        if cfa is None:
            return None
        frame.cfa = cfa
        old = frame.registers
        new: Registers = {}
        for number in machine.callee_saved:
            if number not in row.rules and number in old:
                new[number] = old[number]
        if machine.sp not in machine.callee_saved:
            new[machine.sp] = cfa
        for number, rule in row.rules.items():
            value = self._restored(number, rule, frame, row, cfa)
            if value is None:
                new.pop(number, None)
            else:
                new[number] = value
        pc = new.get(row.return_address)
        if row.return_address != machine.pc:
            new.pop(machine.pc, None)
        if pc is not None:
            pc = self._return_address(pc)
        return self._frame(new, interrupted=row.is_signal_frame, pc=pc)

    def _restored(
        self, number: int, rule: Rule, frame: Frame, row: CfiRow, cfa: int
    ) -> int | None:
        """The value of a register in the caller, None if it is not known."""
        kind, operand = rule[0], rule[1]
        try:
            if isinstance(operand, bytes):
                value = evaluated(self._prog, frame, row, operand, cfa)
                return self._words(value, 1)[0] if kind == cfi.AT_EXPRESSION else value
            if kind == cfi.AT_CFA_PLUS:
                return self._words(cfa + operand, 1)[0]
        except (Unavailable, Unsupported, FaultError):
            # Without its return address a frame has no caller.
            if number == row.return_address:
                raise
            return None
        if kind == cfi.CFA_PLUS:
            return cfa + operand & self._machine.mask
        if kind == cfi.SAME_VALUE:
            return frame.registers.get(number)
        if kind == cfi.REGISTER:
            return frame.registers.get(operand)
        return None

    def _return_address(self, word: int) -> int:
        """The address that a saved word returns to."""
        return word

    # Without it

    def _without_information(self, frame: Frame, code: Code) -> Frame | None:
        if frame.interrupted and self._just_called(frame, code):
            return self._by_call(frame)
        return self._by_chain(frame)

    def _just_called(self, frame: Frame, code: Code) -> bool:
        """Whether a call was the last that happened, and nothing was saved since."""
        pc = frame.pc
        assert pc is not None
        if code.module is None:
            # A call of what is no code, such as a null pointer.
            return not self._is_mapped(pc)
        symbol = self._prog._find_symbol(None, pc)
        return symbol is not None and symbol.address == pc

    def _by_call(self, frame: Frame) -> Frame | None:
        """The caller of what has done nothing yet, by the register of the link."""
        machine = self._machine
        assert machine.link is not None
        link = frame.registers.get(machine.link)
        if link is None:
            return None
        registers = dict(frame.registers)
        registers.pop(machine.pc, None)
        pc = self._return_address(link)
        return self._frame(registers, interrupted=False, pc=pc)

    def _by_chain(self, frame: Frame) -> Frame | None:
        """The caller by what chains the frames of an architecture; None without one."""
        return None

    def _is_mapped(self, address: int) -> bool:
        target = self._prog._target
        # A core dump of a process need not hold its code.
        return self._is_readable(address) or (
            target is not None
            and any(m.start <= address < m.end for m in target.mappings())
        )

    def _is_readable(self, address: int) -> bool:
        try:
            self._prog._memory.read(address, 1)
        except FaultError:
            return False
        return True

    def _is_code(self, address: int) -> bool:
        """Whether an address can be a return address."""
        before = address - 1 & self._machine.mask
        return self._info.at(before).module is not None or (
            address != 0 and self._is_readable(before)
        )
