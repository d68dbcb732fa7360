"""Searching memory for bytes, integers and regular expressions.

Memory is taken in runs of addresses that follow each other, and a run in windows. A
window begins with as much of the one before it as a match may need. What lies in a
mapped file is not copied to windows where it does not hold the bytes that are sought.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..arguments import UINT64_MAX, uint64
from ..closed import ApiClass, closed, make, not_constructible
from ..errors import FaultError
from .segments import BufferSegment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .memory import Memory
    from .pattern import Pattern
    from .segments import Buffer, Segment

T = TypeVar("T")

# Finds what begins in a window: (address of the window, its bytes, whether the run ends
# with it) to the results; it returns how many bytes the next window needs again.
_Find = Callable[[int, bytes, bool], Generator[T, None, int]]
# The same for a search of all addresses from a first to a last.
_NewFind = Callable[[int, int], _Find[T]]

_WINDOW = 1 << 18
_CALLBACK_WINDOW = 1 << 16
# More than a search may need of what it has seen, which would fill the memory.
_KEPT_MAX = 1 << 30


@closed
@not_constructible
class MemorySearchIterator(Generic[T], metaclass=ApiClass):
    """What a search finds, in order of address. Matches do not overlap.

    By default all of virtual memory is searched: of a kernel, physical memory where
    it is mapped directly, leaving out what the dump does not have. In a range of
    addresses, what cannot be read raises FaultError.
    """

    __slots__ = (
        "_alignment",
        "_check",
        "_find",
        "_least",
        "_memory",
        "_needle",
        "_range",
        "_results",
    )

    def __init__(
        self,
        memory: Memory,
        find: _NewFind[T],
        check: Callable[[], object] = lambda: None,
        needle: bytes = b"",
        alignment: int = 1,
        least: int = 1,
    ) -> None:
        """``needle``, if it is not empty, is what every match is.

        Matches begin at multiples of ``alignment``, a power of two, and have at
        ``least`` so many bytes.
        """
        self._alignment = alignment
        self._least = least
        self._memory = memory
        self._find = find
        self._needle = needle
        self._check = check
        self._range: tuple[int | None, int | None, bool] = (None, None, False)
        self._results: Iterator[T] | None = None

    def set_address_range(
        self,
        min_address: int | None = None,
        max_address: int | None = None,
        physical: bool = False,
    ) -> MemorySearchIterator[T]:
        """Search only from ``min_address`` to ``max_address``, inclusive.

        The search starts over. Returns self. Raises ValueError if the range is empty.
        """
        minimum, maximum = _address(min_address), _address(max_address)
        if minimum is not None and maximum is not None and minimum > maximum:
            raise ValueError("invalid memory search address range")
        self._range = minimum, maximum, bool(physical)
        self._results = None
        return self

    def __iter__(self) -> MemorySearchIterator[T]:
        return self

    def __next__(self) -> T:
        if self._results is None:
            self._check()
            self._results = self._search()
        return next(self._results)

    def _search(self) -> Iterator[T]:
        minimum, maximum, physical = self._range
        whole = minimum is None and maximum is None
        memory = self._memory
        space = memory.physical if physical else memory.virtual
        offset = 0
        if whole and not physical and memory.mmu is not None:
            space, offset = memory.physical, memory.direct_map
        first = 0 if minimum is None else minimum
        last = space.mask if maximum is None else min(maximum, space.mask)
        find = self._find(first, last)
        run: list[tuple[int, int, Segment]] = []
        for start, end, segment in space.pieces(first, last + 1):
            parts = segment.readable(start, end) if whole else ((start, end),)
            for low, high in parts:
                if run and run[-1][1] != low:
                    yield from self._search_run(run, offset, find)
                    run = []
                if not run:
                    low += -low & (self._alignment - 1)
                    if low > last - self._least + 1:
                        return
                if low < high:
                    run.append((low, high, segment))
        if run:
            yield from self._search_run(run, offset, find)

    def _search_run(
        self, run: Sequence[tuple[int, int, Segment]], offset: int, find: _Find[T]
    ) -> Iterator[T]:
        """Search addresses that follow each other, window by window."""
        kept: Buffer = b""
        for index, (start, end, segment) in enumerate(run):
            is_last_piece = index == len(run) - 1
            least = _CALLBACK_WINDOW if segment.bytewise else _WINDOW
            first = start
            while start < end:
                low = start - len(kept)
                if self._needle and low >= first and isinstance(segment, BufferSegment):
                    # What is kept is of this segment, too.
                    begin = _skip(segment, self._needle, low, end)
                    if begin > low:
                        start, kept = begin, b""
                    if start == end:
                        break
                # As much again as is kept, or a long match would take a square of time.
                size = max(least, 1 << len(kept).bit_length())
                stop = min((start | (size - 1)) + 1, end)
                fault = None
                try:
                    data = segment.read_once(start, stop - start)
                except FaultError as error:
                    fault = error
                    data = b""
                if fault is not None and start < fault.address < stop:
                    # What lies before the fault can be searched.
                    data = segment.read_once(start, fault.address - start)
                window = b"".join((kept, data))
                is_last = fault is not None or (is_last_piece and stop == end)
                needed = yield from find(start - len(kept) + offset, window, is_last)
                if fault is not None:
                    raise fault
                if needed > _KEPT_MAX:
                    raise MemoryError(f"a match is longer than {_KEPT_MAX} bytes")
                kept = window[max(len(window) - needed, 0) :]
                start = stop


def _address(value: int | None) -> int | None:
    return None if value is None else uint64(value)


def _skip(segment: BufferSegment, needle: bytes, start: int, end: int) -> int:
    """Before which address no match begins that lies in a segment up to ``end``."""
    from .memmem import find

    buffer, low = segment.locate(start, end - start)
    found = find(buffer, needle, low, low + end - start)
    if found >= 0:
        return start + found - low
    return max(start, end - len(needle) + 1)


def search_bytes(
    memory: Memory,
    needle: bytes,
    alignment: int = 1,
    check: Callable[[], object] = lambda: None,
) -> MemorySearchIterator[int]:
    """The addresses of ``needle`` that are multiples of ``alignment``.

    ``check`` is called when the search begins, and may raise.
    """

    def new_find(first: int, last: int) -> _Find[int]:
        # The end of the last match, which the next may not overlap.
        done = 0

        def find(base: int, window: bytes, is_last: bool) -> Generator[int, None, int]:
            nonlocal done
            position = window.find(needle, max(done - base, 0))
            while position >= 0:
                address = base + position
                ahead = -address & (alignment - 1)
                if not ahead:
                    done = address + len(needle)
                    yield address
                    ahead = len(needle)
                position = window.find(needle, position + ahead)
            return len(needle) - 1

        return find

    return make(
        MemorySearchIterator,
        memory,
        new_find,
        check,
        needle,
        alignment,
        len(needle),
    )


def search_uint(
    memory: Memory,
    size: int,
    little_endian: bool,
    values: Sequence[tuple[int, int]],
    ranges: Sequence[tuple[int, int]],
    check: Callable[[], object] = lambda: None,
) -> MemorySearchIterator[tuple[int, int]]:
    """(address, value) of aligned unsigned integers of ``size`` bytes.

    ``values`` are (value, mask) with bits of the mask to ignore, ``ranges`` are
    (minimum, maximum), inclusive.
    """

    scratch: NDArray[np.unsignedinteger[Any]] | None = None

    def find(
        base: int, window: bytes, is_last: bool
    ) -> Generator[tuple[int, int], None, int]:
        import numpy as np

        start = -base % size
        count = max(len(window) - start, 0) // size
        kept = max(len(window) - start - count * size, 0)
        dtype = np.dtype(f"{'<' if little_endian else '>'}u{size}")
        numbers = np.frombuffer(window, dtype, count, min(start, len(window)))
        found = np.zeros(count, np.bool_)
        native = dtype.newbyteorder("=").type
        for value, mask in values:
            if mask:
                nonlocal scratch
                if scratch is None or len(scratch) < count:
                    # A new array for every window would cost more than the search.
                    scratch = np.empty(count, dtype.newbyteorder("="))
                masked = np.bitwise_or(numbers, native(mask), out=scratch[:count])
                found |= masked == native(value | mask)
            else:
                found |= numbers == native(value)
        for low, high in ranges:
            found |= (numbers >= native(low)) & (numbers <= native(high))
        indices = np.flatnonzero(found)
        # Python's integers, since an address and an offset may not fit numpy's.
        addresses = (base + start + i * size for i in indices.tolist())
        yield from zip(addresses, numbers[indices].tolist(), strict=True)
        return kept

    return make(
        MemorySearchIterator,
        memory,
        lambda first, last: find,
        check,
        alignment=size,
        least=size,
    )


def search_regex(
    memory: Memory,
    pattern: Pattern,
    convert: Callable[[bytes], T],
    check: Callable[[], object] = lambda: None,
) -> MemorySearchIterator[tuple[int, T]]:
    """(address, match) of a regular expression; see `compile_pattern`."""
    from .pattern import Edges

    def new_find(first: int, last: int) -> _Find[tuple[int, T]]:
        scanner = pattern.scanner()
        # Where the next window begins to search; before it is one byte of context.
        resume = 0

        def find(
            base: int, window: bytes, is_last: bool
        ) -> Generator[tuple[int, T], None, int]:
            nonlocal resume

            def found(start: int, end: int) -> tuple[int, T]:
                # Nothing may be found behind the last address, too.
                return (base + start) & UINT64_MAX, convert(window[start:end])

            ends = is_last and base + len(window) - 1 == last
            edges = Edges(base == first, ends, is_last)
            following = yield from scanner.scan(
                window, max(resume - base, 0), edges, found
            )
            resume = base + following
            return len(window) - following + 1

        return find

    return make(MemorySearchIterator, memory, new_find, check)
