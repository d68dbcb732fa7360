"""The index of a file's debug information: from names and addresses to DIEs.

Names are in a hash table made of columns. A name's hash (see `names.py`) gives a
bucket, the rows of a bucket are next to each other in file order, and each has 32 more
bits of the hash to compare. The address columns are sorted. So a lookup reads a few
bytes of what may be a mapped file, and needs no numpy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..cache import StoredColumns
from ..errors import BadDataError
from .names import hash_name

if TYPE_CHECKING:
    from .file import DwarfFile
    from .split import SplitUnits

VERSION = 9
"""Changes when the columns or the scan do."""

_KIND = "dwarf"
_MIN_CACHED_SIZE = 1 << 18
"""Debug information below this size is scanned faster than a cache file is found."""

# Columns of address ranges: first and last addresses, and DIEs.
_FUNCTIONS = "function_lows", "function_highs", "functions"
_UNITS = "unit_lows", "unit_highs", "unit_spans"

_CHECKED_LATER = frozenset(("starts", "checks", "entries", *_FUNCTIONS, *_UNITS))
"""Columns that are large, of which a lookup checks what it uses."""

Column = Sequence[int]


class Index:
    """The columns, in memory or mapped from the cache."""

    __slots__ = (
        "_checks",
        "_columns",
        "_entries",
        "_mask",
        "_starts",
        "cached",
        "split",
        "units",
    )

    units: Column
    """Offsets of all units."""
    cached: bool
    """Whether the columns come from the cache."""
    split: SplitUnits | None
    """The units of split DWARF, if there are any."""

    def __init__(
        self,
        columns: dict[str, memoryview],
        cached: bool,
        split: SplitUnits | None = None,
    ) -> None:
        """Raises KeyError or ValueError if the columns do not fit together.

        All else raises BadDataError if a column is not what was stored in the cache.
        """
        self._columns = columns
        self.cached = cached
        self.split = split
        self.units = columns["units"]
        # Of each bucket of names, the first row; one more for the end.
        self._starts = columns["starts"]
        self._checks = columns["checks"]
        # DIE offset << 16 | tag << 8 | flags
        self._entries = columns["entries"]
        self._mask = len(self._starts) - 2
        if (
            self._mask < 0
            or self._mask & (self._mask + 1)
            or self._starts[-1] != len(self._entries)
            or len(self._checks) != len(self._entries)
            or any(
                len(columns[lows]) != len(columns[dies])
                or len(columns[highs]) != len(columns[dies])
                for lows, highs, dies in (_FUNCTIONS, _UNITS)
            )
        ):
            raise ValueError("columns do not fit together")
        if isinstance(columns, StoredColumns) and not all(
            columns.intact(name) for name in columns if name not in _CHECKED_LATER
        ):
            raise ValueError("columns are corrupt")

    def _check(self, name: str, first: int, end: int) -> None:
        columns = self._columns
        if isinstance(columns, StoredColumns) and not columns.intact(name, first, end):
            raise BadDataError("index in the cache is corrupt")

    def entries(self, name: str) -> Iterator[int]:
        """The entries of a name's rows, in file order: offset << 16 | tag << 8 | flags.

        They may be of another name: a hash is no proof.
        """
        state = hash_name(name)
        bucket = state >> 32 & self._mask
        check = state & 0xFFFFFFFF
        self._check("starts", bucket, bucket + 2)
        start, end = self._starts[bucket : bucket + 2]
        self._check("checks", start, end)
        self._check("entries", start, end)
        checks = self._checks
        entries = self._entries
        for row in range(start, min(end, len(entries))):
            if checks[row] == check:
                yield entries[row]

    def unit_for_pc(self, pc: int) -> int | None:
        """The offset of the root DIE of the unit whose code contains a file address."""
        return self._lookup(*_UNITS, pc)

    def function_at(self, pc: int) -> int | None:
        """The offset of the subprogram whose code contains a file address."""
        return self._lookup(*_FUNCTIONS, pc)

    def _lookup(self, lows: str, highs: str, dies: str, pc: int) -> int | None:
        starts = self._columns[lows]
        # The columns are signed.
        pc = (pc ^ 1 << 63) - (1 << 63)
        after = bisect_right(starts, pc)
        # If these are right, then so is what was found between them.
        self._check(lows, max(after - 1, 0), after + 1)
        if not after:
            return None
        # Assemblers describe aliases one by one: the first of them is the function.
        first = bisect_left(starts, starts[after - 1])
        self._check(lows, max(first - 1, 0), first + 1)
        self._check(highs, first, after)
        self._check(dies, first, after)
        for i in range(first, after):
            if pc < self._columns[highs][i]:
                return self._columns[dies][i]
        return None


def load_index(file: DwarfFile, *, rebuild: bool = False) -> Index:
    """The index of a file: from the cache if it is there, else by scanning the file.

    ``rebuild`` replaces what is in the cache. Raises BadDataError if the debug
    information is malformed.
    """
    from ..cache import load_columns, source_stamp, store_columns

    key = file.elf.build_id
    section = file.elf.section(".debug_info")
    is_large = section is not None and section.size >= _MIN_CACHED_SIZE
    # The skeletons of split DWARF are small and come with a table of addresses.
    may_be_split = file.elf.section(".debug_addr") is not None
    stamp = source_stamp(file.path) if key and (is_large or may_be_split) else None
    if key and stamp and not rebuild:
        columns = load_columns(_KIND, VERSION, key, stamp)
        if columns is not None:
            try:
                return Index(columns, True, _split(file, columns))
            except (KeyError, ValueError):
                pass
    from .build import build_columns

    built = build_columns(file)
    if key and stamp and (is_large or "split_bases" in built):
        import threading

        # The answer need not wait for the disk; the end of the process does.
        threading.Thread(
            target=store_columns, args=(_KIND, VERSION, key, stamp, built)
        ).start()
    return Index(built, False, _split(file, built))


def _split(file: DwarfFile, columns: dict[str, memoryview]) -> SplitUnits | None:
    """The units of split DWARF that the columns know.

    Raises KeyError or ValueError if their files are not those that were scanned.
    """
    if "split_bases" not in columns:
        return None
    from .split import SplitUnits

    return SplitUnits(file, columns)
