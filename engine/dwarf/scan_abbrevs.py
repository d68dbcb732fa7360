"""Abbreviations, prepared for `scan.py`: what to read of a DIE and what to skip."""

from __future__ import annotations

from typing import Any

from . import constants as dw
from .scan_values import Sizes, fixed_size, uleb

# `memoryview` and `array.array`, or numpy's arrays.
_Bytes = Any
_Ints = Any

STATUS_DONE = 0
STATUS_FULL = 1
"""`RESULT_UNIT` did not fit any more; what was before it is there."""
STATUS_BAD = 2
"""A DIE at `RESULT_POSITION` is malformed."""
STATUS_ABBREVS_FULL = 3
"""The working space for abbreviations is too small."""
STATUS_BAD_ABBREVS = 4
STATUS_WRONG_FORM = 5
"""The attribute at `RESULT_POSITION` of the abbreviations cannot be of its form."""

# Columns of an abbreviation in the working space.
TAG, CHILDREN, FIRST_STEP, LAST_STEP, ABBREV_COLUMNS = range(5)

# Columns of a step: an attribute that matters, or bytes to skip (form SKIP).
AT, FORM, NUMBER, STEP_COLUMNS = range(4)
SKIP = 0

MAX_CODE = 1 << 20
"""Codes count from 1, and the largest table that is known has some thousands."""

_WANTED = (
    dw.DW_AT_name,
    dw.DW_AT_sibling,
    dw.DW_AT_declaration,
    dw.DW_AT_specification,
    dw.DW_AT_abstract_origin,
    dw.DW_AT_location,
    dw.DW_AT_const_value,
    dw.DW_AT_low_pc,
    dw.DW_AT_high_pc,
    dw.DW_AT_ranges,
    dw.DW_AT_external,
    dw.DW_AT_language,
    dw.DW_AT_str_offsets_base,
    dw.DW_AT_addr_base,
    dw.DW_AT_GNU_addr_base,
    dw.DW_AT_rnglists_base,
)

STRING_INDEXES = (
    dw.DW_FORM_strx,
    dw.DW_FORM_strx1,
    dw.DW_FORM_strx2,
    dw.DW_FORM_strx3,
    dw.DW_FORM_strx4,
    dw.DW_FORM_GNU_str_index,
)

UNIT_REFERENCES = (
    dw.DW_FORM_ref4,
    dw.DW_FORM_ref8,
    dw.DW_FORM_ref2,
    dw.DW_FORM_ref1,
    dw.DW_FORM_ref_udata,
)

ALT_REFERENCES = (
    dw.DW_FORM_ref_sup4,
    dw.DW_FORM_ref_sup8,
    dw.DW_FORM_GNU_ref_alt,
)

# Forms of attributes that the index is made of; with others it would lack names.
_NAME_FORMS = (
    *STRING_INDEXES,
    dw.DW_FORM_string,
    dw.DW_FORM_strp,
    dw.DW_FORM_line_strp,
    dw.DW_FORM_strp_sup,
    dw.DW_FORM_GNU_strp_alt,
    dw.DW_FORM_indirect,
)
_FLAG_FORMS = (dw.DW_FORM_flag, dw.DW_FORM_flag_present, dw.DW_FORM_indirect)
_SIBLING_FORMS = (*UNIT_REFERENCES, dw.DW_FORM_indirect)
_ORIGIN_FORMS = (
    *_SIBLING_FORMS,
    *ALT_REFERENCES,
    dw.DW_FORM_ref_addr,
    dw.DW_FORM_ref_sig8,
)
NAMED = (
    dw.DW_TAG_structure_type,
    dw.DW_TAG_class_type,
    dw.DW_TAG_union_type,
    dw.DW_TAG_enumeration_type,
    dw.DW_TAG_typedef,
    dw.DW_TAG_base_type,
    dw.DW_TAG_variable,
    dw.DW_TAG_subprogram,
    dw.DW_TAG_enumerator,
)
"""Tags of what is looked up by name."""

