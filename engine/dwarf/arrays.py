"""Lengths of arrays (DWARF 5, sections 5.5 and 5.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import constants as dw
from .forms import REFERENCES

if TYPE_CHECKING:
    from .die import Die

_UINT32_MAX = (1 << 32) - 1
_UINT64_MAX = (1 << 64) - 1


def dimensions(die: Die) -> list[int | None]:
    """The lengths of an array, from the outermost inwards; None if one is unknown."""
    lengths: list[int | None] = []
    for child in die.children():
        if child.tag in (dw.DW_TAG_subrange_type, dw.DW_TAG_generic_subrange):
            # Only the outermost length can be left open.
            lengths.append(_length(child, 0 if lengths else None))
    return lengths or [None]


def _length(die: Die, default: int | None) -> int | None:
    """The length of a dimension; None if the program computes it."""
    for at in (dw.DW_AT_upper_bound, dw.DW_AT_count):
        form = die.form(at)
        if form is None:
            continue
        if form in _COMPUTED:
            return None
        value = die.number(at)
        assert value is not None
        if at == dw.DW_AT_count:
            return value & _UINT64_MAX
        # A bound of -1, in whatever form, is of an array of length 0.
        if value == _UINT64_MAX or (
            form == dw.DW_FORM_data4
            and die.unit.address_size == 4
            and value == _UINT32_MAX
        ):
            value = -1
        lower = die.attr(dw.DW_AT_lower_bound)
        length = value + 1 - (lower if isinstance(lower, int) else 0)
        if length < 0:
            raise die.error("bounds of an array are reversed")
        return length
    return default


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
