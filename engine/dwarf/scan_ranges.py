"""Ranges of addresses, as `scan.py` collects them."""

from __future__ import annotations

from typing import Any

from . import constants as dw
from .names import HASH_MASK
from .scan_values import fixed, indexed, uleb

# `memoryview` and `array.array`, or numpy's arrays.
_Bytes = Any
_Ints = Any


def wrapped(address: int, size: int) -> int:
    """An address of so many bytes, in the way of `fixed()`."""
    if size < 8:
        return address & (1 << size * 8) - 1
    low = address & HASH_MASK
    return low | ~HASH_MASK if address >> 63 & 1 else low


def add_span(spans: _Ints, count: int, low: int, high: int, entry: int) -> int:
    """Append the range [low, high) of a DIE; -1 if there is no room."""
    if low >= high or low < 0 <= high:
        return count
    if (count + 1) * 3 > len(spans):
        return -1
    spans[count * 3] = low
    spans[count * 3 + 1] = high
    spans[count * 3 + 2] = entry
    return count + 1


def add_ranges(
    data: _Bytes,
    position: int,
    base: int,
    size: int,
    big: bool,
    spans: _Ints,
    count: int,
    entry: int,
) -> int:
    """Append the ranges of a list in ``.debug_ranges``; a bad list ends early."""
    limit = len(data)
    # All ones, in the way of `fixed()`.
    select_base = -1 if size == 8 else (1 << size * 8) - 1
    while 0 <= position <= limit - 2 * size:
        low = fixed(data, position, size, big)
        high = fixed(data, position + size, size, big)
        position += 2 * size
        if low == 0 and high == 0:
            break
        if low == select_base:
            base = high
            continue
        low = wrapped(base + low, size)
        high = wrapped(base + high, size)
        count = add_span(spans, count, low, high, entry)
        if count < 0:
            break
    return count


def add_rnglist(
    data: _Bytes,
    position: int,
    base: int,
    addresses: _Bytes,
    addr_base: int,
    size: int,
    big: bool,
    spans: _Ints,
    count: int,
    entry: int,
) -> int:
    """Append the ranges of a list in ``.debug_rnglists``; a bad list ends early."""
    limit = len(data)
    while 0 <= position < limit:
        kind = data[position]
        low, position = first_address(
            data, position, base, addresses, addr_base, size, big
        )
        if position < 0:
            break
        if kind in (dw.DW_RLE_base_addressx, dw.DW_RLE_base_address):
            base = low
            continue
        if kind == dw.DW_RLE_start_end:
            if position + size > limit:
                break
            high = fixed(data, position, size, big)
            position += size
        else:
            high, position = uleb(data, position, limit)
            if position < 0:
                break
            if kind == dw.DW_RLE_offset_pair:
                high += base
            elif kind == dw.DW_RLE_startx_endx:
                high = indexed(addresses, addr_base, high, size, big)
            else:
                high += low
        low = wrapped(low, size)
        high = wrapped(high, size)
        count = add_span(spans, count, low, high, entry)
        if count < 0:
            break
    return count


def first_address(
    data: _Bytes,
    position: int,
    base: int,
    addresses: _Bytes,
    addr_base: int,
    size: int,
    big: bool,
) -> tuple[int, int]:
    """The first address of an entry in ``.debug_rnglists``, and what it ends at.

    The position is -1 at the end of the list, or if the entry is malformed.
    """
    limit = len(data)
    kind = data[position]
    position += 1
    if kind in (
        dw.DW_RLE_base_addressx,
        dw.DW_RLE_startx_endx,
        dw.DW_RLE_startx_length,
    ):
        index, position = uleb(data, position, limit)
        return indexed(addresses, addr_base, index, size, big), position
    if kind in (dw.DW_RLE_base_address, dw.DW_RLE_start_end, dw.DW_RLE_start_length):
        if position + size > limit:
            return 0, -1
        return fixed(data, position, size, big), position + size
    if kind == dw.DW_RLE_offset_pair:
        low, position = uleb(data, position, limit)
        return base + low, position
    return 0, -1
