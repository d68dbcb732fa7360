"""The ``.debug_*`` sections that units read strings, numbers and abbreviations from."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from .reader import c_string

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from .abbrev import Abbrev
    from .unit import Unit


class Sections:
    """The DWARF sections of one ELF file, or the ``.dwo`` ones among its sections."""

    __slots__ = ("_abbrevs", "_structs", "base", "elf", "is_dwo", "order", "path")

    elf: ElfFile
    path: str
    order: str
    """Byte order for `struct`."""
    is_dwo: bool
    """Whether these are the sections of split DWARF (DWARF 5, section 7.3.2.2)."""
    base: int
    """Offset that its first DIE has among all of a `DwarfFile`."""

    def __init__(self, elf: ElfFile, *, is_dwo: bool = False, base: int = 0) -> None:
        self.elf = elf
        self.path = elf.path
        self.order = elf.order
        self.is_dwo = is_dwo
        self.base = base
        self._structs: dict[str, struct.Struct] = {}
        self._abbrevs: dict[tuple[int, int, int, bool], dict[int, Abbrev]] = {}

    def section(self, name: str) -> memoryview:
        """The contents of a ``.debug_*`` section, empty if there is none."""
        return self.elf.contents(self._name(name))

    def _name(self, name: str) -> str:
        return name + ".dwo" if self.is_dwo else name

    def unit_sections(self) -> list[tuple[int, memoryview, bool]]:
        """The sections with units: offset of the first DIE, contents, is .debug_types.

        There can be several of a name in a relocatable file.
        """
        found: list[tuple[int, memoryview, bool]] = []
        base = self.base
        for name in (".debug_info", ".debug_types"):
            names = (self._name(name), ".z" + self._name(name)[1:])
            for section in self.elf.sections:
                if section.name in names and len(data := self.elf.contents(section)):
                    found.append((base, data, name == ".debug_types"))
                    base += len(data)
        return found

    def struct(self, codes: str) -> struct.Struct:
        """A `struct` format in the byte order of the file."""
        layout = self._structs.get(codes)
        if layout is None:
            layout = self._structs[codes] = struct.Struct(self.order + codes)
        return layout

    def unsigned(self, data: bytes | memoryview) -> int:
        """An unsigned number in the byte order of the file."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def number(self, section: str, position: int, size: int) -> int:
        """An unsigned number in a section. BadDataError if it is out of bounds."""
        data = self.section(section)
        if not 0 <= position <= len(data) - size:
            where = f"{self.path}: {self._name(section)}"
            raise BadDataError(f"{where}+{position:#x} is out of bounds")
        return self.unsigned(data[position : position + size])

    def string(self, section: str, position: int) -> str:
        """A string in a section. BadDataError if it is out of bounds."""
        try:
            return c_string(self.section(section), position)[0].decode(
                "utf-8", "replace"
            )
        except IndexError as error:
            where = f"{self.path}: {self._name(section)}"
            raise BadDataError(f"{where}+{position:#x}: {error}") from None

    def abbrevs(self, unit: Unit, offset: int) -> dict[int, Abbrev]:
        """A table of abbreviations, read for a unit."""
        from .abbrev import read_abbrevs

        key = (offset, unit.address_size, unit.offset_size, unit.version <= 2)
        abbrevs = self._abbrevs.get(key)
        if abbrevs is None:
            table = self.section(".debug_abbrev")
            abbrevs = read_abbrevs(table, offset, self.path)
            self._abbrevs[key] = abbrevs
        return abbrevs
