"""A kernel's dump that GDB has opened as a core file (``gdb vmlinux vmcore``).

GDB takes it for a process's, at the addresses that vmlinux is linked to. So it is read
without GDB; only the selected processor and its registers are GDB's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import gdb

from drgn import BadDataError, Program, ProgramFlags
from drgn.guest import Vmcoreinfo, Vmlinux
from drgn.target import Memory, Note, Target, open_core

from .linux import LinuxTarget, find_vmlinux
from .target import InferiorTarget

_CORE = re.compile(r"^Local core dump file:\n\t`(.*)', file type", re.M)


def open_vmcore(inferior: gdb.Inferior) -> InferiorTarget | None:
    """The kernel's dump that GDB has opened; None if it is nothing such."""
    vmlinux = find_vmlinux(inferior.progspace)
    path = _CORE.search(str(gdb.execute("info files", to_string=True)))
    if vmlinux is None or path is None:
        return None
    try:
        dump = open_core(path[1])
        if not dump.flags & ProgramFlags.IS_LINUX_KERNEL:
            return None
        if dump.vmcoreinfo is None:
            raise BadDataError(f"{path[1]}: dump has no VMCOREINFO")
        return VmcoreTarget(inferior, vmlinux, dump, Vmcoreinfo(dump.vmcoreinfo))
    except (OSError, ValueError, BadDataError) as error:
        return BadVmcoreTarget(inferior, str(error))


class BadVmcoreTarget(InferiorTarget):
    """A dump that cannot be read as one of a kernel."""

    def __init__(self, inferior: gdb.Inferior, problem: str) -> None:
        super().__init__(inferior)
        self._problem = problem

    def load(self, prog: Program) -> None:
        raise LookupError(self._problem)


class VmcoreTarget(LinuxTarget):
    """A kernel's dump and its vmlinux."""

    def __init__(
        self, inferior: gdb.Inferior, vmlinux: Vmlinux, dump: Target, info: Vmcoreinfo
    ) -> None:
        super().__init__(inferior, vmlinux, info.kaslr_offset)
        self._build_id = info.build_id
        self._dump = dump
        self.path = dump.path
        self.elf = getattr(dump, "elf", None)
        self.flags = dump.flags
        self.vmcoreinfo = dump.vmcoreinfo

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        self._dump.attach(memory)

    def notes(self) -> Iterator[Note]:
        return self._dump.notes()

    def load(self, prog: Program) -> None:
        identity = self.vmlinux.identity
        if self._build_id is not None and self._build_id != identity.build_id:
            raise LookupError(
                f"{self.vmlinux.path} is of another kernel than {self.path}:"
                f" {identity}; the dump's is build ID {self._build_id.hex()}"
            )
        super().load(prog)
