"""Address ranges: ``.debug_ranges`` and ``.debug_rnglists`` (DWARF 5, section 7.25)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import constants as dw
from .forms import ADDRESSES
from .reader import uleb128

if TYPE_CHECKING:
    from .die import Die
    from .unit import Unit


def die_ranges(die: Die) -> list[tuple[int, int]]:
    """The ranges [low, high) of a DIE in file addresses; empty ones are left out."""
    low_form, high_form = die.form(dw.DW_AT_low_pc), die.form(dw.DW_AT_high_pc)
    if low_form is not None and high_form is not None:
        if low_form not in ADDRESSES:
            raise die.invalid(dw.DW_AT_low_pc)
        low = die.attr(dw.DW_AT_low_pc)
        if high_form in ADDRESSES:
            high = die.attr(dw.DW_AT_high_pc)
        else:
            high = low + die.number(dw.DW_AT_high_pc) & die.unit.address_mask
        return [(low, high)] if low < high else []
    offset = die.attr(dw.DW_AT_ranges)
    if offset is not None:
        if not isinstance(offset, int):
            raise die.invalid(dw.DW_AT_ranges)
        if die.form(dw.DW_AT_ranges) != dw.DW_FORM_rnglistx:
            offset += die.unit.ranges_base
        return read_ranges(die.unit, offset, die)
    return []


def read_ranges(unit: Unit, offset: int, die: Die) -> list[tuple[int, int]]:
    """The range list at an offset of the section that fits the unit's version.

    Raises BadDataError, which blames ``die``, if there is none.
    """
    try:
        if unit.version >= 5:
            return _rnglists(unit, offset)
        return _ranges(unit, offset)
    except IndexError:
        raise die.error(f"invalid range list at {offset:#x}: out of bounds") from None
    except ValueError as error:
        raise die.error(f"invalid range list at {offset:#x}: {error}") from None


def _ranges(unit: Unit, position: int) -> list[tuple[int, int]]:
    data = unit.main.sections.section(".debug_ranges")
    size = unit.address_size
    layout = unit.sections.struct({1: "BB", 2: "HH", 4: "II", 8: "QQ"}[size])
    mask = unit.address_mask
    base = unit.low_pc
    ranges: list[tuple[int, int]] = []
    while True:
        if not 0 <= position <= len(data) - layout.size:
            raise IndexError("out of bounds")
        low, high = layout.unpack_from(data, position)
        position += layout.size
        if low == high == 0:
            return ranges
        if low == mask:  # Selects the base.
            base = high
            continue
        low, high = base + low & mask, base + high & mask
        if low < high:
            ranges.append((low, high))


def _rnglists(unit: Unit, position: int) -> list[tuple[int, int]]:
    data = unit.sections.section(".debug_rnglists")
    size = unit.address_size
    mask = unit.address_mask
    base = unit.low_pc
    ranges: list[tuple[int, int]] = []

    def address(position: int) -> tuple[int, int]:
        end = position + size
        if end > len(data):
            raise IndexError("out of bounds")
        return unit.sections.unsigned(data[position:end]), end

    while True:
        kind = data[position]
        position += 1
        if kind == dw.DW_RLE_end_of_list:
            return ranges
        if kind == dw.DW_RLE_base_addressx:
            index, position = uleb128(data, position)
            base = unit.address_at_index(index)
            continue
        if kind == dw.DW_RLE_base_address:
            base, position = address(position)
            continue
        if kind == dw.DW_RLE_offset_pair:
            low, position = uleb128(data, position)
            high, position = uleb128(data, position)
            low += base
            high += base
        elif kind == dw.DW_RLE_start_end:
            low, position = address(position)
            high, position = address(position)
        elif kind == dw.DW_RLE_start_length:
            low, position = address(position)
            length, position = uleb128(data, position)
            high = low + length
        elif kind in (dw.DW_RLE_startx_endx, dw.DW_RLE_startx_length):
            index, position = uleb128(data, position)
            low = unit.address_at_index(index)
            value, position = uleb128(data, position)
            if kind == dw.DW_RLE_startx_endx:
                high = unit.address_at_index(value)
            else:
                high = low + value
        else:
            raise ValueError(f"unknown entry {kind:#x}")
        low, high = low & mask, high & mask
        if low < high:
            ranges.append((low, high))
