"""Running `scan.py` over the units of a file: small ones as they are, others compiled.

What is compiled runs in a thread for each processor.
"""

from __future__ import annotations

import gc
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import BadDataError
from . import constants as dw
from . import scan, scan_abbrevs
from .reader import uleb128
from .split import Space
from .unit import Unit
from .workers import in_threads, processors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .file import DwarfFile
    from .sections import Sections


class Rows:
    """What scanning a stretch of units gave, see `scan.scan()`.

    The columns are arrays of 64-bit integers: ``array.array``, or numpy's.
    """

    __slots__ = ("entries", "hashes", "origins", "spans")

    def __init__(self, hashes: Any, entries: Any, origins: Any, spans: Any) -> None:
        self.hashes = hashes
        self.entries = entries
        self.origins = origins
        self.spans = spans


def scan_plain(file: DwarfFile, spaces: list[Space]) -> list[Rows]:
    """Scan as plain Python; BadDataError if the debug information is malformed."""

    def ints(values: int | array[int]) -> array[int]:
        if isinstance(values, int):
            return array("q", bytes(8 * values))
        return values

    rows = []
    for space in spaces:
        scanner = _Scanner(file, space, scan.scan, lambda data: data, ints)
        rows += scanner.run(0, len(space.units))
    return rows


def scan_fast(file: DwarfFile, spaces: list[Space]) -> list[Rows]:
    """Scan compiled, with a thread for each processor; errors as `scan_plain()`."""
    with _no_collections():
        import numpy as np

        from .kernels import scan_units

    def array_of(data: memoryview) -> NDArray[np.uint8]:
        return np.frombuffer(data.toreadonly(), np.uint8)

    def ints(values: int | array[int]) -> NDArray[np.int64]:
        if isinstance(values, int):
            return np.empty(values, np.int64)
        return np.array(values, np.int64)

    threads = processors()
    size = sum(len(space.data) for space in spaces) // (threads * 4) + 1
    tasks: list[tuple[_Scanner, int, int]] = []
    for space in spaces:
        scanner = _Scanner(file, space, scan_units, array_of, ints)
        stretches = _stretches(space.units, size)
        tasks += [(scanner, first, last) for first, last in stretches]
    parts = in_threads(
        [partial(scanner.run, first, last) for scanner, first, last in tasks], threads
    )
    return [rows for part in parts for rows in part]


def _stretches(units: list[Unit], size: int) -> list[tuple[int, int]]:
    """Ranges of units, each of about a number of bytes."""
    stretches = []
    first = 0
    for i, unit in enumerate(units):
        if unit.end - units[first].offset >= size:
            stretches.append((first, i + 1))
            first = i + 1
    if first < len(units):
        stretches.append((first, len(units)))
    return stretches


