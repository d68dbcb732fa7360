"""Live processes, through ``/proc/PID``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import FaultError
from ..flags import ProgramFlags
from ..memory.segments import FAULTS, Descriptor, FileSegment
from ..platform import host_platform
from .base import Mapping, Target, TargetThread
from .prstatus import auxv_of

if TYPE_CHECKING:
    from ..memory.memory import Memory


class ProcessTarget(Target):
    """A running process.

    Raises OSError if there is no process ``pid`` or its memory may not be read.
    """

    noun = "process without a debugger"
    writable = True
    flags = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.platform = host_platform
        self._file = Descriptor(f"/proc/{pid}/mem")

    def attach(self, memory: Memory) -> None:
        memory.add(ProcessSegment(self.pid, self._file))

    def threads(self) -> Sequence[TargetThread]:
        tids = sorted(int(name) for name in os.listdir(f"/proc/{self.pid}/task"))
        return [TargetThread(tid) for tid in tids]

    def thread(self, tid: int) -> TargetThread | None:
        if not os.path.exists(f"/proc/{self.pid}/task/{tid}"):
            return None
        return TargetThread(tid)

    def main_thread(self) -> TargetThread | None:
        return self.thread(self.pid)

    def thread_name(self, thread: TargetThread) -> str | None:
        """As threads may rename themselves; FileNotFoundError if it has exited."""
        with open(f"/proc/{self.pid}/task/{thread.tid}/comm", "rb") as file:
            return file.read().removesuffix(b"\n").decode(errors="backslashreplace")

    def mappings(self) -> Sequence[Mapping]:
        return [
            Mapping(start, end, offset, path)
            for start, end, _flags, offset, path in _maps(self.pid)
            if path.startswith("/")
        ]

    def executable_path(self) -> str | None:
        return f"/proc/{self.pid}/exe"

    def mapped_path(self, address: int) -> str | None:
        for mapping in self.mappings():
            if mapping.start <= address < mapping.end:
                files = f"/proc/{self.pid}/map_files"
                return f"{files}/{mapping.start:x}-{mapping.end:x}"
        return None

    def auxv(self) -> dict[int, int]:
        with open(f"/proc/{self.pid}/auxv", "rb") as file:
            return auxv_of(file.read(), self.platform or host_platform)


class ProcessSegment(FileSegment):
    """All of a process's addresses."""

    __slots__ = ("_pid", "_writable")

    slow = True

    def __init__(self, pid: int, file: Descriptor) -> None:
        super().__init__(0, 2**64 - 1, file, 0)  # As upstream: not the last byte.
        self._pid = pid
        self._writable: Descriptor | None = None

    def write(self, address: int, data: bytes) -> None:
        if self._writable is None:
            # The same file, not the same path: that may be another process by now.
            path = f"/proc/self/fd/{self._file.fd}"
            self._writable = Descriptor(path, os.O_RDWR)
        while data:
            try:
                written = os.pwrite(self._writable.fd, data, address)
            except (OSError, OverflowError) as error:
                if isinstance(error, OSError) and error.errno not in FAULTS:
                    raise
                raise FaultError("could not write memory", address) from None
            if not written:
                raise FaultError("could not write memory", address)
            data = data[written:]
            address += written

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for low, high, flags, _offset, _path in _maps(self._pid):
            low, high = max(low, start), min(high, end)
            if low < high and flags.startswith("r"):
                try:
                    self.read(low, 1)
                except FaultError:  # The kernel's own, such as [vvar].
                    continue
                yield low, high


def _maps(pid: int) -> Iterator[tuple[int, int, str, int, str]]:
    """(start, end, flags, file offset, path) of each line of ``/proc/PID/maps``."""
    with open(f"/proc/{pid}/maps", "rb") as file:
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split(None, 5)
        low, high = fields[0].split(b"-")
        path = os.fsdecode(fields[5]) if len(fields) > 5 else ""
        yield int(low, 16), int(high, 16), fields[1].decode(), int(fields[2], 16), path
