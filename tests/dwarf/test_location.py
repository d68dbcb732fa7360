"""Location lists of each version."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from drgn import BadDataError
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.location import expression_at


def die(
    data: bytes, version: int = 5, *, is_dwo: bool = False, form: int = 0x17
) -> Any:
    """A DIE whose DW_AT_location is a list at offset 0 of the section."""
    sections = {".debug_loc" if version < 5 else ".debug_loclists": memoryview(data)}
    own = SimpleNamespace(
        is_dwo=is_dwo,
        section=lambda name: sections[name],
        unsigned=lambda data: int.from_bytes(data, "little"),
    )
    unit = SimpleNamespace(
        sections=own,
        part=lambda name: 0,
        version=version,
        address_size=8,
        address_mask=(1 << 64) - 1,
        low_pc=0x1000,
        address_at_index=lambda index: 0x100 * index,
    )
    return SimpleNamespace(
        unit=unit, attr=lambda at: 0, form=lambda at: form, error=BadDataError
    )


def at(die: Any, pc: int) -> bytes | None:
    found = expression_at(die, dw.DW_AT_location, pc)
    return None if found is None else bytes(found)


def block(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def quads(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


@pytest.mark.parametrize(
    ("entries", "low", "high"),
    [
        (b"\x04\x10\x20" + block(b"x"), 0x1010, 0x1020),
        (b"\x06" + quads(0x5000) + b"\x04\x10\x20" + block(b"x"), 0x5010, 0x5020),
        (b"\x01\x07\x04\x10\x20" + block(b"x"), 0x710, 0x720),
        (b"\x02\x03\x04" + block(b"x"), 0x300, 0x400),
        (b"\x03\x03\x10" + block(b"x"), 0x300, 0x310),
        (b"\x07" + quads(0x30, 0x40) + block(b"x"), 0x30, 0x40),
        (b"\x08" + quads(0x30) + b"\x08" + block(b"x"), 0x30, 0x38),
        (b"\x09\x01\x02\x04\x10\x20" + block(b"x"), 0x1010, 0x1020),
        (b"\x04\x00\x01" + block(b"y") + b"\x04\x10\x20" + block(b"x"), 0x1010, 0x1020),
    ],
)
def test_loclists(entries: bytes, low: int, high: int) -> None:
    located = die(entries + b"\0")
    assert at(located, low) == at(located, high - 1) == b"x"
    assert at(located, low - 1) != b"x"
    assert at(located, high) is None


def test_default_location() -> None:
    located = die(b"\x05" + block(b"d") + b"\x04\x10\x20" + block(b"x") + b"\0")
    assert at(located, 0x1015) == b"x"
    assert at(located, 0x9999) == b"d"


@pytest.mark.parametrize("version", [2, 3, 4])
def test_loc(version: int) -> None:
    data = quads(0x10, 0x20) + b"\x01\0x"
    data += quads(2**64 - 1, 0x5000) + quads(0, 8) + b"\x02\0yz" + quads(0, 0)
    located = die(data, version, form=0x06 if version < 4 else 0x17)
    assert at(located, 0x1010) == b"x"
    assert at(located, 0x1020) is None
    assert at(located, 0x5007) == b"yz"
    assert at(located, 0x5008) is None


def test_loc_dwo() -> None:
    data = b"\x01\x05\x03\x02" + struct.pack("<IH", 0x10, 1) + b"x"
    data += b"\x02\x03\x04" + b"\x01\0y\0"
    located = die(data, 4, is_dwo=True)
    assert at(located, 0x20F) == b"x"
    assert at(located, 0x300) == b"y"
    assert at(located, 0x400) is None


def test_expressions_are_themselves() -> None:
    located = die(b"")
    located.attr = lambda at: memoryview(b"x")
    assert at(located, 0) == b"x"
    located.attr = lambda at: None
    assert at(located, 0) is None


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (b"", 5),
        (b"\x04\x10", 5),
        (b"\x04\x10\x20\x05x", 5),
        (b"\x0b", 5),
        (b"\x07\0\0", 5),
        (quads(0x10, 0x20) + b"\xff\xff", 4),
        (quads(0x10), 4),
    ],
    ids=range(7),
)
def test_malformed(data: bytes, version: int) -> None:
    with pytest.raises(BadDataError, match="invalid location list"):
        at(die(data, version), 0)


def test_other_forms_are_no_locations() -> None:
    with pytest.raises(BadDataError, match="no location"):
        at(die(b"", form=dw.DW_FORM_data1), 0)
