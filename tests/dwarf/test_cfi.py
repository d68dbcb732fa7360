"""Call frame information, against readelf and made by hand."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dwarf_asm import sleb, uleb

from drgn import BadDataError
from drgn.engine.dwarf import cfi
from drgn.engine.dwarf import cfi_rows as rules
from drgn.engine.dwarf.cfi import CfiRow, CfiTable, cfi_tables
from drgn.engine.dwarf.cfi_rows import Cie, RowMachine
from drgn.engine.elf.file import open_elf

SOURCE = """
#include <alloca.h>
#include <string.h>

__attribute__((noipa)) int callee(char *p, int n)
{
    return p[n];
}

__attribute__((noipa)) int stack(int n)
{
    char *p = alloca(n);
    memset(p, n, n);
    return callee(p, n - 1);
}

__attribute__((noipa))
long many(long a, long b, long c, long d, long e, long f, long g)
{
    char buffer[200];
    memset(buffer, a, sizeof(buffer));
    if (b)
        return callee(buffer, a) + b * c + many(b, c, d, e, f, g, a) + d * e + f * g;
    return g;
}

int main(int argc, char **argv)
{
    return stack(argc + 4) + many(argc, 0, 1, 2, 3, 4, 5);
}
"""
NUMBERS = {
    name: number
    for number, name in enumerate(
        [
            *["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"],
            *[f"r{i}" for i in range(8, 16)],
            "ra",
        ]
    )
}


def readelf_rows(path: Path) -> list[tuple[str, int, dict[str, str]]]:
    """(section, address, column -> text) of each row that readelf shows."""
    output = subprocess.run(
        ["readelf", "--debug-dump=frames-interp", path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = []
    section, columns, low, high = "", [""], 0, 0
    for line in output.splitlines():
        if match := re.match(r"Contents of the (\S+) section", line):
            section = match[1]
        elif " CIE " in line:
            low = high = 0
        elif match := re.search(r" FDE .*pc=(\w+)\.\.(\w+)", line):
            low, high = int(match[1], 16), int(match[2], 16)
        elif line.lstrip().startswith("LOC"):
            columns = line.split()[1:]
        elif match := re.match(r"([0-9a-f]{16}) +(.*)", line):
            address = int(match[1], 16)
            if low <= address < high:
                cells = dict(zip(columns, match[2].split(), strict=True))
                rows.append((section, address, cells))
    return rows


def as_readelf(row: CfiRow, columns: list[str]) -> dict[str, str]:
    cells = {}
    for column in columns:
        if column == "CFA":
            if len(row.cfa) == 3:
                _, register, offset = row.cfa
                name = next(n for n, r in NUMBERS.items() if r == register)
                cells[column] = f"{name}{offset:+}"
            else:
                cells[column] = "exp"
            continue
        rule = row.rules.get(NUMBERS[column], (rules.UNDEFINED, 0))
        if rule[0] == rules.AT_CFA_PLUS:
            cells[column] = f"c{rule[1]:+}"
        elif rule[0] == rules.CFA_PLUS:
            cells[column] = f"v{rule[1]:+}"
        else:
            cells[column] = {
                rules.UNDEFINED: "u",
                rules.SAME_VALUE: "s",
                rules.AT_EXPRESSION: "exp",
                rules.EXPRESSION: "vexp",
            }[rule[0]]
    return cells


@pytest.mark.parametrize(
    "flags",
    [
        ("-O0",),
        ("-O2",),
        ("-O2", "-fno-omit-frame-pointer", "-mno-red-zone"),
        ("-O2", "-fno-asynchronous-unwind-tables"),
        ("-O2", "-mstackrealign", "-fno-asynchronous-unwind-tables"),
        ("-Os", "-gdwarf-2"),
    ],
    ids=" ".join,
)
def test_agrees_with_readelf(compile_c: Any, flags: tuple[str, ...]) -> None:
    if shutil.which("readelf") is None:
        pytest.skip("no readelf")
    path = compile_c(SOURCE, "-g", *flags)
    elf = open_elf(path)
    tables = {table._section: table for table in cfi_tables(elf)}
    rows = readelf_rows(path)
    assert len(rows) > 10
    for section, address, cells in rows:
        row = tables[section].row(address)
        assert row is not None
        assert as_readelf(row, list(cells)) == cells, hex(address)


def test_debug_frame_comes_first(compile_c: Any) -> None:
    path = compile_c(SOURCE, "-g", "-O2", "-fno-asynchronous-unwind-tables")
    sections = [table._section for table in cfi_tables(open_elf(path))]
    assert sections == [".debug_frame", ".eh_frame"]  # The latter is the C library's.


def test_search_table_finds_what_an_index_finds(compile_c: Any) -> None:
    elf = open_elf(compile_c(SOURCE, "-g", "-O2"))
    (table,) = cfi_tables(elf)
    assert table._search_table is not None
    text = elf.section(".text")
    assert text is not None
    for pc in range(text.address - 3, text.address + text.size + 3):
        assert table._search_table.find(pc) == table._find(pc)


def test_signal_frame() -> None:
    path = Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not path.exists():
        pytest.skip(f"no {path}")
    (table,) = cfi_tables(open_elf(path))
    rows = [table.row(start) for start in table._load_fdes()["starts"]]
    # __restore_rt is the only function of its kind.
    (signal,) = [row for row in rows if row is not None and row.is_signal_frame]
    assert signal.cfa[0] == rules.EXPRESSION
    assert signal.rules[16][0] == rules.AT_EXPRESSION


CIE = Cie(
    code_alignment=4,
    data_alignment=-8,
    return_address=16,
    encoding=0,
    address_size=8,
    is_signal_frame=False,
    has_augmentation_data=False,
    instructions=b"",
)


def rows_of(code: bytes, pc: int = 0x1000, initial: bytes = b"") -> RowMachine:
    machine = RowMachine(CIE, 0x1000, True)
    machine.run(initial, pc)
    machine.initial = dict(machine.rules)
    machine.run(code, pc)
    return machine


DEF_CFA = b"\x0c\x07\x08"


@pytest.mark.parametrize(
    ("code", "cfa"),
    [
        (DEF_CFA, (rules.REGISTER_PLUS, 7, 8)),
        (b"\x12\x06\x7e", (rules.REGISTER_PLUS, 6, 16)),
        (DEF_CFA + b"\x0d\x06", (rules.REGISTER_PLUS, 6, 8)),
        (DEF_CFA + b"\x0e\x90\x01", (rules.REGISTER_PLUS, 7, 144)),
        (DEF_CFA + b"\x13\x7c", (rules.REGISTER_PLUS, 7, 32)),
        (b"\x0f\x03abc", (rules.EXPRESSION, b"abc")),
    ],
)
def test_cfa(code: bytes, cfa: object) -> None:
    assert rows_of(code).cfa == cfa


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (b"\x83\x02", (rules.AT_CFA_PLUS, -16)),
        (b"\x05\x03\x02", (rules.AT_CFA_PLUS, -16)),
        (b"\x11\x03\x7e", (rules.AT_CFA_PLUS, 16)),
        (b"\x2f\x03\x02", (rules.AT_CFA_PLUS, 16)),
        (b"\x14\x03\x02", (rules.CFA_PLUS, -16)),
        (b"\x15\x03\x7e", (rules.CFA_PLUS, 16)),
        (b"\x07\x03", (rules.UNDEFINED, 0)),
        (b"\x08\x03", (rules.SAME_VALUE, 0)),
        (b"\x09\x03\x0c", (rules.REGISTER, 12)),
        (b"\x10\x03\x02xy", (rules.AT_EXPRESSION, b"xy")),
        (b"\x16\x03\x02xy", (rules.EXPRESSION, b"xy")),
        (b"\x2e\x20\x00", None),
        (b"\x83\x02\xc3", None),
        (b"\x83\x02\x06\x03", None),
        (b"\x83\x02\x0a\x83\x04\x0b", (rules.AT_CFA_PLUS, -16)),
    ],
)
def test_register_rules(code: bytes, rule: object) -> None:
    assert rows_of(code).rules.get(3) == rule


def test_restore_goes_back_to_the_cie() -> None:
    assert rows_of(b"\x83\x04\xc3", initial=b"\x83\x02").rules[3][1] == -16


def test_remember_and_restore_the_cfa() -> None:
    machine = rows_of(DEF_CFA + b"\x0a\x0e\x40\x0b")
    assert machine.cfa == (rules.REGISTER_PLUS, 7, 8)


@pytest.mark.parametrize(
    "advance",
    [
        b"\x44",
        b"\x02\x04",
        b"\x03\x04\x00",
        b"\x04\x04\x00\x00\x00",
        b"\x01" + struct.pack("<Q", 0x1010),
    ],
)
def test_rows_hold_from_their_address(advance: bytes) -> None:
    code = DEF_CFA + advance + b"\x0e\x10"
    assert rows_of(code, 0x100F).cfa == (rules.REGISTER_PLUS, 7, 8)
    assert rows_of(code, 0x1010).cfa == (rules.REGISTER_PLUS, 7, 16)


@pytest.mark.parametrize(
    "code",
    [
        b"\x0b",
        b"\x0e\x08",
        b"\x0c\x07",
        b"\x0f\x05ab",
        b"\x03\x00",
        b"\x3f\x00\x00",
        b"\x2d",
        b"\x0a" * 1000,
        b"\x0f\x01a\x0d\x07",
    ],
)
def test_malformed_instructions(code: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        rows_of(code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x3f", "unknown DWARF CFI opcode 0x3f"),
        (b"\x17\x01\x02", "unknown DWARF CFI opcode 0x17"),
        (b"\x2d", "unknown DWARF CFI opcode 0x2d"),
        (b"\x0b", "DW_CFA_restore_state with empty state stack"),
        (b"\x0c\x07" + uleb(2**63), "offset is too large"),
        (b"\x0e" + uleb(2**64 - 8), "offset is too large"),
        (
            b"\x01" + struct.pack("<Q", 0x1000),
            "DW_CFA_set_loc location is not greater than current location",
        ),
    ],
)
def test_what_malformed_instructions_are_told(code: bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=rf"file: \.debug_frame\+0x\w+: {message}$"):
        debug_frame(GOOD_CIE, fde(0x1000, 8, code=code)).row(0x1000)


@pytest.mark.parametrize(
    "code", [b"\x41", b"\x02\x01", b"\x01" + bytes(8), b"\xc3", b"\x06\x03"]
)
def test_a_cie_has_no_addresses(code: bytes) -> None:
    message = f"invalid initial DWARF CFI opcode {code[0]:#x}"
    with pytest.raises(BadDataError, match=message):
        debug_frame(GOOD_CIE + code, fde(0x1000, 8)).row(0x1000)


SECTION, CODE = 0x40000, 0x1000


def table_of(
    name: str, data: bytes, path: str = "file", build_id: bytes | None = None
) -> CfiTable:
    """A section of a file, at its address."""
    addresses = {name: SECTION, ".text": CODE}
    sections = {name: SimpleNamespace(address=at) for name, at in addresses.items()}
    elf: Any = SimpleNamespace(
        path=path,
        build_id=build_id,
        little_endian=True,
        is_64=True,
        machine=62,
        section=sections.get,
        contents=lambda wanted: memoryview(data if wanted == name else b""),
    )
    return CfiTable(elf, name)


def debug_frame(*entries: bytes) -> CfiTable:
    data = b"".join(struct.pack("<I", len(entry)) + entry for entry in entries)
    return table_of(".debug_frame", data)


GOOD_CIE = b"\xff\xff\xff\xff\x01\0\x01\x78\x10" + DEF_CFA + b"\x90\x01"


def fde(low: int, size: int, cie: int = 0, code: bytes = b"") -> bytes:
    return struct.pack("<IQQ", cie, low, size) + code


def test_fdes_are_found_by_address() -> None:
    table = debug_frame(GOOD_CIE, fde(0x2000, 0x10, code=b"\x0e\x20"), fde(0x1000, 8))
    row = table.row(0x2005)
    assert row is not None
    assert row.cfa == (rules.REGISTER_PLUS, 7, 32)
    assert row.rules == {16: (rules.AT_CFA_PLUS, -8)}
    assert table.row(0x1007) is not None
    for pc in (0xFFF, 0x1008, 0x1FFF, 0x2010):
        assert table.row(pc) is None


def test_fdes_of_a_long_section_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cfi, "_CACHE_FROM", 1)
    path = tmp_path / "file"
    path.touch()
    data = bytes(debug_frame(GOOD_CIE, fde(0x2000, 0x10), fde(0x1000, 8))._data)
    for _ in range(2):
        table = table_of(".debug_frame", data, str(path), b"id")
        assert [table.row(pc) is not None for pc in (0xFFF, 0x1000, 0x2009)] == [
            False,
            True,
            True,
        ]
        # It is not needed any more.
        monkeypatch.setattr(CfiTable, "_list", None)


def test_fdes_after_padding_and_of_the_64_bit_format() -> None:
    usual = [GOOD_CIE, fde(0x1000, 8), fde(0x2000, 8), fde(0x4000, 8)]
    cie, first, second, last = (struct.pack("<I", len(e)) + e for e in usual)
    wide = struct.pack("<IQQQQ", 0xFFFFFFFF, 24, 0, 0x3000, 8)
    table = table_of(
        ".debug_frame", b"".join((cie, first, bytes(4), second, wide, last))
    )
    for pc in (0x1000, 0x2007, 0x3000, 0x4007):
        row = table.row(pc)
        assert row is not None and row.cfa == (rules.REGISTER_PLUS, 7, 8)
        assert table.row(pc | 8) is None


@pytest.mark.parametrize(
    "entries",
    [
        (b"\xff\xff\xff\xff\x09\0\x01\x78\x10", fde(0x1000, 8)),
        (b"\xff\xff\xff\xff\x01what\0\x01\x78\x10", fde(0x1000, 8)),
        (GOOD_CIE, fde(0x1000, 8, cie=0x1000)),
        (GOOD_CIE, fde(0x1000, 8, code=b"\x0b")),
        (GOOD_CIE, fde(0x1000, 8, cie=len(GOOD_CIE) + 4)),
        (GOOD_CIE, fde(0x1000, 8), b"\0\0\0\0\0\0\0\0\0"),
    ],
    ids=range(6),
)
def test_malformed_sections(entries: tuple[bytes, ...]) -> None:
    with pytest.raises(BadDataError, match=r"file: \.debug_frame\+0x"):
        debug_frame(*entries).row(0x1000)


def test_rules_without_a_cfa() -> None:
    cie = b"\xff\xff\xff\xff\x01\0\x01\x78\x10"
    assert debug_frame(cie, fde(0x1000, 8)).row(0x1000) is None


def test_truncated_sections() -> None:
    elf: Any = SimpleNamespace(
        path="file",
        build_id=None,
        little_endian=True,
        is_64=True,
        machine=62,
        section=lambda name: None,
        contents=lambda name: memoryview(struct.pack("<I", 100) + GOOD_CIE),
    )
    with pytest.raises(BadDataError, match="entry is truncated"):
        CfiTable(elf, ".debug_frame").row(0)


def eh_cie(augmentation: bytes, data: bytes = b"", version: int = 1) -> bytes:
    """A CIE; ``data`` comes before its alignments if the augmentation is gcc 2's."""
    alignments = b"\x01\x78\x90" if version == 1 else b"\x01\x78\x90\x01"
    if augmentation.startswith(b"z"):
        alignments += bytes([len(data)])
    parts = (data, alignments) if augmentation == b"eh" else (alignments, data)
    return bytes([version]) + augmentation + b"\0" + b"".join(parts) + DEF_CFA