_NAMED_OR_SCOPES = (*NAMED, dw.DW_TAG_namespace)


def has_wrong_form(tag: int, at: int, form: int) -> bool:
    """Whether an attribute that the index is made of cannot be of a form."""
    if at == dw.DW_AT_sibling:
        return form not in _SIBLING_FORMS
    if tag not in _NAMED_OR_SCOPES:
        return False
    if at == dw.DW_AT_name:
        return form not in _NAME_FORMS
    if at == dw.DW_AT_declaration:
        return form not in _FLAG_FORMS
    if at == dw.DW_AT_specification:
        return form not in _ORIGIN_FORMS
    return (
        at == dw.DW_AT_abstract_origin
        and tag == dw.DW_TAG_subprogram
        and form not in _ORIGIN_FORMS
    )


def add_step(steps: _Ints, step: int, at: int, form: int, number: int) -> int:
    """Write the columns of a step; returns the number of the next one."""
    column = step * STEP_COLUMNS
    steps[column + AT] = at
    steps[column + FORM] = form
    steps[column + NUMBER] = number
    return step + 1


def read_abbrevs(
    table: _Bytes,
    position: int,
    sizes: Sizes,
    rows: _Ints,
    abbrevs: _Ints,
    steps: _Ints,
) -> int:
    """Prepare a unit's abbreviations in the working space; returns a status.

    ``rows`` takes from a code to a row in ``abbrevs``, which gives the range of its
    steps. With STATUS_WRONG_FORM the first step has the attribute, its form and its
    position.
    """
    limit = len(table)
    for i in range(len(rows)):
        rows[i] = -1
    row = 0
    step = 0
    while True:
        code, position = uleb(table, position, limit)
        if position < 0:
            return STATUS_BAD_ABBREVS
        if code == 0:
            return STATUS_DONE
        tag, position = uleb(table, position, limit)
        if position < 0 or position >= limit or code >= MAX_CODE:
            return STATUS_BAD_ABBREVS
        if code >= len(rows) or (row + 1) * ABBREV_COLUMNS > len(abbrevs):
            return STATUS_ABBREVS_FULL
        rows[code] = row
        column = row * ABBREV_COLUMNS
        abbrevs[column + TAG] = tag
        abbrevs[column + CHILDREN] = table[position]
        abbrevs[column + FIRST_STEP] = step
        status, position, step = read_steps(
            table, position + 1, tag, sizes, steps, step
        )
        if status != STATUS_DONE:
            return status
        abbrevs[column + LAST_STEP] = step
        row += 1


def read_steps(
    table: _Bytes, position: int, tag: int, sizes: Sizes, steps: _Ints, step: int
) -> tuple[int, int, int]:
    """Append the steps of an abbreviation, whose attributes are at ``position``.

    Those of fixed size that do not matter become one step that skips them. Returns a
    status, the position after them and the number of the next step.
    """
    limit = len(table)
    skipped = 0
    while True:
        attribute = position
        at, position = uleb(table, position, limit)
        if position < 0:
            return STATUS_BAD_ABBREVS, position, step
        form, position = uleb(table, position, limit)
        if position < 0:
            return STATUS_BAD_ABBREVS, position, step
        if (step + 3) * STEP_COLUMNS > len(steps):
            return STATUS_ABBREVS_FULL, position, step
        if at == 0 and form == 0:
            break
        if has_wrong_form(tag, at, form):
            add_step(steps, 0, at, form, attribute)
            return STATUS_WRONG_FORM, position, step
        constant = 0
        if form == dw.DW_FORM_implicit_const:
            constant, position = uleb(table, position, limit)
            if position < 0:
                return STATUS_BAD_ABBREVS, position, step
        size = fixed_size(form, sizes)
        if size >= 0 and at not in _WANTED:
            skipped += size
            continue
        if skipped:
            step = add_step(steps, step, 0, SKIP, skipped)
            skipped = 0
        step = add_step(steps, step, at, form, constant)
    if skipped:
        step = add_step(steps, step, 0, SKIP, skipped)
    return STATUS_DONE, position, step
