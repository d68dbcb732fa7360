"""Where many pages lie in a buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .segments import Buffer
    from .space import AddressSpace

    Addresses = NDArray[np.uint64]
    Places = NDArray[np.int64]
    Known = NDArray[np.bool_]

_SHIFT = np.uint64(12)
_SIZE = 1 << 12
_OFFSET = np.uint64(_SIZE - 1)
_ONE = np.uint64(1)
# How many pages are remembered at most: 16 bytes each.
_LIMIT = 1 << 16
# No page has that number. One is compared with the one behind it.
_END = np.full(2, 2**64 - 1, np.uint64)
# From how many addresses on those in the same page are looked up together.
_MANY = 1 << 10


class PagePlaces:
    """What `Memory.pages` is for one address, for many: pages in one buffer.

    Only what stays as it is may be put here, see `Segment.locate`.
    """

    __slots__ = ("_distances", "_numbers", "buffer")

    def __init__(self) -> None:
        self.buffer: Buffer = b""
        # The numbers of the pages in order, and how far the buffer is from each.
        self._numbers = _END
        self._distances = np.zeros(len(_END), np.int64)

    def find(self, addresses: Addresses, size: int) -> tuple[Places, Known]:
        """Where ``size`` bytes, a page at most, at n addresses are in the buffer.

        Returns int64[n] offsets and bool[n], False where that is not known.
        """
        numbers = addresses >> _SHIFT
        if len(numbers) < _MANY:
            index = self._numbers.searchsorted(numbers)
        else:
            begins = np.ones(len(numbers), np.bool_)
            np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
            firsts = np.flatnonzero(begins)
            lengths = np.diff(firsts, append=len(numbers))
            index = self._numbers.searchsorted(numbers[firsts]).repeat(lengths)
        known = self._numbers[index] == numbers
        distances = self._distances[index]
        crossing = np.flatnonzero(addresses & _OFFSET > np.uint64(_SIZE - size))
        if len(crossing):
            # They need the next page, too, at the next place.
            next = index[crossing] + 1
            known[crossing] &= self._numbers[next] == numbers[crossing] + _ONE
            known[crossing] &= self._distances[next] == distances[crossing]
        return addresses.view(np.int64) + distances, known

    def follow(
        self, node: int, end: int, next_offset: int, count: int
    ) -> tuple[Addresses, int]:
        """Nodes of a chain of little-endian 64-bit pointers, as `chains.nodes`.

        At most ``count`` from one on, as far as it is known where they are. Returns
        uint64[n] addresses and the address of the next one, which may be ``end``.
        """
        offset = np.uint64(next_offset % 2**64)
        place, known = self.find(np.array([node], np.uint64) + offset, 8)
        if not known[0]:
            return np.empty(0, np.uint64), node
        # All are taken for as far from their places as the first one is. Which of them
        # are is looked up then, at once.
        distance = int(place[0]) - node
        words = memoryview(self.buffer)[: len(self.buffer) & -8].cast("Q")
        found: list[int] = []
        append = found.append
        try:
            for _ in range(count):
                append(node)
                node = words[node + distance >> 3]
                if node == end:
                    break
        except IndexError:
            found.pop()
        nodes = np.array(found, np.uint64)
        places, good = self.find(nodes + offset, 8)
        good &= places.view(np.uint64) - nodes == np.uint64(distance % 2**64)
        good &= places & 7 == 0
        if not good.all():
            first = int(np.argmin(good))
            return nodes[:first], found[first]
        return nodes, node

    def learn(self, space: AddressSpace, addresses: Addresses, size: int) -> None:
        """Remember the pages in which ``size`` bytes at addresses of a space are."""
        ends = addresses + np.uint64(size - 1)
        if not len(addresses):
            return
        numbers = np.unique(np.concatenate((addresses, ends)) >> _SHIFT)
        numbers = numbers[self._numbers[self._numbers.searchsorted(numbers)] != numbers]
        if len(numbers) > _LIMIT:
            return
        pages = numbers << _SHIFT
        for buffer, rows, places in space.locate_pages(pages):
            # One with a single page is of zeros, or was made for who asked.
            if not len(self.buffer) and len(buffer) > _SIZE:
                self.buffer = buffer
            if buffer is self.buffer:
                self._put(numbers[rows], places - pages[rows].view(np.int64))

    def _put(self, numbers: Addresses, distances: Places) -> None:
        if len(self._numbers) + len(numbers) > _LIMIT:
            self._numbers, self._distances = _END, np.zeros(len(_END), np.int64)
        numbers = np.concatenate((numbers, self._numbers[:-1]))
        distances = np.concatenate((distances, self._distances[:-1]))
        self._numbers, index = np.unique(numbers, return_index=True)
        self._numbers = np.append(self._numbers, _END[:1])
        self._distances = np.append(distances[index], 0)
