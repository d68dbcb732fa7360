"""Building the index: names are grouped by their hashes, addresses sorted."""

from __future__ import annotations

import os
import sys
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..errors import BadDataError
from ..log import progress
from . import constants as dw
from . import scan
from .names import CONTINUES, DECLARATION, hash_name
from .scanner import Rows, scan_fast, scan_plain
from .split import Space, find_split_units, skeleton_units
from .unit import Unit
from .workers import in_threads, processors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .file import DwarfFile

_PLAIN_SIZE = 1 << 20
"""Up to this size the scan takes less time as plain Python than importing numba."""

_MAX_BUCKET_BITS = 16


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
    units = sorted(
        (unit for space in spaces for unit in space.units), key=attrgetter("offset")
    )
    member_hash = partial(_member_hash, units)
    size = sum(len(space.data) for space in spaces)
    fast = size > _PLAIN_SIZE or (size > _PLAIN_SIZE // 8 and "numba" in sys.modules)
    if fast:
        with _Progress(f"indexing {os.path.basename(file.path)} ..."):
            columns = _fast_columns(file, scan_fast(file, spaces), member_hash)
    else:
        columns = _plain_columns(file, scan_plain(file, spaces), member_hash)
    if split is not None:
        columns |= split.columns
    offsets = array("q", [unit.offset for space in spaces for unit in space.units])
    columns["units"] = memoryview(offsets)
    return columns


def _units(file: DwarfFile, base: int, data: memoryview, types: bool) -> list[Unit]:
    """All units of a section, which is .debug_types if ``types``."""
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


def _alt_hash(file: DwarfFile, origin: int) -> int:
    """The hash of the name of a DIE in the supplementary file; 0 if it has none."""
    alt = file.supplementary
    if alt is None:
        return 0
    name = alt.die_at(origin - scan.ALT_ORIGIN).qualified_name()
    return 0 if name is None else hash_name(name)


def _member_hash(units: Sequence[Unit], origin: int) -> int:
    """The hash of the name of a DIE in a structure of C; 0 if it is in none.

    The scan has not looked into those.
    """
    i = bisect_right(units, origin, key=attrgetter("offset"))
    unit = units[i - 1]
    if i == 0 or origin >= unit.end or unit.is_cplusplus:
        return 0
    try:
        *_, die = unit.die_at(origin).origins()
        scopes = [d.name for d in die.ancestors() if d.tag in dw.NAMED_SCOPES]
    except BadDataError:
        return 0  # Whoever looks at the DIE will be told.
    if not scopes or die.name is None:
        return 0
    return hash_name("::".join([scope for scope in scopes if scope] + [die.name]))


def _bucket_bits(count: int) -> int:
    """As many bits of a hash as give buckets of a few rows each."""
    return max(1, min(_MAX_BUCKET_BITS, count.bit_length() - 2))


def _plain_columns(
    file: DwarfFile, parts: list[Rows], member_hash: Callable[[int], int]
) -> dict[str, memoryview]:
    """The columns of names and addresses, made without numpy."""
    rows = [
        (entry, state)
        for entry, state in _plain_rows(file, parts, member_hash)
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


def _plain_rows(
    file: DwarfFile, parts: list[Rows], member_hash: Callable[[int], int]
) -> list[tuple[int, int]]:
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
            return rows + [
                (entry, own or member_hash(origin)) for entry, own, origin in open_rows
            ]
        open_rows = unresolved
    return rows


def _fast_columns(
    file: DwarfFile, parts: list[Rows], member_hash: Callable[[int], int]
) -> dict[str, memoryview]:
    """The same columns, made by numpy and by what numba has compiled."""
    import numpy as np

    from .kernels import group_rows

    _resolve(file, parts, member_hash)
    mask = (1 << _bucket_bits(sum(len(part.hashes) for part in parts))) - 1
    checks, entries = np.empty(0, np.uint32), np.empty(0, np.int64)
    threads = processors()
    # Each stretch of parts counts for itself, so that all can be placed at once.
    step = len(parts) // threads + 1
    stretches = [parts[i : i + step] for i in range(0, len(parts), step)]
    counts = np.zeros((len(stretches), mask + 1), np.int64)

    def group(stretch: list[Rows], cursors: NDArray[np.int64], place: bool) -> None:
        for part in stretch:
            group_rows(part.hashes, part.entries, mask, cursors, checks, entries, place)

    def group_all(cursors: NDArray[np.int64], *, place: bool) -> None:
        rows = zip(stretches, cursors, strict=True)
        tasks = [partial(group, stretch, row, place) for stretch, row in rows]
        in_threads(tasks, threads)

    group_all(counts, place=False)
    starts = np.zeros(mask + 2, np.int64)
    np.cumsum(counts.sum(axis=0), out=starts[1:])
    checks, entries = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.int64)
    before = np.cumsum(counts, axis=0) - counts
    group_all(before + starts[:-1], place=True)
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


def _resolve(
    file: DwarfFile, parts: list[Rows], member_hash: Callable[[int], int]
) -> None:
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
    found_some = True
    while found_some:
        found_some = False
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
            found_some = found_some or len(open_rows[i]) < len(rows)
    for part, rows, hashes in zip(parts, open_rows, own, strict=True):
        for k in np.flatnonzero(hashes == 0):
            hashes[k] = member_hash(int(part.origins[rows[k]]))
        part.hashes[rows] = hashes
