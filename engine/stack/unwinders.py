"""The unwinder of each architecture, and what chains frames where there is one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .machine import Machine, machine_of
from .unwind import Frame, Unwinder
from .unwind_x86_64 import X86Unwinder

if TYPE_CHECKING:
    from ..program import Program
    from .code import CodeInfo

_NT_ARM_PAC_MASK = 0x406
_MAX_LINKS = 16
"""How many links of a chain are followed to a frame."""


class Aarch64Unwinder(Unwinder):
    """Unwinds stacks of an AArch64 program, which may sign its return addresses."""

    __slots__ = ("_signature",)

    _signature: int
    """The bits of an address of code that hold its signature."""

    def __init__(self, prog: Program, info: CodeInfo, machine: Machine) -> None:
        super().__init__(prog, info, machine)
        self._signature = 0
        masks = struct.Struct(machine.order + "2Q")
        for note in () if prog._target is None else prog._target.notes():
            # struct user_pac_mask: that of data, that of instructions.
            if note.type == _NT_ARM_PAC_MASK and len(note.desc) >= masks.size:
                _, self._signature = masks.unpack_from(note.desc)
                break

    def _return_address(self, word: int) -> int:
        return word & ~self._signature

    def _by_chain(self, frame: Frame) -> Frame | None:
        """The caller by the frame records of AAPCS64, section 6.4.6.

        They do not say where the stack of the caller ends.
        """
        machine = self._machine
        assert machine.frame_pointer is not None and machine.link is not None
        record = frame.registers.get(machine.frame_pointer)
        if not record:
            return None
        caller, link = self._words(record, 2)
        pc = self._return_address(link)
        if not caller or not self._is_code(pc):
            return None
        registers = {machine.frame_pointer: caller, machine.link: link}
        return self._frame(registers, interrupted=False, pc=pc)


class Ppc64Unwinder(Unwinder):
    """Unwinds stacks of a ppc64 program."""

    __slots__ = ()

    def _by_chain(self, frame: Frame) -> Frame | None:
        """The caller by the back chain of the ELF V2 ABI, section 2.2.2."""
        machine = self._machine
        assert machine.link is not None
        sp = frame.registers.get(machine.sp)
        for _ in range(_MAX_LINKS):
            if sp is None:
                break
            (caller,) = self._words(sp, 1)
            if caller <= sp:
                break
            _, _, pc = self._words(caller, 3)
            if self._is_code(pc):
                registers = {machine.sp: caller, machine.link: pc}
                return self._frame(registers, interrupted=False, pc=pc)
            sp = caller  # A signal's, which nothing has called.
        return None


_UNWINDERS: dict[str, type[Unwinder]] = {
    "X86_64": X86Unwinder,
    "AARCH64": Aarch64Unwinder,
    "PPC64": Ppc64Unwinder,
}
"""Those that add to what call frame information tells."""


def unwinder_of(prog: Program, info: CodeInfo) -> Unwinder:
    """The unwinder of a program whose platform has a machine."""
    platform = prog.platform
    assert platform is not None
    machine = machine_of(platform)
    assert machine is not None
    return _UNWINDERS.get(platform.arch.name, Unwinder)(prog, info, machine)