@contextmanager
def _no_collections() -> Iterator[None]:
    """Let nothing be searched for garbage: imports make much that is none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Scanner:
    """Calls `scan.scan()` with enough room for what it finds."""

    def __init__(
        self,
        file: DwarfFile,
        space: Space,
        kernel: Any,
        array_of: Callable[[memoryview], Any],
        ints: Callable[[int | array[int]], Any],
    ) -> None:
        """``kernel`` is `scan.scan()`, or what numba has compiled of it.

        It takes what ``array_of()`` bytes is and what ``ints()`` makes: an array of a
        number of integers, or of those in an array.
        """
        self.space = space
        self.base = space.base
        self.info = array_of(space.data)
        self.sections = tuple(map(array_of, _sections(file, space.sections)))
        self.units = space.units
        self.table = ints(_unit_table(space.units))
        self.kernel = kernel
        self.ints = ints

    def run(self, first: int, last: int) -> list[Rows]:
        """Scan the units from ``first`` up to ``last``.

        Raises BadDataError for what is malformed.
        """
        abbrev_room = 1 << 12
        room = 0
        parts: list[Rows] = []
        while first < last:
            size = self.units[last - 1].limit - self.units[first].offset
            size += self.units[first].base
            room = max(room, size // 32 + 256)
            found, result = self._scan(first, last, abbrev_room, room)
            if found is not None:
                parts.append(found)
            status = int(result[scan.RESULT_STATUS])
            done = int(result[scan.RESULT_UNIT])
            position = int(result[scan.RESULT_POSITION])
            if status == scan_abbrevs.STATUS_FULL and done == first:
                room *= 4
            elif status == scan_abbrevs.STATUS_ABBREVS_FULL:
                abbrev_room *= 4
                if abbrev_room > 4 * scan_abbrevs.MAX_CODE:
                    raise self.units[done].error("abbreviation codes are too large")
            elif status == scan_abbrevs.STATUS_BAD_ABBREVS:
                raise self.units[done].error("invalid abbreviations")
            elif status == scan_abbrevs.STATUS_WRONG_FORM:
                raise self._wrong_form(self.units[done], position)
            elif status == scan_abbrevs.STATUS_BAD:
                self._refuse(self.units[done], position)
            first = done
        return parts

    def _scan(
        self, first: int, last: int, abbrev_room: int, room: int
    ) -> tuple[Rows | None, Any]:
        """What was found before units or room ended, if anything; and the result."""
        # A step takes two bytes at least; what is malformed shall not take more room.
        most_steps = min(abbrev_room * 8, len(self.sections[0]) // 2 + 4)
        hashes, entries, origins, spans = (self.ints(room) for _ in range(4))
        result = self.ints(scan.RESULT_COLUMNS)
        self.kernel(
            self.info,
            self.base,
            self.sections,
            self.table,
            first,
            last,
            self.space.sections.order == ">",
            self.ints(abbrev_room),
            self.ints(abbrev_room * scan_abbrevs.ABBREV_COLUMNS),
            self.ints(most_steps * scan_abbrevs.STEP_COLUMNS),
            hashes,
            entries,
            origins,
            spans,
            result,
        )
        count = int(result[scan.RESULT_ROWS])
        span_count = int(result[scan.RESULT_SPANS])
        if not count and not span_count:
            return None, result
        rows = Rows(
            hashes[:count],
            entries[:count],
            origins[:count],
            spans[: span_count * 3],
        )
        return rows, result

    def _wrong_form(self, unit: Unit, position: int) -> BadDataError:
        """An exception that says which attribute of an abbreviation is no good."""
        table = unit.sections.section(".debug_abbrev")
        at, position = uleb128(table, position)
        form, _ = uleb128(table, position)
        return BadDataError(
            f"{unit.sections.path}: .debug_abbrev+{position:#x}: "
            f"unknown attribute form {form:#x} for {dw.attribute_name(at)}"
        )

    def _refuse(self, unit: Unit, position: int) -> NoReturn:
        """Raise BadDataError for the DIE at a position, which says what is wrong."""
        unit.read_die(position)
        sections = self.space.sections
        offset = self.base + position - sections.base
        raise BadDataError(f"{sections.path}: invalid DIE at {offset:#x}")


_OF_MAIN_FILE = (".debug_addr", ".debug_ranges")
"""Sections that the debug file has for its split units, too."""


def _sections(file: DwarfFile, sections: Sections) -> list[memoryview]:
    """The contents of `scan.SECTIONS`, and the strings of the supplementary file."""
    found = [
        (file if name in _OF_MAIN_FILE else sections).section(name)
        for name in scan.SECTIONS
    ]
    alt = file.supplementary
    found.append(memoryview(b"") if alt is None else alt.section(".debug_str"))
    return found


def _unit_table(units: list[Unit]) -> array[int]:
    """The columns of units that `scan.scan()` takes, one unit after the other."""
    table = array("q")
    for unit in units:
        table.extend(
            (
                unit.offset - unit.base,
                unit.limit,
                unit.root_position,
                unit.version,
                unit.address_size,
                unit.offset_size,
                min(unit.abbrev_offset + unit.part(".debug_abbrev"), sys.maxsize),
            )
        )
        if unit.sections.is_dwo:
            is_type = unit.skeleton is None
            bases = (
                unit.str_offsets_base,
                0 if is_type else unit.addr_base or 0,
                0 if is_type else unit.rnglists_base,
                0 if is_type else unit.ranges_base,
                0 if is_type else unit.low_pc,
                unit.sections.base,
            )
            table.extend(map(_signed, bases))
        else:
            table.extend((0,) * 6)
    return table


def _signed(number: int) -> int:
    """A number of 64 bits as the scan has it: addresses of kernels are negative."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
