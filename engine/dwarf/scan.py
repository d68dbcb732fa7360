"""The scan that fills the index: one pass over the DIEs of many units.

Written so that the same functions run compiled by numba over large files, without
the GIL, and as plain Python over small ones, for which importing numba would cost more
than the scan. That is why it deals in nothing but integers and one-dimensional arrays:
results must fit in 64 bits with sign (as which addresses are taken), and every read is
checked against a limit, since compiled code does not check the bounds of arrays.

What is compiled is here and in the files ``scan_*.py``; numba compiles all of it again
when one of them changes (`kernels.py`).
"""

from __future__ import annotations

from typing import Any

from . import constants as dw
from .names import CONTINUES, DECLARATION, HAS_VALUE, HASH_MASK, HASH_PRIME, HASH_START
from .scan_abbrevs import (
    ABBREV_COLUMNS,
    ALT_REFERENCES,
    AT,
    CHILDREN,
    FIRST_STEP,
    FORM,
    LAST_STEP,
    NAMED,
    NUMBER,
    SKIP,
    STATUS_BAD,
    STATUS_DONE,
    STATUS_FULL,
    STATUS_WRONG_FORM,
    STEP_COLUMNS,
    STRING_INDEXES,
    TAG,
    UNIT_REFERENCES,
    read_abbrevs,
)
from .scan_ranges import add_ranges, add_rnglist, add_span, wrapped
from .scan_values import indexed, uleb, value

# What the scan works on is `memoryview` and `array.array`, or numpy's arrays.
_Bytes = Any
_Ints = Any

# Columns of a unit in `units`.
(
    UNIT_POSITION,
    UNIT_LIMIT,
    UNIT_ROOT,
    UNIT_VERSION,
    UNIT_ADDRESS_SIZE,
    UNIT_OFFSET_SIZE,
    UNIT_ABBREVS,
    # Of split units, which do not say it themselves; else 0:
    UNIT_STR_OFFSETS_BASE,
    UNIT_ADDR_BASE,
    UNIT_RNGLISTS_BASE,
    UNIT_RANGES_BASE,  # What offsets of range lists are relative to.
    UNIT_LOW_PC,
    UNIT_REF_BASE,  # Offset of the first DIE in .debug_info.dwo.
    UNIT_COLUMNS,
) = range(14)

SECTIONS = (
    ".debug_abbrev",
    ".debug_str",
    ".debug_line_str",
    ".debug_str_offsets",
    ".debug_addr",
    ".debug_ranges",
    ".debug_rnglists",
)
"""What `scan()` takes; and last the strings of the supplementary file."""
_ABBREV, _STR, _LINE_STR, _STR_OFFSETS, _ADDR, _RANGES, _RNGLISTS, _ALT_STR = range(8)

# What `scan()` leaves in `result`.
(
    RESULT_STATUS,
    RESULT_UNIT,
    RESULT_ROWS,
    RESULT_SPANS,
    RESULT_POSITION,
    RESULT_COLUMNS,
) = range(6)

_MAX_SCOPES = 64
_ADDRESS_INDEXES = (
    dw.DW_FORM_addrx,
    dw.DW_FORM_addrx1,
    dw.DW_FORM_addrx2,
    dw.DW_FORM_addrx3,
    dw.DW_FORM_addrx4,
    dw.DW_FORM_GNU_addr_index,
)
ALT_ORIGIN = 1 << 50
"""What is added to the offset of an origin that is in the supplementary file."""

_SCOPES = dw.NAMED_SCOPES
"""Names inside of these are looked up as ``scope::name``."""

_INDEXED = (*NAMED, dw.DW_TAG_template_alias)

_PLAIN_LANGUAGES = tuple(sorted(dw.PLAIN_LANGUAGES))


