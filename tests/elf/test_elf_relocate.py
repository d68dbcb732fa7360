"""Relocatable files: the layout of their sections, and relocations."""

from __future__ import annotations

import struct
import subprocess

import dwarf_asm
import pytest

from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import ElfFile, open_elf
from drgn.engine.errors import BadDataError

OBJECT = """
int data = 5;
static int hidden[100];
int *pointer = &hidden[3];
__attribute__((section(".init.text"))) int early(void) { return data; }
int late(int x) { return x + hidden[x]; }
int (*table[2])(int) = { late };
"""


def test_allocated_sections_are_laid_out_in_order(compile_c) -> None:
    file = open_elf(compile_c(OBJECT, "-g", "-c", suffix=".o"))
    end = 0x1000
    for section in file.sections:
        if section.flags & 2:
            assert section.address >= end
            assert section.address % max(section.addralign, 1) == 0
            end = section.address + section.size
        else:
            assert section.address == 0
    assert end > 0x1000


def symbols(path) -> dict[str, tuple[int, str]]:
    """Value and section index of the symbols, from readelf."""
    listing = subprocess.run(
        ["readelf", "-sW", path], capture_output=True, text=True, check=True
    ).stdout
    fields = [line.split() for line in listing.splitlines()]
    return {
        f[7]: (int(f[1], 16), f[6]) for f in fields if len(f) == 8 and f[6].isdigit()
    }


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
def test_debug_info_and_data_are_relocated(
    compile_c, compiler: str, version: str
) -> None:
    path = compile_c(OBJECT, "-g", "-O1", version, "-c", compiler=compiler, suffix=".o")
    elf = open_elf(path)
    places = symbols(path)

    def address(name: str) -> int:
        value, index = places[name]
        return elf.sections[int(index)].address + value

    file = DwarfFile(elf)
    for name in ("early", "late"):
        (die,) = file.find(name, frozenset((dw.DW_TAG_subprogram,)))
        assert die.name == name
        assert die.ranges()[0][0] == address(name)
        assert file.function_at(address(name)) == die
    (die,) = file.find("data", frozenset((dw.DW_TAG_variable,)))
    location = die.attr(dw.DW_AT_location)
    if location[0] == 3:  # DW_OP_addr
        assert int.from_bytes(location[1:], "little") == address("data")
    value, index = places["pointer"]
    contents = elf.contents(elf.sections[int(index)])
    assert struct.unpack_from("<Q", contents, value) == (address("hidden") + 12,)


def relocatable(
    relocations: bytes,
    *,
    machine: int = 62,
    order: str = "<",
    bits: int = 64,
    kind: int = 4,
    data: bytes = bytes(range(16)),
) -> ElfFile:
    """One allocated section at 0x1000 with relocations by a symbol at its offset 2."""
    if bits == 64:
        symbol = struct.pack(order + "IBBHQQ", 0, 0, 0, 1, 2, 0)
    else:
        symbol = struct.pack(order + "IIIBBH", 0, 2, 0, 0, 0, 1)
    image = dwarf_asm.elf(
        {".data": data, ".rel": relocations, ".symtab": bytes(len(symbol)) + symbol},
        order=order,
        bits=bits,
        machine=machine,
        type=1,
        headers={
            ".data": {"flags": 2, "addralign": 16},
            ".rel": {"type": kind, "info": 1, "link": 3},
            ".symtab": {"type": 2},
        },
    )
    return ElfFile.from_bytes(image, "image")


def rela64(offset: int, kind: int, addend: int = 0, order: str = "<") -> bytes:
    return struct.pack(order + "QQq", offset, 1 << 32 | kind, addend)


@pytest.mark.parametrize(
    ("machine", "order", "kind", "expected"),
    [
        # (symbol 0x1002, addend 5, place 0x1004)
        (62, "<", 1, struct.pack("<Q", 0x1007)),
        (62, "<", 10, struct.pack("<I", 0x1007)),
        (62, "<", 2, struct.pack("<i", 3)),
        (62, "<", 24, struct.pack("<q", 3)),
        (183, "<", 257, struct.pack("<Q", 0x1007)),
        (183, "<", 259, struct.pack("<H", 0x1007)),
        (183, "<", 261, struct.pack("<i", 3)),
        (21, ">", 38, struct.pack(">Q", 0x1007)),
        (21, ">", 26, struct.pack(">i", 3)),
        (22, ">", 22, struct.pack(">Q", 0x1007)),
        (243, "<", 2, struct.pack("<Q", 0x1007)),
        (258, "<", 2, struct.pack("<Q", 0x1007)),
        (62, "<", 0, b""),
    ],
)
def test_relocations_with_addends(
    machine: int, order: str, kind: int, expected: bytes
) -> None:
    file = relocatable(rela64(4, kind, 5, order), machine=machine, order=order)
    data = bytes(range(16))
    assert file.contents(".data") == data[:4] + expected + data[4 + len(expected) :]


def test_relocations_without_addends() -> None:
    relocations = struct.pack("<II", 4, 1 << 8 | 1) + struct.pack("<II", 8, 1 << 8 | 2)
    file = relocatable(relocations, machine=3, bits=32, kind=9, data=b"\1\0\0\0" * 4)
    assert struct.unpack("<4I", file.contents(".data")) == (
        1,
        0x1003,
        0x1002 + 1 - 0x1008 & 0xFFFFFFFF,
        1,
    )


def test_relocations_that_add_and_subtract() -> None:
    # R_RISCV_ADD32 and R_RISCV_SUB32 of the same symbol leave what was there.
    file = relocatable(
        rela64(4, 35, 7) + rela64(4, 39, 3) + rela64(8, 54, 1), machine=243
    )
    data = file.contents(".data")
    assert struct.unpack_from("<I", data, 4) == (0x07060504 + 4,)
    assert data[8] == 0x03


@pytest.mark.parametrize(
    ("relocations", "message"),
    [
        (rela64(13, 10), "relocation outside of the section"),
        (rela64(1 << 63, 10), "relocation outside of the section"),
        (rela64(4, 10)[:-1], "size of relocations is wrong"),
        (struct.pack("<QQq", 4, 2 << 32 | 1, 0), "relocation of an invalid symbol"),
    ],
)
def test_bad_relocations(relocations: bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=f"^image: .*{message}$"):
        relocatable(relocations).contents(".data")


def test_unknown_relocation_of_debug_info() -> None:
    image = dwarf_asm.elf(
        {".debug_info": bytes(8), ".rel": rela64(0, 200), ".symtab": bytes(48)},
        type=1,
        headers={".rel": {"type": 4, "info": 1, "link": 3}, ".symtab": {"type": 2}},
    )
    with pytest.raises(BadDataError, match="unknown relocation type 200"):
        ElfFile.from_bytes(image, "image").contents(".debug_info")
