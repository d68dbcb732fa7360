"""Where an executable file was linked to be (the ELF header of the gABI)."""

from __future__ import annotations

import struct
from typing import NamedTuple

_PT_LOAD = 1


class LinkedAddresses(NamedTuple):
    """Addresses before the executable is moved."""

    headers: int
    """Of the program headers, as AT_PHDR of the auxiliary vector."""
    entry: int


class _Class(NamedTuple):
    """The layouts of one ELF class; offsets are in the ELF header."""

    word: str
    e_entry: int
    e_phoff: int
    e_phentsize: int
    p_offset: int
    p_vaddr: int
    p_filesz: int


_CLASSES = {
    1: _Class("I", 24, 28, 42, 4, 8, 16),
    2: _Class("Q", 24, 32, 54, 8, 16, 32),
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
            word = order + layout.word
            (entry,) = struct.unpack_from(word, header, layout.e_entry)
            (offset,) = struct.unpack_from(word, header, layout.e_phoff)
            size, count = struct.unpack_from(order + "HH", header, layout.e_phentsize)
            file.seek(offset)
            table = file.read(size * count)
        for i in range(count):
            start = i * size
            (kind,) = struct.unpack_from(order + "I", table, start)
            (at,) = struct.unpack_from(word, table, start + layout.p_offset)
            (address,) = struct.unpack_from(word, table, start + layout.p_vaddr)
            (held,) = struct.unpack_from(word, table, start + layout.p_filesz)
            if kind == _PT_LOAD and at <= offset < at + held:
                return LinkedAddresses(address + offset - at, entry)
    except (OSError, IndexError, struct.error):
        pass  # Not there, or cut short.
    return None
