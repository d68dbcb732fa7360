"""Packages of split DWARF: .dwp files, with one part in each section for each unit.

DWARF 5, section 7.3.5, and version 2 before it (https://gcc.gnu.org/wiki/DebugFissionDWP).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError

if TYPE_CHECKING:
    from .sections import Sections

_SECTIONS = {
    2: {
        1: ".debug_info",
        2: ".debug_types",
        3: ".debug_abbrev",
        4: ".debug_line",
        5: ".debug_loc",
        6: ".debug_str_offsets",
    },
    5: {
        1: ".debug_info",
        3: ".debug_abbrev",
        4: ".debug_line",
        5: ".debug_loclists",
        6: ".debug_str_offsets",
        8: ".debug_rnglists",
    },
}
"""``DW_SECT_*`` by the version of the index."""

Contributions = dict[str, int]
"""Where the parts of a unit start, by the names of the sections without ".dwo"."""


class PackageIndex:
    """An index from the ID of a unit to its parts."""

    __slots__ = ("_columns", "_name", "_path", "_row", "_rows", "_table", "version")

    version: int
    """2 or 5; 0 if there is no such index."""

    def __init__(self, sections: Sections, name: str) -> None:
        """``name`` is .debug_cu_index or .debug_tu_index.

        Raises BadDataError if it is malformed.
        """
        data = sections.elf.contents(name)
        self._path = sections.path
        self._name = name
        self._rows: dict[int, int] = {}
        self._columns: list[str | None] = []
        self.version = 0
        if not len(data):
            return
        order = sections.order
        try:
            (self.version,) = struct.unpack_from(order + "I", data)
            if self.version != 2:  # Of DWARF 5, and two bytes of padding.
                (self.version,) = struct.unpack_from(order + "H", data)
            known = _SECTIONS.get(self.version)
            if known is None:
                raise self._error(f"unknown version {self.version}")
            width, rows, slots = struct.unpack_from(order + "III", data, 4)
            position = 16 + slots * 12
            # Checked before numbers that may be anything become lists.
            if position + 4 * width * (1 + 2 * rows) > len(data):
                raise self._error("index is truncated")
            ids = struct.unpack_from(f"{order}{slots}Q", data, 16)
            numbers = struct.unpack_from(f"{order}{slots}I", data, 16 + slots * 8)
            kinds = struct.unpack_from(f"{order}{width}I", data, position)
        except struct.error:
            raise self._error("index is truncated") from None
        self._columns = [known.get(kind) for kind in kinds]
        self._row = struct.Struct(f"{order}{width}I")
        self._table = data[position + self._row.size :]
        for unit_id, number in zip(ids, numbers, strict=True):
            if number > rows:
                raise self._error(f"row {number} of {rows}")
            if number:
                self._rows[unit_id] = number - 1

    def ids(self) -> list[int]:
        """The IDs of all units."""
        return list(self._rows)

    def contributions(self, unit_id: int) -> Contributions | None:
        """The parts of the unit with an ID; None if it is not there."""
        row = self._rows.get(unit_id)
        if row is None:
            return None
        starts = self._row.unpack_from(self._table, row * self._row.size)
        return {
            name: start
            for name, start in zip(self._columns, starts, strict=True)
            if name is not None
        }

    def _error(self, message: str) -> BadDataError:
        return BadDataError(f"{self._path}: {self._name}: {message}")
