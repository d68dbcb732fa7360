"""A Linux kernel behind a debugging stub as a Target, wherever KASLR has put it."""

from __future__ import annotations

from collections.abc import Sequence

import gdb

from drgn import Program, ProgramFlags
from drgn.guest import GuestKernel, Vmlinux, explain_no_kernel, find_guest_kernel
from drgn.target import Memory, TargetThread

from .linux import LinuxTarget, find_vmlinux
from .stub import Stub
from .target import InferiorTarget


def open_kernel(inferior: gdb.Inferior) -> InferiorTarget | None:
    """The kernel that an inferior behind a stub is; None if GDB has no vmlinux."""
    vmlinux = find_vmlinux(inferior.progspace)
    if vmlinux is None:
        return None
    missing = MissingKernelTarget(inferior, vmlinux)
    kernel = missing.find()
    return missing if kernel is None else KernelTarget(inferior, missing.stub, kernel)


class MissingKernelTarget(InferiorTarget):
    """A machine that does not run the kernel of GDB's vmlinux, so far."""

    def __init__(self, inferior: gdb.Inferior, vmlinux: Vmlinux) -> None:
        super().__init__(inferior)
        self.stub = Stub(inferior)
        self._vmlinux = vmlinux
        self._problem: str | None = None
        self._searched = False

    def find(self) -> GuestKernel | None:
        """The kernel, if there is one now; None while the machine runs."""
        if any(thread.is_running() for thread in self.inferior.threads()):
            return None
        self._searched = True
        self.stub.probe()
        found = find_guest_kernel(self._vmlinux, self.stub)
        return None if found is None or found.vmcoreinfo is None else found

    def changed(self) -> None:
        super().changed()
        self.stub.changed()
        self._problem = None
        self._searched = False

    def is_current(self) -> bool:
        return super().is_current() and (self._searched or self.find() is None)

    def load(self, prog: Program) -> None:
        raise LookupError(self.problem())

    def problem(self) -> str:
        """Why there is no kernel to debug."""
        if not self._searched:
            return "the machine is running: interrupt it first"
        if self._problem is None:
            self._problem = explain_no_kernel(self._vmlinux, self.stub)
        return self._problem


class KernelTarget(LinuxTarget):
    """The kernel that runs behind a stub."""

    def __init__(self, inferior: gdb.Inferior, stub: Stub, kernel: GuestKernel) -> None:
        super().__init__(inferior, kernel.vmlinux, kernel.image.offset)
        self.noun = "kernel"
        self.flags = ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE
        self.vmcoreinfo = kernel.vmcoreinfo
        self._kernel = kernel
        self._stub = stub
        self._confirmed: bool | None = True

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        self._kernel.attach(memory)

    def changed(self) -> None:
        super().changed()
        self._stub.running = self.running
        self._stub.changed()
        self._confirmed = None

    def is_current(self) -> bool:
        if not super().is_current() or self.running:
            return super().is_current()
        if self._confirmed is None:
            # It may have been booted again.
            self._confirmed = self._kernel.is_still_there()
        return self._confirmed

    def cpus(self) -> Sequence[TargetThread]:
        threads = sorted(self._stub.threads(), key=lambda thread: thread.num)
        return [
            TargetThread(thread.num, values=self._registers(thread))
            for thread in threads
        ]

    def _registers(self, thread: gdb.InferiorThread) -> dict[str, int]:
        return self._stub.registers(thread)
