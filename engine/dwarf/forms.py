"""Attribute forms: how a value is stored, and what it means (DWARF 5, section 7.5.6).

A value has two shapes here. The *raw* one is what a DIE's bytes hold: an integer, or
bytes. Most attributes of a DIE are never asked for, so that only `decode()` goes to
other sections or resolves references.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .reader import c_string, sleb128, uleb128

if TYPE_CHECKING:
    from .unit import Unit

Raw = int | bytes | memoryview | tuple[int, "Raw"]
Value = int | str | memoryview

FIXED: dict[int, str] = {
    dw.DW_FORM_data1: "B",
    dw.DW_FORM_data2: "H",
    dw.DW_FORM_data4: "I",
    dw.DW_FORM_data8: "Q",
    dw.DW_FORM_data16: "16s",
    dw.DW_FORM_flag: "B",
    dw.DW_FORM_ref1: "B",
    dw.DW_FORM_ref2: "H",
    dw.DW_FORM_ref4: "I",
    dw.DW_FORM_ref8: "Q",
    dw.DW_FORM_ref_sig8: "Q",
    dw.DW_FORM_ref_sup4: "I",
    dw.DW_FORM_ref_sup8: "Q",
    dw.DW_FORM_strx1: "B",
    dw.DW_FORM_strx2: "H",
    dw.DW_FORM_strx3: "3s",
    dw.DW_FORM_strx4: "I",
    dw.DW_FORM_addrx1: "B",
    dw.DW_FORM_addrx2: "H",
    dw.DW_FORM_addrx3: "3s",
    dw.DW_FORM_addrx4: "I",
}
"""Forms whose size never varies, as formats of `struct`."""

OFFSETS = frozenset(
    (
        dw.DW_FORM_strp,
        dw.DW_FORM_line_strp,
        dw.DW_FORM_sec_offset,
        dw.DW_FORM_strp_sup,
        dw.DW_FORM_GNU_ref_alt,
        dw.DW_FORM_GNU_strp_alt,
    )
)
"""Forms of the size of an offset: 4 bytes in 32-bit DWARF, 8 in 64-bit."""


ULEB128 = frozenset(
    (
        dw.DW_FORM_udata,
        dw.DW_FORM_ref_udata,
        dw.DW_FORM_strx,
        dw.DW_FORM_addrx,
        dw.DW_FORM_loclistx,
        dw.DW_FORM_rnglistx,
        dw.DW_FORM_GNU_addr_index,
        dw.DW_FORM_GNU_str_index,
    )
)
"""Forms that are one unsigned LEB128 number."""

_BLOCK_SIZES = {dw.DW_FORM_block1: 1, dw.DW_FORM_block2: 2, dw.DW_FORM_block4: 4}
_ADDRESS_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def fixed_code(form: int, unit: Unit) -> str | None:
    """The format of `struct` for a form, or None if its size varies."""
    code = FIXED.get(form)
    if code is not None:
        return code
    if form in OFFSETS:
        return "Q" if unit.is_dwarf64 else "I"
    if form == dw.DW_FORM_addr:
        return _ADDRESS_CODES[unit.address_size]
    if form == dw.DW_FORM_ref_addr:
        # DWARF 2 gave it the size of an address (section 7.5.4 there).
        if unit.version <= 2:
            return _ADDRESS_CODES[unit.address_size]
        return "Q" if unit.is_dwarf64 else "I"
    return None


def read_variable(form: int, unit: Unit, position: int) -> tuple[Raw, int]:
    """The raw value of a form of varying size, and the position after it.

    Raises IndexError and ValueError as `uleb128()`, and BadDataError for forms that do
    not exist.
    """
    data = unit.data
    if form in ULEB128:
        return uleb128(data, position)
    if form == dw.DW_FORM_sdata:
        return sleb128(data, position)
    if form == dw.DW_FORM_string:
        return c_string(data, position)
    if form == dw.DW_FORM_indirect:
        return _read_indirect(unit, position)
    if form in (dw.DW_FORM_exprloc, dw.DW_FORM_block):
        size, position = uleb128(data, position)
    else:
        width = _BLOCK_SIZES.get(form)
        if width is None:
            path = unit.sections.path
            raise BadDataError(f"{path}: unknown attribute form {form:#x}")
        size = unit.sections.unsigned(data[position : position + width])
        position += width
    end = position + size
    if end > len(data):
        raise IndexError("block is out of bounds")
    return data[position:end], end


def _read_indirect(unit: Unit, position: int) -> tuple[Raw, int]:
    form, position = uleb128(unit.data, position)
    if form in (dw.DW_FORM_indirect, dw.DW_FORM_implicit_const):
        raise BadDataError(f"{unit.sections.path}: invalid indirect form {form:#x}")
    if form == dw.DW_FORM_flag_present:
        return (form, 1), position
    code = fixed_code(form, unit)
    if code is None:
        raw, position = read_variable(form, unit, position)
    else:
        layout = unit.sections.struct(code)
        raw = layout.unpack_from(unit.data, position)[0]
        position += layout.size
    return (form, raw), position


def _string(section: str) -> Callable[[Unit, Raw], Value]:
    def decode(unit: Unit, raw: Raw) -> str:
        assert isinstance(raw, int)
        return unit.sections.string(section, raw)

    return decode


def _inline_string(unit: Unit, raw: Raw) -> str:
    assert isinstance(raw, bytes)
    return raw.decode("utf-8", "replace")


def _number(unit: Unit, raw: Raw) -> int:
    if isinstance(raw, bytes):
        return unit.sections.unsigned(raw)
    assert isinstance(raw, int)
    return raw


def _string_index(unit: Unit, raw: Raw) -> str:
    return unit.string_at_index(_number(unit, raw))


def _alt_string(unit: Unit, raw: Raw) -> str:
    assert isinstance(raw, int)
    return unit.file.supplementary_file().string(".debug_str", raw)


def _address_index(unit: Unit, raw: Raw) -> int:
    return unit.address_at_index(_number(unit, raw))


def _unit_reference(unit: Unit, raw: Raw) -> int:
    assert isinstance(raw, int)
    return unit.offset + raw


def _file_reference(unit: Unit, raw: Raw) -> int:
    assert isinstance(raw, int)
    return unit.sections.base + raw


def _signature(unit: Unit, raw: Raw) -> int:
    assert isinstance(raw, int)
    return unit.file.type_unit_die(raw, unit.sections)


def _loclist_index(unit: Unit, raw: Raw) -> int:
    return unit.list_at_index(".debug_loclists", unit.loclists_base, _number(unit, raw))


def _rnglist_index(unit: Unit, raw: Raw) -> int:
    return unit.list_at_index(".debug_rnglists", unit.rnglists_base, _number(unit, raw))


def _bytes(unit: Unit, raw: Raw) -> memoryview:
    assert isinstance(raw, bytes)
    return memoryview(raw)


def _indirect(unit: Unit, raw: Raw) -> Value:
    assert isinstance(raw, tuple)
    form, inner = raw
    decode = DECODERS.get(form)
    if decode is None:
        assert isinstance(inner, int | memoryview)
        return inner
    return decode(unit, inner)


DECODERS: dict[int, Callable[[Unit, Raw], Value]] = {
    dw.DW_FORM_string: _inline_string,
    dw.DW_FORM_strp: _string(".debug_str"),
    dw.DW_FORM_line_strp: _string(".debug_line_str"),
    dw.DW_FORM_strp_sup: _alt_string,
    dw.DW_FORM_GNU_strp_alt: _alt_string,
    dw.DW_FORM_strx: _string_index,
    dw.DW_FORM_strx1: _string_index,
    dw.DW_FORM_strx2: _string_index,
    dw.DW_FORM_strx3: _string_index,
    dw.DW_FORM_strx4: _string_index,
    dw.DW_FORM_GNU_str_index: _string_index,
    dw.DW_FORM_addrx: _address_index,
    dw.DW_FORM_addrx1: _address_index,
    dw.DW_FORM_addrx2: _address_index,
    dw.DW_FORM_addrx3: _address_index,
    dw.DW_FORM_addrx4: _address_index,
    dw.DW_FORM_GNU_addr_index: _address_index,
    dw.DW_FORM_ref1: _unit_reference,
    dw.DW_FORM_ref2: _unit_reference,
    dw.DW_FORM_ref4: _unit_reference,
    dw.DW_FORM_ref8: _unit_reference,
    dw.DW_FORM_ref_udata: _unit_reference,
    dw.DW_FORM_ref_addr: _file_reference,
    dw.DW_FORM_ref_sig8: _signature,
    dw.DW_FORM_loclistx: _loclist_index,
    dw.DW_FORM_rnglistx: _rnglist_index,
    dw.DW_FORM_data16: _bytes,
    dw.DW_FORM_indirect: _indirect,
}
"""How raw values of a form are decoded; the raw value itself where a form is absent."""

ADDRESSES = frozenset(
    (
        dw.DW_FORM_addr,
        dw.DW_FORM_addrx,
        dw.DW_FORM_addrx1,
        dw.DW_FORM_addrx2,
        dw.DW_FORM_addrx3,
        dw.DW_FORM_addrx4,
        dw.DW_FORM_GNU_addr_index,
    )
)
"""File addresses."""

CONSTANTS = frozenset(
    (
        dw.DW_FORM_data1,
        dw.DW_FORM_data2,
        dw.DW_FORM_data4,
        dw.DW_FORM_data8,
        dw.DW_FORM_sdata,
        dw.DW_FORM_udata,
        dw.DW_FORM_implicit_const,
    )
)
"""Numbers of at most 8 bytes."""

REFERENCES = frozenset(
    (
        dw.DW_FORM_ref1,
        dw.DW_FORM_ref2,
        dw.DW_FORM_ref4,
        dw.DW_FORM_ref8,
        dw.DW_FORM_ref_udata,
        dw.DW_FORM_ref_addr,
        dw.DW_FORM_ref_sig8,
    )
)
"""References to DIEs in the same file."""

ALT_REFERENCES = frozenset(
    (dw.DW_FORM_ref_sup4, dw.DW_FORM_ref_sup8, dw.DW_FORM_GNU_ref_alt)
)
"""References to DIEs in the supplementary file."""
