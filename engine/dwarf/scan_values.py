"""Numbers and attribute values, as `scan.py` reads them.

A position after what was read is -1 where it is malformed.
"""

from __future__ import annotations

from typing import Any

from . import constants as dw
from .names import HASH_MASK

_Bytes = Any  # `memoryview`, or numpy's array.
Sizes = tuple[int, int, int]
"""Sizes of an address, of an offset, and of DW_FORM_ref_addr."""

# Sizes of forms: these stand for the elements of Sizes, and for those that vary.
_ADDRESS, _OFFSET, _REF, _VARIES = -3, -2, -1, -4
_FORM_SIZES = tuple(
    {
        dw.DW_FORM_addr: _ADDRESS,
        dw.DW_FORM_data1: 1,
        dw.DW_FORM_data2: 2,
        dw.DW_FORM_data4: 4,
        dw.DW_FORM_data8: 8,
        dw.DW_FORM_data16: 16,
        dw.DW_FORM_flag: 1,
        dw.DW_FORM_strp: _OFFSET,
        dw.DW_FORM_line_strp: _OFFSET,
        dw.DW_FORM_strp_sup: _OFFSET,
        dw.DW_FORM_sec_offset: _OFFSET,
        dw.DW_FORM_ref_addr: _REF,
        dw.DW_FORM_ref1: 1,
        dw.DW_FORM_ref2: 2,
        dw.DW_FORM_ref4: 4,
        dw.DW_FORM_ref8: 8,
        dw.DW_FORM_ref_sig8: 8,
        dw.DW_FORM_ref_sup4: 4,
        dw.DW_FORM_ref_sup8: 8,
        dw.DW_FORM_strx1: 1,
        dw.DW_FORM_strx2: 2,
        dw.DW_FORM_strx3: 3,
        dw.DW_FORM_strx4: 4,
        dw.DW_FORM_addrx1: 1,
        dw.DW_FORM_addrx2: 2,
        dw.DW_FORM_addrx3: 3,
        dw.DW_FORM_addrx4: 4,
        dw.DW_FORM_flag_present: 0,
        dw.DW_FORM_implicit_const: 0,
    }.get(form, _VARIES)
    for form in range(dw.DW_FORM_addrx4 + 1)
)

_LEB128_FORMS = (
    dw.DW_FORM_udata,
    dw.DW_FORM_sdata,
    dw.DW_FORM_ref_udata,
    dw.DW_FORM_strx,
    dw.DW_FORM_addrx,
    dw.DW_FORM_loclistx,
    dw.DW_FORM_rnglistx,
    dw.DW_FORM_GNU_addr_index,
    dw.DW_FORM_GNU_str_index,
)


def uleb(data: _Bytes, position: int, limit: int) -> tuple[int, int]:
    """An unsigned LEB128 number (its low 63 bits) and the position after it, or -1."""
    result = 0
    shift = 0
    while position < limit:
        byte = data[position]
        position += 1
        if shift < 63:
            result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return result & HASH_MASK, position
    return 0, -1


def fixed(data: _Bytes, position: int, size: int, big: bool) -> int:
    """A number, signed if it has 8 bytes; the caller has checked the bounds."""
    result = 0
    for i in range(size):
        byte = data[position + i] if big else data[position + size - 1 - i]
        if i == 0 and size == 8 and byte >= 0x80:
            result = -0x100
        result = (result << 8) + byte if i else result + byte
    return result


def fixed_size(form: int, sizes: Sizes) -> int:
    """The size of a form, or -1 if it varies or is unknown."""
    if 0 <= form < len(_FORM_SIZES):
        size = _FORM_SIZES[form]
        if size >= 0:
            return size
        return -1 if size == _VARIES else sizes[size + 3]
    if form in (dw.DW_FORM_GNU_ref_alt, dw.DW_FORM_GNU_strp_alt):
        return sizes[1]
    return -1


def value(
    data: _Bytes, position: int, limit: int, form: int, sizes: Sizes, big: bool
) -> tuple[int, int]:
    """The value of an attribute, and the position after it or -1.

    The value is the position of a string of ``DW_FORM_string``, 0 for blocks, and the
    stored number for everything else.
    """
    size = fixed_size(form, sizes)
    if size >= 0:
        if position + size > limit:
            return 0, -1
        if size == 16:
            return 0, position + 16
        return fixed(data, position, size, big), position + size
    if form == dw.DW_FORM_string:
        start = position
        while position < limit:
            if data[position] == 0:
                return start, position + 1
            position += 1
        return 0, -1
    if form in _LEB128_FORMS:
        return uleb(data, position, limit)
    if form in (dw.DW_FORM_exprloc, dw.DW_FORM_block):
        length, position = uleb(data, position, limit)
    else:
        if form == dw.DW_FORM_block1:
            size = 1
        elif form == dw.DW_FORM_block2:
            size = 2
        elif form == dw.DW_FORM_block4:
            size = 4
        else:
            return 0, -1
        if position + size > limit:
            return 0, -1
        length = fixed(data, position, size, big)
        position += size
    if position < 0 or length > limit - position:
        return 0, -1
    return 0, position + length


def indexed(data: _Bytes, base: int, index: int, size: int, big: bool) -> int:
    """An entry of a table of numbers; -1 if it does not exist."""
    if not 0 <= index <= len(data):
        return -1
    position = base + index * size
    if position < 0 or position + size > len(data):
        return -1
    return fixed(data, position, size, big)
