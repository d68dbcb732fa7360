"""Searching memory for bytes, integers and regular expressions.

Memory is taken in runs of addresses that follow each other, and a run in windows. A
window begins with as much of the one before it as a match may need. What lies in a
mapped file is not copied to windows where it does not hold the bytes that are sought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..arguments import uint64
from ..closed import closed, make, not_constructible
from ..errors import FaultError
from .segments import BufferSegment

if TYPE_CHECKING:
    import re

    import numpy as np
    from numpy.typing import NDArray

    from .memory import Memory
    from .segments import Buffer, Segment

T = TypeVar("T")

# Finds what begins in a window: (address of the window, its bytes, whether the run ends
# with it) to (results, how many bytes the next window needs again).
_Find = Callable[[int, bytes, bool], tuple[Iterator[T], int]]

_WINDOW = 1 << 18
_CALLBACK_WINDOW = 1 << 16
_MATCH_MARGIN = 1 << 15
_MATCH_MAX = 1 << 24


@closed
@not_constructible
class MemorySearchIterator(Generic[T]):
    """What a search finds, in order of address. Matches do not overlap.

    By default all of virtual memory is searched: of a kernel, physical memory where
    it is mapped directly, leaving out what the dump does not have. In a range of
    addresses, what cannot be read raises FaultError.
    """

    __slots__ = (
        "_check",
        "_find",
        "_literal",
        "_memory",
        "_needle",
        "_range",
        "_results",
    )

    def __init__(
        self,
        memory: Memory,
        find: Callable[[], _Find[T]],
        check: Callable[[], object] = lambda: None,
        needle: bytes = b"",
        literal: bytes = b"",
    ) -> None:
        """``needle``, if it is not empty, is what every match is.

        ``literal``, if it is not empty, is in every match.
        """
        self._memory = memory
        self._find = find
        self._needle = needle
        self._literal = literal
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
        find = self._find()
        minimum, maximum, physical = self._range
        whole = minimum is None and maximum is None
        memory = self._memory
        space = memory.physical if physical else memory.virtual
        offset = 0
        if whole and not physical and memory.mmu is not None:
            space, offset = memory.physical, memory.direct_map
        first = 0 if minimum is None else minimum
        last = space.mask if maximum is None else min(maximum, space.mask)
        run: list[tuple[int, int, Segment]] = []
        for start, end, segment in space.pieces(first, last + 1):
            parts = segment.readable(start, end) if whole else ((start, end),)
            for low, high in parts:
                if run and run[-1][1] != low:
                    yield from self._search_run(run, offset, find)
                    run = []
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
            size = _CALLBACK_WINDOW if segment.bytewise else _WINDOW
            first = start
            while start < end:
                low = start - len(kept)
                if low >= first and isinstance(segment, BufferSegment):
                    # What is kept is of this segment, too.
                    if self._needle:
                        begin = _skip(segment, self._needle, low, end)
                        if begin > low:
                            start, kept = begin, b""
                    elif self._literal:
                        begin = _skip_windows(segment, self._literal, low, end, size)
                        if begin > start:
                            start = begin
                            low = max(low, start - _MATCH_MARGIN - 1)
                            kept = segment.read(low, start - low)
                    if start == end:
                        break
                stop = min((start | (size - 1)) + 1, end)
                fault = None
                try:
                    data = segment.read(start, stop - start)
                except FaultError as error:
                    fault = error
                    # What lies before the fault can be searched.
                    data = b""
                    if start < error.address < stop:
                        data = segment.read(start, error.address - start)
                window = b"".join((kept, data))
                is_last = fault is not None or (is_last_piece and stop == end)
                results, needed = find(start - len(kept) + offset, window, is_last)
                yield from results
                if fault is not None:
                    raise fault
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


def _skip_windows(
    segment: BufferSegment, literal: bytes, start: int, end: int, size: int
) -> int:
    """Where the first window of ``size`` bytes begins that may hold ``literal``.

    It is ``end`` where no window up to there does.
    """
    from .memmem import find

    buffer, low = segment.locate(start, end - start)
    found = find(buffer, literal, low, low + end - start)
    return end if found < 0 else (start + found - low) & -size


def search_bytes(
    memory: Memory,
    needle: bytes,
    alignment: int = 1,
    check: Callable[[], object] = lambda: None,
) -> MemorySearchIterator[int]:
    """The addresses of ``needle`` that are multiples of ``alignment``.

    ``check`` is called when the search begins, and may raise.
    """

    def new_find() -> _Find[int]:
        # The end of the last match, which the next may not overlap.
        done = 0

        def find(base: int, window: bytes, is_last: bool) -> tuple[Iterator[int], int]:
            return matches(base, window), len(needle) - 1

        def matches(base: int, window: bytes) -> Iterator[int]:
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

        return find

    return make(MemorySearchIterator, memory, new_find, check, needle)


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
    ) -> tuple[Iterator[tuple[int, int]], int]:
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
        return zip(addresses, numbers[indices].tolist(), strict=True), kept

    return make(MemorySearchIterator, memory, lambda: find, check)


def search_regex(
    memory: Memory,
    pattern: re.Pattern[bytes],
    convert: Callable[[bytes], T],
    check: Callable[[], object] = lambda: None,
    literal: bytes = b"",
) -> MemorySearchIterator[tuple[int, T]]:
    """(address, match) of a regular expression; see `compile_pattern`.

    ``literal`` is in every match; see `required_literal`. A match of up to
    32 KiB is always found, and a longer one up to 16 MiB.
    """

    def new_find() -> _Find[tuple[int, T]]:
        # Where the next window begins to search; before it is one byte of context.
        resume = 0

        def find(
            base: int, window: bytes, is_last: bool
        ) -> tuple[Iterator[tuple[int, T]], int]:
            nonlocal resume
            results = []
            # What begins later may go on in the next window.
            limit = len(window) if is_last else max(len(window) - _MATCH_MARGIN, 0)
            following = limit
            if literal and literal not in window:
                resume = base + following
                return iter(()), len(window) - following + 1
            for match in pattern.finditer(window, max(resume - base, 0)):
                start, end = match.span()
                if not is_last:
                    if start >= limit:
                        break
                    if end == len(window) and end - start < _MATCH_MAX:
                        following = start
                        break
                results.append((base + start, convert(match[0])))
                following = max(following, end)
            resume = base + following
            return iter(results), len(window) - following + 1

        return find

    return make(MemorySearchIterator, memory, new_find, check, b"", literal)
