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

    __slots__ = ("_blocks", "_find", "_found", "_prog", "_wanted")

    def __init__(
        self, prog: Program, find: Callable[[], tuple[Addresses, Valid]]
    ) -> None:
        self._prog = prog
        self._find = find
        self._found: tuple[Addresses, Valid] | None = None
        self._wanted: set[tuple[int, int]] = set()
        # (start, end) -> what is there in each row, and in which rows.
        self._blocks: dict[tuple[int, int], tuple[NDArray[Any], Valid]] = {}

    @property
    def found(self) -> tuple[Addresses, Valid]:
        """The addresses, and which rows there are."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def want(self, offset: int, size: int) -> None:
        """Say that so many bytes at an offset will be read."""
        self._wanted.add((offset, offset + size))

    def read(self, offset: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], Valid]:
        """Items at an offset, and in which rows they could be read; see `read_values`.

        Where nothing was read they are zero.
        """
        addresses, valid = self.found
        start, end = self._block(offset, offset + dtype.itemsize)
        where = addresses + np.uint64(offset % 2**64)
        if end - start <= dtype.itemsize:
            return read_values(self._prog, where, dtype, valid)
        if (start, end) not in self._blocks:
            self._blocks[start, end] = read_values(
                self._prog,
                addresses + np.uint64(start % 2**64),
                np.dtype((np.uint8, (end - start,))),
                valid,
            )
        octets, good = self._blocks[start, end]
        part = octets[:, offset - start : offset - start + dtype.itemsize]
        raw = np.ascontiguousarray(part).reshape(-1)
        values = raw.view(dtype.base).reshape((len(addresses), *dtype.shape))
        lost = np.flatnonzero(valid & ~good)
        if len(lost):
            # The block has a part that cannot be read; this one may be readable.
            good = good.copy()
            values[lost], good[lost] = read_values(
                self._prog, where[lost], dtype, valid[lost]
            )
        return values, good

    def _block(self, start: int, end: int) -> tuple[int, int]:
        """What is read together with the bytes from ``start`` to ``end``."""
        limit = min(_BLOCK, _MEMORY // max(len(self.found[0]), 1))
        block: tuple[int, int] | None = None
        for low, high in sorted(self._wanted):
            if block is not None and max(block[1], high) - block[0] <= limit:
                block = block[0], max(block[1], high)
                continue
            if block is not None and block[0] <= start and end <= block[1]:
                return block
            block = low, high
        if block is not None and block[0] <= start and end <= block[1]:
            return block
        return start, end
