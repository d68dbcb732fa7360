"""Lengths and layouts of arrays (DWARF 5, sections 5.5 and 5.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types.layout import type_size
from . import constants as dw
from .forms import REFERENCES

if TYPE_CHECKING:
    from ..types.type import Type
    from .die import Die

_UINT32_MAX = (1 << 32) - 1
_UINT64_MAX = (1 << 64) - 1

_DIMENSIONS = (dw.DW_TAG_subrange_type, dw.DW_TAG_generic_subrange)
_BOUNDS = (dw.DW_AT_upper_bound, dw.DW_AT_count, dw.DW_AT_lower_bound)
_COMPUTED = REFERENCES | {
    dw.DW_FORM_exprloc,
    dw.DW_FORM_block,
    dw.DW_FORM_block1,
    dw.DW_FORM_block2,
    dw.DW_FORM_block4,
    dw.DW_FORM_sec_offset,
    dw.DW_FORM_loclistx,
}
"""Forms of bounds of arrays of variable length."""


def dimensions(die: Die) -> list[int | None]:
    """The lengths of an array, from the outermost inwards; None if one is unknown.

    As C would declare it: where the first index is the one that varies fastest, as in
    Fortran, it is the innermost.
    """
    lengths: list[int | None] = []
    for child in die.children():
        if child.tag in _DIMENSIONS:
            # Only the outermost length can be left open.
            lengths.append(_length(child, 0 if lengths else None))
    if die.attr(dw.DW_AT_ordering) == dw.DW_ORD_col_major:
        lengths.reverse()
    return lengths or [None]


def has_computed_length(die: Die) -> bool:
    """Whether the program computes the bounds of the array that is a DIE's type.

    The type must be an array or a typedef of one.
    """
    array = die.origin_ref(dw.DW_AT_type)
    while array is not None and array.tag != dw.DW_TAG_array_type:
        array = array.origin_ref(dw.DW_AT_type)
    return array is not None and any(
        child.form(at) in _COMPUTED
        for child in array.children()
        if child.tag in _DIMENSIONS
        for at in _BOUNDS
    )


def check_layout(die: Die, element: Type) -> None:
    """Raise BadDataError if elements do not follow each other from the address on.

    That is where the object is a descriptor, and where elements are packed or padded.
    """
    if die.has(dw.DW_AT_data_location):
        raise die.error("DW_AT_data_location of an array is not supported")
    for at, unit in ((dw.DW_AT_bit_stride, 1), (dw.DW_AT_byte_stride, 8)):
        bits = die.number(at)
        if bits is not None and bits * unit != type_size(element) * 8:
            raise die.error(f"{dw.attribute_name(at)} is not the size of the elements")


def _length(die: Die, default: int | None) -> int | None:
    """The length of a dimension; None if the program computes it."""
    if any(die.form(at) in _COMPUTED for at in _BOUNDS):
        return None
    count = die.number(dw.DW_AT_count)
    if not die.has(dw.DW_AT_upper_bound):
        return default if count is None else count & _UINT64_MAX
    upper = die.number(dw.DW_AT_upper_bound)
    assert upper is not None
    # A bound of -1, in whatever form, is of an array of length 0.
    if upper == _UINT64_MAX or (
        die.form(dw.DW_AT_upper_bound) == dw.DW_FORM_data4
        and die.unit.address_size == 4
        and upper == _UINT32_MAX
    ):
        upper = -1
    from_one = die.unit.language in dw.LANGUAGES_COUNTING_FROM_ONE
    lower = die.attr(dw.DW_AT_lower_bound)
    length = upper + 1 - (lower if isinstance(lower, int) else from_one)
    if length < 0:
        if from_one:
            return 0  # An array may be empty in such a language.
        raise die.error("bounds of an array are reversed")
    return length
