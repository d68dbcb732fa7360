"""Address spaces: what lies where."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..errors import FaultError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .segments import Buffer, Segment

# Up to how many pages are located one by one.
_FEW_PAGES = 128


class AddressSpace:
    """Segments by address. One that is added later hides what it overlaps.

    Addresses go from 0 to ``mask``, and a read that passes ``mask`` goes on at 0.
    ``kind`` (``""`` or ``"physical "``) is said in messages.
    """

    __slots__ = ("_columns", "_ends", "_kind", "_segments", "_starts", "mask")

    def __init__(self, kind: str = "") -> None:
        self.mask = 2**64 - 1
        self._kind = kind
        # The visible pieces of segments, sorted by address and disjoint.
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._segments: list[Segment] = []
        self._columns: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None

    def __bool__(self) -> bool:
        return bool(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int, Segment]]:
        """(start, end, segment) of every visible piece, in order of address."""
        return zip(self._starts, self._ends, self._segments, strict=True)

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, Segment]]:
        """(start, end, segment) of what is visible between two addresses, in order."""
        index = bisect.bisect_right(self._ends, start)
        while index < len(self._starts) and self._starts[index] < end:
            low, high = max(self._starts[index], start), min(self._ends[index], end)
            yield low, high, self._segments[index]
            index += 1

    def copy(self) -> AddressSpace:
        """The same segments; what is added to one is not in the other."""
        other = AddressSpace(self._kind)
        other.mask = self.mask
        other._starts = self._starts.copy()
        other._ends = self._ends.copy()
        other._segments = self._segments.copy()
        return other

    def add(self, segment: Segment) -> None:
        """Add a segment on top of the others; beyond ``mask`` it is cut off."""
        self._place(segment.start, min(segment.end, self.mask + 1), segment)

    def add_below(self, segments: Iterable[Segment]) -> None:
        """Add segments that show only where there is none yet."""
        above = list(self)
        self._starts, self._ends, self._segments = [], [], []
        for segment in segments:
            self.add(segment)
        for piece in above:
            self._place(*piece)

    def _place(self, start: int, end: int, segment: Segment) -> None:
        if start >= end:
            return
        self._columns = None
        starts, ends, segments = self._starts, self._ends, self._segments
        # The pieces that overlap are first, ..., last - 1.
        first = bisect.bisect_right(ends, start)
        last = bisect.bisect_left(starts, end)
        pieces = [(start, end, segment)]
        if first < last:
            if starts[first] < start:
                pieces.insert(0, (starts[first], start, segments[first]))
            if ends[last - 1] > end:
                pieces.append((end, ends[last - 1], segments[last - 1]))
        starts[first:last] = [piece[0] for piece in pieces]
        ends[first:last] = [piece[1] for piece in pieces]
        segments[first:last] = [piece[2] for piece in pieces]

    def find(self, address: int) -> tuple[int, Segment]:
        """Where the visible piece at an address ends, and its segment.

        Raises FaultError if there is none.
        """
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._ends[index]:
            raise FaultError(f"could not find {self._kind}memory segment", address)
        return self._ends[index], self._segments[index]

    def read(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes.

        Raises FaultError with the first address that cannot be read.
        """
        return bytes(self.view(address, size))

    def view(self, address: int, size: int) -> Buffer:
        """As `read`, without a copy of what one segment has in a buffer."""
        if not size:
            return b""
        end, segment = self.find(address)
        if address + size <= end:
            return segment.read(address, size)
        pieces = []
        while size:
            end, segment = self.find(address)
            part = min(size, end - address)
            pieces.append(segment.read(address, part))
            size -= part
            address = (address + part) & self.mask
        return b"".join(pieces)

    def write(self, address: int, data: bytes) -> None:
        """Change the bytes at an address.

        Raises FaultError with the first address that cannot be written; what lies
        before may have been.
        """
        done = 0
        while done < len(data):
            end, segment = self.find(address)
            part = min(len(data) - done, end - address)
            segment.write(address, data[done : done + part])
            done += part
            address = (address + part) & self.mask

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        """A buffer that holds the bytes, and their offset in it.

        None if no one buffer does. Raises FaultError as `read` does.
        """
        end, segment = self.find(address)
        if address + size > end:
            return None
        return segment.locate(address, size)

    def locate_pages(
        self, addresses: NDArray[np.uint64]
    ) -> Iterator[tuple[Buffer, NDArray[np.intp], NDArray[np.int64]]]:
        """The pages of n that buffers hold, see `Segment.locate_pages`."""
        from .gather import deal

        if len(addresses) <= _FEW_PAGES:
            yield from self._locate_each(addresses)
            return
        if not self._segments:
            return
        for segment, rows in deal(self, self._segments, addresses, 4096)[0]:
            found = segment.locate_pages(addresses[rows])
            if found is not None:
                buffer, part, offsets = found
                yield buffer, rows[part], offsets

    def _locate_each(
        self, addresses: NDArray[np.uint64]
    ) -> Iterator[tuple[Buffer, NDArray[np.intp], NDArray[np.int64]]]:
        """`locate_pages`, for so few that `locate` takes less time for each."""
        import numpy as np

        buffers: dict[int, tuple[Buffer, list[tuple[int, int]]]] = {}
        for row, address in enumerate(addresses.tolist()):
            try:
                found = self.locate(address, 4096)
            except FaultError:
                continue
            if found is not None:
                buffer, offset = found
                buffers.setdefault(id(buffer), (buffer, []))[1].append((row, offset))
        for buffer, places in buffers.values():
            rows, offsets = np.array(places, np.int64).T
            yield buffer, rows, offsets

    def columns(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The first and the last address of every piece, sorted."""
        if self._columns is None:
            import numpy as np

            self._columns = (
                np.array(self._starts, np.uint64),
                np.array([end - 1 for end in self._ends], np.uint64),
            )
        return self._columns

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        """Read ``out.shape[1]`` bytes at each of n addresses, as `Segment.gather`."""
        from .gather import gather_pieces

        gather_pieces(self, self._segments, addresses, out, valid)
