"""A QEMU guest over its monitor: stopped at its first instruction, with data in RAM."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bad_input.damage import limits

from drgn.engine.errors import FaultError
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.segments import FileSegment
from drgn.engine.platform import Architecture, Platform
from drgn.engine.targets.qemu import MonitorSegment, QemuTarget
from drgn.engine.targets.qmp import Monitor

_VALUE = 0x1122334455667788
_ADDRESS = 0x200000


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[str]:
    """The QMP socket of a guest of 32 MiB."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("no qemu-system-x86_64")
    path = tmp_path / "qmp"
    pid = tmp_path / "pid"
    loader = f"loader,data={_VALUE:#x},addr={_ADDRESS:#x},data-len=8"
    command = ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none"]
    command += ["-accel", "tcg", "-m", "32", "-device", loader]
    command += ["-qmp", f"unix:{path},server=on,wait=off"]
    # It goes to the background when the socket is there.
    command += ["-daemonize", "-pidfile", str(pid)]
    subprocess.run(command, check=True)
    yield str(path)
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_memory_of_the_qemu_process(guest: str) -> None:
    target = QemuTarget(guest)
    assert target.platform == Platform(Architecture.X86_64)
    assert target.flags == ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE
    assert target.vmcoreinfo is None
    memory = Memory()
    target.attach(memory)
    assert memory.read(_ADDRESS, 8, physical=True) == _VALUE.to_bytes(8, "little")
    assert isinstance(memory.physical.find(_ADDRESS)[1], FileSegment)
    last = max(end for start, end, _ in memory.physical if start < 2**31)
    assert last == 32 << 20
    with pytest.raises(FaultError):
        memory.read(last, 8, physical=True)


def test_memory_through_the_monitor(guest: str) -> None:
    monitor = Monitor(guest)
    segment = MonitorSegment(0, 32 << 20, monitor)
    assert int.from_bytes(segment.read(_ADDRESS, 8), "little") == _VALUE
    assert segment.read(_ADDRESS + 1, 3) == _VALUE.to_bytes(8, "little")[1:4]
    assert segment.read(_ADDRESS - 5000, 9000) == (
        bytes(5000) + _VALUE.to_bytes(8, "little") + bytes(3992)
    )
    with pytest.raises(FaultError):
        MonitorSegment(0x7000000000, 8, monitor).read(0x7000000000, 8)


def test_by_descriptor(guest: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(guest)
        monitor = Monitor(connection.fileno())
    assert monitor.execute("query-target") == {"arch": "x86_64"}
    with pytest.raises(ValueError, match="nonsense"):
        monitor.execute("nonsense")


_GREETING = b'{"QMP": {}}\n'


@contextlib.contextmanager
def served(path: str, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """A socket at whose other end one connection is served."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def accept() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    "greeting",
    [
        b"hello\n",
        b"[]\n",
        b"",
        b"[" * 100000 + b"\n",
        _GREETING,
        json.dumps({"a": 1}).encode() + b"\n",
        _GREETING + b'{"error": "no"}\n',
    ],
)
def test_what_is_no_monitor(tmp_path: Path, greeting: bytes) -> None:
    path = str(tmp_path / "socket")

    def serve(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.shutdown(socket.SHUT_WR)

    with served(path, serve), pytest.raises((ValueError, OSError)) as info:
        Monitor(path)
    assert path in str(info.value)


@pytest.mark.parametrize("events", [b'{"event": "STOP"}\n', b" "])
def test_monitor_that_only_tells_of_events(
    tmp_path: Path, events: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drgn.engine.targets.qmp._TIMEOUT", 0.2)
    path = str(tmp_path / "socket")
    told = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(_GREETING)
        while not told.wait(0.05):
            connection.sendall(events)

    with served(path, serve):
        with limits(), pytest.raises(TimeoutError, match=f"{path}: no answer within"):
            Monitor(path)
        told.set()


def monitor(connection: socket.socket, answers: dict[str, object]) -> None:
    """Answer commands until the other end is closed."""
    connection.sendall(_GREETING)
    with connection.makefile("rb") as file:
        for line in file:
            message = json.loads(line)
            command = message["arguments"].get("command-line") or message["execute"]
            answer = {"return": answers.get(command.split()[0], {})}
            connection.sendall(json.dumps(answer).encode() + b"\n")


@pytest.mark.parametrize(
    "answers",
    [
        {"query-target": []},
        {"query-target": {"arch": []}},
        {"info": None},
        {"xp": "0: 0x100 0x-1"},
        {"gpa2hva": f"Host virtual address for 0x0 is 0x{'f' * 40}"},
        {"gpa2hva": "Host virtual address for 0x0 is 0xffffffffffffffff"},
    ],
)
def test_monitor_that_lies(tmp_path: Path, answers: dict[str, object]) -> None:
    path = str(tmp_path / "socket")
    ram = 'FlatView #0\n AS "memory"\n  %016x-%016x (prio 0, ram): pc\n'
    lines = ram % (0, 0xFFFF) + (ram % (2**64 - 4096, 4096)).partition('memory"\n')[2]
    answers = {"query-target": {"arch": "x86_64"}, "info": lines, **answers}
    with served(path, lambda connection: monitor(connection, answers)):
        target = QemuTarget(path)
        memory = Memory()
        target.attach(memory)
        with pytest.raises(FaultError):
            memory.read(0, 8, physical=True)
        target._monitor._socket.close()


def test_addresses_that_do_not_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match=path):
        Monitor(path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionRefusedError, match=f"127.0.0.1:{port}"):
            Monitor(f"127.0.0.1:{port}")
    with pytest.raises(OSError, match="Bad file descriptor"):
        Monitor(os.sysconf("SC_OPEN_MAX") - 1)
