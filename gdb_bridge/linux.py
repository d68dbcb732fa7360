"""What all Linux kernels are in GDB, those that run and those in dumps."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import gdb

from drgn import FaultError, Program
from drgn.guest import Vmlinux, open_vmlinux
from drgn.target import Mapping, TargetThread

from .target import InferiorTarget, registers_of

# Of Debian and Fedora, wherever that is unpacked.
_PACKAGE = re.compile(r"(.+)/(?:boot/vmlinux-[^/]+|lib/modules/[^/]+/vmlinux[^/]*)")

_files: dict[str, tuple[tuple[int, int], Vmlinux | None]] = {}
"""By path: size and time of the file, and what it is."""


def find_vmlinux(progspace: gdb.Progspace) -> Vmlinux | None:
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


class LinuxTarget(InferiorTarget):
    """A Linux kernel. Its threads are tasks; GDB's are the processors."""

    keeps_files = True
    loads_files = True

    def __init__(self, inferior: gdb.Inferior, vmlinux: Vmlinux, offset: int) -> None:
        """``offset`` is how far KASLR has moved the kernel."""
        super().__init__(inferior)
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
        text = str(gdb.execute(f"info symbol {address:#x}", to_string=True))
        return text.startswith("linux_banner ")

    def is_current(self) -> bool:
        return super().is_current() and (
            find_vmlinux(self.inferior.progspace) is self.vmlinux
        )

    def load(self, prog: Program) -> None:
        """As it says there; after a stop for the modules that were loaded since."""
        newest = None if self._newest is None else _newest_module(prog)
        if newest is not None and newest == self._newest:
            return
        modules = [module for module, _ in prog.loaded_modules()]
        prog.load_module_debug_info(*modules)
        self._newest = _newest_module(prog)

    def selected_cpu(self) -> TargetThread | None:
        thread = gdb.selected_thread()
        if thread is None or thread.inferior != self.inferior or not self.alive:
            return None
        return TargetThread(thread.num, values=self._registers(thread))

    def _registers(self, thread: gdb.InferiorThread) -> dict[str, int]:
        return registers_of(thread)

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