def hash_string(data: _Bytes, position: int, state: int) -> int:
    """Go on hashing with a string that ends in NUL; -1 if it does not end."""
    limit = len(data)
    if position < 0:
        return -1
    while position < limit:
        byte = data[position]
        if byte == 0:
            return state
        state = ((state ^ byte) * HASH_PRIME) & HASH_MASK
        position += 1
    return -1


def hash_scope(state: int) -> int:
    """Go on hashing with ``::``."""
    state = ((state ^ 0x3A) * HASH_PRIME) & HASH_MASK
    return ((state ^ 0x3A) * HASH_PRIME) & HASH_MASK


def scan(
    info: _Bytes,
    base: int,
    sections: tuple[_Bytes, ...],
    units: _Ints,
    first: int,
    last: int,
    big: bool,
    rows: _Ints,
    abbrevs: _Ints,
    steps: _Ints,
    hashes: _Ints,
    entries: _Ints,
    origins: _Ints,
    spans: _Ints,
    result: _Ints,
) -> None:
    """Scan the units ``first`` to ``last`` (exclusive) of a section.

    Fills one row for each name: the hash in ``hashes``, and in ``entries`` the DIE's
    offset (its position plus ``base``) << 16 | tag << 8 | flags; of an enumerator, the
    offset of its enumeration. Where the DIE continues another (`CONTINUES`), whose hash
    counts then, ``origins`` has that DIE's offset; the hash is 0 if it has no name of
    its own. ``spans`` gets three numbers for each range of addresses: low, high, and
    the DIE as in ``entries``. ``rows``, ``abbrevs`` and ``steps`` are the working space
    of `read_abbrevs()`.
    """
    # In one piece: with functions for a unit, a DIE and its name, numba took a third
    # longer to compile it, and the scan of a vmlinux as much longer.
    count = 0
    span_count = 0
    prefixes = [0] * _MAX_SCOPES
    owners = [0] * _MAX_SCOPES
    abbrevs_at = -1
    addresses = sections[_ADDR]
    rnglists = sections[_RNGLISTS]
    result[RESULT_STATUS] = STATUS_DONE
    result[RESULT_ROWS] = 0
    result[RESULT_SPANS] = 0
    for u in range(first, last):
        result[RESULT_UNIT] = u
        unit = u * UNIT_COLUMNS
        start = units[unit + UNIT_POSITION]
        limit = units[unit + UNIT_LIMIT]
        version = units[unit + UNIT_VERSION]
        address_size = units[unit + UNIT_ADDRESS_SIZE]
        offset_size = units[unit + UNIT_OFFSET_SIZE]
        ref_size = address_size if version <= 2 else offset_size
        sizes = (address_size, offset_size, ref_size)
        result[RESULT_POSITION] = start
        if abbrevs_at != units[unit + UNIT_ABBREVS] or u == first:
            abbrevs_at = units[unit + UNIT_ABBREVS]
            status = read_abbrevs(
                sections[_ABBREV], abbrevs_at, sizes, rows, abbrevs, steps
            )
            if status != STATUS_DONE:
                result[RESULT_STATUS] = status
                if status == STATUS_WRONG_FORM:
                    result[RESULT_POSITION] = steps[NUMBER]
                return
        str_offsets_base = units[unit + UNIT_STR_OFFSETS_BASE]
        addr_base = units[unit + UNIT_ADDR_BASE]
        rnglists_base = units[unit + UNIT_RNGLISTS_BASE]
        ranges_base = units[unit + UNIT_RANGES_BASE]
        low_base = units[unit + UNIT_LOW_PC]
        ref_base = units[unit + UNIT_REF_BASE]
        scoped = True  # Partial units may not tell.
        depth = -1  # Of scopes that we look into; the root is 0.
        skipping = 0  # Levels of children that we do not look into.
        position = units[unit + UNIT_ROOT]
        while position < limit:
            die = position
            result[RESULT_POSITION] = die
            code, position = uleb(info, position, limit)
            if code == 0 and position > 0:
                if skipping:
                    skipping -= 1
                    continue
                depth -= 1
                if depth < 0:
                    break
                continue
            if position < 0 or code >= len(rows) or rows[code] < 0:
                result[RESULT_STATUS] = STATUS_BAD
                return
            column = rows[code] * ABBREV_COLUMNS
            tag = abbrevs[column + TAG]
            name_form = 0
            name = 0
            sibling = -1
            origin = -1
            low = 0
            low_form = 0
            high = 0
            high_form = 0
            list_form = 0
            list_number = 0
            declaration = False
            external = False
            has_value = False
            constant = False
            for step in range(
                abbrevs[column + FIRST_STEP], abbrevs[column + LAST_STEP]
            ):
                at = steps[step * STEP_COLUMNS + AT]
                form = steps[step * STEP_COLUMNS + FORM]
                number = steps[step * STEP_COLUMNS + NUMBER]
                if form == SKIP:
                    position += number
                    continue
                if form == dw.DW_FORM_indirect:
                    form, position = uleb(info, position, limit)
                if form == dw.DW_FORM_flag_present:
                    number = 1
                elif form != dw.DW_FORM_implicit_const and position >= 0:
                    number, position = value(info, position, limit, form, sizes, big)
                if position < 0:
                    break
                if at == dw.DW_AT_name:
                    name_form = form
                    name = number
                elif at == dw.DW_AT_sibling:
                    sibling = start + number
                elif at == dw.DW_AT_declaration:
                    declaration = number != 0
                elif at == dw.DW_AT_external:
                    external = number != 0
                elif at in (dw.DW_AT_specification, dw.DW_AT_abstract_origin):
                    # Where it was declared is where its name is looked up.
                    if form == dw.DW_FORM_ref_addr:
                        origin = ref_base + number
                    elif form in UNIT_REFERENCES:
                        origin = base + start + number
                    elif form in ALT_REFERENCES:
                        origin = ALT_ORIGIN + number
                elif at == dw.DW_AT_location:
                    has_value = True
                elif at == dw.DW_AT_const_value:
                    has_value = True
                    constant = True
                elif at == dw.DW_AT_low_pc:
                    low = number
                    low_form = form
                    has_value = True
                elif at == dw.DW_AT_high_pc:
                    high = number
                    high_form = form
                elif at == dw.DW_AT_ranges:
                    list_form = form
                    list_number = number
                    has_value = True
                elif depth < 0:
                    if at == dw.DW_AT_language:
                        scoped = number not in _PLAIN_LANGUAGES
                    elif at == dw.DW_AT_str_offsets_base:
                        str_offsets_base = number
                    elif at in (dw.DW_AT_addr_base, dw.DW_AT_GNU_addr_base):
                        addr_base = number
                    elif at == dw.DW_AT_rnglists_base:
                        rnglists_base = number
            if position < 0 or position > limit:
                result[RESULT_STATUS] = STATUS_BAD
                return

            entry = ((base + die) << 16) | ((tag & 0xFF) << 8)
            if depth < 0 or (skipping == 0 and tag == dw.DW_TAG_subprogram):
                if low_form in _ADDRESS_INDEXES:
                    low = indexed(addresses, addr_base, low, address_size, big)
                if depth < 0 and low_form:
                    low_base = low
                if high_form:
                    if high_form in _ADDRESS_INDEXES:
                        high = indexed(addresses, addr_base, high, address_size, big)
                    elif high_form != dw.DW_FORM_addr:
                        high = wrapped(low + high, address_size)
                    span_count = add_span(spans, span_count, low, high, entry)
                elif list_form and version >= 5:
                    if list_form == dw.DW_FORM_rnglistx:
                        list_number = indexed(
                            rnglists, rnglists_base, list_number, offset_size, big
                        )
                        if list_number >= 0:
                            list_number += rnglists_base
                    else:
                        list_number += ranges_base
                    span_count = add_rnglist(
                        rnglists,
                        list_number,
                        low_base,
                        addresses,
                        addr_base,
                        address_size,
                        big,
                        spans,
                        span_count,
                        entry,
                    )
                elif list_form:
                    span_count = add_ranges(
                        sections[_RANGES],
                        ranges_base + list_number,
                        low_base,
                        address_size,
                        big,
                        spans,
                        span_count,
                        entry,
                    )
                if span_count < 0:
                    result[RESULT_STATUS] = STATUS_FULL
                    return

            state = -1
            if skipping == 0 and depth >= 0:
                prefix = prefixes[depth]
                # A static member of a class is a variable that is declared there.
                static = tag == dw.DW_TAG_member and (declaration or external)
                wanted = static or tag in _INDEXED
                if name_form and (wanted or tag in _SCOPES):
                    if name_form == dw.DW_FORM_string:
                        state = hash_string(info, name, prefix)
                    elif name_form == dw.DW_FORM_strp:
                        state = hash_string(sections[_STR], name, prefix)
                    elif name_form == dw.DW_FORM_line_strp:
                        state = hash_string(sections[_LINE_STR], name, prefix)
                    elif name_form in STRING_INDEXES:
                        name = indexed(
                            sections[_STR_OFFSETS],
                            str_offsets_base,
                            name,
                            offset_size,
                            big,
                        )
                        state = hash_string(sections[_STR], name, prefix)
                    else:
                        state = hash_string(sections[_ALT_STR], name, prefix)
                continues = origin >= 0 and not static
                if wanted and (state >= 0 or continues):
                    if count >= len(hashes):
                        result[RESULT_STATUS] = STATUS_FULL
                        return
                    if static:
                        entry = ((base + die) << 16) | (dw.DW_TAG_variable << 8)
                    elif tag == dw.DW_TAG_enumerator:
                        # Its enumeration is what one wants to get at.
                        entry = ((base + owners[depth]) << 16) | (tag << 8)
                    # C++ need not define what its class says the value of.
                    if declaration and not constant:
                        entry |= DECLARATION
                    if has_value:
                        entry |= HAS_VALUE
                    if continues:
                        entry |= CONTINUES
                        origins[count] = origin
                    hashes[count] = max(state, 0)
                    entries[count] = entry
                    count += 1

            if not abbrevs[column + CHILDREN]:
                if depth < 0:
                    break
                continue
            look_into = depth < 0
            prefix = HASH_START
            if depth >= 0 and skipping == 0 and depth + 1 < _MAX_SCOPES:
                prefix = prefixes[depth]
                if tag == dw.DW_TAG_enumeration_type:
                    look_into = True
                elif tag == dw.DW_TAG_namespace or (scoped and tag in _SCOPES):
                    # Names in an unnamed namespace are seen around it.
                    look_into = True
                    if state > 0:
                        prefix = hash_scope(state)
            if look_into:
                depth += 1
                prefixes[depth] = prefix
                owners[depth] = die
            elif sibling >= 0:
                if not position <= sibling <= limit:
                    result[RESULT_STATUS] = STATUS_BAD
                    return
                position = sibling
            else:
                skipping += 1
        result[RESULT_ROWS] = count
        result[RESULT_SPANS] = span_count
    result[RESULT_UNIT] = last


def group(
    hashes: _Ints,
    entries: _Ints,
    mask: int,
    cursors: _Ints,
    checks: _Ints,
    grouped: _Ints,
    place: bool,
) -> None:
    """Put rows of a stretch of units next to the others of their bucket.

    That takes two calls: the first counts the rows in ``cursors``, one for each bucket;
    the second, with ``place``, has the rows of a bucket go where its cursor is. Left
    out are declarations and rows whose name is not known.
    """
    for i in range(len(hashes)):
        entry = entries[i]
        state = hashes[i]
        if state <= 0 or entry & DECLARATION:
            continue
        bucket = state >> 32 & mask
        row = cursors[bucket]
        cursors[bucket] = row + 1
        if place:
            checks[row] = state & 0xFFFFFFFF
            grouped[row] = entry
