"""A Linux kernel that a GDB outside debugs, behind a stub or as a dump, as a Target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from drgn import FaultError
from drgn.hosts.gdb_kernel import GdbKernel, GdbLinux, GdbMissingKernel, find_vmlinux
from drgn.hosts.gdb_memory import Unreadable
from drgn.hosts.gdb_stub import GdbStub
from drgn.hosts.gdb_vmcore import GdbBadVmcore, GdbVmcore, find_dump
from drgn.target import TargetThread

from .control import ControlledTarget
from .mi import Gdb, GdbError, GdbLost
from .target import SYMBOLS

_RECEIVED = re.compile(r'^received: "(.*)"$', re.M)
_NO_MEMORY = "Unable to read memory"


def open_target(gdb: Gdb) -> ControlledTarget:
    """What GDB's current inferior is. Raises GdbLost if GDB is gone."""
    target = ControlledTarget(gdb)
    is_remote = target.kind in ("remote", "extended-remote")
    if not is_remote and (target.kind != "core" or target.auxv()):
        return target
    files = target.text("info files")
    vmlinux = find_vmlinux([target.executable, *SYMBOLS.findall(files)])
    if vmlinux is None:
        return target
    if is_remote:
        missing = MissingKernelTarget(gdb)
        stub = Stub(missing)
        missing.set_missing(stub, vmlinux)
        stub.target = missing.kernel_or_self(lambda: KernelTarget(gdb))
        return stub.target
    dump = find_dump(files)
    if isinstance(dump, str):
        bad = BadVmcoreTarget(gdb)
        bad.problem = dump
        return bad
    if dump is not None:
        vmcore = VmcoreTarget(gdb)
        vmcore.set_dump(vmlinux, *dump)
        return vmcore
    return target


class Stub(GdbStub):
    """The machine that an inferior is, asked through a GDB outside."""

    def __init__(self, target: ControlledTarget) -> None:
        super().__init__()
        self.target = target
        self._gdb = target.gdb
        self._option = ""

    def text(self, command: str) -> str:
        return self.target.text(command)

    def packet(self, packet: str) -> bytes:
        received = _RECEIVED.search(self.text(f"maintenance packet {packet}"))
        return received[1].encode() if received else b""

    def check(self, verb: str, address: int) -> None:
        self.target.check(verb, address, "guest")
        if self.running:
            raise FaultError(f"could not {verb} memory: the guest is running", address)

    # Processors.

    def processors(self) -> Sequence[int]:
        try:
            found = self._gdb.command("-thread-list-ids")
        except (GdbError, GdbLost):
            return ()
        ids = found["thread-ids"]
        if isinstance(ids, dict):  # As pygdbmi has a tuple of results.
            ids = ids.get("thread-id", ())
        ids = [ids] if isinstance(ids, str) else ids
        selected = found.get("current-thread-id")
        return sorted(
            map(int, ids), key=lambda number: (str(number) != selected, number)
        )

    def read_registers(self, processor: int) -> dict[str, int]:
        try:
            return self.target.registers(str(processor))
        except GdbError as error:
            raise ValueError(str(error)) from None

    @contextmanager
    def selected(self, processor: int) -> Iterator[None]:
        old, self._option = self._option, f"--thread {processor} "
        try:
            yield
        finally:
            self._option = old

    # Memory.

    def read_some(self, address: int, size: int) -> bytes:
        try:
            return self.target.read_some(address, size, self._option)
        except (GdbError, GdbLost) as error:
            raise Unreadable(str(error).removeprefix(_NO_MEMORY)) from None

    def write_some(self, address: int, data: bytes) -> None:
        try:
            self.target.write_some(address, data, self._option)
        except (GdbError, GdbLost) as error:
            raise Unreadable(str(error)) from None


class LinuxTarget(GdbLinux, ControlledTarget):
    """A Linux kernel; GDB's threads are its processors."""

    def selected_cpu(self) -> TargetThread | None:
        try:
            number = self.gdb.command("-thread-list-ids")["current-thread-id"]
        except (GdbError, GdbLost, KeyError):
            return None
        return TargetThread(int(number), values=self.registers(number))


class KernelTarget(GdbKernel, LinuxTarget):
    """The kernel that runs behind a stub."""


class MissingKernelTarget(GdbMissingKernel, ControlledTarget):
    """A machine that does not run the kernel of GDB's vmlinux, so far."""


class VmcoreTarget(GdbVmcore, LinuxTarget):
    """A kernel's dump and its vmlinux."""


class BadVmcoreTarget(GdbBadVmcore, ControlledTarget):
    """A dump that cannot be read as one of a kernel."""
