"""What a kernel says of itself, and what follows for its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..memory.x86_64 import X86_64PageTable
from ..platform import Architecture
from .special import SpecialObjects
from .vmcoreinfo import Vmcoreinfo

if TYPE_CHECKING:
    from ..program import Program
    from ..targets.base import Target

# arch/x86/include/asm/page_64_types.h: where the kernel's image is mapped.
_START_KERNEL_MAP = 0xFFFFFFFF80000000


class KernelState:
    """A Linux kernel: its VMCOREINFO and where it is.

    Raises BadDataError if there is no VMCOREINFO or it is not valid.
    """

    __slots__ = ("_prog", "target", "vmcoreinfo")

    vmcoreinfo: Vmcoreinfo

    def __init__(self, prog: Program, target: Target, vmcoreinfo: bytes | None) -> None:
        self._prog = prog
        self.target = target
        self.vmcoreinfo = Vmcoreinfo(vmcoreinfo or b"")

    def attach(self) -> None:
        """Set up page tables and finders, once the target's memory is there."""
        prog = self._prog
        platform = prog.platform
        if platform is not None and platform.arch is Architecture.X86_64:
            self._set_up_x86_64()
        special = SpecialObjects(prog, self.vmcoreinfo, self.levels)
        prog._object_finders.register("linux", special.find, 0)

    @property
    def levels(self) -> int:
        """The number of levels of the page tables."""
        return 5 if self.vmcoreinfo.number("pgtable_l5_enabled") else 4

    def _set_up_x86_64(self) -> None:
        # arch/x86/kernel/machine_kexec_64.c says these; both are as old as the
        # kernels that can be relocated.
        root = self.vmcoreinfo.symbol("swapper_pg_dir")
        phys_base = self.vmcoreinfo.number("phys_base")
        if root is None or phys_base is None:
            return
        memory = self._prog._memory
        memory.mmu = X86_64PageTable(
            memory.physical,
            root - _START_KERNEL_MAP + phys_base,
            self.levels,
            self.vmcoreinfo.number("sme_mask") or 0,
        )
