"""ELF core dumps of kernels in makedumpfile's flattened format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..elf.constants import ET_CORE
from ..elf.file import ElfFile
from ..memory.segments import Segment
from .core import CoreTarget, warn_if_truncated

if TYPE_CHECKING:
    from ..elf.headers import Segment as ProgramHeader
    from ..memory.segments import Buffer
    from .kdump_flat import FlatFile

_HEADERS_MAX = 16 << 20
"""Bytes in which the program headers and notes lie: they are written first."""


class FlatCoreTarget(CoreTarget):
    """A dump that was written to a pipe (``makedumpfile -E -F``).

    Raises ValueError if it is no core dump, and BadDataError if it is malformed.
    """

    def __init__(self, file: FlatFile) -> None:
        self._file = file
        elf = ElfFile(file.read(0, _HEADERS_MAX), file.path)
        if elf.type != ET_CORE:
            raise ValueError(f"not an ELF core file: {file.path}")
        warn_if_truncated(elf, file.size)
        super().__init__(elf, file.path)

    def _segments(
        self, header: ProgramHeader, address: int, is_kernel: bool
    ) -> Iterator[Segment]:
        return super()._segments(header, address, is_kernel=True)

    def _file_size(self) -> int:
        return self._file.size

    def _held(self, address: int, size: int, offset: int) -> Segment:
        return FlatSegment(address, size, self._file, offset)


class FlatSegment(Segment):
    """Bytes of a flattened file from an offset in the file proper on."""

    __slots__ = ("_base", "_file")

    def __init__(self, start: int, size: int, file: FlatFile, offset: int) -> None:
        super().__init__(start, size)
        self._file = file
        self._base = offset - start

    def read(self, address: int, size: int) -> Buffer:
        return self._file.read(address + self._base, size)

    def locate(self, address: int, size: int) -> tuple[Buffer, int]:
        return self._file.read(address + self._base, size), 0
