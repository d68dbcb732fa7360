"""The bytes of a dump, as they are or in makedumpfile's flattened format."""

from __future__ import annotations

import bisect
import struct

from ..errors import BadDataError

_MAGIC = b"makedumpfile"
_HEADER = struct.Struct(">16sqq")  # signature, type (1), version (1)
_HEADER_SIZE = 4096
_MAX_SPARSENESS = 16
_BLOCK = struct.Struct(">qq")  # offset in the file proper, size


class PlainFile:
    """A file whose bytes lie where they belong."""

    __slots__ = ("_data", "path", "size")

    def __init__(self, data: memoryview, path: str) -> None:
        self._data = data
        self.path = path
        self.size = len(data)

    def read(self, offset: int, size: int) -> memoryview:
        """Bytes of the file; fewer where it ends. No copy."""
        return self._data[offset : offset + size]


class FlatFile:
    """A flattened file: blocks of a file in the order in which they were written.

    That is for dumps over pipes (makedumpfile -F, QEMU), which cannot seek back. Each
    block begins with its place in the file; a later block replaces earlier ones. The
    format is in makedumpfile's IMPLEMENTATION file.

    Raises BadDataError if the header or a block is malformed.
    """

    __slots__ = ("_data", "_ends", "_positions", "_starts", "path", "size")

    def __init__(self, data: memoryview, path: str) -> None:
        self._data = data
        self.path = path
        # Disjoint runs of bytes by their place in the file proper.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._positions: list[int] = []
        if len(data) < _HEADER_SIZE:
            raise BadDataError(f"{path}: header of flattened dump is truncated")
        _signature, type, version = _HEADER.unpack_from(data)
        if type != 1 or version != 1:
            raise BadDataError(
                f"{path}: unknown flattened format type {type} version {version}"
            )
        position = _HEADER_SIZE
        # A dump that was cut short lacks its end mark, and is as good as it gets.
        while position + _BLOCK.size <= len(data):
            offset, size = _BLOCK.unpack_from(data, position)
            position += _BLOCK.size
            if offset == -1 and size == -1:
                break
            if offset < 0 or size < 0:
                raise BadDataError(
                    f"{path}: bad block in flattened dump at {position:#x}"
                )
            held = min(size, len(data) - position)
            if held:
                self._place(offset, offset + held, position)
            position += size
        self.size = self._ends[-1] if self._ends else 0
        # Whoever writes such a file writes all of it; holes are filled in memory.
        if self.size > _MAX_SPARSENESS * len(data):
            raise BadDataError(f"{path}: blocks in flattened dump are too far apart")

    def _place(self, start: int, end: int, position: int) -> None:
        starts, ends, positions = self._starts, self._ends, self._positions
        first = bisect.bisect_right(ends, start)
        last = bisect.bisect_left(starts, end)
        runs = [(start, end, position)]
        if first < last:
            if starts[first] < start:
                runs.insert(0, (starts[first], start, positions[first]))
            if ends[last - 1] > end:
                moved = positions[last - 1] + end - starts[last - 1]
                runs.append((end, ends[last - 1], moved))
        starts[first:last] = [run[0] for run in runs]
        ends[first:last] = [run[1] for run in runs]
        positions[first:last] = [run[2] for run in runs]

    def read(self, offset: int, size: int) -> memoryview:
        """Bytes of the file; fewer where it ends. What was never written is zero."""
        end = min(offset + size, self.size)
        index = bisect.bisect_right(self._starts, offset) - 1
        if index >= 0 and end <= self._ends[index]:
            position = self._positions[index] + offset - self._starts[index]
            return self._data[position : position + end - offset]
        result = bytearray(max(end - offset, 0))
        index = max(index, 0)
        while index < len(self._starts) and self._starts[index] < end:
            start = max(self._starts[index], offset)
            stop = min(self._ends[index], end)
            if start < stop:
                position = self._positions[index] + start - self._starts[index]
                result[start - offset : stop - offset] = self._data[
                    position : position + stop - start
                ]
            index += 1
        return memoryview(result)


DumpFile = PlainFile | FlatFile


def dump_file(path: str, data: memoryview) -> DumpFile:
    """The bytes of a dump that is mapped; BadDataError as `FlatFile`."""
    if data[: len(_MAGIC)] == _MAGIC:
        return FlatFile(data, path)
    return PlainFile(data, path)
