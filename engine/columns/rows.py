"""Structures at many addresses, of which members that lie close are read together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .read import read_values

if TYPE_CHECKING:
    from ..program import Program

    Addresses = NDArray[np.uint64]
    Valid = NDArray[np.bool_]

# How many bytes of a structure are read at once, and of all structures together.
_BLOCK = 256
_MEMORY = 1 << 24


class Rows:
    """What lies at n addresses.

    What will be read is said first (`want`): reading some hundred bytes a row takes
    hardly longer than reading eight, but much less than reading eight twice.

    ``find``: returns the addresses, uint64[n], and which rows there are, bool[n].
    """

    __slots__ = ("_blocks", "_find", "_found", "_places", "_prog", "_wanted")

    def __init__(
        self, prog: Program, find: Callable[[], tuple[Addresses, Valid]]
    ) -> None:
        self._prog = prog
        self._find = find
        self._found: tuple[Addresses, Valid] | None = None
        self._wanted: set[tuple[int, int]] = set()
        # What is wanted -> the block that it is read with.
        self._places: dict[tuple[int, int], tuple[int, int]] = {}
        # (start, end) -> what is there in each row, in which rows, and in which of
        # those that there are it is not.
        self._blocks: dict[
            tuple[int, int], tuple[NDArray[Any], Valid, NDArray[np.intp]]
        ] = {}

    @property
    def found(self) -> tuple[Addresses, Valid]:
        """The addresses, and which rows there are."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def want(self, offset: int, size: int) -> None:
        """Say that so many bytes at an offset will be read."""
        self._wanted.add((offset, offset + size))
        self._places = {}

    def read(self, offset: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], Valid]:
        """Items at an offset, and in which rows they could be read; see `read_values`.

        They have been wanted. Where nothing was read they are zero.
        """
        addresses, valid = self.found
        size = dtype.itemsize
        if not self._places:
            self._places = self._plan()
        start, end = block = self._places[offset, offset + size]
        if end - start == size:
            where = addresses + np.uint64(offset % 2**64)
            return read_values(self._prog, where, dtype, valid)
        if block not in self._blocks:
            octets, good = read_values(
                self._prog,
                addresses + np.uint64(start % 2**64),
                np.dtype((np.uint8, (end - start,))),
                valid,
            )
            self._blocks[block] = octets, good, np.flatnonzero(valid & ~good)
        octets, good, lost = self._blocks[block]
        part = octets[:, offset - start : offset - start + size]
        raw = part.reshape(-1)  # Of a part, this is a copy.
        values = raw.view(dtype.base).reshape((len(addresses), *dtype.shape))
        if len(lost):
            # The block has a part that cannot be read; this one may be readable.
            good = good.copy()
            where = addresses[lost] + np.uint64(offset % 2**64)
            values[lost], good[lost] = read_values(
                self._prog, where, dtype, valid[lost]
            )
        return values, good

    def _plan(self) -> dict[tuple[int, int], tuple[int, int]]:
        """What is read together: the block of each part that is wanted."""
        limit = min(_BLOCK, _MEMORY // max(len(self.found[0]), 1))
        places = {}
        together: list[tuple[int, int]] = []
        start = end = 0
        for low, high in sorted(self._wanted):
            if not together or max(end, high) - start > limit:
                places.update(dict.fromkeys(together, (start, end)))
                together, start, end = [], low, high
            together.append((low, high))
            end = max(end, high)
        places.update(dict.fromkeys(together, (start, end)))
        return places
