"""Small ELF cores and kdump files, byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

PAGE = 4096
VMCOREINFO = (
    b"OSRELEASE=6.1.0\nPAGESIZE=4096\nKERNELOFFSET=0\nNUMBER(phys_base)=0\n"
    b"SYMBOL(swapper_pg_dir)=ffffffff82000000\n"
)


class Load(NamedTuple):
    """A PT_LOAD; ``memsz`` None is the size of the data."""

    vaddr: int
    data: bytes
    paddr: int = 0
    memsz: int | None = None


def note(name: bytes, type: int, desc: bytes, order: str = "<") -> bytes:
    """An ELF note."""
    name += b"\0"
    head = struct.pack(order + "III", len(name), len(desc), type)
    return head + _padded(name) + _padded(desc)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def prstatus(tid: int, registers: bytes = bytes(216)) -> bytes:
    """An NT_PRSTATUS of x86-64."""
    desc = struct.pack("<iii hxx QQ iiii", 0, 0, 0, 0, 0, 0, tid, 0, 0, 0)
    return note(b"CORE", 1, desc + bytes(64) + registers + bytes(8))


def prpsinfo(pid: int, name: bytes) -> bytes:
    """An NT_PRPSINFO of x86-64."""
    desc = struct.pack("<bcbb4xQIIiiii", 0, b"R", 0, 0, 0, 0, 0, pid, 0, 0, 0)
    return note(b"CORE", 3, desc + name.ljust(16, b"\0") + bytes(80))


def elf_core(
    loads: Sequence[Load] = (),
    notes: bytes = b"",
    *,
    type: int = 4,
    machine: int = 62,
    bits: int = 64,
    order: str = "<",
    extended_numbering: bool = False,
) -> bytes:
    """An ELF core dump; ``extended_numbering`` counts segments in section header 0."""
    is_64 = bits == 64
    header_size, phdr_size = (64, 56) if is_64 else (52, 32)
    count = len(loads) + 1
    section_size = (64 if is_64 else 40) * extended_numbering
    start = header_size + phdr_size * count + section_size
    body = bytearray(notes)
    rows = [(4, 0, start, 0, 0, len(notes), len(notes))]
    for load in loads:
        memsz = len(load.data) if load.memsz is None else load.memsz
        place = start + len(body)
        rows.append((1, 7, place, load.vaddr, load.paddr, len(load.data), memsz))
        body += load.data
    headers = b"".join(
        struct.pack(order + "IIQQQQQQ", *row, 1)
        if is_64
        else struct.pack(order + "8I", row[0], *row[2:], row[1], 1)
        for row in rows
    )
    shoff = header_size + phdr_size * count if extended_numbering else 0
    section = b""
    if extended_numbering:
        layout = "IIQQQQIIQQ" if is_64 else "10I"
        section = struct.pack(order + layout, 0, 0, 0, 0, 0, 1, 0, count, 0, 0)
    ident = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if order == "<" else 2, 1])
    header = ident.ljust(16, b"\0") + struct.pack(
        order + ("HHIQQQIHHHHHH" if is_64 else "HHIIIIIHHHHHH"),
        type, machine, 1, 0, header_size, shoff, 0, header_size, phdr_size,
        0xFFFF if extended_numbering else count,
        (64 if is_64 else 40), 1 if extended_numbering else 0, 0,
    )  # fmt: skip
    return header + headers + section + bytes(body)


Compress = Callable[[bytes], bytes]
FLAGS = {"raw": 0, "zlib": 1, "lzo": 2, "snappy": 4, "zstd": 32}


def compressor(name: str) -> Compress:
    """The function that compresses pages for one of FLAGS."""
    if name == "lzo":
        import lzallright

        return lzallright.LZOCompressor().compress
    if name == "snappy":
        import cramjam

        return lambda page: bytes(cramjam.snappy.compress_raw(page))
    if name == "zstd":
        import zstandard

        return zstandard.ZstdCompressor().compress
    return zlib.compress if name == "zlib" else lambda page: page


def kdump(
    pages: Mapping[int, bytes],
    *,
    frames: int = 64,
    compression: str = "zlib",
    part: tuple[int, int] | None = None,
    machine: bytes = b"x86_64",
    release: bytes = b"6.1.0",
    notes: bytes = b"",
    vmcoreinfo: bytes = VMCOREINFO,
    phys_base: int = 0,
    version: int = 6,
    bits: int = 64,
    order: str = "<",
) -> bytes:
    """A kdump file with pages by frame number, in blocks of 4096 bytes.

    Before version 3 it has no vmcoreinfo, before 4 no notes.
    """
    is_64 = bits == 64
    utsname = b"".join(
        field.ljust(65, b"\0") for field in (b"Linux", b"n", release, b"#1", machine)
    )
    utsname = utsname.ljust(390, b"\0")
    bitmap = bytearray(PAGE)
    for frame in pages:
        bitmap[frame // 8] |= 1 << frame % 8
    head = struct.pack(order + "8sI", b"KDUMP   ", version) + utsname
    head = head.ljust(424 if is_64 else 412, b"\0")
    head += struct.pack(order + "IIIIIIIIII", 0, PAGE, 1, 2, frames, 0, 0, 0, 0, 1)
    first, last = part or (0, 0)
    notes_at = PAGE + 128
    info_at = notes_at + len(notes)
    sub = struct.pack(
        order + ("qIIQQQQQQQQQQQ" if is_64 else "iIIIIQIQIQIQQQ"),
        phys_base, 0, part is not None, first, last,
        info_at, len(vmcoreinfo), notes_at, len(notes), 0, 0,
        first, last, frames,
    )  # fmt: skip
    sub = sub.ljust(128, b"\0") + notes + vmcoreinfo
    held = [f for f in sorted(pages) if part is None or first <= f < last]
    descriptors_at = 4 * PAGE
    data_at = descriptors_at + 24 * len(held)
    descriptors, data = bytearray(), bytearray()
    compress = compressor(compression)
    for frame in held:
        page, flags = compress(pages[frame]), FLAGS[compression]
        if len(page) >= PAGE:
            page, flags = pages[frame], 0
        descriptors += struct.pack(
            order + "qIIQ", data_at + len(data), len(page), flags, 0
        )
        data += page
    blocks = [head.ljust(PAGE, b"\0"), sub.ljust(PAGE, b"\0"), bytes(PAGE), bitmap]
    return b"".join([*blocks, descriptors, data])


def flattened(data: bytes, step: int = 1000) -> bytes:
    """makedumpfile's flattened format: blocks back to front, the last ones twice."""
    blocks = [(at, data[at : at + step]) for at in range(0, len(data), step)][::-1]
    blocks.insert(0, (0, b"\xff" * min(len(data) - 1, 3 * step + 5)))
    head = struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(4096, b"\0")
    body = b"".join(struct.pack(">qq", at, len(part)) + part for at, part in blocks)
    return head + body + struct.pack(">qq", -1, -1)