def eh_frame(cie: bytes, fde: bytes, *, wide: bool = False) -> CfiTable:
    """``.eh_frame`` with two entries, which have 64-bit lengths if they are wide."""
    length = b"\xff\xff\xff\xff" if wide else b""
    code = "<Q" if wide else "<I"
    first = length + struct.pack(code, 4 + len(cie)) + bytes(4) + cie
    header = length + struct.pack(code, 4 + len(fde))
    pointer = struct.pack("<I", len(first) + len(header))
    return table_of(".eh_frame", first + header + pointer + fde + bytes(4))


LOW, SIZE = 0x2000, 0x10


def check_rows(table: CfiTable, return_address: int = 144) -> None:
    for pc in (LOW - 1, LOW + SIZE):
        assert table.row(pc) is None
    for pc in (LOW, LOW + SIZE - 1):
        row = table.row(pc)
        assert row is not None
        assert row.cfa == (rules.REGISTER_PLUS, 7, 8)
        assert row.return_address == return_address


PACKS: dict[int, Callable[[int], bytes]] = {
    0x00: lambda value: struct.pack("<Q", value % 2**64),
    0x01: lambda value: uleb(value % 2**64),
    0x02: struct.Struct("<H").pack,
    0x03: struct.Struct("<I").pack,
    0x04: lambda value: struct.pack("<Q", value % 2**64),
    0x09: sleb,
    0x0A: struct.Struct("<h").pack,
    0x0B: struct.Struct("<i").pack,
    0x0C: struct.Struct("<q").pack,
}
SIGNED = (0x00, 0x01, 0x04, 0x09, 0x0B, 0x0C)
"""Those that hold negative numbers of more than two bytes, or wrap around."""


