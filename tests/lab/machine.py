"""One QEMU guest, its monitor (QMP) and its serial lines."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .monitor import Monitor
from .packages import GuestError, LabError

#: One slab cache has all of SLUB's debugging: checks, red zones, poison, owners. The
#: emulated timer is not checked: where the machine is busy its ticks come too late.
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet panic=0 no_timer_check swapaccount=1"
    " slub_debug=FZPU,files_cache"
)
_PANIC = b"end Kernel panic"
#: Of util-linux. Who is killed has no chance to end its guest.
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class Machine:
    """A running guest; a context manager that ends it, as the end of this process does.

    ``append`` goes to the kernel's command line. With ``stub`` a debugger can connect
    at `gdb_socket`, and others than this object at `qmp_socket`; with ``paused`` the
    guest waits at its first instruction.
    """

    def __init__(
        self,
        directory: Path,
        kernel: Path,
        initramfs: Path,
        disks: list[Path],
        *,
        memory: int = 512,
        cpu: str = "max,la57=off",
        append: str = "",
        stub: bool = False,
        paused: bool = False,
        smp: str = "2",
        more: Sequence[str] = (),
    ) -> None:
        self.log = directory / "console.log"
        monitor = directory / "qmp.sock"
        serial = directory / "serial.sock"
        # The paths of Unix sockets are short by nature: name them from their directory.
        command = [
            *_DIES_WITH_US,
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-smp", smp,
            "-m", str(memory), "-display", "none", "-nodefaults", "-no-reboot",
            "-device", "vmcoreinfo",
            "-device", "pci-bridge,chassis_nr=1,id=bridge",
            "-device", "virtio-rng-pci,bus=bridge,addr=3",
            "-kernel", str(kernel), "-initrd", str(initramfs),
            "-append", f"{KERNEL_ARGUMENTS} {append}",
            "-qmp", f"unix:{monitor.name},server=on,wait=off",
            "-serial", f"file:{self.log.name}",
            "-serial", f"unix:{serial.name},server=on,wait=off",
            *more,
        ]  # fmt: skip
        for number, disk in enumerate(disks):
            command += [
                "-drive", f"file={disk},format=raw,if=none,id=disk{number}",
                "-device", f"virtio-blk-pci,drive=disk{number},id=blk{number}",
            ]  # fmt: skip
        if stub:
            command += ["-gdb", "unix:gdb.sock,server=on,wait=off"]
            command += ["-qmp", "unix:qmp2.sock,server=on,wait=off"]
        if paused:
            command += ["-S"]
        for path in (monitor, serial, self.log):
            path.unlink(missing_ok=True)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (__exit__ closes it)
        self._process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stderr=self._errors
        )
        self._monitor = Monitor(self._connect(monitor))
        self._serial = self._connect(serial)

    @property
    def gdb_socket(self) -> str:
        """The path of QEMU's debugging stub, short enough for a socket."""
        return f"/proc/{self._process.pid}/cwd/gdb.sock"

    @property
    def qmp_socket(self) -> str:
        """The path of a monitor that nobody uses so far."""
        return f"/proc/{self._process.pid}/cwd/qmp2.sock"

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _connect(self, path: Path) -> socket.socket:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            client = socket.socket(socket.AF_UNIX)
            try:
                # See above: relative names fit where absolute ones may not.
                client.connect(f"/proc/{self._process.pid}/cwd/{path.name}")
                return client
            except OSError:
                client.close()
                time.sleep(0.05)
        self._errors.seek(0)
        raise LabError(f"QEMU did not start: {self._errors.read().strip()}")

    def qmp(self, command: str, **arguments: Any) -> Any:
        """Run one monitor command and return what it answers."""
        return self._monitor.execute(command, **arguments)

    def wait_for(self, text: str, seconds: float = 600) -> None:
        """Wait until the guest's console has said ``text``.

        Raises GuestError if it does not in time, or panics first.
        """
        deadline = time.monotonic() + seconds
        while text.encode() not in (said := self.console()):
            ended = self._process.poll() is not None or _PANIC in said
            if ended or time.monotonic() > deadline:
                tail = said[-1500:].decode(errors="replace")
                raise GuestError(f"the guest never said {text!r}; it said:\n{tail}")
            time.sleep(0.1)

    @property
    def has_panicked(self) -> bool:
        return _PANIC in self.console()

    def console(self) -> bytes:
        """Everything that the guest has said."""
        return self.log.read_bytes() if self.log.exists() else b""

    def answer(self) -> None:
        """Let a guest go on that asked for it."""
        self.send(b"go\n")

    def send(self, data: bytes) -> None:
        """Write to the guest's second serial line."""
        self._serial.sendall(data)

    def receive_line(self, seconds: float = 60) -> bytes:
        """Wait for a line that the guest writes to its second serial line."""
        self._serial.settimeout(seconds)
        line = b""
        while not line.endswith(b"\n"):
            try:
                more = self._serial.recv(1 << 16)
            except TimeoutError:
                more = b""
            if not more:
                tail = self.console()[-1500:].decode(errors="replace")
                raise GuestError(f"the guest does not answer; it said:\n{tail}")
            line += more
        return line.rstrip()

    def dump(self, path: Path, format: str = "elf") -> None:
        """See `Monitor.dump`."""
        self._monitor.dump(path, format)

    def dump_formats(self) -> list[str]:
        formats: list[str] = self.qmp("query-dump-guest-memory-capability")["formats"]
        return formats
