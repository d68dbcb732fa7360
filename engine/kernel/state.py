"""What a kernel says of itself, and what follows for its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import log
from ..elf.constants import PT_LOAD
from ..errors import BadDataError
from ..platform import Architecture
from .vmcoreinfo import Vmcoreinfo

if TYPE_CHECKING:
    from ..program import Program
    from ..targets.base import Target

# Where x86-64 maps the kernel image (arch/x86/include/asm/page_64_types.h).
_START_KERNEL_MAP = 0xFFFFFFFF80000000

_NO_VMCOREINFO = "dump has no VMCOREINFO"
_NO_QEMU_VMCOREINFO = (
    "unrecognized QEMU memory dump; for Linux guests, run QEMU with"
    " '-device vmcoreinfo', compile the kernel with CONFIG_FW_CFG_SYSFS and"
    " CONFIG_KEXEC, and load the qemu_fw_cfg kernel module before dumping the guest"
    " memory (requires Linux >= 4.17 and QEMU >= 2.11)"
)


class KernelState:
    """A Linux kernel: its VMCOREINFO and where it is.

    Raises ValueError if there is no VMCOREINFO, BadDataError if it is not valid; both
    name the dump.
    """

    __slots__ = ("_prog", "target", "tasks", "vmcoreinfo")

    target: Target
    vmcoreinfo: Vmcoreinfo
    tasks: list[tuple[int, int]] | None
    """PID and address of the tasks of a dump, once they are known (`tasks`)."""

    def __init__(self, prog: Program, target: Target, vmcoreinfo: bytes | None) -> None:
        where = "" if target.path is None else f"{target.path}: "
        if vmcoreinfo is None:
            is_qemu = any(note.name == b"QEMU" for note in target.notes())
            reason = _NO_QEMU_VMCOREINFO if is_qemu else _NO_VMCOREINFO
            raise ValueError(where + reason)
        self._prog = prog
        self.target = target
        self.tasks = None
        try:
            self.vmcoreinfo = Vmcoreinfo(vmcoreinfo)
        except BadDataError as error:
            raise BadDataError(f"{where}{error}") from None

    def attach(self) -> None:
        """Set up page tables and finders, once the target's memory is there."""
        from .special import find_special_object

        self._prog._object_finders.register(
            "linux", find_special_object, 0, static=True
        )
        platform = self._prog.platform
        if platform is not None and platform.arch is Architecture.X86_64:
            self._attach_x86_64()

    def _attach_x86_64(self) -> None:
        from ..memory.x86_64 import X86_64PageTable
        from .linear import LinearMap

        info = self.vmcoreinfo
        phys_base = info.number("phys_base")
        if phys_base is None:
            # Since 4.10 (401721ecd1dc); kdump files have it in a header, too.
            phys_base = self.target.phys_base
        if phys_base is None:
            root = self._physical_by_segment(info.swapper_pg_dir)
        else:
            root = info.swapper_pg_dir - _START_KERNEL_MAP + phys_base
        if root is None:
            log.warning("VMCOREINFO does not tell where page tables are")
            return
        memory = self._prog._memory
        mmu = X86_64PageTable(
            memory.physical,
            root,
            5 if info.number("pgtable_l5_enabled") else 4,
            info.number("sme_mask") or 0,
        )
        mmu.linear = LinearMap(self._prog, info.swapper_pg_dir - root)
        memory.mmu = mmu

    def _physical_by_segment(self, address: int) -> int | None:
        """The physical address of a virtual one by the headers of an ELF dump."""
        elf = getattr(self.target, "elf", None)
        for header in () if elf is None else elf.segments:
            if header.type == PT_LOAD and header.vaddr != header.paddr:
                offset = address - header.vaddr
                if 0 <= offset < header.memsz:
                    physical: int = header.paddr + offset
                    return physical
        return None