@pytest.mark.parametrize(
    ("relative", "kind"),
    [
        *[(0x00, kind) for kind in PACKS],
        *[(0x20, kind) for kind in PACKS],  # To the code.
        *[(0x10, kind) for kind in SIGNED],  # To the number itself.
    ],
)
def test_encoded_addresses(relative: int, kind: int) -> None:
    cie = eh_cie(b"zR", bytes([relative | kind]))
    itself = SECTION + 16 + len(cie)  # Behind two lengths and IDs.
    base = {0x00: 0, 0x10: itself, 0x20: CODE}[relative]
    pack = PACKS[kind]
    check_rows(eh_frame(cie, pack(LOW - base) + pack(SIZE) + b"\0"))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize(
    ("augmentation", "data"),
    [
        (b"", b""),
        (b"eh", bytes(8)),
        (b"zLPBR", b"\x1b\x9b\0\0\0\0\x00"),
        (b"zR?S", b"\x00anything"),
    ],
)
def test_augmentations(
    augmentation: bytes, data: bytes, version: int, wide: bool
) -> None:
    cie = eh_cie(augmentation, data, version)
    fde = struct.pack("<QQ", LOW, SIZE)
    if augmentation.startswith(b"z"):
        fde += b"\x02\x0e\x00"  # Would be a CFA of another offset.
    check_rows(eh_frame(cie, fde, wide=wide))


def test_debug_frame_of_64_bit_dwarf() -> None:
    cie, fde = GOOD_CIE[4:], struct.pack("<QQ", LOW, SIZE)
    entries = [b"\xff" * 8 + cie, bytes(8) + fde]
    data = b"".join(
        b"\xff\xff\xff\xff" + struct.pack("<Q", len(entry)) + entry for entry in entries
    )
    check_rows(table_of(".debug_frame", data), return_address=16)
