"""Unwinding the stack of an x86-64 thread.

Each step goes from the registers of a frame to those of its caller, by the best that
is known of the code:

1. A kernel's ORC tables say where the caller's frame is and are always right, also in
   entry code, on interrupt stacks and in modules without debug information. They say
   nothing of registers other than rsp, rip and rbp, so
2. call frame information adds those where it agrees on the frame, and is used alone
   where there are no ORC tables, in programs above all.
3. Code without either is taken to keep a frame pointer, or not to have got to set it
   up; a jump to an address without code left nothing but a return address.

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
from ..flags import ProgramFlags
from ..kernel import orc
from . import registers as regs
from .registers import RBP, RIP, RSP, Registers

if TYPE_CHECKING:
    from ..dwarf.cfi import CfiRow
    from ..dwarf.cfi_rows import Rule
    from ..kernel.orc import OrcEntry
    from ..program import Program
    from .code import Code, CodeInfo

MAX_FRAMES = 1024
"""Frames of a stack at most, not counting inlined calls."""

_KERNEL_HALF = 1 << 63
_MASK = (1 << 64) - 1
_TWO_WORDS = struct.Struct("<2Q")

_ORC_REGISTERS = {
    orc.REG_AX: regs.NUMBERS["rax"],
    orc.REG_DX: regs.NUMBERS["rdx"],
    orc.REG_DI: regs.NUMBERS["rdi"],
    orc.REG_BP: RBP,
    orc.REG_SP: RSP,
    orc.REG_R10: regs.NUMBERS["r10"],
    orc.REG_R13: regs.NUMBERS["r13"],
    orc.REG_BP_INDIRECT: RBP,
    orc.REG_SP_INDIRECT: RSP,
}

_KNOWN_REGISTERS = frozenset(regs.NUMBERS.values())


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
        pc: int | None = None,
    ) -> None:
        """The pc is that in ``registers`` unless it is given."""
        self.registers = registers
        self.interrupted = interrupted
        self.cfa = None
        self.pc = pc = registers.get(RIP) if pc is None else pc
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
        return None if base is None else base + rule[2] & _MASK
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
    context = _CfiContext(prog, frame)
    try:
        return evaluate_value(expression, context, initial=cfa, purpose=CALL_FRAME)
    except ValueError as error:
        raise row.error(str(error)) from None


class Unwinder:
    """Unwinds stacks of a program."""

    __slots__ = ("_info", "_is_kernel", "_prog")

    def __init__(self, prog: Program, info: CodeInfo) -> None:
        self._prog = prog
        self._info = info
        self._is_kernel = bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)

    def unwind(
        self, registers: Registers, *, interrupted: bool, limit: int = MAX_FRAMES
    ) -> list[Frame]:
        """The frames of a stack, from the innermost one; at least one.

        Raises BadDataError if the call frame information of one of them is malformed.
        """
        frame = Frame(self._info, registers, interrupted=interrupted)
        frames = [frame]
        seen: set[tuple[int | None, int | None]] = set()
        while len(frames) < limit:
            place = (frame.pc, registers.get(RSP))
            if place in seen or self._is_last(frame):
                break
            seen.add(place)
            caller = self._caller(frame)
            if caller is None:
                break
            frame = caller
            registers = frame.registers
            frames.append(frame)
        return frames

    def _is_last(self, frame: Frame) -> bool:
        """Whether nothing is to be found beneath a frame."""
        pc = frame.pc
        if pc is None:
            return True
        if not self._is_kernel:
            return False
        # Where a kernel was entered from user mode, its stack ends.
        cs = frame.registers.get(regs.CS)
        if cs is None:
            return 0 < pc < _KERNEL_HALF
        return cs & 3 != 0

    def _caller(self, frame: Frame) -> Frame | None:
        code = frame.code
        assert code is not None
        try:
            if code.orc is not None and code.orc.kind != orc.UNDEFINED:
                if code.orc.kind == orc.END_OF_STACK:
                    return None
                caller = self._by_orc(frame, code.orc, code.cfi)
                if caller is not None:
                    return caller
            if code.cfi is not None:
                caller = self._by_cfi(frame, code.cfi)
                if caller is not None:
                    return caller
        except (Unavailable, Unsupported, FaultError):
            pass  # Its stack may tell where it returns to nonetheless.
        try:
            return self._without_information(frame, code)
        except FaultError:
            return None

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        data = self._prog._memory.read(address & _MASK, 8 * count)
        return struct.unpack(f"<{count}Q", data)

    # ORC

    def _by_orc(
        self, frame: Frame, entry: OrcEntry, row: CfiRow | None
    ) -> Frame | None:
        base = _ORC_REGISTERS.get(entry.sp_reg)
        value = None if base is None else frame.registers.get(base)
        if value is None:
            return None
        if entry.sp_reg == orc.REG_BP_INDIRECT:
            (sp,) = self._words(value + entry.sp_offset, 1)
        elif entry.sp_reg == orc.REG_SP_INDIRECT:
            (sp,) = self._words(value, 1)
            sp = sp + entry.sp_offset & _MASK
        else:
            sp = value + entry.sp_offset & _MASK
        frame.cfa = sp
        if entry.kind == orc.REGS:
            data = self._prog._memory.read(sp, regs.PT_REGS_SIZE)
            return Frame(
                self._info, regs.from_pt_regs(data), interrupted=entry.is_signal
            )
        if entry.kind == orc.REGS_PARTIAL:
            registers = regs.from_iret_frame(self._prog._memory.read(sp, 40))
            for number in regs.CALLEE_SAVED:
                if number in frame.registers:
                    registers[number] = frame.registers[number]
            self._restore_rbp(frame, entry, sp, registers)
            return Frame(self._info, registers, interrupted=entry.is_signal)
        if entry.kind != orc.CALL:
            return None
        if row is not None and cfa_by(self._prog, frame, row) == sp:
            return self._by_cfi(frame, row)
        (pc,) = self._words(sp - 8, 1)
        registers = {RSP: sp, RIP: pc}
        self._restore_rbp(frame, entry, sp, registers)
        return Frame(self._info, registers, interrupted=entry.is_signal)

    def _restore_rbp(
        self, frame: Frame, entry: OrcEntry, sp: int, registers: Registers
    ) -> None:
        rbp = frame.registers.get(RBP)
        if entry.bp_reg == orc.REG_PREV_SP:
            (registers[RBP],) = self._words(sp + entry.bp_offset, 1)
        elif rbp is not None:
            if entry.bp_reg == orc.REG_BP:
                (rbp,) = self._words(rbp + entry.bp_offset, 1)
            registers[RBP] = rbp

    # Call frame information

    def _by_cfi(self, frame: Frame, row: CfiRow) -> Frame | None:
        if row.return_address not in _KNOWN_REGISTERS:
            raise row.error("unknown return address register")
        cfa = cfa_by(self._prog, frame, row)
        if cfa is None:
            return None
        frame.cfa = cfa
        old = frame.registers
        new: Registers = {}
        for number in regs.CALLEE_SAVED:
            if number not in row.rules and number in old:
                new[number] = old[number]
        new[RSP] = cfa
        for number, rule in row.rules.items():
            value = self._restored(number, rule, frame, row, cfa)
            if value is None:
                new.pop(number, None)
            else:
                new[number] = value
        if row.return_address != RIP:
            new.pop(RIP, None)
            if row.return_address in new:
                new[RIP] = new.pop(row.return_address)
        return Frame(self._info, new, interrupted=row.is_signal_frame)

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
            return cfa + operand & _MASK
        if kind == cfi.SAME_VALUE:
            return frame.registers.get(number)
        if kind == cfi.REGISTER:
            return frame.registers.get(operand)
        return None

    # Neither

    def _without_information(self, frame: Frame, code: Code) -> Frame | None:
        sp = frame.registers.get(RSP)
        if sp is not None and self._just_called(frame, code):
            (pc,) = self._words(sp, 1)
            frame.cfa = sp + 8 & _MASK
            registers = {**frame.registers, RSP: frame.cfa, RIP: pc}
            return Frame(self._info, registers, interrupted=False)
        return self._by_frame_pointer(frame, sp)

    def _just_called(self, frame: Frame, code: Code) -> bool:
        """Whether a call was the last that happened, and nothing was pushed since."""
        pc = frame.pc
        assert pc is not None
        if not frame.interrupted:
            return False
        if code.module is None:
            # A call of what is no code, such as a null pointer.
            return not self._is_mapped(pc)
        symbol = self._prog._find_symbol(None, pc)
        return symbol is not None and symbol.address == pc

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

    def _by_frame_pointer(self, frame: Frame, sp: int | None) -> Frame | None:
        rbp = frame.registers.get(RBP)
        if rbp is None or sp is None:
            return None
        if self._is_kernel and rbp & 1:
            # CONFIG_FRAME_POINTER marks struct pt_regs by an odd frame pointer.
            data = self._prog._memory.read(rbp - 1, regs.PT_REGS_SIZE)
            return Frame(self._info, regs.from_pt_regs(data), interrupted=True)
        if rbp < sp or rbp & 7:
            return None
        caller_rbp, pc = _TWO_WORDS.unpack(self._prog._memory.read(rbp, 16))
        if not self._is_code(pc):
            return None
        frame.cfa = rbp + 16 & _MASK
        registers = {RBP: caller_rbp, RSP: frame.cfa, RIP: pc}
        return Frame(self._info, registers, interrupted=False)

    def _is_code(self, address: int) -> bool:
        """Whether an address can be a return address."""
        if self._is_kernel and address < _KERNEL_HALF:
            return False
        return self._info.at(address - 1 & _MASK).module is not None or (
            address != 0 and self._is_readable(address - 1 & _MASK)
        )
