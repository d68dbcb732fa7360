"""Reading many addresses at once with numpy."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from ..errors import FaultError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .paging import Linear, PageTable, PagingMode
    from .segments import Buffer, Segment
    from .space import AddressSpace

    Addresses = NDArray[np.integer[Any]] | Iterable[SupportsIndex]


_PAGE_SHIFT = 12
_PAGE_SIZE = 1 << _PAGE_SHIFT
_PAGE_MASK = np.uint64(_PAGE_SIZE - 1)
# How many pages are held at once.
_PAGES_AT_ONCE = 4096


def take_rows(
    buffer: Buffer, offsets: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """Copy the ``out.shape[1]`` bytes at each of n offsets into the rows of ``out``.

    The offsets must be inside of the buffer.
    """
    count, size = out.shape
    if not count or not size:
        return
    length = len(buffer) - size + 1
    # A void item of ``size`` bytes at every byte: indexing copies each with a memcpy.
    # (``take`` would first make the windows contiguous.)
    windows = np.ndarray((length,), f"V{size}", buffer, strides=(1,))
    out[:] = windows[offsets].view(np.uint8).reshape(count, size)


def gather_pages(
    segment: Segment,
    addresses: NDArray[np.uint64],
    out: NDArray[np.uint8],
    valid: NDArray[np.bool_],
) -> None:
    """`Segment.gather`, where a read takes long: each page is read once."""
    size = out.shape[1]
    order = np.argsort(addresses, kind="stable")
    pages = addresses[order] >> np.uint64(_PAGE_SHIFT)
    crossing = (addresses[order] & _PAGE_MASK) + np.uint64(
        size
    ) > _PAGE_MASK + np.uint64(1)
    numbers, index = np.unique(pages[~crossing], return_inverse=True)
    rows = order[~crossing]
    alone = [order[crossing]]
    for first in range(0, len(numbers), _PAGES_AT_ONCE):
        some = numbers[first : first + _PAGES_AT_ONCE]
        low, high = index.searchsorted([first, first + len(some)])
        buffer = np.empty((len(some), _PAGE_SIZE), np.uint8)
        good = np.zeros(len(some), np.bool_)
        for i, number in enumerate(some.tolist()):
            try:
                buffer[i].data[:] = segment.read(
                    number << _PAGE_SHIFT, 1 << _PAGE_SHIFT
                )
            except FaultError:
                continue
            good[i] = True
        page, part = index[low:high] - first, rows[low:high]
        found = good[page]
        alone.append(part[~found])
        page, part = page[found], part[found]
        offsets = (page << _PAGE_SHIFT) + (addresses[part] & _PAGE_MASK).view(np.int64)
        values = np.empty((len(part), size), np.uint8)
        take_rows(buffer.reshape(-1).data, offsets, values)
        out[part] = values
        valid[part] = True
    # What lies in two pages, or in one that cannot be read as a whole.
    for row in np.concatenate(alone).tolist():
        try:
            out[row].data[:] = segment.read(int(addresses[row]), size)
        except FaultError:
            continue
        valid[row] = True


def deal(
    space: AddressSpace,
    segments: list[Segment],
    addresses: NDArray[np.uint64],
    size: int,
) -> tuple[list[tuple[Segment, NDArray[np.intp]]], NDArray[np.intp]]:
    """Which segments of a space hold ``size`` bytes at which of n addresses.

    Returns the segments, each with its rows of ``addresses`` in ascending order, and
    the rows of which another segment or none has the last bytes.
    """
    starts, lasts = space.columns()
    # All in one piece, as most are.
    lowest, highest = np.min(addresses), np.max(addresses)
    piece = int(starts.searchsorted(lowest, "right")) - 1
    last = lasts[piece]
    if piece >= 0 and highest <= last and last - highest >= np.uint64(size - 1):
        return [(segments[piece], np.arange(len(addresses)))], np.empty(0, np.intp)
    index = starts.searchsorted(addresses, "right").astype(np.int64) - 1
    last = lasts[index]
    inside = (index >= 0) & (addresses <= last)
    whole = inside & (last - addresses >= np.uint64(size - 1))
    rows = np.flatnonzero(whole)
    rows = rows[np.argsort(index[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(index[rows])) + 1
    groups = [group for group in np.split(rows, borders) if len(group)]
    pieces = [(segments[index[group[0]]], group) for group in groups]
    return pieces, np.flatnonzero(inside & ~whole)


def gather_pieces(
    space: AddressSpace,
    segments: list[Segment],
    addresses: NDArray[np.uint64],
    out: NDArray[np.uint8],
    valid: NDArray[np.bool_],
) -> None:
    """`AddressSpace.gather`: deal the addresses to the segments that hold them."""
    count, size = out.shape
    if not count or not segments:
        return
    if not size:
        valid[:] = True
        return
    pieces, across = deal(space, segments, addresses, size)
    for segment, rows in pieces:
        if len(rows) == count:
            segment.gather(addresses, out, valid)
            return
        part = np.zeros((len(rows), size), np.uint8)
        good = np.zeros(len(rows), np.bool_)
        segment.gather(addresses[rows], part, good)
        out[rows] = part
        valid[rows] = good
    # What lies in two segments is rare.
    for row in across.tolist():
        try:
            out[row].data[:] = space.read(int(addresses[row]), size)
        except FaultError:
            continue
        valid[row] = True


def address_array(addresses: Addresses) -> NDArray[np.uint64]:
    """An array or iterable of integers as uint64[n]; they wrap around at 2**64."""
    if hasattr(addresses, "__array__"):
        array = np.asarray(addresses)
        if array.dtype.kind in "iu":
            return array.astype(np.uint64, copy=False).ravel()
        if array.dtype.kind != "O":
            raise TypeError(f"addresses must be integers, not {array.dtype}")
        addresses = array.ravel()
    # numpy would make floats of a list with small and great integers.
    return np.array([operator.index(a) % 2**64 for a in addresses], np.uint64)


def translate_many(
    physical: AddressSpace,
    root: int,
    mode: PagingMode,
    linear: Callable[[], Sequence[Linear]],
    addresses: NDArray[np.uint64],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """`PageTable.translate_many`: one level of all addresses at a time."""
    count = len(addresses)
    result = np.zeros(count, np.uint64)
    left = np.zeros(count, np.uint64)
    if not count:
        return result, left
    # Neighbours in the same page need one walk.
    page_shift = np.uint64(mode.levels[-1].shift)
    pages = addresses >> page_shift
    heads = np.flatnonzero(np.concatenate(([True], pages[1:] != pages[:-1])))
    page_left = np.zeros(len(heads), np.uint64)
    page_result = np.zeros(len(heads), np.uint64)
    heads_addresses = pages[heads] << page_shift
    rows = np.flatnonzero(_canonical(mode, heads_addresses))
    tables = np.full(len(rows), root, np.uint64)
    index_mask = np.uint64((1 << mode.index_bits) - 1)
    for shift, present, leaf in mode.levels:
        where = heads_addresses[rows]
        entries, readable = _read_entries(
            physical, tables + ((where >> np.uint64(shift)) & index_mask) * np.uint64(8)
        )
        if not readable.all():
            for low, high, known in linear():
                found = (
                    ~readable & (where >= np.uint64(low)) & (where < np.uint64(high))
                )
                beyond = where[found] - np.uint64(low)
                page_result[rows[found]] = beyond + np.uint64(known)
                page_left[rows[found]] = np.uint64(high - low) - beyond
        there = readable & (entries & np.uint64(present) != 0)
        if not there.all():
            rows, entries, where = rows[there], entries[there], where[there]
        upright = entries & np.uint64(mode.inverted) != 0
        tables = np.where(upright, entries, ~entries) & np.uint64(mode.address_mask)
        top = np.uint64(mode.inverted_top)
        tables[~upright & (tables & top == top)] &= ~top
        if leaf is None:
            continue
        size = np.uint64(1 << shift)
        is_leaf = entries & np.uint64(leaf) == np.uint64(leaf)
        done = rows[is_leaf]
        offset = where[is_leaf] & (size - np.uint64(1))
        page_result[done] = (tables[is_leaf] & ~(size - np.uint64(1))) + offset
        page_left[done] = size - offset
        rows, tables = rows[~is_leaf], tables[~is_leaf]
        if not len(rows):
            break
    lengths = np.diff(np.append(heads, count))
    offset = addresses & ((np.uint64(1) << page_shift) - np.uint64(1))
    left = np.repeat(page_left, lengths)
    result = np.repeat(page_result, lengths)
    if page_left.all():
        result += offset
        left -= offset
        return result, left
    mapped = left != 0
    result[mapped] += offset[mapped]
    left[mapped] -= offset[mapped]
    return result, left


def _canonical(mode: PagingMode, addresses: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which addresses `PageTable._index` takes."""
    if mode.signed:
        high = addresses.view(np.int64) >> np.int64(mode.address_bits - 1)
        canonical: NDArray[np.bool_] = (high == 0) | (high == -1)
    else:
        canonical = addresses >> np.uint64(mode.address_bits) == 0
    return canonical


