"""One symbol of a file, without sorting all of them (gABI, "Symbol Table")."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import constants as elf

if TYPE_CHECKING:
    from ..platform import ByteOrder
    from .file import ElfFile

_ENTRY_SIZE = 24
_UNDEFINED = elf.SHN_UNDEF.to_bytes(2, "little")


class OneSymbol(NamedTuple):
    """Where something is by the file's own addresses, and how large it is."""

    address: int
    size: int


def find_symbol(file: ElfFile, name: str) -> OneSymbol | None:
    """The first symbol of a name that a 64-bit file defines, None if there is none."""
    section = file.section(".symtab")
    if section is None or not file.is_64 or section.link >= len(file.sections):
        return None
    table = bytes(file.contents(section))
    strings = bytes(file.contents(file.sections[section.link]))
    order: ByteOrder = "little" if file.little_endian else "big"
    wanted = name.encode() + b"\0"
    # A string may be the end of another one, so the name may be there often.
    at = strings.find(wanted)
    while at >= 0:
        entry = _entry_with(table, at.to_bytes(4, order))
        if entry is not None:
            address = int.from_bytes(entry[8:16], order)
            size = int.from_bytes(entry[16:24], order)
            return OneSymbol(address, size)
        at = strings.find(wanted, at + 1)
    return None


def _entry_with(table: bytes, st_name: bytes) -> bytes | None:
    """The first defined entry whose name is at that place."""
    start = table.find(st_name)
    while start >= 0:
        entry = table[start : start + _ENTRY_SIZE]
        whole = start % _ENTRY_SIZE == 0 and len(entry) == _ENTRY_SIZE
        if whole and entry[6:8] != _UNDEFINED:
            return entry
        start = table.find(st_name, start + 1)
    return None
