"""ElfFile: headers, sections, compression, notes, links, bad files."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from pathlib import Path

import dwarf_asm
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from drgn.engine.elf.file import ElfFile, open_elf
from drgn.engine.elf.notes import iter_notes
from drgn.engine.errors import BadDataError
from drgn.engine.platform import Architecture, PlatformFlags

PROGRAM = "int main(void) { return 0; }"


def chdr(kind: int, size: int, order: str = "<", bits: int = 64) -> bytes:
    if bits == 64:
        return struct.pack(order + "IIQQ", kind, 0, size, 1)
    return struct.pack(order + "III", kind, size, 1)


def test_sections_are_those_of_readelf(compile_c) -> None:
    path = compile_c(PROGRAM)
    listing = subprocess.run(
        ["readelf", "-SW", path], capture_output=True, text=True, check=True
    ).stdout
    row = re.compile(
        r"\[ *(\d+)\] (\S*) +(\S+) +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+) "
    )
    expected = [
        (int(m[1]), m[2], int(m[4], 16), int(m[5], 16), int(m[6], 16))
        for m in row.finditer(listing)
        if m[3] != "NULL"
    ]
    file = open_elf(path)
    assert [
        (s.index, s.name, s.address, s.offset, s.size) for s in file.sections[1:]
    ] == expected
    assert file.platform().arch is Architecture.X86_64
    assert file.has_dwarf
    text = file.section(".text")
    assert text is not None
    raw = path.read_bytes()[text.offset : text.offset + text.size]
    assert bytes(file.contents(".text")) == raw
    assert file.array(".text").tobytes() == raw
    assert file.contents(".bss") == b""
    assert file.contents(".no_such_section") == b""


@pytest.mark.parametrize("kind", [{}, {"type": 8}])  # 8: SHT_NOBITS.
@pytest.mark.parametrize("name", [".debug_info", ".debug_abbrev"])
def test_debug_information_needs_abbreviations(name: str, kind: dict[str, int]) -> None:
    sections = {".debug_info": b"x", ".debug_abbrev": b""}
    assert ElfFile.from_bytes(dwarf_asm.elf(sections), "file").has_dwarf
    if not kind:
        del sections[name]
    image = dwarf_asm.elf(sections, headers={name: kind})
    assert not ElfFile.from_bytes(image, "file").has_dwarf


def test_build_id_is_that_of_readelf(compile_c) -> None:
    path = compile_c(PROGRAM)
    notes = subprocess.run(
        ["readelf", "-n", path], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"Build ID: ([0-9a-f]+)", notes)
    assert match
    build_id = open_elf(path).build_id
    assert build_id is not None
    assert build_id.hex() == match[1]


def test_build_id_from_a_segment() -> None:
    note = struct.pack("<III", 4, 3, 3) + b"GNU\0" + b"abc"
    image = dwarf_asm.elf(
        {".data": note}, segments=[(4, 4, 64 + 56, 0, 0, len(note), len(note), 4)]
    )
    assert ElfFile.from_bytes(image).build_id == b"abc"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [32, 64])
def test_classes_and_byte_orders(bits: int, order: str) -> None:
    image = dwarf_asm.elf(
        {".one": b"1234", ".debug_info": b"x"},
        order=order,
        bits=bits,
        machine=8,
        segments=[(1, 5, 0x100, 0x200, 0x300, 0x10, 0x20, 0x1000)],
    )
    file = ElfFile.from_bytes(image, "image")
    assert file.contents(".one") == b"1234"
    (segment,) = file.segments
    assert tuple(segment) == (1, 5, 0x100, 0x200, 0x300, 0x10, 0x20, 0x1000)
    platform = file.platform()
    assert platform.arch is Architecture.UNKNOWN
    expected = PlatformFlags(0)
    if bits == 64:
        expected |= PlatformFlags.IS_64_BIT
    if order == "<":
        expected |= PlatformFlags.IS_LITTLE_ENDIAN
    assert platform.flags == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [32, 64])
def test_compressed_sections(bits: int, order: str) -> None:
    text = b"debugging information " * 100
    image = dwarf_asm.elf(
        {
            ".debug_info": chdr(1, len(text), order, bits) + zlib.compress(text),
            ".debug_str": chdr(2, len(text), order, bits) + zstandard.compress(text),
            ".zdebug_line": b"ZLIB"
            + struct.pack(">Q", len(text))
            + zlib.compress(text),
        },
        order=order,
        bits=bits,
        headers={".debug_info": {"flags": 0x800}, ".debug_str": {"flags": 0x800}},
    )
    file = ElfFile.from_bytes(image, "image")
    for name in (".debug_info", ".debug_str", ".debug_line"):
        assert file.contents(name) == text


def test_compressed_section_of_several_frames() -> None:
    """As lld writes long ones."""
    text = [b"first" * 300, b"second" * 200, b"third"]
    frames = b"".join(map(zstandard.compress, text))
    image = dwarf_asm.elf(
        {".debug_info": chdr(2, sum(map(len, text))) + frames},
        headers={".debug_info": {"flags": 0x800}},
    )
    assert ElfFile.from_bytes(image, "image").contents(".debug_info") == b"".join(text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\1\0\0", "compression header is truncated"),
        (chdr(9, 10) + b"x", "unknown compression type 9"),
        (chdr(1, 10) + b"garbage", "zlib: "),
        (chdr(2, 10) + b"garbage", "zstd: "),
        (chdr(1, 11) + zlib.compress(b"0123456789"), "size is wrong"),
        (chdr(1, 9) + zlib.compress(b"0123456789"), "size is wrong"),
        (chdr(2, 9) + zstandard.compress(b"0123456789"), "size is wrong"),
        (chdr(1, 10) + zlib.compress(b"0123456789")[:-8], "size is wrong"),
        (chdr(2, 20) + 2 * zstandard.compress(b"0123456789")[:-3], "zstd: "),
        (chdr(2, 19) + 2 * zstandard.compress(b"0123456789"), "size is wrong"),
        (chdr(2, 30) + 2 * zstandard.compress(b"0123456789"), "size is wrong"),
        (chdr(1, 1 << 60) + zlib.compress(b"0"), "not credible"),
    ],
)
def test_bad_compression(data: bytes, message: str) -> None:
    image = dwarf_asm.elf(
        {".debug_info": data}, headers={".debug_info": {"flags": 0x800}}
    )
    file = ElfFile.from_bytes(image, "image")
    with pytest.raises(BadDataError, match=r"^image: \.debug_info: .*" + message):
        file.contents(".debug_info")


def test_more_sections_than_the_header_can_count() -> None:
    image = bytearray(dwarf_asm.elf({".one": b"1", ".two": b"2"}))
    (shoff,) = struct.unpack_from("<Q", image, 40)
    number, names = struct.unpack_from("<HH", image, 60)
    # As elf.h says of e_shnum, e_shstrndx and e_phnum: section header 0 has them.
    struct.pack_into("<HHH", image, 56, 0xFFFF, 64, 0)
    struct.pack_into("<H", image, 62, 0xFFFF)
    struct.pack_into("<QII", image, shoff + 32, number, names, 0)
    file = ElfFile.from_bytes(image)
    assert [s.name for s in file.sections] == ["", ".one", ".two", ".shstrtab"]
    assert file.segments == []


def test_links() -> None:
    image = dwarf_asm.elf(
        {
            ".gnu_debuglink": b"a.debug\0" + struct.pack("<I", 0x12345678),
            ".gnu_debugaltlink": b"../x.dwz\0\1\2\3",
        }
    )
    file = ElfFile.from_bytes(image)
    assert file.debuglink == ("a.debug", 0x12345678)
    assert file.debugaltlink == ("../x.dwz", b"\1\2\3")
    for content in (b"", b"\0\0\0\0\0\0\0\0", b"name", b"name\0\0\0\0\1"):
        image = dwarf_asm.elf({".gnu_debuglink": content, ".gnu_debugaltlink": b"x"})
        assert ElfFile.from_bytes(image).debuglink is None
        assert ElfFile.from_bytes(image).debugaltlink is None


def sup(content: bytes) -> ElfFile:
    return ElfFile.from_bytes(dwarf_asm.elf({".debug_sup": content}))


def test_links_of_dwarf_5() -> None:
    user = sup(b"\5\0\0../x.dwz\0\3\1\2\3")
    assert user.debugaltlink == ("../x.dwz", b"\1\2\3")
    assert user.supplementary_id is None
    used = sup(b"\5\0\1\0\3\1\2\3")
    assert used.debugaltlink is None
    assert used.supplementary_id == b"\1\2\3"
    for content in (b"", b"\5\0", b"\5\0\0", b"\5\0\0x", b"\5\0\0x\0", b"\5\0\0x\0\2a"):
        assert sup(content).debugaltlink is None
        assert sup(content).supplementary_id is None


def test_notes() -> None:
    note = struct.pack("<III", 5, 2, 7) + b"CORE\0\0\0\0" + b"ab\0\0"
    assert [
        (name, kind, bytes(desc)) for name, kind, desc in iter_notes(note * 2 + b"xx")
    ] == [(b"CORE", 7, b"ab")] * 2
    wide = struct.pack(">III", 4, 3, 1) + b"GNU\0" + b"abc".ljust(8, b"\0")
    assert [
        (name, bytes(desc)) for name, _, desc in iter_notes(wide * 2, 8, False)
    ] == [(b"GNU", b"abc")] * 2
    # What runs past the end is not there.
    assert list(iter_notes(note[:-3])) == []
    assert list(iter_notes(struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, 1))) == []


def test_files_that_are_no_elf(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_elf(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_elf(tmp_path / "missing")
    for content in (b"", b"#!/bin/sh\n", b"\x7fEL"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(BadDataError, match="file: not an ELF file"):
            open_elf(tmp_path / "file")


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (4, b"\3", "invalid ELF class 3"),
        (5, b"\0", "invalid ELF byte order 0"),
        (40, b"\xff\xff\xff", "section headers are truncated"),
        (58, b"\1", "section headers are truncated"),
        (60, b"\xff", "section headers are truncated"),
    ],
)
def test_bad_headers(offset: int, value: bytes, message: str) -> None:
    image = bytearray(dwarf_asm.elf({".one": b"1"}))
    image[offset : offset + len(value)] = value
    with pytest.raises(BadDataError, match=f"^image: {message}$"):
        ElfFile.from_bytes(image, "image")


def test_section_outside_of_the_file() -> None:
    image = dwarf_asm.elf({".one": b"1"}, headers={".one": {"size": 1 << 40}})
    with pytest.raises(BadDataError, match=r"^image: \.one: section lies outside"):
        ElfFile.from_bytes(image, "image").contents(".one")


def read_everything(image: bytes) -> None:
    file = ElfFile.from_bytes(image, "image")
    for section in file.sections:
        try:
            file.contents(section)
        except BadDataError:
            pass
    _ = file.build_id, file.platform(), file.has_dwarf
    for link in ("debuglink", "debugaltlink"):
        try:
            getattr(file, link)
        except BadDataError:
            pass


IMAGE = dwarf_asm.elf(
    {
        ".debug_info": chdr(1, 40) + zlib.compress(b"0123" * 10),
        ".text": b"\x90" * 32,
        ".rela.text": struct.pack("<QQq", 8, 1 << 32 | 1, 4),
        ".symtab": bytes(24) + struct.pack("<IBBHQQ", 0, 0, 0, 2, 8, 0),
        ".gnu_debuglink": b"x.debug\0\1\2\3\4",
    },
    type=1,
    build_id=b"\1\2\3\4",
    headers={
        ".debug_info": {"flags": 0x800},
        ".text": {"flags": 6},
        ".rela.text": {"type": 4, "info": 2, "link": 4, "entsize": 24},
        ".symtab": {"type": 2, "entsize": 24},
    },
    segments=[(1, 5, 0, 0, 0, 64, 64, 4096)],
)


@given(st.lists(st.tuples(st.integers(0, len(IMAGE) - 1), st.integers(0, 255))))
def test_damaged_files_raise_only_bad_data(damage: list[tuple[int, int]]) -> None:
    image = bytearray(IMAGE)
    for position, byte in damage:
        image[position] = byte
    try:
        read_everything(bytes(image))
    except BadDataError as e:
        assert "image: " in str(e)


@given(st.integers(0, len(IMAGE) - 1))
def test_truncated_files_raise_only_bad_data(size: int) -> None:
    try:
        read_everything(IMAGE[:size])
    except BadDataError as e:
        assert "image: " in str(e)
