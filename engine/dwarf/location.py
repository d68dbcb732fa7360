"""Where a variable is at a pc: ``.debug_loc`` and ``.debug_loclists``.

DWARF 5, sections 2.6 and 7.7.3; DWARF 4, section 2.6.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import constants as dw
from .reader import uleb128

if TYPE_CHECKING:
    from .die import Die
    from .unit import Unit

_DW_LLE_end_of_list = 0x00
_DW_LLE_base_addressx = 0x01
_DW_LLE_startx_endx = 0x02
_DW_LLE_startx_length = 0x03
_DW_LLE_offset_pair = 0x04
_DW_LLE_default_location = 0x05
_DW_LLE_base_address = 0x06
_DW_LLE_start_end = 0x07
_DW_LLE_start_length = 0x08
_DW_LLE_GNU_view_pair = 0x09

# In .debug_loc.dwo, before DWARF 5, the entries have these kinds instead.
_DW_LLE_GNU_end_of_list_entry = 0x00
_DW_LLE_GNU_base_address_selection_entry = 0x01
_DW_LLE_GNU_start_end_entry = 0x02
_DW_LLE_GNU_start_length_entry = 0x03


def expression_at(die: Die, at: int, file_pc: int) -> memoryview | None:
    """The expression that an attribute of a DIE has at a file address.

    The attribute is an expression or a location list. None if it is neither there nor
    has anything for that address. Raises BadDataError if it is malformed.
    """
    value = die.attr(at)
    if value is None or isinstance(value, memoryview):
        return value
    if not isinstance(value, int) or die.form(at) not in LIST_FORMS:
        raise die.error(f"attribute {at:#x} is no location")
    unit = die.unit
    if die.form(at) != dw.DW_FORM_loclistx:
        value += unit.part(".debug_loclists" if unit.version >= 5 else ".debug_loc")
    try:
        if unit.version >= 5:
            return _loclists(unit, value, file_pc)
        if unit.sections.is_dwo:
            return _loc_dwo(unit, value, file_pc)
        return _loc(unit, value, file_pc)
    except IndexError:
        raise die.error(f"invalid location list at {value:#x}: out of bounds") from None
    except ValueError as error:
        raise die.error(f"invalid location list at {value:#x}: {error}") from None


LIST_FORMS = frozenset(
    (
        dw.DW_FORM_sec_offset,
        dw.DW_FORM_loclistx,
        dw.DW_FORM_data4,  # Before DWARF 4.
        dw.DW_FORM_data8,
    )
)


def _take(data: memoryview, position: int, size: int) -> tuple[memoryview, int]:
    if not 0 <= position <= position + size <= len(data):
        raise IndexError("out of bounds")
    return data[position : position + size], position + size


def _number(unit: Unit, data: memoryview, position: int, size: int) -> tuple[int, int]:
    taken, position = _take(data, position, size)
    return unit.sections.unsigned(taken), position


def _loc(unit: Unit, position: int, pc: int) -> memoryview | None:
    data = unit.sections.section(".debug_loc")
    size = unit.address_size
    mask = unit.address_mask
    base = unit.low_pc
    while True:
        low, position = _number(unit, data, position, size)
        high, position = _number(unit, data, position, size)
        if low == mask:  # Selects the base.
            base = high
            continue
        if low == high == 0:
            return None
        length, position = _number(unit, data, position, 2)
        expression, position = _take(data, position, length)
        if base + low & mask <= pc < base + high & mask:
            return expression


def _loc_dwo(unit: Unit, position: int, pc: int) -> memoryview | None:
    data = unit.sections.section(".debug_loc")
    mask = unit.address_mask
    base = unit.low_pc
    while True:
        kind = data[position]
        position += 1
        if kind == _DW_LLE_GNU_end_of_list_entry:
            return None
        if kind == _DW_LLE_GNU_base_address_selection_entry:
            index, position = uleb128(data, position)
            base = unit.address_at_index(index)
            continue
        if kind == _DW_LLE_GNU_start_end_entry:
            index, position = uleb128(data, position)
            low = unit.address_at_index(index)
            index, position = uleb128(data, position)
            high = unit.address_at_index(index)
        elif kind == _DW_LLE_GNU_start_length_entry:
            index, position = uleb128(data, position)
            low = unit.address_at_index(index)
            length, position = _number(unit, data, position, 4)
            high = low + length
        else:
            low, position = _number(unit, data, position, 4)
            high, position = _number(unit, data, position, 4)
            low, high = base + low, base + high
        length, position = _number(unit, data, position, 2)
        expression, position = _take(data, position, length)
        if low & mask <= pc < high & mask:
            return expression


def _loclists(unit: Unit, position: int, pc: int) -> memoryview | None:
    data = unit.sections.section(".debug_loclists")
    size = unit.address_size
    mask = unit.address_mask
    base = unit.low_pc
    default = None
    while True:
        kind = data[position]
        position += 1
        low = high = 0
        if kind == _DW_LLE_offset_pair:
            low, position = uleb128(data, position)
            high, position = uleb128(data, position)
            low += base
            high += base
        elif kind == _DW_LLE_end_of_list:
            return default
        elif kind == _DW_LLE_base_address:
            base, position = _number(unit, data, position, size)
            continue
        elif kind == _DW_LLE_base_addressx:
            index, position = uleb128(data, position)
            base = unit.address_at_index(index)
            continue
        elif kind == _DW_LLE_GNU_view_pair:
            _, position = uleb128(data, position)
            _, position = uleb128(data, position)
            continue
        elif kind == _DW_LLE_start_end:
            low, position = _number(unit, data, position, size)
            high, position = _number(unit, data, position, size)
        elif kind == _DW_LLE_start_length:
            low, position = _number(unit, data, position, size)
            length, position = uleb128(data, position)
            high = low + length
        elif kind in (_DW_LLE_startx_endx, _DW_LLE_startx_length):
            index, position = uleb128(data, position)
            low = unit.address_at_index(index)
            value, position = uleb128(data, position)
            if kind == _DW_LLE_startx_endx:
                high = unit.address_at_index(value)
            else:
                high = low + value
        elif kind != _DW_LLE_default_location:
            raise ValueError(f"unknown entry {kind:#x}")
        length, position = uleb128(data, position)
        expression, position = _take(data, position, length)
        if kind == _DW_LLE_default_location:
            default = expression
        elif low & mask <= pc < high & mask:
            return expression
