"""The memory of a QEMU guest, through the QEMU process or else its monitor."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..elf.file import ElfFile
from ..errors import BadDataError, FaultError
from ..flags import ProgramFlags
from ..memory.segments import Descriptor, FileSegment, Segment
from ..platform import Architecture, Platform
from .base import Target
from .core import CoreTarget
from .qmp import Monitor

if TYPE_CHECKING:
    from ..memory.memory import Memory
    from ..memory.segments import Buffer

_ARCHITECTURES = {
    "x86_64": Architecture.X86_64,
    "i386": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "arm": Architecture.ARM,
    "ppc64": Architecture.PPC64,
    "riscv64": Architecture.RISCV64,
    "riscv32": Architecture.RISCV32,
    "s390x": Architecture.S390X,
    "loongarch64": Architecture.LOONGARCH64,
}
_RAM = re.compile(r"\s*([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (ram|rom|romd)\):")
_HOST_ADDRESS = re.compile(r"Host virtual address .* is 0x([0-9a-f]+)")
_DUMP_MAX = 64 << 20
"""Bytes of a dump of one page that are read: notes of CPUs, and VMCOREINFO."""
_XP_MAX = 4096
"""How many bytes the monitor is asked for at once."""


class QemuTarget(Target):
    """A QEMU guest that runs Linux, over QMP.

    VMCOREINFO is known if QEMU has ``-device vmcoreinfo``, the guest filled it, and
    the socket is a UNIX one. Raises OSError or ValueError as `Monitor`.
    """

    noun = "guest that is read over QMP"
    flags = ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE

    def __init__(self, address: str | int) -> None:
        self._monitor = Monitor(address)
        target = self._monitor.execute("query-target")
        name = target.get("arch") if isinstance(target, dict) else None
        architecture = _ARCHITECTURES.get(str(name))
        self.platform = None if architecture is None else Platform(architecture)
        self.vmcoreinfo = _vmcoreinfo(self._monitor)

    def attach(self, memory: Memory) -> None:
        ranges = list(ram_ranges(self._monitor.human("info mtree -f")))
        file = self._process_memory(ranges)
        for start, end in ranges:
            segment: Segment = MonitorSegment(start, end - start, self._monitor)
            if file is not None:
                host = _host_address(self._monitor, start)
                if host is not None:
                    segment = FileSegment(start, end - start, file, host)
            memory.add(segment, physical=True)

    def _process_memory(self, ranges: list[tuple[int, int]]) -> Descriptor | None:
        """The memory of QEMU itself, None if it may not be read.

        The other end of the socket may be a relay: what is at the end of memory, the
        firmware as a rule, must be the same through the monitor.
        """
        pid = self._monitor.peer()
        if pid is None or not ranges:
            return None
        end = ranges[-1][1]
        probe, size = end - 16, 16
        host = _host_address(self._monitor, probe)
        if host is None:
            return None
        try:
            file = Descriptor(f"/proc/{pid}/mem")
            data = FileSegment(probe, size, file, host).read(probe, size)
            same = data == MonitorSegment(probe, size, self._monitor).read(probe, size)
        except (OSError, FaultError):
            return None
        return file if same else None


class MonitorSegment(Segment):
    """Guest memory that the monitor's ``xp`` reads: slow, but it always may."""

    __slots__ = ("_monitor",)

    def __init__(self, start: int, size: int, monitor: Monitor) -> None:
        super().__init__(start, size)
        self._monitor = monitor

    def read(self, address: int, size: int) -> Buffer:
        pieces = []
        for start in range(address, address + size, _XP_MAX):
            count = min(_XP_MAX, address + size - start)
            text = self._monitor.human(f"xp /{count}bx {start:#x}")
            words = [line.partition(":")[2].split() for line in text.splitlines()]
            try:
                piece = bytes(int(word, 16) for line in words for word in line)
            except ValueError:
                raise FaultError("could not read memory", start) from None
            if len(piece) != count:
                raise FaultError("could not read memory", start + len(piece))
            pieces.append(piece)
        return b"".join(pieces)


def ram_ranges(mtree: str) -> Iterator[tuple[int, int]]:
    """(start, end) of RAM and ROM that the CPUs see, from ``info mtree -f``."""
    for view in mtree.split("FlatView #"):
        if 'AS "memory"' in view:
            for line in view.splitlines():
                found = _RAM.match(line)
                if found is not None and found[1] <= found[2]:
                    yield int(found[1], 16), int(found[2], 16) + 1


def _host_address(monitor: Monitor, address: int) -> int | None:
    """Where QEMU itself has a guest's physical address."""
    found = _HOST_ADDRESS.search(monitor.human(f"gpa2hva {address:#x}"))
    host = 0 if found is None else int(found[1], 16)
    return host if 0 < host < 1 << 63 else None


def _vmcoreinfo(monitor: Monitor) -> bytes | None:
    """VMCOREINFO, from the notes of a dump of a single page."""
    if not monitor.is_unix:
        return None
    fd = os.memfd_create("vmcoreinfo", os.MFD_CLOEXEC)
    try:
        monitor.execute("getfd", {"fdname": "pydrgn"}, fd)
        page = {"paging": False, "begin": 0, "length": 4096}
        monitor.execute("dump-guest-memory", {**page, "protocol": "fd:pydrgn"})
        dump = os.pread(fd, min(os.fstat(fd).st_size, _DUMP_MAX), 0)
        return CoreTarget(ElfFile.from_bytes(dump, "QEMU"), "QEMU").vmcoreinfo
    except (ValueError, BadDataError):  # Not for this machine.
        return None
    finally:
        os.close(fd)
