"""A Linux kernel behind a debugging stub as a Target, wherever KASLR has put it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import gdb

from drgn import Program, ProgramFlags
from drgn.guest import (
    GuestKernel,
    Vmlinux,
    explain_no_kernel,
    find_guest_kernel,
    open_vmlinux,
)
from drgn.target import Mapping, Memory, TargetThread

from .stub import Stub
from .target import InferiorTarget

# Of Debian and Fedora, wherever that is unpacked.
_PACKAGE = re.compile(r"(.+)/(?:boot/vmlinux-[^/]+|lib/modules/[^/]+/vmlinux[^/]*)")

_files: dict[str, tuple[tuple[int, int], Vmlinux | None]] = {}
"""By path: size and time of the file, and what it is."""


def open_kernel(inferior: gdb.Inferior) -> InferiorTarget | None:
    """The kernel that an inferior behind a stub is; None if GDB has no vmlinux."""
    vmlinux = _vmlinux(inferior.progspace)
    if vmlinux is None:
        return None
    missing = MissingKernelTarget(inferior, vmlinux)
    kernel = missing.find()
    return missing if kernel is None else KernelTarget(inferior, missing.stub, kernel)


def _vmlinux(progspace: gdb.Progspace) -> Vmlinux | None:
    """The kernel among GDB's files."""
    names = [progspace.filename, *(file.filename for file in progspace.objfiles())]
    for name in dict.fromkeys(filter(None, names)):
        try:
            status = os.stat(name)
        except OSError:
            continue
        stamp = status.st_size, status.st_mtime_ns
        if name not in _files or _files[name][0] != stamp:
            _files[name] = stamp, open_vmlinux(name)
        if _files[name][1] is not None:
            return _files[name][1]
    return None


class MissingKernelTarget(InferiorTarget):
    """A machine that does not run the kernel of GDB's vmlinux, so far."""

    def __init__(self, inferior: gdb.Inferior, vmlinux: Vmlinux) -> None:
        super().__init__(inferior)
        self.stub = Stub(inferior)
        self._kernel_file = vmlinux
        self._problem: str | None = None
        self._searched = False

    def find(self) -> GuestKernel | None:
        """The kernel, if there is one now; None while the machine runs."""
        if any(thread.is_running() for thread in self.inferior.threads()):
            return None
        self._searched = True
        found = find_guest_kernel(self._kernel_file, self.stub)
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
            self._problem = explain_no_kernel(self._kernel_file, self.stub)
        return self._problem


class KernelTarget(InferiorTarget):
    """A Linux kernel. Its threads are tasks; GDB's are the processors."""

    keeps_files = True

    def __init__(self, inferior: gdb.Inferior, stub: Stub, kernel: GuestKernel) -> None:
        super().__init__(inferior)
        self.noun = "kernel"
        self.flags = ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE
        self.platform = kernel.vmlinux.platform
        self.vmcoreinfo = kernel.vmcoreinfo
        self.kernel = kernel
        self._stub = stub
        self._find_directories(os.path.realpath(kernel.vmlinux.path))
        self._confirmed: bool | None = True

    @property
    def resolves_names(self) -> bool:  # type: ignore[override]
        """Whether GDB's own symbols are where the kernel is."""
        return symbols_are_moved(self.kernel)

    def _find_directories(self, vmlinux: str) -> None:
        """Find modules where vmlinux is: debug packages, or where it was built."""
        directory = os.path.dirname(vmlinux)
        package = _PACKAGE.fullmatch(vmlinux)
        if package is not None:
            self.debug_directories = [package[1]]
        elif os.path.exists(os.path.join(directory, "modules.order")):
            self.kernel_directories = [directory]

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        self.kernel.attach(memory)

    def changed(self) -> None:
        super().changed()
        self._stub.running = self.running
        self._stub.changed()
        self._confirmed = None

    def is_current(self) -> bool:
        if not super().is_current():
            return False
        if _vmlinux(self.inferior.progspace) is not self.kernel.vmlinux:
            return False
        if self.running:
            return True
        if self._confirmed is None:
            # It may have been booted again.
            self._confirmed = self.kernel.is_still_there()
        return self._confirmed

    # Threads, which a kernel has as tasks.

    def selected_cpu(self) -> TargetThread | None:
        thread = gdb.selected_thread()
        if thread is None or thread.inferior != self.inferior or not self.alive:
            return None
        return TargetThread(thread.num, values=self._stub.registers(thread))

    def cpus(self) -> Sequence[TargetThread]:
        threads = sorted(self._stub.threads(), key=lambda thread: thread.num)
        return [
            TargetThread(thread.num, values=self._stub.registers(thread))
            for thread in threads
        ]

    # What processes have.

    def auxv(self) -> dict[int, int]:
        return {}

    def mappings(self) -> Sequence[Mapping]:
        return ()

    def load(self, prog: Program) -> None:
        modules = [module for module, _ in prog.loaded_modules()]
        prog.load_module_debug_info(*modules)


def symbols_are_moved(kernel: GuestKernel) -> bool:
    """Whether GDB has the symbols of vmlinux where KASLR has put them."""
    banner = kernel.vmlinux.symbol("linux_banner")
    if banner is None:
        return kernel.image.offset == 0
    address = kernel.image.address(banner.address)
    text = str(gdb.execute(f"info symbol {address:#x}", to_string=True))
    return text.startswith("linux_banner ")
