"""Line number programs: what compilers write, and bytes that they do not."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dwarf_asm import sleb, uleb

from drgn import BadDataError
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.dwarf.line_header import LineHeader
from drgn.engine.dwarf.lines import Line, LineTable
from drgn.engine.elf.file import open_elf

SOURCE = """
static inline __attribute__((always_inline)) int twice(int x)
{
    return x + x;
}

int loop(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += twice(i) ^ n;
    return sum;
}

__attribute__((section(".text.cold"))) int far(int n)
{
    return loop(n) - 1;
}

int main(int argc, char **argv)
{
    return loop(argc) + far(argc);
}
"""


def tables(path: Path) -> list[LineTable]:
    return [LineTable(LineHeader(unit)) for unit in DwarfFile(open_elf(path)).units()]


def addr2line(path: Path, addresses: list[int]) -> list[tuple[str, int]]:
    """(file, line) of each address by binutils, an independent reader."""
    output = subprocess.run(
        ["addr2line", "-e", path, *map(hex, addresses)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = []
    for text in output.splitlines():
        match = re.match(r"(.*):(\d+|\?)", text)
        assert match is not None
        found.append((match[1], int(match[2].replace("?", "0"))))
    return found


@pytest.mark.parametrize(
    "flags",
    [
        ("-gdwarf-2", "-gstrict-dwarf"),
        ("-gdwarf-3", "-gstrict-dwarf"),
        ("-gdwarf-4",),
        ("-gdwarf-5",),
        ("-gdwarf-5", "-O2"),
        ("-gdwarf-4", "-O2", "-ffunction-sections"),
        ("-gdwarf-5", "-O2", "-gno-as-loc-support"),
    ],
    ids=" ".join,
)
def test_agrees_with_addr2line(compile_c: Any, flags: tuple[str, ...]) -> None:
    if shutil.which("addr2line") is None:
        pytest.skip("no addr2line")
    path = compile_c(SOURCE, "-g", *flags)
    elf = open_elf(path)
    file = DwarfFile(elf)
    (unit,) = [u for u in file.units() if (u.name or "").endswith(".c")]
    table = LineTable(LineHeader(unit))
    ranges = [
        r
        for die in unit.root.children()
        if die.name in ("loop", "far", "main")
        for r in die.ranges()
    ]
    addresses = [pc for low, high in ranges for pc in range(low, high)]
    assert len(addresses) > 60
    for pc, (name, number) in zip(addresses, addr2line(path, addresses), strict=True):
        line = table.lookup(pc)
        assert line is not None
        assert (Path(line.filename).name, line.line) == (Path(name).name, number)


def test_64_bit_dwarf(compile_c: Any) -> None:
    # The same code, so that its rows must be the same.
    small = tables(compile_c(SOURCE, "-g", "-gdwarf-5", "-O1"))
    big = tables(compile_c(SOURCE, "-g", "-gdwarf-5", "-gdwarf64", "-O1"))
    for one, other in zip(small, big, strict=True):
        assert one._addresses == other._addresses
        assert one._rows == other._rows
    assert sum(len(table._rows) for table in small) > 10


def test_clang(compile_c: Any) -> None:
    path = compile_c(SOURCE, "-g", "-O0", compiler="clang")
    file = DwarfFile(open_elf(path))
    (main,) = file.find("main", frozenset((0x2E,)))
    ((low, high),) = main.ranges()
    table = LineTable(LineHeader(main.unit))
    lines = [table.lookup(pc) for pc in range(low, high)]
    assert {line.line for line in lines if line} == {21, 22}
    assert any(line and line.column == 12 for line in lines)


def program(
    *instructions: bytes,
    version: int = 4,
    header: dict[str, int] | None = None,
    tables: bytes | None = None,
) -> SimpleNamespace:
    """A unit whose whole .debug_line is one program."""
    fields = {
        "min_inst_length": 1,
        "max_ops": 1,
        "line_base": -3,
        "line_range": 12,
        "opcode_base": 10,
        "advance_pc": 1,
        "address_size": 8,
        "segment_selector_size": 0,
    } | (header or {})
    if tables is None:
        tables = b"include\0/abs\0\0a.c\0\0\0\0b.h\0\1\0\0c.h\0\2\0\0/root.h\0\1\0\0\0"
    body = bytes([fields["min_inst_length"]])
    if version >= 4:
        body += bytes([fields["max_ops"]])
    body += struct.pack(
        "<BbBB", 1, fields["line_base"], fields["line_range"], fields["opcode_base"]
    )
    lengths = [0, fields["advance_pc"], 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
    lengths += [2] * 8  # Operands of opcodes that nobody knows.
    body += bytes(lengths[: fields["opcode_base"] - 1]) + tables
    start = struct.pack("<H", version)
    if version >= 5:
        start += bytes((fields["address_size"], fields["segment_selector_size"]))
    contents = start + struct.pack("<I", len(body)) + body + b"".join(instructions)
    section = struct.pack("<I", len(contents)) + contents
    return unit_with(section)


def unit_with(section: bytes) -> SimpleNamespace:
    own = SimpleNamespace(
        path="file",
        section=lambda name: memoryview(
            section if name == ".debug_line" else bytes(16)
        ),
        unsigned=lambda data: int.from_bytes(data, "little"),
        string=lambda section, position: {0: "dir", 4: "one.c", 10: "two.c"}[position],
    )
    return SimpleNamespace(
        sections=own,
        stmt_list=0,
        comp_dir="/src",
        name="unit.c",
        address_size=8,
        error=BadDataError,
        string_at_index=lambda index: f"string{index}",
    )


def run(unit: Any) -> LineTable:
    return LineTable(LineHeader(unit))


def set_address(address: int) -> bytes:
    return b"\0\x09\x02" + struct.pack("<Q", address)


END = b"\0\1\1"
COPY = b"\1"


def special(address: int, line: int) -> bytes:
    return bytes([address * 12 + line + 3 + 10])


def test_special_opcodes_and_sequences() -> None:
    table = run(
        program(
            set_address(0x1000),
            special(0, 1),
            special(4, 2),
            b"\x02\x08",
            END,
            set_address(0x500),
            b"\x03\x63",
            special(0, 1),
            b"\x02\x10",
            END,
        )
    )
    assert table.lookup(0xFFF) is None
    assert table.lookup(0x1000) == Line("/src/a.c", 2, 0)
    assert table.lookup(0x1003) == Line("/src/a.c", 2, 0)
    assert table.lookup(0x1004) == Line("/src/a.c", 4, 0)
    assert table.lookup(0x100B) == Line("/src/a.c", 4, 0)
    assert table.lookup(0x100C) is None
    assert table.lookup(0x50F) == Line("/src/a.c", -27, 0)  # 1 - 29 + 1
    assert table.lookup(0x510) is None


def test_last_row_of_an_address_counts() -> None:
    table = run(
        program(
            set_address(0x10),
            b"\x05\x07",
            COPY,
            b"\x04\x02\x05\x83\x01",
            COPY,
            b"\x03\x05",
            COPY,
            b"\x05\x01",
            special(2, 0),
            b"\x02\x02",
            END,
        )
    )
    assert table.lookup(0x11) == Line("include/b.h", 6, 131)
    assert table.lookup(0x12) == Line("include/b.h", 6, 1)


def test_other_standard_opcodes() -> None:
    table = run(
        program(
            set_address(0x10),
            COPY,
            b"\x06\x07",  # negate_stmt, set_basic_block
            b"\x08",  # const_add_pc: (255 - 10) / 12
            special(0, 4),
            b"\x09\x00\x01",  # fixed_advance_pc
            special(0, -2),
            b"\x02\x81\x01",  # advance_pc by 129
            END,
        )
    )
    assert table.lookup(0x10 + 19) == Line("/src/a.c", 1, 0)
    assert table.lookup(0x10 + 20) == Line("/src/a.c", 5, 0)
    assert table.lookup(0x10 + 20 + 0x100) == Line("/src/a.c", 3, 0)
    assert table.lookup(0x10 + 20 + 0x100 + 128) == Line("/src/a.c", 3, 0)
    assert table.lookup(0x10 + 20 + 0x100 + 129) is None


def test_unknown_opcodes_are_skipped() -> None:
    table = run(
        program(
            set_address(0x10),
            b"\x0d\x85\x01\x02",  # Standard opcode 13 has two operands here.
            b"\0\x03\x80\x01\x02",  # An extended one of a vendor.
            b"\0\x02\x04\x05",  # A discriminator.
            COPY,
            b"\x02\x01",
            END,
            header={"opcode_base": 20},
        )
    )
    assert table.lookup(0x10) == Line("/src/a.c", 1, 0)


def test_minimum_instruction_length() -> None:
    table = run(
        program(
            set_address(0x10),
            special(2, 0),
            b"\x02\x01",
            END,
            header={"min_inst_length": 4},
        )
    )
    assert table.lookup(0x10 + 2 * 4) is not None
    assert table.lookup(0x10 + 2 * 4 + 3) is not None
    assert table.lookup(0x10 + 3 * 4) is None


def test_file_names() -> None:
    header = LineHeader(program())
    assert header.file_name(1) == "/src/a.c"
    assert header.file_name(2) == "include/b.h"
    assert header.file_name(3) == "/abs/c.h"
    assert header.file_name(4) == "/root.h"
    assert header.file_name(0) == "???"
    assert header.file_name(99) == ""
    assert [header.has_file(index) for index in (0, 4, 5)] == [True, True, False]


def test_files_defined_by_the_program() -> None:
    entry = b"late.h\0\1\0\0"
    table = run(
        program(
            set_address(0x10),
            bytes((0, 1 + len(entry), 3)) + entry,
            b"\x04\x05",
            COPY,
            b"\x02\x01",
            END,
        )
    )
    assert table.lookup(0x10) == Line("include/late.h", 1, 0)


def test_version_5_tables() -> None:
    line_strp, udata, data16, string = 0x1F, 0x0F, 0x1E, 0x08
    directories = bytes((1, 1, line_strp, 1)) + struct.pack("<I", 0)
    files = bytes((3, 1, string, 2, udata, 5, data16, 2))
    files += b"one.c\0\0" + bytes(16) + b"/two.c\0\0" + bytes(16)
    table = run(
        program(
            set_address(0x10),
            COPY,
            b"\x04\x00",
            special(1, 0),
            b"\x02\x01",
            END,
            version=5,
            tables=directories + files,
        )
    )
    assert table.lookup(0x10) == Line("/two.c", 1, 0)
    assert table.lookup(0x11) == Line("dir/one.c", 1, 0)


def test_operations_of_an_instruction() -> None:
    """With 3 operations in 4 bytes, addresses count whole instructions."""
    table = run(
        program(
            set_address(0x10),
            special(2, 1),
            special(2, 1),  # Operation 4: the second one of the next instruction.
            special(1, 1),
            b"\x09\x04\x00",  # fixed_advance_pc starts an instruction.
            special(1, 1),
            b"\x02\x03",
            END,
            header={"min_inst_length": 4, "max_ops": 3},
        )
    )
    lines = [table.lookup(pc) for pc in (0xF, 0x10, 0x13, 0x14, 0x17, 0x18, 0x1B, 0x1C)]
    assert [line and line.line for line in lines] == [None, 2, 2, 4, 4, 5, 5, None]


def sequence(low: int, size: int, line: int) -> bytes:
    advance = b"\x03" + bytes([line - 1])
    return set_address(low) + advance + COPY + b"\x02" + uleb(size) + END


@pytest.mark.parametrize(
    ("sequences", "lines"),
    [
        # The later row counts, and an end ends whatever there is.
        ([(0x10, 0x20, 1), (0x18, 8, 2)], {0x10: 1, 0x18: 2, 0x1F: 2, 0x20: None}),
        ([(0x18, 8, 2), (0x10, 0x20, 1)], {0x10: 1, 0x18: 2, 0x1F: 2, 0x20: None}),
        ([(0x18, 8, 2), (0x10, 8, 1)], {0x17: 1, 0x18: 2, 0x1F: 2, 0x20: None}),
        ([(0x10, 8, 1), (0x10, 8, 2)], {0x10: 2, 0x17: 2, 0x18: None}),
        # Sections that the linker has left out are at 0.
        ([(0, 0x100, 1), (0x20, 8, 2)], {1: 1, 0x1F: 1, 0x20: 2, 0x28: None}),
        (
            [(0x20, 8, 2), (0, 0x100, 1), (0, 9, 3)],
            {1: 3, 9: None, 0x27: 2, 0x40: None},
        ),
        ([(0, 0x100, 1), (0, 8, 2)], {1: 2, 8: None, 0x40: None}),
    ],
)
def test_overlapping_sequences(
    sequences: list[tuple[int, int, int]], lines: dict[int, int | None]
) -> None:
    table = run(program(*(sequence(*numbers) for numbers in sequences)))
    found = {pc: table.lookup(pc) for pc in lines}
    assert {pc: line and line.line for pc, line in found.items()} == lines


def test_code_ends_with_the_last_row() -> None:
    table = run(program(set_address(0x10), special(0, 1), special(4, 1)))
    assert table.lookup(0x13) == Line("/src/a.c", 2, 0)
    assert table.lookup(0x14) is None


@pytest.mark.parametrize(
    ("instructions", "line"),
    [
        (b"\x04\x00", Line("???", 1, 0)),
        (b"\x04\x05", None),  # There are four.
        (b"\x04" + uleb(2**32 + 1), Line("/src/a.c", 1, 0)),
        (b"\x05" + uleb(2**32 + 7), Line("/src/a.c", 1, 7)),
        (b"\x05" + uleb(0xFFFF), Line("/src/a.c", 1, 0xFFFF)),
        (b"\x03" + sleb(2**31), Line("/src/a.c", 1 - 2**31, 0)),
        (b"\x03" + sleb(-(2**32)), Line("/src/a.c", 1, 0)),
    ],
)
def test_registers_of_the_program(instructions: bytes, line: Line | None) -> None:
    table = run(program(set_address(0x10), instructions, COPY, b"\x02\x01", END))
    assert table.lookup(0x10) == line


def test_rows_out_of_order_are_sorted() -> None:
    table = run(
        program(
            set_address(0x20),
            special(0, 5),
            set_address(0x10),
            special(0, 1),
            set_address(0x30),
            END,
        )
    )
    assert table.lookup(0x10) == Line("/src/a.c", 7, 0)
    assert table.lookup(0x20) == Line("/src/a.c", 6, 0)


@pytest.mark.parametrize(
    "unit",
    [
        program(b"\x05"),
        program(b"\x05\x80"),
        program(b"\x03" + b"\x80" * 30 + b"\x01"),
        program(b"\0\x09\x02\x00"),
        program(b"\0\x00"),
        program(b"\0\x00" + COPY),
        program(b"\0" + b"\xff" * 12 + b"\x01" + COPY),
        program(header={"line_range": 0}),
        program(header={"max_ops": 0}),
        program(b"\x05" + uleb(0x10000)),
        program(b"\0\x05\x02" + bytes(4)),  # Addresses have 8 bytes.
        program(tables=b"dir\0\0a.c\0\2\0\0\0"),
        program(b"\0\x08\x03b.c\0\3\0\0"),
        program(version=5, tables=bytes((1, 1, 8, 1, 0, 1, 1, 8, 1)) + b"a.c\0"),
        program(version=5, tables=bytes((1, 1, 8, 0, 1, 2, 11, 1, 0))),
        program(version=5, tables=bytes((1, 1, 31, 1, 0xFF, 0xFF, 0, 0, 0, 0))),
        program(version=5, header={"address_size": 4}),
        program(version=5, header={"segment_selector_size": 1}),
        program(header={"advance_pc": 2}),
        program(header={"opcode_base": 0}),
        program(tables=b"no end"),
        program(version=6),
        program(version=1),
        program(version=5, tables=bytes((1, 1, 0x55, 1, 0, 0))),
        program(version=5, tables=bytes((0, 0xFF, 0xFF, 0x7F))),
        unit_with(b"\x10\0\0\0\4\0"),
        unit_with(b""),
    ],
    ids=range(27),
)
def test_malformed(unit: Any) -> None:
    with pytest.raises(BadDataError, match="file: .debug_line") as caught:
        run(unit)
    assert "islice" not in str(caught.value)


def test_every_cut_is_an_error_or_a_table(compile_c: Any) -> None:
    path = compile_c(SOURCE, "-g", "-gdwarf-5", "-c", suffix=".o")
    file = DwarfFile(open_elf(path))
    (unit,) = file.units()
    section = bytes(file.section(".debug_line"))
    for end in range(len(section)):
        # The length is made to fit, so that what is in it is cut.
        cut = struct.pack("<I", max(end - 4, 0)) + section[4:end]
        stub = unit_with(cut)
        stub.sections.string = file.string
        stub.name, stub.comp_dir = unit.name, unit.comp_dir
        try:
            run(stub)
        except BadDataError:
            pass
