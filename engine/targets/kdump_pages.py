"""The pages of a kdump file as a segment of physical memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import FaultError
from ..memory.segments import Segment
from .kdump_inflate import COMPRESSED, inflater
from .page_image import PageImage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..memory.segments import Buffer
    from .kdump_flat import DumpFile
    from .kdump_header import KdumpHeader

_FAULT = "could not read memory from kdump: "
EXCLUDED = _FAULT + "Excluded page"
_OTHER_PART = _FAULT + "page is in a part of the split dump that was not given"

# Flags of a page descriptor, besides those of compressions
_INCOMPLETE, _NO_VMEMMAP = 8, 16

_CHUNK_SHIFT = 12
_CHUNK_BITS = 1 << _CHUNK_SHIFT
_CHUNK_BYTES = _CHUNK_BITS // 8

_LAST_PAGES = 64
_BATCH = 1 << 13
"""How many pages are inflated at once at most."""
_HELD_BYTES = 1 << 28
"""How much memory inflated pages take at most."""


class KdumpPart:
    """The pages of one file."""

    __slots__ = ("_before", "_descriptor", "_file", "_first_index", "_last", "header")

    def __init__(self, file: DumpFile, header: KdumpHeader) -> None:
        self.header = header
        self._file = file
        order = "<" if header.little_endian else ">"
        # struct page_desc: offset, size, flags, page_flags
        self._descriptor = struct.Struct(order + "qIIQ")
        self._before = _running_counts(header.bitmap)
        self._first_index = self._rank(min(header.first_frame, header.frames))
        # Offset, size and flags of the page that was loaded last, and its contents:
        # pages of zeros have one copy in the file.
        self._last: tuple[tuple[int, int, int], Buffer] = ((0, 0, 0), b"")

    def _index(self, frame: int) -> int:
        """The number of a frame's descriptor, -1 if it is not dumped."""
        if not self.header.is_dumped(frame):
            return -1
        return self._rank(frame) - self._first_index

    def _rank(self, frame: int) -> int:
        """The number of set bits of the bitmap before that of a frame."""
        chunk = frame >> _CHUNK_SHIFT
        start, end = chunk * _CHUNK_BYTES, (frame >> 3) + 1
        bits = int.from_bytes(self.header.bitmap[start:end], "little")
        below = bits & ((1 << (frame & (_CHUNK_BITS - 1))) - 1)
        return self._before[chunk] + below.bit_count()

    @property
    def is_truncated(self) -> bool:
        """Whether the file ends before what its last pages' descriptors tell of."""
        header = self.header
        last = header.last_frame - 1
        if last < header.first_frame:
            return False
        count = self._rank(last) + header.is_dumped(last)
        count -= self._rank(header.first_frame)
        size = self._descriptor.size
        # Pages of zeros have one copy, near the start: a last one tells nothing.
        first = max(count - _LAST_PAGES, 0)
        table = self._file.read(
            header.descriptors + first * size, (count - first) * size
        )
        if len(table) < (count - first) * size:
            return True
        descriptors = self._descriptor.iter_unpack(table)
        ends = [offset + length for offset, length, *_flags in descriptors]
        return max(ends, default=0) > self._file.size

    def load(self, frame: int) -> Buffer | str:
        """The contents of a page frame, or why it cannot be read."""
        index = self._index(frame)
        if index < 0:
            return EXCLUDED
        size = self._descriptor.size
        data = self._file.read(self.header.descriptors + index * size, size)
        if len(data) < size:
            return self._truncated()
        return self._contents(*self._descriptor.unpack(data))

    def load_run(self, first: int, end: int) -> Iterator[Buffer | str]:
        """As `load`, the frames from ``first`` up to ``end``."""
        octets = self.header.bitmap[first >> 3 : (end + 7) >> 3]
        bits = int.from_bytes(octets, "little") >> (first & 7)
        bits &= (1 << end - first) - 1
        size = self._descriptor.size
        where = self.header.descriptors + (self._rank(first) - self._first_index) * size
        table = self._file.read(where, bits.bit_count() * size)
        whole = len(table) - len(table) % size
        descriptors = self._descriptor.iter_unpack(table[:whole])
        for digit in reversed(f"{bits:0{end - first}b}"):
            if digit == "0":
                yield EXCLUDED
                continue
            descriptor = next(descriptors, None)
            if descriptor is None:
                yield self._truncated()
            else:
                yield self._contents(*descriptor)

    def _contents(
        self, offset: int, length: int, flags: int, _page_flags: int
    ) -> Buffer | str:
        """The contents that a page descriptor tells of, or why there are none."""
        what = offset, length, flags
        last, page = self._last
        if what == last:
            return page
        header = self.header
        if flags & (_INCOMPLETE | _NO_VMEMMAP):
            return _FAULT + "page was not written"
        if offset < 0 or length > header.block_size:
            return f"{_FAULT}{header.path} has a bad page descriptor"
        data = self._file.read(offset, length)
        if len(data) < length:
            return self._truncated()
        if not flags & COMPRESSED:
            page = bytes(data)
        else:
            inflate = inflater(flags & COMPRESSED)
            if inflate is None:
                return f"{_FAULT}unknown compression {flags:#x}"
            try:
                page = inflate(data, header.block_size)
            except Exception as error:
                # Each library has exceptions of its own.
                return f"{_FAULT}{header.path} has a corrupt page ({error})"
        if len(page) != header.block_size:
            return f"{_FAULT}{header.path} has a page of {len(page)} bytes"
        self._last = what, page
        return page

    def _truncated(self) -> str:
        return f"{_FAULT}{self.header.path} is truncated"