def _read_entries(
    physical: AddressSpace, where: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """The 8-byte little-endian entries at physical addresses, and which there are."""
    count = len(where)
    if not count:
        return np.zeros(0, np.uint64), np.zeros(0, np.bool_)
    # Neighbours often share an entry, at the upper levels nearly all do.
    heads = np.flatnonzero(np.concatenate(([True], where[1:] != where[:-1])))
    out = np.zeros((len(heads), 8), np.uint8)
    valid = np.zeros(len(heads), np.bool_)
    physical.gather(where[heads], out, valid)
    entries = out.view("<u8").ravel().astype(np.uint64, copy=False)
    lengths = np.diff(np.append(heads, count))
    return np.repeat(entries, lengths), np.repeat(valid, lengths)


def gather_translated(
    table: PageTable,
    physical: AddressSpace,
    addresses: NDArray[np.uint64],
    out: NDArray[np.uint8],
    valid: NDArray[np.bool_],
) -> None:
    """`TranslatedSegment.gather`: rows that one page maps first, the rest in parts."""
    size = out.shape[1]
    where, left = table.translate_many(addresses)
    whole = left >= size
    if whole.all():
        physical.gather(where, out, valid)
        return
    _gather_rows(physical, np.flatnonzero(whole), where, out, valid, 0, size)
    rows = np.flatnonzero(~whole & (left != 0))
    done = np.zeros(len(rows), np.int64)
    while len(rows):
        # Objects of a slab share few offsets in a page: take equal lengths together.
        part = np.minimum(left[rows].astype(np.int64), size - done)
        keep = np.zeros(len(rows), np.bool_)
        for start, length in np.unique(np.stack((done, part), 1), axis=0).tolist():
            same = np.flatnonzero((done == start) & (part == length))
            good = np.zeros(len(out), np.bool_)
            _gather_rows(physical, rows[same], where, out, good, start, length)
            keep[same] = good[rows[same]]
        done += part
        valid[rows[keep & (done == size)]] = True
        out[rows[~keep]] = 0
        more = keep & (done < size)
        rows, done = rows[more], done[more]
        where_next, left_next = table.translate_many(
            addresses[rows] + done.astype(np.uint64)
        )
        where[rows], left[rows] = where_next, left_next
        lost = left_next == 0
        out[rows[lost]] = 0
        rows, done = rows[~lost], done[~lost]


def _gather_rows(
    physical: AddressSpace,
    rows: NDArray[np.int64],
    where: NDArray[np.uint64],
    out: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    start: int,
    length: int,
) -> None:
    """Read ``length`` bytes at ``where[rows]`` to column ``start`` of ``out[rows]``."""
    if not len(rows):
        return
    part = np.zeros((len(rows), length), np.uint8)
    good = np.zeros(len(rows), np.bool_)
    physical.gather(where[rows], part, good)
    out[rows, start : start + length] = part
    valid[rows] = good
