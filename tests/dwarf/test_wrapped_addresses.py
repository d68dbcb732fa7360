"""Sums of addresses in ranges and lists: they wrap around at the highest address."""

from __future__ import annotations

import struct

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn.engine.dwarf import build
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.dwarf.location import expression_at
from drgn.engine.elf.file import ElfFile

SCANS = pytest.mark.parametrize("plain_size", [0, 1 << 30])
BASE = 0x5000
BEFORE_BASE = (0x4010, 0x4020)


def function_with(
    lists: dict[str, bytes], version: int, size: int, **attributes: object
) -> DwarfFile:
    function = D(dw.DW_TAG_subprogram, name="f", **attributes)
    root = D(dw.DW_TAG_compile_unit, low_pc=BASE)
    contents = dwarf_asm.assemble([Unit([function], version, size, root=root)])
    contents |= lists
    return DwarfFile(ElfFile.from_bytes(dwarf_asm.elf(contents), "image"))


def check(file: DwarfFile, expected: list[tuple[int, int]]) -> None:
    (unit,) = file.units()
    (function,) = unit.root.children()
    assert function.ranges() == expected
    for low, high in expected:
        assert file.index.function_at(low) == function.offset
        assert file.index.function_at(high - 1) == function.offset
    for pc in (0, 1, BASE, 0x400F, 0x4020, (1 << 63) - 1, (1 << 64) - 1):
        assert file.index.function_at(pc) is None


@SCANS
@pytest.mark.parametrize("size", [4, 8])
def test_ranges_before_their_base(
    plain_size: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    top = (1 << 8 * size) - 1
    pairs = [
        *((low - BASE) & top for low in BEFORE_BASE),
        *(0x10, top - 0x10),  # Its end is before its start.
        *(top, 1 << 8 * size - 1, (1 << 8 * size - 1) - 8, (1 << 8 * size - 1) + 8),
        *(0, 0),
    ]
    lists = struct.pack(f"<{len(pairs)}{'I' if size == 4 else 'Q'}", *pairs)
    file = function_with({".debug_ranges": lists}, 4, size, ranges=0)
    check(file, [BEFORE_BASE])


@SCANS
def test_range_lists_before_their_base(
    plain_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    low, high = (dwarf_asm.uleb((pc - 0x8000) & 0xFFFFFFFF) for pc in BEFORE_BASE)
    lists = (
        bytes([dw.DW_RLE_base_address])
        + struct.pack("<I", 0x8000)
        + bytes([dw.DW_RLE_offset_pair])
        + low
        + high
        + bytes([dw.DW_RLE_start_length])
        + struct.pack("<I", 0xFFFFFF00)
        + dwarf_asm.uleb(0x100)  # Its end is 0, before its start.
        + bytes([dw.DW_RLE_end_of_list])
    )
    file = function_with({".debug_rnglists": lists}, 5, 4, ranges=0)
    check(file, [BEFORE_BASE])


@SCANS
def test_sizes_of_functions(plain_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_PLAIN_SIZE", plain_size)
    for low, size in (
        (0x4000, 1 << 64),
        (0x4000, (1 << 64) - 8),
        ((1 << 64) - 16, (1 << 63) - 1),
        ((1 << 63) - 16, (1 << 63) + 16),
    ):
        high = A(dw.DW_FORM_data8, size & (1 << 64) - 1)
        check(function_with({}, 5, 8, low_pc=low, high_pc=high), [])


@pytest.mark.parametrize("version", [4, 5])
def test_location_lists(version: int) -> None:
    top = (1 << 64) - 1
    offsets = [(low - BASE) & top for low in BEFORE_BASE]
    if version == 4:
        lists = struct.pack("<QQH", *offsets, 1) + b"x"
        lists += struct.pack("<QQH", 0x10, top - 0x10, 1) + b"y" + bytes(16)
        name = ".debug_loc"
    else:
        pairs = [b"".join(map(dwarf_asm.uleb, p)) for p in (offsets, (16, top - 16))]
        lists = b"".join(
            [b"\x04", pairs[0], b"\x01x", b"\x04", pairs[1], b"\x01y", b"\0"]
        )
        name = ".debug_loclists"
    place = A(dw.DW_FORM_sec_offset, 0)
    file = function_with({name: lists}, version, 8, frame_base=place)
    (unit,) = file.units()
    (function,) = unit.root.children()
    low, high = BEFORE_BASE
    for pc in (low, high - 1):
        assert expression_at(function, dw.DW_AT_frame_base, pc) == b"x"
    for pc in (0, low - 1, high, BASE + 0x10, BASE + 0x11, top):
        assert expression_at(function, dw.DW_AT_frame_base, pc) is None
