"""A Linux kernel behind a debugging stub as a Target, wherever KASLR has put it."""

from __future__ import annotations

import gdb

from drgn.hosts.gdb_kernel import GdbKernel, GdbMissingKernel

from .linux import LinuxTarget, vmlinux_of
from .stub import Stub
from .target import InferiorTarget


def open_kernel(inferior: gdb.Inferior) -> InferiorTarget | None:
    """The kernel that an inferior behind a stub is; None if GDB has no vmlinux."""
    vmlinux = vmlinux_of(inferior.progspace)
    if vmlinux is None:
        return None
    missing = MissingKernelTarget(inferior)
    missing.set_missing(Stub(inferior), vmlinux)
    return missing.kernel_or_self(lambda: KernelTarget(inferior))


class MissingKernelTarget(GdbMissingKernel, InferiorTarget):
    """A machine that does not run the kernel of GDB's vmlinux, so far."""


class KernelTarget(GdbKernel, LinuxTarget):
    """The kernel that runs behind a stub."""
