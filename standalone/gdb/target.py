"""The inferior of a GDB outside as a Target: its memory, threads and registers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from drgn import FaultError
from drgn.hosts.gdb_memory import GdbSegment, Unreadable
from drgn.hosts.gdb_process import GdbProcess, register_value
from drgn.target import Memory, TargetThread

from .mi import Gdb, GdbError, GdbLost

# "Thread 0x7ffff7dd1740 (LWP 123)", "LWP 123", "Thread 123.456", "process 123"
_TIDS = (
    re.compile(r"LWP (\d+)"),
    re.compile(r"Thread \d+\.(\d+)"),
    re.compile(r"(?:process|Thread) (\d+)"),
)
SYMBOLS = re.compile(r'^Symbols from "(.+)"\.$', re.M)
"""Of ``info files``: the file that GDB has its symbols from."""
_CONNECTION = re.compile(r"^\* .*?\s\d+ \((\S+?)[ )]", re.M)
_CURRENT = re.compile(r"^\* (\d+)\s", re.M)
_VECTORS = re.compile(r"[xyz]mm|st\d|k\d|[vqdsbh]\d+$|f[ioc]|mxcsr")
_ARCHITECTURE = re.compile(r'"?([\w:-]+)"?\)?\.?\s*$')


class OutsideTarget(GdbProcess):
    """An inferior as it is from its start, or from its exec, to its end."""

    def __init__(self, gdb: Gdb) -> None:
        """Look at GDB's current inferior. Raises GdbLost if GDB is gone."""
        self.gdb = gdb
        group = self.group()
        self.group_id = group.get("id")
        self.pid = int(group.get("pid", 0))
        self._started = group.get("executable")
        symbols = SYMBOLS.search(self.text("info files"))
        self.executable = self._started or (symbols and symbols[1])
        connection = _CONNECTION.search(self.text("info inferiors"))
        self.set_kind(connection[1] if connection and self.pid else None)
        architecture = _ARCHITECTURE.search(self.text("show architecture"))
        self.platform = self.platform_of(architecture[1] if architecture else "")
        self.ended = False
        self.away = False

    def group(self) -> dict[str, Any]:
        """What GDB says of the current inferior."""
        groups: list[dict[str, Any]] = self.gdb.command("-list-thread-groups")["groups"]
        if len(groups) > 1:
            current = _CURRENT.search(self.text("info inferiors"))
            wanted = f"i{current[1]}" if current else None
            groups = [group for group in groups if group["id"] == wanted]
        return groups[0] if groups else {}

    def leave(self) -> None:
        """GDB's current inferior is another one from now on."""
        self.away = True
        self.changed()

    @property
    def alive(self) -> bool:
        return not self.ended and not self.away and self.gdb.is_there

    def is_current(self) -> bool:
        group = self.group()
        return (
            group.get("id") == self.group_id
            and group.get("executable") == self._started
            and int(group.get("pid", 0)) == (0 if self.ended else self.pid)
        )

    def text(self, command: str) -> str:
        try:
            return self.gdb.console(command)
        except GdbError:
            return ""

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        memory.add(OutsideSegment(self))

    # Memory.

    def check(self, verb: str, address: int, noun: str = "process") -> None:
        """Raise FaultError if GDB, or what it debugs, is gone."""
        if not self.gdb.is_there:
            raise FaultError(f"could not {verb} memory: GDB has ended", address)
        if self.ended:
            raise FaultError(f"could not {verb} memory: the {noun} is gone", address)
        if self.away:
            why = f"the {noun} is not GDB's current inferior"
            raise FaultError(f"could not {verb} memory: {why}", address)

    def read_some(self, address: int, size: int, option: str = "") -> bytes:
        """Read all of a range; GdbError if a part cannot be read.

        ``option`` is one of MI's, such as for a thread.
        """
        where = f"{option}{address:#x} {size}"
        found = self.gdb.command(f"-data-read-memory-bytes {where}")
        pieces = [bytes.fromhex(block["contents"]) for block in found["memory"]]
        if sum(map(len, pieces)) != size:
            raise GdbError("a part cannot be read")
        return b"".join(pieces)

    def write_some(self, address: int, data: bytes, option: str = "") -> None:
        """Write to memory; as above."""
        where = f"{option}{address:#x} {data.hex()}"
        self.gdb.command(f"-data-write-memory-bytes {where}")

    # Threads.

    def _threads(self) -> tuple[list[dict[str, Any]], str | None]:
        """What GDB says of the threads, and the number of the selected one."""
        if not self.alive or not self.pid:
            return [], None
        found = self.gdb.command("-thread-info")
        threads = found["threads"]
        own = self.gdb.command(f"-list-thread-groups {self.group_id}")["threads"]
        if len(own) < len(threads):  # There are other inferiors.
            numbers = {thread["id"] for thread in own}
            threads = [thread for thread in threads if thread["id"] in numbers]
        return threads, found.get("current-thread-id")

    def threads(self) -> Sequence[TargetThread]:
        found = [
            self.named(tid_of(thread), thread.get("name"))
            for thread in self._threads()[0]
        ]
        return sorted(found, key=lambda thread: thread.tid)

    def thread(self, tid: int) -> TargetThread | None:
        """The thread with an ID and its registers; ValueError if it is running."""
        for thread in self._threads()[0]:
            if tid_of(thread) == tid:
                if thread.get("state") == "running":
                    raise ValueError(f"thread {tid} is running: interrupt it first")
                registers = self.registers(thread["id"])
                return self.named(tid, thread.get("name"), registers)
        return None

    def crashed_thread(self) -> TargetThread | None:
        threads = self._threads()[0]
        if self.kind != "core" or not threads:
            return None
        # The first by the order of the notes.
        return self.thread(tid_of(min(threads, key=lambda thread: int(thread["id"]))))

    def selected_thread(self) -> int:
        """The ID of the selected thread; LookupError if there is none."""
        threads, selected = self._threads()
        for thread in threads:
            if thread["id"] == selected:
                return tid_of(thread)
        raise LookupError("no thread of this program is selected in GDB")

    @cached_property
    def _register_names(self) -> list[str]:
        names: list[str] = self.gdb.command("-data-list-register-names")[
            "register-names"
        ]
        return names

    def registers(self, thread: str) -> dict[str, int]:
        """The registers of a thread, by its number in GDB."""
        values = {}
        numbers = [
            str(number)
            for number, name in enumerate(self._register_names)
            if _is_general(name)
        ]
        found = self.gdb.command(
            f"-data-list-register-values --thread {thread} --frame 0"
            f" --skip-unavailable x {' '.join(numbers)}"
        )
        for register in found["register-values"]:
            name = self._register_names[int(register["number"])]
            try:
                known, value = register_value(name, int(register["value"], 0))
            except ValueError:
                continue  # Not a number.
            values[known] = value
        return values


def _is_general(name: str) -> bool:
    """Whether a register may be one of those that hold integers."""
    return bool(name) and not _VECTORS.match(name)


def tid_of(thread: dict[str, Any]) -> int:
    """The number by which its system knows a thread."""
    for pattern in _TIDS:
        found = pattern.search(thread["target-id"])
        if found is not None:
            return int(found[1])
    return int(thread["id"])


class OutsideSegment(GdbSegment):
    """The memory of what GDB debugs, read by its machine interface."""

    __slots__ = ()
    _target: OutsideTarget

    def read_some(self, address: int, size: int) -> bytes:
        self._target.check("read", address)
        try:
            return self._target.read_some(address, size)
        except GdbLost as error:
            raise FaultError(f"could not read memory: {error}", address) from None
        except GdbError:
            raise Unreadable from None

    def write_some(self, address: int, data: bytes) -> None:
        self._target.check("write", address)
        try:
            self._target.write_some(address, data)
        except GdbLost as error:
            raise FaultError(f"could not write memory: {error}", address) from None
        except GdbError:
            raise Unreadable from None
