"""ORC tables of each version of the format."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lab.manifest import Lab

from drgn.engine.dwarf.cfi import cfi_tables
from drgn.engine.dwarf.cfi_rows import AT_CFA_PLUS, REGISTER_PLUS
from drgn.engine.elf.file import open_elf
from drgn.engine.kernel import orc
from drgn.engine.kernel.orc import OrcEntry, OrcFormat, OrcTable

FORMATS = {
    "4.14": orc.FORMAT_4_14,
    "6.3": orc.FORMAT_6_3,
    "6.4": orc.FORMAT_6_4,
}


def entry(fmt: OrcFormat, **fields: int) -> bytes:
    """Encode an entry; ``type``, ``signal`` and ``end`` as the format has them."""
    bits = 0
    for name in ("sp_reg", "bp_reg", "type", "signal", "end"):
        where = getattr(fmt, name)
        if where is not None:
            bits |= (fields.get(name, 0) & where[1]) << where[0]
    sp_offset, bp_offset = fields.get("sp_offset", 0), fields.get("bp_offset", 0)
    return struct.pack("<hhH", sp_offset, bp_offset, bits)


def table(fmt: OrcFormat, rows: dict[int, bytes], base: int = 0x1000) -> OrcTable:
    ips = b"".join(
        struct.pack("<i", address - (base + 4 * i)) for i, address in enumerate(rows)
    )
    return OrcTable(memoryview(ips), base, memoryview(b"".join(rows.values())), fmt)


@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        ("4.14", {0: orc.CALL, 1: orc.REGS, 2: orc.REGS_PARTIAL}),
        ("6.3", {0: orc.CALL, 1: orc.REGS, 2: orc.REGS_PARTIAL}),
        (
            "6.4",
            {
                0: orc.UNDEFINED,
                1: orc.END_OF_STACK,
                2: orc.CALL,
                3: orc.REGS,
                4: orc.REGS_PARTIAL,
            },
        ),
    ],
)
def test_types(version: str, kinds: dict[int, int]) -> None:
    fmt = FORMATS[version]
    for number, kind in kinds.items():
        rows = {0x2000: entry(fmt, type=number, sp_reg=orc.REG_SP, sp_offset=-8)}
        found = table(fmt, rows).lookup(0x2000)
        assert found is not None
        assert (found.kind, found.sp_reg, found.sp_offset) == (kind, orc.REG_SP, -8)


@pytest.mark.parametrize("version", ["4.14", "6.3"])
def test_no_stack_pointer_is_the_end_or_unknown(version: str) -> None:
    fmt = FORMATS[version]
    ends = table(fmt, {0x2000: entry(fmt, end=1), 0x2010: entry(fmt)})
    assert [ends.lookup(pc).kind for pc in (0x2000, 0x2010)] == [  # type: ignore[union-attr]
        orc.END_OF_STACK,
        orc.UNDEFINED,
    ]


def test_signal() -> None:
    old = table(
        orc.FORMAT_4_14,
        {
            0x2000: entry(orc.FORMAT_4_14, sp_reg=orc.REG_SP, type=1),
            0x2010: entry(orc.FORMAT_4_14, sp_reg=orc.REG_SP, type=0),
        },
    )
    new = table(
        orc.FORMAT_6_4,
        {
            0x2000: entry(orc.FORMAT_6_4, sp_reg=orc.REG_SP, type=3, signal=1),
            0x2010: entry(orc.FORMAT_6_4, sp_reg=orc.REG_SP, type=3),
        },
    )
    for found in (old, new):
        assert found.lookup(0x2000).is_signal  # type: ignore[union-attr]
        assert not found.lookup(0x2010).is_signal  # type: ignore[union-attr]


def test_entries_hold_up_to_the_next() -> None:
    fmt = orc.FORMAT_6_4
    rows = {
        address: entry(fmt, type=2, sp_reg=orc.REG_BP, sp_offset=address & 0xFF,
                       bp_reg=orc.REG_PREV_SP, bp_offset=-16)
        for address in (0x2000, 0x2004, 0x3010)
    }  # fmt: skip
    found = table(fmt, rows)
    assert found.lookup(0x1FFF) is None
    assert found.lookup(0x2003) == OrcEntry(
        orc.CALL, orc.REG_BP, 0, orc.REG_PREV_SP, -16, False
    )
    assert found.lookup(0x300F).sp_offset == 4  # type: ignore[union-attr]
    assert found.lookup(0x99999).sp_offset == 0x10  # type: ignore[union-attr]


def test_registers_of_linux_7_are_told_by_what_most_entries_use() -> None:
    fmt = orc.FORMAT_6_4
    rows = {
        0x2000 + i: entry(fmt, type=2, sp_reg=3, sp_offset=8, bp_reg=i % 2 * 8)
        for i in range(20)
    }
    rows[0x3000] = entry(fmt, type=2, sp_reg=10, sp_offset=-40, bp_reg=4)
    rows[0x3010] = entry(fmt, type=3, sp_reg=5)
    rows[0x3020] = entry(fmt, type=2, sp_reg=1)
    rows[0x3030] = entry(fmt, type=2, sp_reg=11)
    found = table(fmt, rows)

    def registers(pc: int) -> tuple[int, int]:
        row = found.lookup(pc)
        assert row is not None
        return row.sp_reg, row.bp_reg

    assert registers(0x2000) == (orc.REG_SP, orc.REG_UNDEFINED)
    assert registers(0x2001) == (orc.REG_SP, orc.REG_PREV_SP)
    assert registers(0x3000) == (orc.REG_BP_INDIRECT, orc.REG_BP)
    assert registers(0x3010)[0] == orc.REG_DI
    assert registers(0x3020)[0] == orc.REG_AX
    assert registers(0x3030)[0] not in range(orc.REG_AX + 1)


def test_tables_that_are_not_sorted() -> None:
    fmt = orc.FORMAT_6_4
    rows = {
        address: entry(fmt, type=2, sp_reg=orc.REG_SP, sp_offset=address & 0xFF)
        for address in (0x3010, 0x2004, 0x2008, 0x2000)
    }
    found = table(fmt, rows)
    for pc, offset in ((0x2003, 0), (0x2004, 4), (0x200F, 8), (0x3010, 0x10)):
        assert found.lookup(pc).sp_offset == offset  # type: ignore[union-attr]


def test_the_order_of_a_files_table_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "kernel"
    path.touch()
    elf: Any = SimpleNamespace(build_id=b"id", path=str(path))
    sorted_ips = memoryview(array("i", [0, 0, 0]))
    mixed_ips = memoryview(array("i", [8, 0, -8, 100]))
    for _ in range(2):
        assert orc._order_in(elf, sorted_ips) is None
        assert list(orc._order_in(elf, mixed_ips) or []) == [2, 1, 0, 3]
        # It is not needed any more.
        monkeypatch.delattr(orc, "order_of", raising=False)


@pytest.mark.parametrize(("ips", "entries"), [(4, 5), (5, 6), (8, 6)])
def test_sizes_that_do_not_fit(ips: int, entries: int) -> None:
    with pytest.raises(ValueError, match="different lengths"):
        OrcTable(memoryview(bytes(ips)), 0, memoryview(bytes(entries)), orc.FORMAT_6_4)


def test_empty() -> None:
    empty = OrcTable(memoryview(b""), 0, memoryview(b""), orc.FORMAT_6_4)
    assert empty.lookup(0x1000) is None


@pytest.mark.parametrize(
    ("release", "fmt"),
    [
        ("4.14.0", orc.FORMAT_4_14),
        ("6.2.16", orc.FORMAT_4_14),
        ("6.3-rc1", orc.FORMAT_6_3),
        ("6.4.0", orc.FORMAT_6_4),
        ("10.0", orc.FORMAT_6_4),
    ],
)
def test_format_by_release(release: str, fmt: OrcFormat) -> None:
    name = SimpleNamespace(string_=release.encode)
    prog: Any = {"UTS_RELEASE": name}
    assert orc.KernelOrc(prog)._format_without_type(None) == fmt


def test_kernel_agrees_with_its_call_frame_information(labs: list[Lab]) -> None:
    """Two compilers of the same facts: objtool, and gcc or clang."""
    for lab in labs:
        elf = open_elf(lab.vmlinux)
        has_header = elf.section(".orc_header") is not None
        section = elf.section(".orc_unwind_ip")
        assert section is not None
        found = OrcTable(
            elf.contents(section),
            section.address,
            elf.contents(".orc_unwind"),
            orc.FORMAT_6_4 if has_header else orc.FORMAT_4_14,
        )
        (cfi,) = cfi_tables(elf)
        starts = cfi._load_fdes()["starts"].tolist()
        same = different = with_saved = 0
        for start in starts[:: len(starts) // 300]:
            for pc in (start, start + 5, start + 20):
                row, entry = cfi.row(pc), found.lookup(pc)
                if row is None or entry is None or entry.kind != orc.CALL:
                    continue
                sp = {orc.REG_SP: 7, orc.REG_BP: 6, orc.REG_R10: 10}.get(entry.sp_reg)
                agree = row.cfa == (REGISTER_PLUS, sp, entry.sp_offset)
                # clang says where registers are saved when all of them are.
                saved = row.rules.get(6)
                if entry.bp_reg == orc.REG_PREV_SP and saved is not None:
                    agree &= saved == (AT_CFA_PLUS, entry.bp_offset)
                    with_saved += 1
                same += agree
                different += not agree
        assert same > 500 and with_saved > 50
        assert different <= same // 100
