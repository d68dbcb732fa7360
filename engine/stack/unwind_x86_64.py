"""Unwinding the stack of an x86-64 thread.

By the best that is known of the code:

1. A kernel's ORC tables say where the caller's frame is and are always right, also in
   entry code, on interrupt stacks and in modules without debug information. They say
   nothing of registers other than rsp, rip and rbp, so
2. call frame information adds those where it agrees on the frame, and is used alone
   where there are no ORC tables, in programs above all.
3. Code without either is taken to keep a frame pointer, or not to have got to set it
   up; a jump to an address without code left nothing but a return address.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..flags import ProgramFlags
from ..kernel import orc
from .machine import Machine, Registers
from .unwind import EndOfStack, Frame, Unwinder, cfa_by

if TYPE_CHECKING:
    from ..dwarf.cfi import CfiRow
    from ..kernel.orc import OrcEntry
    from ..program import Program
    from .code import Code, CodeInfo

# Numbers of the psABI.
RAX, RDX, RDI, RBP, RSP, R10, R13, RIP = 0, 1, 5, 6, 7, 10, 13, 16
RFLAGS, CS, SS = 49, 51, 52

_KERNEL_HALF = 1 << 63
_MASK = (1 << 64) - 1
_IRET_FRAME = struct.Struct("<5Q")

_ORC_REGISTERS = {
    orc.REG_AX: RAX,
    orc.REG_DX: RDX,
    orc.REG_DI: RDI,
    orc.REG_BP: RBP,
    orc.REG_SP: RSP,
    orc.REG_R10: R10,
    orc.REG_R13: R13,
    orc.REG_BP_INDIRECT: RBP,
    orc.REG_SP_INDIRECT: RSP,
}


class X86Unwinder(Unwinder):
    """Unwinds stacks of an x86-64 program or kernel."""

    __slots__ = ("_is_kernel",)

    def __init__(self, prog: Program, info: CodeInfo, machine: Machine) -> None:
        super().__init__(prog, info, machine)
        self._is_kernel = bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)

    def _is_last(self, frame: Frame) -> bool:
        pc = frame.pc
        if pc is None:
            return True
        if not self._is_kernel:
            return False
        # Where a kernel was entered from user mode, its stack ends.
        cs = frame.registers.get(CS)
        if cs is None:
            return 0 < pc < _KERNEL_HALF
        return cs & 3 != 0

    def _by_information(self, frame: Frame, code: Code) -> Frame | None:
        if code.orc is not None and code.orc.kind != orc.UNDEFINED:
            if code.orc.kind == orc.END_OF_STACK:
                raise EndOfStack
            caller = self._by_orc(frame, code.orc, code.cfi)
            if caller is not None:
                return caller
        return super()._by_information(frame, code)

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
            return self._of_pt_regs(sp, interrupted=entry.is_signal)
        if entry.kind == orc.REGS_PARTIAL:
            registers = _from_iret_frame(self._prog._memory.read(sp, 40))
            for number in self._machine.callee_saved:
                if number in frame.registers:
                    registers[number] = frame.registers[number]
            self._restore_rbp(frame, entry, sp, registers)
            return self._frame(registers, interrupted=entry.is_signal)
        if entry.kind != orc.CALL:
            return None
        if row is not None and cfa_by(self._prog, frame, row) == sp:
            return self._by_cfi(frame, row)
        (pc,) = self._words(sp - 8, 1)
        registers = {RSP: sp, RIP: pc}
        self._restore_rbp(frame, entry, sp, registers)
        return self._frame(registers, interrupted=entry.is_signal)

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

    def _of_pt_regs(self, address: int, *, interrupted: bool) -> Frame:
        layout = self._machine.pt_regs
        data = self._prog._memory.read(address, layout.size)
        return self._frame(layout.registers(data), interrupted=interrupted)

    # Neither

    def _by_call(self, frame: Frame) -> Frame | None:
        sp = frame.registers.get(RSP)
        if sp is None:
            return self._by_chain(frame)
        (pc,) = self._words(sp, 1)
        frame.cfa = sp + 8 & _MASK
        registers = {**frame.registers, RSP: frame.cfa, RIP: pc}
        return self._frame(registers, interrupted=False)

    def _by_chain(self, frame: Frame) -> Frame | None:
        rbp, sp = frame.registers.get(RBP), frame.registers.get(RSP)
        if rbp is None or sp is None:
            return None
        if self._is_kernel and rbp & 1:
            # CONFIG_FRAME_POINTER marks struct pt_regs by an odd frame pointer.
            return self._of_pt_regs(rbp - 1, interrupted=True)
        if rbp < sp or rbp & 7:
            return None
        caller_rbp, pc = self._words(rbp, 2)
        if not self._is_code(pc):
            return None
        frame.cfa = rbp + 16 & _MASK
        registers = {RBP: caller_rbp, RSP: frame.cfa, RIP: pc}
        return self._frame(registers, interrupted=False)

    def _is_code(self, address: int) -> bool:
        if self._is_kernel and address < _KERNEL_HALF:
            return False
        return super()._is_code(address)


def _from_iret_frame(data: bytes) -> Registers:
    """The registers in the 40 bytes that the processor pushes on an interrupt."""
    rip, cs, rflags, rsp, ss = _IRET_FRAME.unpack(data)
    return {RIP: rip, CS: cs & 0xFFFF, RFLAGS: rflags, RSP: rsp, SS: ss & 0xFFFF}
