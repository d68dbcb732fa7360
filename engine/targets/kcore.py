"""The running kernel, through ``/proc/kcore`` (Linux's fs/proc/kcore.c)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..elf.file import ElfFile
from ..errors import BadDataError, FaultError
from ..flags import ProgramFlags
from ..memory.memory import Memory
from ..memory.segments import Descriptor, FileSegment, Segment
from .base import TargetThread
from .core import CoreTarget

if TYPE_CHECKING:
    from ..elf.headers import Segment as ProgramHeader

_HEADERS_MAX = 1 << 24
_HEADERS_MIN = 1 << 12


class KcoreTarget(CoreTarget):
    """The memory of the running kernel.

    ``fd`` is a descriptor of the file, which the caller may close, where it was opened
    by somebody else. Raises OSError if ``/proc/kcore`` is not there or may not be read
    (it takes CAP_SYS_RAWIO, and no lockdown).
    """

    noun = "running kernel"

    def __init__(self, path: str = "/proc/kcore", fd: int | None = None) -> None:
        self._file = Descriptor(path if fd is None else fd)
        super().__init__(ElfFile.from_bytes(_read_headers(self._file.fd), path), path)
        self.flags = (
            ProgramFlags.IS_LINUX_KERNEL | ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
        )
        if self.vmcoreinfo is None:  # Only since Linux 4.19 it is among the notes.
            self.vmcoreinfo = self._read_vmcoreinfo()

    def _segments(
        self, header: ProgramHeader, address: int, is_kernel: bool
    ) -> Iterator[Segment]:
        yield FileSegment(address, header.memsz, self._file, header.offset)

    def _read_vmcoreinfo(self) -> bytes | None:
        """VMCOREINFO from where ``/sys/kernel/vmcoreinfo`` says that it is."""
        try:
            with open("/sys/kernel/vmcoreinfo") as file:
                address, size = (int(word, 16) for word in file.read().split())
        except (OSError, ValueError):
            return None
        memory = Memory()
        self.attach(memory)
        try:
            note = memory.read(address, min(size, _HEADERS_MAX), physical=True)
        except FaultError:
            return None
        name_size, desc_size, _type = struct.unpack_from("=III", note)
        start = 12 + (name_size + 3 & ~3)
        return note[start : start + desc_size]

    def threads(self) -> Sequence[TargetThread]:
        return ()  # The registers in the notes are of the reader itself.


def open_kernel() -> KcoreTarget:
    """The running kernel; OSError as `KcoreTarget`."""
    return KcoreTarget()


def _read_headers(fd: int) -> bytes:
    """The ELF header, program headers and notes, which are all at the beginning."""
    head = os.pread(fd, _HEADERS_MIN, 0)
    if len(head) < 64 or head[:4] != b"\x7fELF":
        raise BadDataError("/proc/kcore: not an ELF file")
    is_64 = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    if is_64:
        phoff, phentsize, phnum = struct.unpack_from(order + "32xQ14xHH", head)
    else:
        phoff, phentsize, phnum = struct.unpack_from(order + "28xI10xHH", head)
    end = phoff + phentsize * phnum
    head = _read_to(fd, end)
    for index in range(phnum):
        start = phoff + index * phentsize
        if struct.unpack_from(order + "I", head, start)[0] == 4:  # PT_NOTE
            offset, filesz = (
                struct.unpack_from(order + "8xQ16xQ", head, start)
                if is_64
                else struct.unpack_from(order + "4xI8xI", head, start)
            )
            end = max(end, offset + filesz)
    return _read_to(fd, end)


def _read_to(fd: int, end: int) -> bytes:
    """The file up to ``end``."""
    if end > _HEADERS_MAX:
        raise BadDataError("/proc/kcore: headers are too large")
    data = b""
    while len(data) < end:
        more = os.pread(fd, end - len(data), len(data))
        if not more:
            raise BadDataError("/proc/kcore: headers are truncated")
        data += more
    return data
