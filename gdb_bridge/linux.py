"""What all Linux kernels are in GDB, those that run and those in dumps."""

from __future__ import annotations

import gdb

from drgn.guest import Vmlinux
from drgn.hosts.gdb_kernel import GdbLinux, find_vmlinux
from drgn.target import TargetThread

from .target import InferiorTarget
from .threads import registers_of


def vmlinux_of(progspace: gdb.Progspace) -> Vmlinux | None:
    """The kernel among the files of a program space."""
    names = [progspace.filename, *(file.filename for file in progspace.objfiles())]
    return find_vmlinux(names)


class LinuxTarget(GdbLinux, InferiorTarget):
    """A Linux kernel; GDB's threads are its processors."""

    def is_current(self) -> bool:
        # Not by the executable file: drgn-symbols may put others in its place.
        return self.alive and vmlinux_of(self.inferior.progspace) is self.vmlinux

    def selected_cpu(self) -> TargetThread | None:
        thread = gdb.selected_thread()
        if thread is None or thread.inferior != self.inferior or not self.alive:
            return None
        return TargetThread(thread.num, values=registers_of(thread))
