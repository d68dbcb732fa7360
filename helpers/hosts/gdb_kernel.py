"""A Linux kernel that GDB debugs: what is the same in GDB and from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeVar

from drgn import FaultError, Program, ProgramFlags
from drgn.guest import (
    GuestKernel,
    Vmlinux,
    explain_no_kernel,
    find_guest_kernel,
    open_vmlinux,
)
from drgn.hosts.gdb_process import GdbProcess
from drgn.hosts.gdb_stub import GdbStub
from drgn.target import Mapping, Memory, TargetThread

KernelT = TypeVar("KernelT", bound="GdbKernel")

# Of Debian and Fedora, wherever that is unpacked.
_PACKAGE = re.compile(r"(.+)/(?:boot/vmlinux-[^/]+|lib/modules/[^/]+/vmlinux[^/]*)")

_files: dict[str, tuple[tuple[int, int], Vmlinux | None]] = {}
"""By path: size and time of the file, and what it is."""


def find_vmlinux(names: Iterable[str | None]) -> Vmlinux | None:
    """The kernel among GDB's files."""
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


class GdbLinux(GdbProcess):
    """A Linux kernel. Its threads are tasks; GDB's are the processors."""

    keeps_files = True
    loads_files = True

    vmlinux: Vmlinux
    offset: int
    """How far KASLR has moved the kernel."""

    def set_vmlinux(self, vmlinux: Vmlinux, offset: int) -> None:
        """Take what follows from the kernel's file and where it is."""
        self.vmlinux = vmlinux
        self.offset = offset
        self.platform = vmlinux.platform
        self._newest: int | None = None
        # Modules are where vmlinux is: in debug packages, or where it was built.
        path = os.path.realpath(vmlinux.path)
        directory = os.path.dirname(path)
        package = _PACKAGE.fullmatch(path)
        if package is not None:
            self.debug_directories = [package[1]]
        elif os.path.exists(os.path.join(directory, "modules.order")):
            self.kernel_directories = [directory]

    @property
    def resolves_names(self) -> bool:  # type: ignore[override]
        """Whether GDB's own symbols are where the kernel is."""
        banner = self.vmlinux.symbol("linux_banner")
        if banner is None:
            return self.offset == 0
        address = banner.address + self.offset & 2**64 - 1
        return self.text(f"info symbol {address:#x}").startswith("linux_banner ")

    def load(self, prog: Program) -> None:
        """As it says there; after a stop for the modules that were loaded since."""
        newest = None if self._newest is None else _newest_module(prog)
        if newest is None or newest != self._newest:
            modules = [module for module, _ in prog.loaded_modules()]
            prog.load_module_debug_info(*modules)
            self._newest = _newest_module(prog)
        self.load_given(prog)

    # What processes have.

    def auxv(self) -> dict[int, int]:
        return {}

    def mappings(self) -> Sequence[Mapping]:
        return ()


def _newest_module(prog: Program) -> int | None:
    """The first of the list of modules, to which new ones are added; None without."""
    try:
        newest: int = prog["modules"].next.value_()
    except (KeyError, FaultError):
        return None
    return newest


class GdbKernel(GdbLinux):
    """The kernel that runs behind a stub."""

    def set_kernel(self, stub: GdbStub, kernel: GuestKernel) -> None:
        """Take the kernel that was found."""
        self.set_vmlinux(kernel.vmlinux, kernel.image.offset)
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
        if not super().is_current():
            return False
        if self.running:
            return True
        if self._confirmed is None:
            # It may have been booted again.
            self._confirmed = self._kernel.is_still_there()
        return self._confirmed

    def cpus(self) -> Sequence[TargetThread]:
        return [
            TargetThread(number, values=self._stub.registers(number))
            for number in sorted(self._stub.processors())
        ]


class GdbMissingKernel(GdbProcess):
    """A machine that does not run the kernel of GDB's vmlinux, so far."""

    def set_missing(self, stub: GdbStub, vmlinux: Vmlinux) -> None:
        """Take what may become a kernel."""
        self.stub = stub
        self._vmlinux = vmlinux
        self._problem: str | None = None
        self._searched = False

    def find(self) -> GuestKernel | None:
        """The kernel, if there is one now; None while the machine runs."""
        if self.running:
            return None
        self._searched = True
        self.stub.probe()
        found = find_guest_kernel(self._vmlinux, self.stub)
        return None if found is None or found.vmcoreinfo is None else found

    def kernel_or_self(self, make: Callable[[], KernelT]) -> KernelT | Self:
        """What ``make`` makes, with the kernel if there is one now."""
        found = self.find()
        if found is None:
            return self
        kernel = make()
        kernel.set_kernel(self.stub, found)
        return kernel

    def changed(self) -> None:
        super().changed()
        self.stub.running = self.running
        self.stub.changed()
        self._problem = None
        self._searched = False

    def is_current(self) -> bool:
        return super().is_current() and (self._searched or self.find() is None)

    def load(self, prog: Program) -> None:
        raise LookupError(self.problem())

    def problem(self) -> str:
        """Why there is no kernel to debug."""
        if self.running:
            return "the machine is running: interrupt it first"
        if self._problem is None:
            self._problem = explain_no_kernel(self._vmlinux, self.stub)
        return self._problem
