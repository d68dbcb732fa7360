"""The index of a .dwp package, and what is wrong with a bad one."""

from __future__ import annotations

import struct

import dwarf_asm
import pytest

from drgn import BadDataError
from drgn.engine.dwarf.dwp import PackageIndex
from drgn.engine.dwarf.sections import Sections
from drgn.engine.elf.file import ElfFile

INFO, ABBREV, UNKNOWN = 1, 3, 99


def index(
    version: int = 5,
    slots: tuple[tuple[int, int], ...] = ((0, 0), (0x1234, 2), (0, 0), (7, 1)),
    kinds: tuple[int, ...] = (INFO, ABBREV, UNKNOWN),
    starts: tuple[tuple[int, ...], ...] = ((0, 0, 8), (0x40, 0x50, 0x60)),
    order: str = "<",
) -> bytes:
    """``slots`` are (ID, row); ``starts`` has a row of offsets for each unit."""
    head = struct.pack(order + "I", 2) if version == 2 else b""
    head = head or struct.pack(order + "HH", version, 0)
    head += struct.pack(order + "3I", len(kinds), len(starts), len(slots))
    ids = b"".join(struct.pack(order + "Q", unit_id) for unit_id, _ in slots)
    rows = b"".join(struct.pack(order + "I", row) for _, row in slots)
    table = [*kinds, *(start for row in starts for start in row)]
    table += [16] * (len(kinds) * len(starts))  # The sizes.
    return head + ids + rows + struct.pack(f"{order}{len(table)}I", *table)


def parse(data: bytes, order: str = "<") -> PackageIndex:
    image = dwarf_asm.elf({".debug_cu_index": data}, order=order)
    sections = Sections(ElfFile.from_bytes(image, "a.dwp"), is_dwo=True)
    return PackageIndex(sections, ".debug_cu_index")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [2, 5])
def test_contributions(version: int, order: str) -> None:
    parsed = parse(index(version, order=order), order)
    assert parsed.version == version
    assert sorted(parsed.ids()) == [7, 0x1234]
    assert parsed.contributions(7) == {".debug_info": 0, ".debug_abbrev": 0}
    assert parsed.contributions(0x1234) == {".debug_info": 0x40, ".debug_abbrev": 0x50}
    assert parsed.contributions(8) is None


def test_none() -> None:
    parsed = parse(b"")
    assert parsed.version == 0
    assert parsed.ids() == []


def test_every_cut() -> None:
    data = index()
    for end in range(1, len(data)):
        with pytest.raises(BadDataError, match=r"a\.dwp: \.debug_cu_index: index is"):
            parse(data[:end])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (index(version=9), "unknown version 9"),
        (index(slots=((1, 3),)), "row 3 of 2"),
        (struct.pack("<4I", 5, *[0xFFFFFFFF] * 3), "index is truncated"),
    ],
)
def test_malformed(data: bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        parse(data)
