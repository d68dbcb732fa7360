"""Pages that a core dump leaves out because a file has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..elf.file import ElfFile, open_elf
from ..errors import BadDataError, FaultError
from ..memory.segments import Segment
from ..memory.space import AddressSpace
from .base import Mapping

if TYPE_CHECKING:
    from ..memory.segments import Buffer

_HEADER_SIZE = 4096


class MappedFiles:
    """The files that a process had mapped, as they are now.

    Only executables and libraries are taken, and only if their build ID is that of
    the first page that the process saw, which Linux always dumps. Of these the parts
    that are not in the dump were never written to.
    """

    def __init__(self, mappings: Sequence[Mapping], dumped: AddressSpace) -> None:
        """``dumped`` is what the dump holds."""
        self._dumped = dumped
        self._files: dict[str, memoryview | None] = {}
        self._first = {m.path: m.start for m in mappings if not m.file_offset}
        self._space = AddressSpace()
        for mapping in mappings:
            self._space.add(MappedFileSegment(self, mapping, ""))

    def parts(self, start: int, end: int, message: str) -> Iterator[MappedFileSegment]:
        """The mappings between two addresses, in order.

        ``message`` is for what cannot be read from the file either.
        """
        for low, high, segment in self._space.pieces(start, end):
            assert isinstance(segment, MappedFileSegment)
            mapping = segment.mapping
            offset = mapping.file_offset + low - mapping.start
            part = Mapping(low, high, offset, mapping.path)
            yield MappedFileSegment(self, part, message)

    def contents(self, path: str) -> memoryview | None:
        """The bytes of a file, None if it is not the one that was mapped."""
        if path not in self._files:
            self._files[path] = self._open(path)
        return self._files[path]

    def _open(self, path: str) -> memoryview | None:
        start = self._first.get(path)
        if start is None or not path.startswith("/"):
            return None
        try:
            header = bytearray(self._dumped.read(start, _HEADER_SIZE))
            # The section headers are at the end of the file and not in memory.
            shoff = slice(40, 48) if header[4:5] == b"\2" else slice(32, 36)
            header[shoff] = bytes(len(header[shoff]))
            build_id = ElfFile.from_bytes(header, path).build_id
            file = open_elf(path)
            same = build_id is not None and build_id == file.build_id
        except (FaultError, BadDataError, OSError):
            return None
        return file.data if same else None


class MappedFileSegment(Segment):
    """A part of a mapped file; FaultError if the file is not there or another one."""

    __slots__ = ("_base", "_files", "_message", "mapping")

    def __init__(self, files: MappedFiles, mapping: Mapping, message: str) -> None:
        super().__init__(mapping.start, mapping.end - mapping.start)
        self.mapping = mapping
        self._files = files
        self._base = mapping.file_offset - mapping.start
        self._message = message

    def read(self, address: int, size: int) -> Buffer:
        buffer, offset = self.locate(address, size)
        return buffer[offset : offset + size]

    def locate(self, address: int, size: int) -> tuple[Buffer, int]:
        data = self._files.contents(self.mapping.path)
        held = 0 if data is None else len(data) - (address + self._base)
        if data is None or held < size:
            raise FaultError(self._message, address + max(held, 0))
        return data, address + self._base

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        data = self._files.contents(self.mapping.path)
        if data is not None:
            end = min(end, len(data) - self._base)
            if start < end:
                yield start, end
