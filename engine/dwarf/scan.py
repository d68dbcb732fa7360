"""The scan that fills the index: one pass over the DIEs of many units.

Written so that the same functions run compiled by numba over large files, without
the GIL, and as plain Python over small ones, for which importing numba would cost more
than the scan. That is why it deals in nothing but integers and one-dimensional arrays:
results must fit in 64 bits with sign (as which addresses are taken), and every read is
checked against a limit, since compiled code does not check the bounds of arrays.

How names are hashed is said in `names.py`.
"""

from __future__ import annotations

from typing import Any

from . import constants as dw
from .names import CONTINUES, DECLARATION, HAS_VALUE, HASH_MASK, HASH_PRIME, HASH_START

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
    UNIT_COLUMNS,
) = range(8)

# What `scan()` leaves in `result`.
(
    RESULT_STATUS,
    RESULT_UNIT,
    RESULT_ROWS,
    RESULT_SPANS,
    RESULT_POSITION,
    RESULT_COLUMNS,
) = range(6)

STATUS_DONE = 0
STATUS_FULL = 1
"""`RESULT_UNIT` did not fit any more; what was before it is there."""
STATUS_BAD = 2
"""A DIE at `RESULT_POSITION` is malformed."""
STATUS_ABBREVS_FULL = 3
"""The working space for abbreviations is too small."""
STATUS_BAD_ABBREVS = 4

# Columns of an abbreviation in the working space.
_TAG = 0
_CHILDREN = 1
_FIRST_STEP = 2
_LAST_STEP = 3
_ABBREV_COLUMNS = 4

# Columns of a step: an attribute that matters, or bytes to skip (form _SKIP).
_AT = 0
_FORM = 1
_NUMBER = 2
_STEP_COLUMNS = 3
_SKIP = 0

_MAX_SCOPES = 64
MAX_CODE = 1 << 24


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


def fixed_size(form: int, address_size: int, offset_size: int, ref_size: int) -> int:
    """The size of a form, or -1 if it varies or is unknown."""
    if form in (
        dw.DW_FORM_data4,
        dw.DW_FORM_ref4,
        dw.DW_FORM_ref_sup4,
        dw.DW_FORM_strx4,
        dw.DW_FORM_addrx4,
    ):
        return 4
    if form in (
        dw.DW_FORM_strp,
        dw.DW_FORM_line_strp,
        dw.DW_FORM_sec_offset,
        dw.DW_FORM_strp_sup,
        dw.DW_FORM_GNU_ref_alt,
        dw.DW_FORM_GNU_strp_alt,
    ):
        return offset_size
    if form in (
        dw.DW_FORM_data1,
        dw.DW_FORM_flag,
        dw.DW_FORM_ref1,
        dw.DW_FORM_strx1,
        dw.DW_FORM_addrx1,
    ):
        return 1
    if form in (
        dw.DW_FORM_data2,
        dw.DW_FORM_ref2,
        dw.DW_FORM_strx2,
        dw.DW_FORM_addrx2,
    ):
        return 2
    if form in (
        dw.DW_FORM_data8,
        dw.DW_FORM_ref8,
        dw.DW_FORM_ref_sig8,
        dw.DW_FORM_ref_sup8,
    ):
        return 8
    if form in (dw.DW_FORM_flag_present, dw.DW_FORM_implicit_const):
        return 0
    if form == dw.DW_FORM_addr:
        return address_size
    if form == dw.DW_FORM_ref_addr:
        return ref_size
    if form in (dw.DW_FORM_strx3, dw.DW_FORM_addrx3):
        return 3
    if form == dw.DW_FORM_data16:
        return 16
    return -1


def value(
    data: _Bytes,
    position: int,
    limit: int,
    form: int,
    address_size: int,
    offset_size: int,
    ref_size: int,
    big: bool,
) -> tuple[int, int]:
    """The value of an attribute, and the position after it or -1.

    The value is the position of a string of ``DW_FORM_string``, 0 for blocks, and the
    stored number for everything else.
    """
    size = fixed_size(form, address_size, offset_size, ref_size)
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
    if form in (
        dw.DW_FORM_udata,
        dw.DW_FORM_sdata,
        dw.DW_FORM_ref_udata,
        dw.DW_FORM_strx,
        dw.DW_FORM_addrx,
        dw.DW_FORM_loclistx,
        dw.DW_FORM_rnglistx,
        dw.DW_FORM_GNU_addr_index,
        dw.DW_FORM_GNU_str_index,
    ):
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