def _running_counts(bitmap: memoryview) -> list[int]:
    """The number of set bits before each chunk of the bitmap, and in all."""
    total = 0
    counts = [0]
    for start in range(0, len(bitmap), _CHUNK_BYTES):
        chunk = bitmap[start : start + _CHUNK_BYTES]
        total += int.from_bytes(chunk, "little").bit_count()
        counts.append(total)
    return counts


def _runs(frames: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the end of each run of ascending frames that follow each other."""
    first = end = -1
    for frame in frames:
        if frame != end:
            if first >= 0:
                yield first, end
            first = frame
        end = frame + 1
    if first >= 0:
        yield first, end


class KdumpSegment(Segment):
    """Physical memory in a dump of one or several parts.

    Inflated pages are kept in an image of memory, and all are forgotten when they are
    many; ``forget`` is called then, so that others forget their views of it.
    """

    __slots__ = ("_forget", "_frames", "_image", "_parts", "_shift")

    virtual_faults = True

    def __init__(
        self, parts: Sequence[KdumpPart], forget: Callable[[], object] = lambda: None
    ) -> None:
        self._frames = max(part.header.frames for part in parts)
        block_size = parts[0].header.block_size
        super().__init__(0, min(self._frames * block_size, 2**64))
        self._parts = parts
        self._forget = forget
        self._shift = block_size.bit_length() - 1
        self._image = PageImage(self._frames, self._shift)

    def _load(self, frame: int) -> Buffer | str:
        for part in self._parts:
            header = part.header
            if header.first_frame <= frame < header.last_frame:
                return part.load(frame)
        header = self._parts[0].header
        if frame < header.frames and not header.is_dumped(frame):
            return EXCLUDED
        return _OTHER_PART

    def _load_run(self, first: int, end: int) -> Iterator[Buffer | str]:
        if end - first > 1:
            for part in self._parts:
                header = part.header
                if header.first_frame <= first and end <= header.last_frame:
                    return part.load_run(first, end)
        return map(self._load, range(first, end))

    def _room(self, count: int) -> PageImage:
        """The image, which has room for as many pages more."""
        if self._image.count + count > _HELD_BYTES >> self._shift:
            self._image = PageImage(self._frames, self._shift)
            self._forget()
        return self._image

    def _hold_one(self, frame: int, address: int) -> PageImage:
        """An image with the page of a frame, in which an address is."""
        page = self._load(frame)
        if isinstance(page, str):
            raise FaultError(page, address)
        image = self._room(1)
        image.put(frame, page)
        return image

    def _hold(self, frames: Sequence[int]) -> tuple[PageImage, dict[int, str]]:
        """An image with the pages of frames in ascending order, a batch at most.

        And why those that are not in it cannot be read. In one thread: the few
        microseconds that a page takes without the GIL do not make up for passing it
        around.
        """
        held = self._image.held
        missing = [frame for frame in frames if not held[frame]]
        image = self._room(len(missing))
        if image.held is not held:
            missing = list(frames)
        lost = {}
        for first, end in _runs(missing):
            image.expect(first, end)
            pages = self._load_run(first, end)
            for frame, page in zip(range(first, end), pages, strict=True):
                if isinstance(page, str):
                    lost[frame] = page
                else:
                    image.put(frame, page)
        return image, lost

    def read(self, address: int, size: int) -> Buffer:
        first, last = address >> self._shift, address + size - 1 >> self._shift
        image = self._image
        if not image or last - first >= _BATCH:
            return self.read_once(address, size)
        if first == last:
            if not image.held[first]:
                image = self._hold_one(first, address)
        else:
            image, lost = self._hold(range(first, last + 1))
            if lost:
                frame, reason = next(iter(lost.items()))
                raise FaultError(reason, max(address, frame << self._shift))
        return image.buffer[address : address + size]

    def read_once(self, address: int, size: int) -> bytes:
        pieces = []
        first, last = address >> self._shift, address + size - 1 >> self._shift
        for low in range(first, last + 1, _BATCH):
            pages = self._load_run(low, min(low + _BATCH, last + 1))
            for frame, page in enumerate(pages, low):
                if isinstance(page, str):
                    raise FaultError(page, max(address, frame << self._shift))
                pieces.append(page)
        start = address & (1 << self._shift) - 1
        return b"".join(pieces)[start : start + size]

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        first, last = address >> self._shift, address + size - 1 >> self._shift
        image = self._image
        if not image:
            return None
        if first == last:
            if not image.held[first]:
                image = self._hold_one(first, address)
        elif image.held.find(b"\0", first, last + 1) >= 0:
            # That is worth it where they are read, not where they might be.
            return None
        return image.buffer, address

    def locate_pages(
        self, addresses: NDArray[np.uint64]
    ) -> tuple[Buffer, NDArray[np.intp], NDArray[np.int64]] | None:
        import numpy as np

        image = self._image
        if not image or 1 << self._shift < 4096:
            return None
        places = addresses.view(np.int64)
        rows = np.flatnonzero(image.all_held([places >> self._shift]))
        return image.buffer, rows, places[rows]

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        import numpy as np

        first, last = start >> self._shift, (end - 1 >> self._shift) + 1
        held = np.zeros(last - first + 2, np.int8)
        for part in self._parts:
            header = part.header
            low = max(first, header.first_frame)
            high = min(last, header.last_frame)
            if low < high:
                bitmap = np.frombuffer(header.bitmap, np.uint8)[low >> 3 :]
                bits = np.unpackbits(bitmap, bitorder="little", count=high - (low & ~7))
                held[low - first + 1 : high - first + 1] |= bits[low & 7 :]
        borders = np.flatnonzero(np.diff(held)) + first
        for low, high in borders.reshape(-1, 2).tolist():
            yield max(low << self._shift, start), min(high << self._shift, end)

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        import numpy as np

        from ..memory.gather import take_rows

        image = self._image
        if not image:
            super().gather(addresses, out, valid)
            return
        # They are inside of this segment, so that signed ones do.
        where = addresses.view(np.int64)
        first = where >> self._shift
        last = (where + (out.shape[1] - 1)) >> self._shift
        touched = [first, last]
        touched += [
            np.minimum(first + i, last) for i in range(1, int((last - first).max()))
        ]
        good = image.all_held(touched)
        if not good.all():
            frames = np.unique(np.concatenate(touched))
            if len(frames) > _BATCH:
                if len(addresses) == 1:
                    super().gather(addresses, out, valid)
                    return
                half = len(addresses) // 2
                self.gather(addresses[:half], out[:half], valid[:half])
                self.gather(addresses[half:], out[half:], valid[half:])
                return
            image, _ = self._hold(frames.tolist())
            good = image.all_held(touched)
        if good.all():
            take_rows(image.buffer, where, out)
            valid[:] = True
            return
        rows = np.flatnonzero(good)
        part = np.empty((len(rows), out.shape[1]), np.uint8)
        take_rows(image.buffer, where[rows], part)
        out[rows] = part
        valid[rows] = True
