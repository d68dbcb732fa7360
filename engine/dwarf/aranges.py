"""Which unit has the code at an address: ``.debug_aranges`` (DWARF 5, 6.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sections import Sections

_CODES = {4: "II", 8: "QQ"}
_VERSION = 2


def read_aranges(sections: Sections) -> list[tuple[int, int, int]]:
    """(low, high, offset of the unit's header) of all ranges, ascending.

    Nobody has to write this section, so what cannot be read of it is left out.
    """
    data = sections.section(".debug_aranges")
    found: list[tuple[int, int, int]] = []
    start = 0
    while start + 4 <= len(data):
        prefix, size = 4, 4
        length = sections.unsigned(data[start : start + 4])
        if length == 0xFFFFFFFF:
            prefix, size = 12, 8
            length = sections.unsigned(data[start + 4 : start + 12])
        table = data[start : start + prefix + length]
        start += prefix + length
        found += _ranges(sections, table, prefix, size)
    return sorted(found)


def _ranges(
    sections: Sections, table: memoryview, prefix: int, size: int
) -> Iterator[tuple[int, int, int]]:
    """The ranges of one unit, whose length takes ``prefix`` bytes, offsets ``size``."""
    header = prefix + 2 + size + 2
    if len(table) < header:
        return
    version = sections.unsigned(table[prefix : prefix + 2])
    unit = sections.unsigned(table[prefix + 2 : header - 2])
    address_size, segment_size = table[header - 2 : header]
    if version != _VERSION or segment_size or address_size not in _CODES:
        return
    layout = sections.struct(_CODES[address_size])
    pairs = table[header + -header % layout.size :]
    pairs = pairs[: len(pairs) // layout.size * layout.size]
    for low, count in layout.iter_unpack(pairs):
        if count:
            yield low, low + count, unit
