"""A kernel's dump that GDB has opened as a core file (``gdb vmlinux vmcore``).

GDB takes it for a process's, at the addresses that vmlinux is linked to. So it is read
without GDB; only the selected processor and its registers are GDB's.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import BadDataError, Program, ProgramFlags
from drgn.guest import Vmcoreinfo, Vmlinux
from drgn.hosts.gdb_kernel import GdbLinux
from drgn.hosts.gdb_process import GdbProcess, core_path
from drgn.target import Memory, Note, Target, open_core


class GdbVmcore(GdbLinux):
    """A kernel's dump and its vmlinux."""

    def set_dump(self, vmlinux: Vmlinux, dump: Target, info: Vmcoreinfo) -> None:
        """Take what the dump is."""
        self.set_vmlinux(vmlinux, info.kaslr_offset)
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


class GdbBadVmcore(GdbProcess):
    """A dump that cannot be read as one of a kernel."""

    problem: str

    def load(self, prog: Program) -> None:
        raise LookupError(self.problem)


def find_dump(files: str) -> tuple[Target, Vmcoreinfo] | str | None:
    """The dump that GDB has opened, by what ``info files`` prints.

    None if it is none of a kernel's; what is wrong with it if it cannot be read.
    """
    path = core_path(files)
    if path is None:
        return None
    try:
        dump = open_core(path)
        if not dump.flags & ProgramFlags.IS_LINUX_KERNEL:
            return None
        if dump.vmcoreinfo is None:
            raise BadDataError(f"{path}: dump has no VMCOREINFO")
        return dump, Vmcoreinfo(dump.vmcoreinfo)
    except (OSError, ValueError, BadDataError) as error:
        return str(error)
