"""Searching memory for bytes, integers and regular expressions.

Memory is taken in runs of addresses that follow each other, and a run in windows. A
window begins with as much of the one before it as a match may need.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from ..closed import closed, make, not_constructible
from ..errors import FaultError

if TYPE_CHECKING:
    import re

    from .memory import Memory
    from .segments import Segment

T = TypeVar("T")

# Finds what begins in a window: (address of the window, its bytes, whether the run ends
# with it) to (results, how many bytes the next window needs again).
_Find = Callable[[int, bytes, bool], tuple[Iterator[T], int]]

_WINDOW = 1 << 18
_CALLBACK_WINDOW = 1 << 16
_CANDIDATES_MAX = 1 << 12
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

    __slots__ = ("_check", "_find", "_memory", "_range", "_results")

    def __init__(
        self,
        memory: Memory,
        find: Callable[[], _Find[T]],
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self._memory = memory
        self._find = find
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
                    yield from _search_run(run, offset, find)
                    run = []
                run.append((low, high, segment))
        if run:
            yield from _search_run(run, offset, find)


def _address(value: int | None) -> int | None:
    if value is None:
        return None
    value = operator.index(value)
    if value < 0:
        raise OverflowError("can't convert negative int to unsigned")
    if value > 2**64 - 1:
        raise OverflowError("int too big to convert")
    return value


def _search_run(
    run: Sequence[tuple[int, int, Segment]], offset: int, find: _Find[T]
) -> Iterator[T]:
    """Search addresses that follow each other, window by window."""
    kept = b""
    for index, (start, end, segment) in enumerate(run):
        is_last_piece = index == len(run) - 1
        size = _CALLBACK_WINDOW if segment.bytewise else _WINDOW
        while start < end:
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
            for position in positions(window, base):
                if base + position >= done:
                    done = base + position + len(needle)
                    yield base + position

        def positions(window: bytes, base: int) -> Iterator[int]:
            start = max(done - base, 0)
            found = None
            if alignment >= 8:
                found = _aligned_positions(window, base, needle, alignment)
            elif len(needle) >= 7:
                found = _word_positions(window, needle)
            if found is not None:
                yield from (p for p in found if not (base + p) & (alignment - 1))
                return
            position = window.find(needle, start)
            while position >= 0:
                if not (base + position) & (alignment - 1):
                    yield position
                position = window.find(needle, max(position + 1, done - base))

        return find

    return make(MemorySearchIterator, memory, new_find, check)


def _aligned_positions(
    window: bytes, base: int, needle: bytes, alignment: int
) -> list[int]:
    """Where an aligned needle is, by the first bytes of every place it may be at."""
    import numpy as np

    start = -base % alignment
    count = (len(window) - start - len(needle)) // alignment + 1
    if count <= 0:
        return []
    width = next(size for size in (8, 4, 2, 1) if size <= len(needle))
    heads = np.ndarray((count,), f"<u{width}", window, start, (alignment,))
    head = int.from_bytes(needle[:width], "little")
    places = start + np.flatnonzero(heads == head) * alignment
    return [p for p in places.tolist() if window.startswith(needle, p)]


def _word_positions(window: bytes, needle: bytes) -> list[int] | None:
    """Where a needle of 7 bytes or more is: it covers a whole aligned 32-bit word.

    Three times as fast as ``bytes.find``. None if there are too many candidates.
    """
    import numpy as np

    words = np.frombuffer(window, "<u4", len(window) // 4)
    found: list[int] = []
    for phase in range(4):
        key = int.from_bytes(needle[phase : phase + 4], "little")
        equal = words == key
        if not equal.any():
            continue
        places = np.flatnonzero(equal) * 4 - phase
        if len(places) > _CANDIDATES_MAX:
            return None
        found += [p for p in places.tolist() if p >= 0 and window.startswith(needle, p)]
    return sorted(found)


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
                found |= (numbers | native(mask)) == native(value | mask)
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
) -> MemorySearchIterator[tuple[int, T]]:
    """(address, match) of a regular expression; see `compile_pattern`.

    A match of up to 32 KiB is always found, and a longer one up to 16 MiB.
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

    return make(MemorySearchIterator, memory, new_find, check)
