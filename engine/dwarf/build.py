"""Building the index: scan the units on all processors, then group names and sort."""

from __future__ import annotations

import gc
import os
import sys
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ..errors import BadDataError
from ..log import progress
from . import constants as dw
from . import scan, scan_abbrevs
from .names import CONTINUES, DECLARATION, hash_name
from .split import Space, find_split_units, skeleton_units
from .unit import Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .file import DwarfFile
    from .sections import Sections

T = TypeVar("T")

_PLAIN_SIZE = 1 << 20
"""Up to this size the scan takes less time as plain Python than importing numba."""

_MAX_BUCKET_BITS = 16


class _Rows:
    """What scanning a stretch of units gave."""

    __slots__ = ("entries", "hashes", "origins", "spans")

    def __init__(self, hashes: Any, entries: Any, origins: Any, spans: Any) -> None:
        self.hashes = hashes
        self.entries = entries
        self.origins = origins
        self.spans = spans


def build_columns(file: DwarfFile) -> dict[str, memoryview]:
    """The columns of `Index`. BadDataError if the debug information is malformed."""
    spaces = [
        Space(file, base, data, list(_units(file, base, data, types)))
        for base, data, types in file.spaces
    ]
    split = None
    skeletons = skeleton_units(file, [unit for space in spaces for unit in space.units])
    if skeletons:
        split = find_split_units(file, skeletons)
    if split is not None:
        spaces += split.spaces
    size = sum(len(space.data) for space in spaces)
    fast = size > _PLAIN_SIZE or (size > _PLAIN_SIZE // 8 and "numba" in sys.modules)
    if not fast:
        columns = _plain_columns(file, _scan(file, spaces))
    else:
        with _Progress(f"indexing {os.path.basename(file.path)} ..."):
            columns = _fast_columns(file, _scan_fast(file, spaces))
    if split is not None:
        columns |= split.columns
    offsets = array("q", [unit.offset for space in spaces for unit in space.units])
    columns["units"] = memoryview(offsets)
    return columns


def _units(file: DwarfFile, base: int, data: memoryview, types: bool) -> list[Unit]:
    units = []
    position = 0
    while position < len(data):
        unit = Unit(file, data, base, position, types)
        units.append(unit)
        position = unit.limit
    return units


class _Progress:
    """Says on stderr what is being done if it takes longer than a second."""

    def __init__(self, message: str) -> None:
        self._timer = threading.Timer(1.0, progress, (message,))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()


def _unit_table(units: list[Unit]) -> array[int]:
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


class _Scanner:
    """Calls `scan.scan()` with enough room for what it finds."""

    def __init__(
        self,
        file: DwarfFile,
        space: Space,
        kernel: Any,
        array_of: Callable[[memoryview], Any],
        ints: Any,
    ) -> None:
        self.space = space
        self.base = space.base
        self.info = array_of(space.data)
        self.sections = tuple(map(array_of, _sections(file, space.sections)))
        self.units = space.units
        self.table = ints(_unit_table(space.units))
        self.kernel = kernel
        self.ints = ints

    def run(self, first: int, last: int) -> list[_Rows]:
        """Scan the units from ``first`` up to ``last``.

        Raises BadDataError for what is malformed.
        """
        abbrev_room = 1 << 12
        room = 0
        parts: list[_Rows] = []
        while first < last:
            size = self.units[last - 1].limit - self.units[first].offset
            size += self.units[first].base
            room = max(room, size // 32 + 256)
            found, result = self._scan(first, last, abbrev_room, room)
            if found is not None:
                parts.append(found)
            status = int(result[scan.RESULT_STATUS])
            done = int(result[scan.RESULT_UNIT])
            if status == scan_abbrevs.STATUS_FULL and done == first:
                room *= 4
            elif status == scan_abbrevs.STATUS_ABBREVS_FULL:
                abbrev_room *= 4
                if abbrev_room > 4 * scan_abbrevs.MAX_CODE:
                    raise self.units[done].error("abbreviation codes are too large")
            elif status == scan_abbrevs.STATUS_BAD_ABBREVS:
                raise self._bad_abbrevs(self.units[done])
            elif status == scan_abbrevs.STATUS_BAD:
                self._refuse(self.units[done], int(result[scan.RESULT_POSITION]))
            first = done
        return parts

    def _scan(
        self, first: int, last: int, abbrev_room: int, room: int
    ) -> tuple[_Rows | None, Any]:
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
        rows = _Rows(
            hashes[:count],
            entries[:count],
            origins[:count],
            spans[: span_count * 3],
        )
        return rows, result

    def _bad_abbrevs(self, unit: Unit) -> BadDataError:
        """An exception that says what is wrong with a unit's abbreviations."""
        offset = unit.abbrev_offset + unit.part(".debug_abbrev")
        table = unit.sections.section(".debug_abbrev")
        found = scan_abbrevs.wrong_form(table, offset)
        if found is None:
            return unit.error("invalid abbreviations")
        position, at, form = found
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


def _sections(file: DwarfFile, sections: Sections) -> list[memoryview]:
    """What the scan takes; the addresses of split DWARF are in the file itself."""
    found = [
        (file if name in _ADDRESSES else sections).section(name)
        for name in scan.SECTIONS
    ]
    alt = file.supplementary
    found.append(memoryview(b"") if alt is None else alt.section(".debug_str"))
    return found


_ADDRESSES = (".debug_addr", ".debug_ranges")


def _scan(file: DwarfFile, spaces: list[Space]) -> list[_Rows]:
    """Scan as plain Python."""

    def ints(values: int | array[int]) -> array[int]:
        if isinstance(values, int):
            return array("q", bytes(8 * values))
        return values

    rows = []
    for space in spaces:
        scanner = _Scanner(file, space, scan.scan, lambda data: data, ints)
        rows += scanner.run(0, len(space.units))
    return rows


def _scan_fast(file: DwarfFile, spaces: list[Space]) -> list[_Rows]:
    """Scan compiled, with a thread for each processor."""
    with _no_collections():
        import numpy as np

        from .kernels import scan_units

    def array_of(data: memoryview) -> NDArray[np.uint8]:
        return np.frombuffer(data.toreadonly(), np.uint8)

    def ints(values: int | array[int]) -> NDArray[np.int64]:
        if isinstance(values, int):
            return np.empty(values, np.int64)
        return np.array(values, np.int64)

    threads = _processors()
    size = sum(len(space.data) for space in spaces) // (threads * 4) + 1
    tasks: list[tuple[_Scanner, int, int]] = []
    for space in spaces:
        scanner = _Scanner(file, space, scan_units, array_of, ints)
        stretches = _stretches(space.units, size)
        tasks += [(scanner, first, last) for first, last in stretches]
    parts = _in_threads(
        [partial(scanner.run, first, last) for scanner, first, last in tasks], threads
    )
    return [rows for part in parts for rows in part]


def _in_threads(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """What the tasks return, done by some threads; the first error if one fails."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []
    waiting = iter(enumerate(tasks))
    lock = threading.Lock()

    def work() -> None:
        try:
            while not errors:
                with lock:
                    number, task = next(waiting, (-1, None))
                if task is None:
                    return
                results[number] = task()
        except BaseException as error:
            errors.append(error)

    helpers = [threading.Thread(target=work) for _ in range(threads - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    return results


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


def _processors() -> int:
    return min(len(os.sched_getaffinity(0)), 16)


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


def _alt_hash(file: DwarfFile, origin: int) -> int:
    """The hash of the name of a DIE in the supplementary file; 0 if it has none."""
    alt = file.supplementary
    if alt is None:
        return 0
    name = alt.die_at(origin - scan.ALT_ORIGIN).qualified_name()
    return 0 if name is None else hash_name(name)


def _bucket_bits(count: int) -> int:
    return max(1, min(_MAX_BUCKET_BITS, count.bit_length() - 2))


def _plain_columns(file: DwarfFile, parts: list[_Rows]) -> dict[str, memoryview]:
    rows = [
        (entry, state)
        for entry, state in _plain_rows(file, parts)
        if state > 0 and not entry & DECLARATION
    ]
    rows.sort(key=lambda row: row[0] >> 16)
    mask = (1 << _bucket_bits(len(rows))) - 1
    buckets: list[list[tuple[int, int]]] = [[] for _ in range(mask + 1)]
    for row in rows:
        buckets[row[1] >> 32 & mask].append(row)
    starts = array("I", [0])
    entries = array("q")
    checks = array("I")
    for bucket in buckets:
        entries.extend([entry for entry, _ in bucket])
        checks.extend([state & 0xFFFFFFFF for _, state in bucket])
        starts.append(len(entries))
    columns = {
        "starts": memoryview(starts),
        "checks": memoryview(checks),
        "entries": memoryview(entries),
    }
    spans = sorted(
        span
        for part in parts
        for span in zip(*(part.spans[i::3] for i in range(3)), strict=True)
    )
    functions = [s for s in spans if s[2] >> 8 & 0xFF == dw.DW_TAG_subprogram]
    units = [s for s in spans if s[2] >> 8 & 0xFF != dw.DW_TAG_subprogram]
    for prefix, dies, chosen in (
        ("function", "functions", functions),
        ("unit", "unit_spans", units),
    ):
        columns[prefix + "_lows"] = memoryview(array("q", [s[0] for s in chosen]))
        columns[prefix + "_highs"] = memoryview(array("q", [s[1] for s in chosen]))
        columns[dies] = memoryview(array("q", [s[2] >> 16 for s in chosen]))
    return columns


def _plain_rows(file: DwarfFile, parts: list[_Rows]) -> list[tuple[int, int]]:
    """Entry and hash of each row; of a DIE that continues another, that one's hash."""
    rows: list[tuple[int, int]] = []
    # (entry, hash of its own name, offset of the origin)
    open_rows: list[tuple[int, int, int]] = []
    for part in parts:
        for state, entry, origin in zip(
            part.hashes, part.entries, part.origins, strict=True
        ):
            if not entry & CONTINUES:
                rows.append((entry, state))
            elif origin >= scan.ALT_ORIGIN:
                rows.append((entry, _alt_hash(file, origin)))
            else:
                open_rows.append((entry, state, origin))
    by_offset = {
        entry >> 16: state
        for entry, state in rows
        if entry >> 8 & 0xFF != dw.DW_TAG_enumerator
    }
    while open_rows:
        unresolved = []
        for entry, own, origin in open_rows:
            if origin in by_offset:
                state = by_offset[entry >> 16] = by_offset[origin]
                rows.append((entry, state))
            else:
                unresolved.append((entry, own, origin))
        if len(unresolved) == len(open_rows):
            return rows + [(entry, own) for entry, own, _ in open_rows]
        open_rows = unresolved
    return rows


def _fast_columns(file: DwarfFile, parts: list[_Rows]) -> dict[str, memoryview]:
    import numpy as np

    from .kernels import group_rows

    _resolve(file, parts)
    mask = (1 << _bucket_bits(sum(len(part.hashes) for part in parts))) - 1
    checks, entries = np.empty(0, np.uint32), np.empty(0, np.int64)
    threads = _processors()
    # Each stretch of parts counts for itself, so that all can be placed at once.
    step = len(parts) // threads + 1
    stretches = [parts[i : i + step] for i in range(0, len(parts), step)]
    counts = np.zeros((len(stretches), mask + 1), np.int64)

    def group(stretch: list[_Rows], cursors: NDArray[np.int64], place: bool) -> None:
        for part in stretch:
            group_rows(part.hashes, part.entries, mask, cursors, checks, entries, place)

    def in_threads(cursors: NDArray[np.int64], place: bool) -> None:
        rows = zip(stretches, cursors, strict=True)
        tasks = [partial(group, stretch, row, place) for stretch, row in rows]
        _in_threads(tasks, threads)

    in_threads(counts, False)
    starts = np.zeros(mask + 2, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    checks, entries = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.int64)
    before = np.cumsum(counts, axis=0) - counts
    in_threads(before + starts[:-1], True)
    columns = {
        "starts": _view(starts.astype(np.uint32)),
        "checks": _view(checks),
        "entries": _view(entries),
    }
    spans = np.concatenate([np.empty(0, np.int64)] + [part.spans for part in parts])
    spans = spans.reshape(-1, 3)
    is_function = (spans[:, 2] >> 8 & 0xFF) == dw.DW_TAG_subprogram
    for prefix, dies, chosen in (
        ("function", "functions", spans[is_function]),
        ("unit", "unit_spans", spans[~is_function]),
    ):
        chosen = chosen[np.argsort(chosen[:, 0], kind="stable")]
        columns[prefix + "_lows"] = _view(chosen[:, 0])
        columns[prefix + "_highs"] = _view(chosen[:, 1])
        columns[dies] = _view(chosen[:, 2] >> 16)
    return columns


def _view(column: NDArray[Any]) -> memoryview:
    import numpy as np

    buffer: Any = np.ascontiguousarray(column)
    return memoryview(buffer)


def _resolve(file: DwarfFile, parts: list[_Rows]) -> None:
    """Give rows of DIEs that continue another that one's hash, in place.

    The rows of a part, and the parts, are in file order, so that entries ascend.
    """
    import numpy as np

    open_rows = []
    for part in parts:
        rows = np.flatnonzero(part.entries & CONTINUES)
        elsewhere = part.origins[rows] >= scan.ALT_ORIGIN
        for row in rows[elsewhere]:
            part.hashes[row] = _alt_hash(file, int(part.origins[row]))
        open_rows.append(rows[~elsewhere])
    # Of a row that waits for another, the hash of its own name does not count.
    own = [part.hashes[rows] for part, rows in zip(parts, open_rows, strict=True)]
    for part, rows in zip(parts, open_rows, strict=True):
        part.hashes[rows] = 0
    last = [part.entries[-1] >> 16 if len(part.entries) else 0 for part in parts]
    ends = np.maximum.accumulate(np.array(last, np.int64))
    progress = True
    while progress:
        progress = False
        for i, part in enumerate(parts):
            rows = open_rows[i]
            if not len(rows):
                continue
            origins = part.origins[rows]
            states = np.zeros(len(rows), np.int64)
            homes = np.searchsorted(ends, origins)
            for home in np.unique(homes[homes < len(parts)]):
                chosen = homes == home
                entries = parts[home].entries
                targets = np.searchsorted(entries, origins[chosen] << 16)
                found = entries[targets] >> 16 == origins[chosen]
                states[chosen] = np.where(found, parts[home].hashes[targets], 0)
            known = states != 0
            part.hashes[rows[known]] = states[known]
            open_rows[i] = rows[~known]
            own[i] = own[i][~known]
            progress = progress or len(open_rows[i]) < len(rows)
    for part, rows, hashes in zip(parts, open_rows, own, strict=True):
        part.hashes[rows] = hashes
