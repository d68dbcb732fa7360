"""A kernel's dump that GDB has opened as a core file, as a Target."""

from __future__ import annotations

import gdb

from drgn.hosts.gdb_vmcore import GdbBadVmcore, GdbVmcore, find_dump

from .linux import LinuxTarget, vmlinux_of
from .target import InferiorTarget


def open_vmcore(inferior: gdb.Inferior) -> InferiorTarget | None:
    """The kernel's dump that GDB has opened; None if it is nothing such."""
    vmlinux = vmlinux_of(inferior.progspace)
    if vmlinux is None:
        return None
    found = find_dump(str(gdb.execute("info files", to_string=True)))
    if found is None:
        return None
    if isinstance(found, str):
        bad = BadVmcoreTarget(inferior)
        bad.problem = found
        return bad
    target = VmcoreTarget(inferior)
    target.set_dump(vmlinux, *found)
    return target


class BadVmcoreTarget(GdbBadVmcore, InferiorTarget):
    """A dump that cannot be read as one of a kernel."""


class VmcoreTarget(GdbVmcore, LinuxTarget):
    """A kernel's dump and its vmlinux."""
