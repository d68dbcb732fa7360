"""Where an executable file was linked to be (the ELF header of the gABI)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_PT_LOAD = 1
_SHF_ALLOC = 2


class LinkedAddresses(NamedTuple):
    """Addresses before the executable is moved."""

    headers: int
    """Of the program headers, as AT_PHDR of the auxiliary vector."""
    sections: int
    """Of the lowest section that is loaded."""


class _Class(NamedTuple):
    """The layouts of one ELF class; offsets are in the header or the table's entry."""

    word: str
    e_phoff: int
    e_phentsize: int
    e_shoff: int
    e_shentsize: int
    p_offset: int
    p_vaddr: int
    p_filesz: int
    sh_flags: int
    sh_addr: int


_CLASSES = {
    1: _Class("I", 28, 42, 32, 46, 4, 8, 16, 8, 12),
    2: _Class("Q", 32, 54, 40, 58, 8, 16, 32, 8, 16),
}


def linked_addresses(path: str) -> LinkedAddresses | None:
    """The addresses in a file; None if it is no executable that is loaded whole."""
    try:
        with open(path, "rb") as file:
            header = file.read(64)
            if header[:4] != b"\x7fELF" or header[4] not in _CLASSES:
                return None
            layout = _CLASSES[header[4]]
            order = "<" if header[5] == 1 else ">"
            headers = _headers(file, header, layout, order)
            sections = _sections(file, header, layout, order)
    except (OSError, IndexError, struct.error):
        return None  # Not there, or cut short.
    if headers is None or sections is None:
        return None
    return LinkedAddresses(headers, sections)


def _headers(file: BinaryIO, header: bytes, layout: _Class, order: str) -> int | None:
    word = order + layout.word
    (offset,) = struct.unpack_from(word, header, layout.e_phoff)
    for entry in _table(file, header, order, offset, layout.e_phentsize):
        (kind,) = struct.unpack_from(order + "I", entry)
        (at,) = struct.unpack_from(word, entry, layout.p_offset)
        (address,) = struct.unpack_from(word, entry, layout.p_vaddr)
        (held,) = struct.unpack_from(word, entry, layout.p_filesz)
        if kind == _PT_LOAD and at <= offset < at + held:
            return int(address + offset - at)
    return None


def _sections(file: BinaryIO, header: bytes, layout: _Class, order: str) -> int | None:
    word = order + layout.word
    (offset,) = struct.unpack_from(word, header, layout.e_shoff)
    addresses: list[int] = []
    for entry in _table(file, header, order, offset, layout.e_shentsize):
        (flags,) = struct.unpack_from(word, entry, layout.sh_flags)
        if flags & _SHF_ALLOC:
            addresses += struct.unpack_from(word, entry, layout.sh_addr)
    return min(addresses, default=None)


def _table(
    file: BinaryIO, header: bytes, order: str, offset: int, at: int
) -> Iterator[bytes]:
    """The entries of a table whose size and number are ``at`` in the ELF header."""
    size, count = struct.unpack_from(order + "HH", header, at)
    file.seek(offset)
    for _ in range(count):
        yield file.read(size)
