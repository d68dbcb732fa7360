"""Where the members of structures, unions and classes are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..types.layout import type_size
from . import constants as dw
from . import opcodes as op
from .forms import CONSTANTS
from .reader import uleb128

if TYPE_CHECKING:
    from ..errors import BadDataError
    from ..types.type import Type
    from .die import Die

_LOCATIONS = (dw.DW_AT_data_member_location, dw.DW_AT_data_bit_offset)
_LISTS = frozenset((dw.DW_FORM_sec_offset, dw.DW_FORM_loclistx))
_LISTS_BEFORE_4 = frozenset((dw.DW_FORM_data4, dw.DW_FORM_data8))
"""Forms of location lists (DWARF 3, section 7.5.4, has no others)."""


def is_member(die: Die) -> bool:
    """Whether a child of a structure is a part of its objects."""
    if die.tag == dw.DW_TAG_inheritance:
        return True
    if die.tag != dw.DW_TAG_member:
        return False
    # A static member is no part of the object.
    static = die.flag(dw.DW_AT_external) or die.flag(dw.DW_AT_declaration)
    return not static or any(map(die.has, _LOCATIONS))


def bit_offset(die: Die, type_of: Callable[[Die], Type]) -> int | None:
    """Where a member or base class is in its structure; None if that can vary.

    ``type_of()`` a member is its type. Raises BadDataError if the DIE is malformed.
    """
    offset = die.number(dw.DW_AT_data_bit_offset)
    if offset is not None:
        return _not_before(die, offset)
    form = die.form(dw.DW_AT_data_member_location)
    if form is None:
        location = 0
    elif form in _LISTS or (form in _LISTS_BEFORE_4 and die.unit.version < 4):
        raise _unsupported(die)
    elif form in CONSTANTS or form == dw.DW_FORM_data16:
        location = die.number(dw.DW_AT_data_member_location) or 0
    elif die.tag == dw.DW_TAG_inheritance:
        return None  # A virtual base class, which an expression finds.
    else:
        location = _constant_location(die)
    offset = location * 8
    # Up to DWARF 3 a bit field lies in a storage unit, of which DW_AT_bit_offset
    # counts from the most significant bit.
    from_most_significant = die.number(dw.DW_AT_bit_offset)
    if from_most_significant is not None:
        if from_most_significant >= 1 << 63:
            # Clang's of a field that goes past its storage unit is negative, in a
            # form without a sign.
            from_most_significant -= 1 << 64
        if die.unit.file.order == ">":
            offset += from_most_significant
        else:
            offset += _from_least_significant(die, from_most_significant, type_of)
    return _not_before(die, offset)


def _from_least_significant(
    die: Die, offset: int, type_of: Callable[[Die], Type]
) -> int:
    """DW_AT_bit_offset of a bit field, counted from the other end of its unit."""
    storage = die.number(dw.DW_AT_byte_size)
    if storage is None:
        storage = type_size(type_of(die))
    bit_size = die.number(dw.DW_AT_bit_size)
    if not bit_size:  # It is no bit field.
        bit_size = 8 * type_size(type_of(die))
    return storage * 8 - offset - bit_size


def _constant_location(die: Die) -> int:
    """The offset of a member in the way of DWARF 2: DW_OP_plus_uconst."""
    expression = die.attr(dw.DW_AT_data_member_location)
    if isinstance(expression, int | str) or not expression:
        raise die.invalid(dw.DW_AT_data_member_location)
    if expression[0] != op.DW_OP_plus_uconst:
        raise _unsupported(die)
    try:
        value, end = uleb128(expression, 1)
    except (IndexError, ValueError):
        value = 1 << 64
    if value >> 64:
        raise die.invalid(dw.DW_AT_data_member_location)
    if end != len(expression):
        raise _unsupported(die)
    return value


def _not_before(die: Die, offset: int) -> int:
    """The offset of a member, which must be in its structure."""
    if offset < 0:
        raise die.error(f"DW_TAG_member has bit offset {offset}")
    return offset


def _unsupported(die: Die) -> BadDataError:
    if die.form(dw.DW_AT_data_member_location) == dw.DW_FORM_exprloc:
        return die.invalid(dw.DW_AT_data_member_location)
    return die.error("DW_TAG_member has unsupported DW_AT_data_member_location")