def read_abbrevs(
    table: _Bytes,
    position: int,
    address_size: int,
    offset_size: int,
    ref_size: int,
    rows: _Ints,
    abbrevs: _Ints,
    steps: _Ints,
) -> int:
    """Prepare a unit's abbreviations in the working space.

    ``rows`` takes from a code to a row in ``abbrevs``, which gives the range of its
    steps. Attributes of fixed size that do not matter become one step that skips them.
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
        if position < 0 or position >= limit or code > MAX_CODE:
            return STATUS_BAD_ABBREVS
        if code >= len(rows) or (row + 1) * _ABBREV_COLUMNS > len(abbrevs):
            return STATUS_ABBREVS_FULL
        rows[code] = row
        column = row * _ABBREV_COLUMNS
        abbrevs[column + _TAG] = tag
        abbrevs[column + _CHILDREN] = table[position]
        abbrevs[column + _FIRST_STEP] = step
        position += 1
        skipped = 0
        while True:
            at, position = uleb(table, position, limit)
            if position < 0:
                return STATUS_BAD_ABBREVS
            form, position = uleb(table, position, limit)
            if position < 0:
                return STATUS_BAD_ABBREVS
            if at == 0 and form == 0:
                break
            constant = 0
            if form == dw.DW_FORM_implicit_const:
                constant, position = uleb(table, position, limit)
                if position < 0:
                    return STATUS_BAD_ABBREVS
            size = fixed_size(form, address_size, offset_size, ref_size)
            wanted = (
                at
                in (
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
                or size < 0
            )
            if (step + 2) * _STEP_COLUMNS > len(steps):
                return STATUS_ABBREVS_FULL
            if not wanted:
                skipped += size
                continue
            if skipped:
                steps[step * _STEP_COLUMNS + _AT] = 0
                steps[step * _STEP_COLUMNS + _FORM] = _SKIP
                steps[step * _STEP_COLUMNS + _NUMBER] = skipped
                step += 1
                skipped = 0
            steps[step * _STEP_COLUMNS + _AT] = at
            steps[step * _STEP_COLUMNS + _FORM] = form
            steps[step * _STEP_COLUMNS + _NUMBER] = constant
            step += 1
        if skipped:
            steps[step * _STEP_COLUMNS + _AT] = 0
            steps[step * _STEP_COLUMNS + _FORM] = _SKIP
            steps[step * _STEP_COLUMNS + _NUMBER] = skipped
            step += 1
        abbrevs[column + _LAST_STEP] = step
        row += 1


def add_span(spans: _Ints, count: int, low: int, high: int, entry: int) -> int:
    """Append the range [low, high) of a DIE; -1 if there is no room."""
    if low >= high or high > HASH_MASK:
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
    address_size: int,
    big: bool,
    spans: _Ints,
    count: int,
    entry: int,
) -> int:
    """Append the ranges of a list in ``.debug_ranges``; a bad list ends early."""
    limit = len(data)
    # All ones, in the way of `fixed()`.
    select_base = -1 if address_size == 8 else (1 << address_size * 8) - 1
    while 0 <= position <= limit - 2 * address_size:
        low = fixed(data, position, address_size, big)
        high = fixed(data, position + address_size, address_size, big)
        position += 2 * address_size
        if low == 0 and high == 0:
            break
        if low == select_base:
            base = high
            continue
        count = add_span(spans, count, base + low, base + high, entry)
        if count < 0:
            break
    return count


def indexed_address(
    addresses: _Bytes, base: int, index: int, address_size: int, big: bool
) -> int:
    """An entry of ``.debug_addr``; 0 if it does not exist."""
    if index > len(addresses):
        return 0
    position = base + index * address_size
    if position < 0 or position + address_size > len(addresses):
        return 0
    return fixed(addresses, position, address_size, big)


def add_rnglist(
    data: _Bytes,
    position: int,
    base: int,
    addresses: _Bytes,
    addr_base: int,
    address_size: int,
    big: bool,
    spans: _Ints,
    count: int,
    entry: int,
) -> int:
    """Append the ranges of a list in ``.debug_rnglists``; a bad list ends early."""
    limit = len(data)
    while 0 <= position < limit:
        kind = data[position]
        position += 1
        low = 0
        high = 0
        if kind in (
            dw.DW_RLE_base_addressx,
            dw.DW_RLE_startx_endx,
            dw.DW_RLE_startx_length,
        ):
            index, position = uleb(data, position, limit)
            if position < 0:
                break
            low = indexed_address(addresses, addr_base, index, address_size, big)
        elif kind in (
            dw.DW_RLE_base_address,
            dw.DW_RLE_start_end,
            dw.DW_RLE_start_length,
        ):
            if position + address_size > limit:
                break
            low = fixed(data, position, address_size, big)
            position += address_size
        elif kind == dw.DW_RLE_offset_pair:
            low, position = uleb(data, position, limit)
            low += base
            if position < 0:
                break
        else:
            break
        if kind in (dw.DW_RLE_base_addressx, dw.DW_RLE_base_address):
            base = low
            continue
        if kind == dw.DW_RLE_start_end:
            if position + address_size > limit:
                break
            high = fixed(data, position, address_size, big)
            position += address_size
        else:
            high, position = uleb(data, position, limit)
            if position < 0:
                break
            if kind == dw.DW_RLE_offset_pair:
                high += base
            elif kind == dw.DW_RLE_startx_endx:
                high = indexed_address(addresses, addr_base, high, address_size, big)
            else:
                high += low
        count = add_span(spans, count, low, high, entry)
        if count < 0:
            break
    return count


def is_address_index(form: int) -> bool:
    return form in (
        dw.DW_FORM_addrx,
        dw.DW_FORM_addrx1,
        dw.DW_FORM_addrx2,
        dw.DW_FORM_addrx3,
        dw.DW_FORM_addrx4,
        dw.DW_FORM_GNU_addr_index,
    )


def is_string_index(form: int) -> bool:
    return form in (
        dw.DW_FORM_strx,
        dw.DW_FORM_strx1,
        dw.DW_FORM_strx2,
        dw.DW_FORM_strx3,
        dw.DW_FORM_strx4,
        dw.DW_FORM_GNU_str_index,
    )


def is_scope(tag: int) -> bool:
    """Whether names inside of it are looked up as ``scope::name``."""
    return tag in (
        dw.DW_TAG_namespace,
        dw.DW_TAG_structure_type,
        dw.DW_TAG_class_type,
        dw.DW_TAG_union_type,
    )


def is_indexed(tag: int) -> bool:
    """Whether a name is looked up at all."""
    return tag in (
        dw.DW_TAG_structure_type,
        dw.DW_TAG_class_type,
        dw.DW_TAG_union_type,
        dw.DW_TAG_enumeration_type,
        dw.DW_TAG_typedef,
        dw.DW_TAG_base_type,
        dw.DW_TAG_variable,
        dw.DW_TAG_subprogram,
        dw.DW_TAG_enumerator,
        dw.DW_TAG_template_alias,
    )


def is_cplusplus(language: int) -> bool:
    return language in (
        dw.DW_LANG_C_plus_plus,
        dw.DW_LANG_C_plus_plus_03,
        dw.DW_LANG_C_plus_plus_11,
        dw.DW_LANG_C_plus_plus_14,
        dw.DW_LANG_C_plus_plus_17,
        dw.DW_LANG_C_plus_plus_20,
        dw.DW_LANG_C_plus_plus_23,
    )


def scan(
    info: _Bytes,
    base: int,
    abbrev_table: _Bytes,
    strings: _Bytes,
    line_strings: _Bytes,
    alt_strings: _Bytes,
    str_offsets: _Bytes,
    addresses: _Bytes,
    ranges: _Bytes,
    rnglists: _Bytes,
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
    """Scan the units ``first`` to ``last`` (exclusive).

    Fills one row for each name: the hash in ``hashes``, and in ``entries`` the DIE's
    offset (its position plus ``base``) << 16 | tag << 8 | flags; of an enumerator, the
    offset of its enumeration. Where the name is that of another DIE (`CONTINUES`) the
    hash is 0 and ``origins`` has that DIE's offset.
    ``spans`` gets three numbers for each range of addresses: low, high, and the DIE as
    in ``entries``.
    """
    count = 0
    span_count = 0
    prefixes = [0] * _MAX_SCOPES
    modes = [0] * _MAX_SCOPES
    owners = [0] * _MAX_SCOPES
    abbrevs_at = -1
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
        if abbrevs_at != units[unit + UNIT_ABBREVS]:
            # Two units share a table only if they have the same parameters.
            abbrevs_at = -1
            status = read_abbrevs(
                abbrev_table,
                units[unit + UNIT_ABBREVS],
                address_size,
                offset_size,
                ref_size,
                rows,
                abbrevs,
                steps,
            )
            if status != STATUS_DONE:
                result[RESULT_STATUS] = status
                result[RESULT_POSITION] = start
                return
            abbrevs_at = units[unit + UNIT_ABBREVS]
        str_offsets_base = 0
        addr_base = 0
        rnglists_base = 0
        low_base = 0
        cplusplus = False
        depth = -1  # Of scopes that we look into; the root is 0.
        skipping = 0  # Levels of children that we do not look into.
        position = units[unit + UNIT_ROOT]
        while position < limit:
            die = position
            code, position = uleb(info, position, limit)
            if position < 0:
                result[RESULT_STATUS] = STATUS_BAD
                result[RESULT_POSITION] = die
                return
            if code == 0:
                if skipping:
                    skipping -= 1
                else:
                    depth -= 1
                    if depth < 0:
                        break
                continue
            if code >= len(rows) or rows[code] < 0:
                result[RESULT_STATUS] = STATUS_BAD
                result[RESULT_POSITION] = die
                return
            column = rows[code] * _ABBREV_COLUMNS
            tag = abbrevs[column + _TAG]
            children = abbrevs[column + _CHILDREN]
            name_form = 0
            name = 0
            sibling = 0
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
            for step in range(
                abbrevs[column + _FIRST_STEP], abbrevs[column + _LAST_STEP]
            ):
                at = steps[step * _STEP_COLUMNS + _AT]
                form = steps[step * _STEP_COLUMNS + _FORM]
                if form == _SKIP:
                    position += steps[step * _STEP_COLUMNS + _NUMBER]
                    continue
                if form == dw.DW_FORM_indirect:
                    form, position = uleb(info, position, limit)
                if form == dw.DW_FORM_flag_present:
                    number = 1
                elif form == dw.DW_FORM_implicit_const:
                    number = steps[step * _STEP_COLUMNS + _NUMBER]
                elif position >= 0:
                    number, position = value(
                        info,
                        position,
                        limit,
                        form,
                        address_size,
                        offset_size,
                        ref_size,
                        big,
                    )
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
                    if form == dw.DW_FORM_ref_addr:
                        origin = number
                    elif form in (
                        dw.DW_FORM_ref4,
                        dw.DW_FORM_ref8,
                        dw.DW_FORM_ref2,
                        dw.DW_FORM_ref1,
                        dw.DW_FORM_ref_udata,
                    ):
                        origin = base + start + number
                elif at in (dw.DW_AT_location, dw.DW_AT_const_value):
                    has_value = True
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
                        cplusplus = is_cplusplus(number)
                    elif at == dw.DW_AT_str_offsets_base:
                        str_offsets_base = number
                    elif at in (dw.DW_AT_addr_base, dw.DW_AT_GNU_addr_base):
                        addr_base = number
                    elif at == dw.DW_AT_rnglists_base:
                        rnglists_base = number
            if position < 0 or position > limit:
                result[RESULT_STATUS] = STATUS_BAD
                result[RESULT_POSITION] = die
                return

            entry = ((base + die) << 16) | ((tag & 0xFF) << 8)
            looked_into = skipping == 0 and (depth < 0 or modes[depth] != 0)
            if looked_into and (depth < 0 or tag == dw.DW_TAG_subprogram):
                if is_address_index(low_form):
                    low = indexed_address(addresses, addr_base, low, address_size, big)
                if depth < 0:
                    low_base = low
                if high_form:
                    if is_address_index(high_form):
                        high = indexed_address(
                            addresses, addr_base, high, address_size, big
                        )
                    elif high_form != dw.DW_FORM_addr:
                        high += low
                    span_count = add_span(spans, span_count, low, high, entry)
                elif list_form and version >= 5:
                    if list_form == dw.DW_FORM_rnglistx:
                        at_list = rnglists_base
                        if list_number < len(rnglists):
                            at_list += list_number * offset_size
                        if 0 <= at_list <= len(rnglists) - offset_size:
                            list_number = rnglists_base + fixed(
                                rnglists, at_list, offset_size, big
                            )
                        else:
                            list_number = -1
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
                        ranges,
                        list_number,
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
            if looked_into and depth >= 0:
                prefix = prefixes[depth]
                # A static member of a class is a variable that is declared there.
                static = tag == dw.DW_TAG_member and (declaration or external)
                indexed = is_indexed(tag) or static
                if name_form and (indexed or is_scope(tag)):
                    if name_form == dw.DW_FORM_string:
                        state = hash_string(info, name, prefix)
                    elif name_form == dw.DW_FORM_strp:
                        state = hash_string(strings, name, prefix)
                    elif name_form == dw.DW_FORM_line_strp:
                        state = hash_string(line_strings, name, prefix)
                    elif is_string_index(name_form):
                        at_name = str_offsets_base
                        if name < len(str_offsets):
                            at_name += name * offset_size
                        if 0 <= at_name <= len(str_offsets) - offset_size:
                            state = hash_string(
                                strings,
                                fixed(str_offsets, at_name, offset_size, big),
                                prefix,
                            )
                    else:
                        state = hash_string(alt_strings, name, prefix)
                    if state < 0 and len(alt_strings):
                        result[RESULT_STATUS] = STATUS_BAD
                        result[RESULT_POSITION] = die
                        return
                continues = not name_form and origin >= 0
                if indexed and (state >= 0 or (continues and tag != dw.DW_TAG_member)):
                    if count >= len(hashes):
                        result[RESULT_STATUS] = STATUS_FULL
                        return
                    if static:
                        entry = ((base + die) << 16) | (dw.DW_TAG_variable << 8)
                    elif tag == dw.DW_TAG_enumerator:
                        # Its enumeration is what one wants to get at.
                        entry = ((base + owners[depth]) << 16) | (tag << 8)
                    if declaration:
                        entry |= DECLARATION
                    if has_value:
                        entry |= HAS_VALUE
                    if continues:
                        entry |= CONTINUES
                        hashes[count] = 0
                        origins[count] = origin
                    else:
                        hashes[count] = state
                    entries[count] = entry
                    count += 1

            if not children:
                if depth < 0:
                    break
                continue
            mode = 0
            prefix = HASH_START
            if depth < 0:
                mode = 1
            elif looked_into:
                prefix = prefixes[depth]
                if tag == dw.DW_TAG_enumeration_type:
                    mode = 1
                elif tag == dw.DW_TAG_namespace or (cplusplus and is_scope(tag)):
                    # Names in an unnamed namespace are seen around it.
                    mode = 1
                    if state >= 0:
                        prefix = hash_scope(state)
            if mode and depth + 1 < _MAX_SCOPES:
                depth += 1
                modes[depth] = mode
                owners[depth] = die
                prefixes[depth] = prefix
            elif sibling:
                if not position <= sibling <= limit:
                    result[RESULT_STATUS] = STATUS_BAD
                    result[RESULT_POSITION] = die
                    return
                position = sibling
            else:
                skipping += 1
        result[RESULT_ROWS] = count
        result[RESULT_SPANS] = span_count
    result[RESULT_UNIT] = last


def hash_scope(state: int) -> int:
    """Go on hashing with ``::``."""
    state = ((state ^ 0x3A) * HASH_PRIME) & HASH_MASK
    return ((state ^ 0x3A) * HASH_PRIME) & HASH_MASK


_kernel: Any = None


def compiled() -> Any:
    """`scan()` compiled by numba; the machine code is kept between runs."""
    global _kernel
    if _kernel is None:
        import numba
        from numba.extending import register_jitable

        for function in (
            uleb,
            fixed,
            fixed_size,
            value,
            hash_string,
            read_abbrevs,
            add_span,
            add_ranges,
            indexed_address,
            add_rnglist,
            is_address_index,
            is_string_index,
            is_scope,
            is_indexed,
            is_cplusplus,
            hash_scope,
        ):
            register_jitable(function)
        data = numba.types.Array(numba.uint8, 1, "C", readonly=True)
        ints = numba.int64[::1]
        number, flag = numba.int64, numba.boolean
        signature = numba.void(
            *(data, number),
            *(data,) * 8,
            *(ints, number, number, flag),
            *(ints,) * 8,
        )
        _kernel = numba.njit(signature, nogil=True, cache=True)(scan)
    return _kernel
