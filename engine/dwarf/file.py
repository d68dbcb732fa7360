"""The DWARF debug information of one ELF file."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .reader import c_string
from .unit import Unit

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from .abbrev import Abbrev
    from .die import Die
    from .index import Index


class DwarfFile:
    """The units, DIEs and the index of an ELF file's debug information.

    Offsets of DIEs are offsets in ``.debug_info``. Those of ``.debug_types`` (DWARF 4)
    follow after its end. All addresses are file addresses (see `ElfFile`).
    """

    __slots__ = (
        "_abbrevs",
        "_importer",
        "_index",
        "_structs",
        "_supplementary",
        "_type_units",
        "_units",
        "_usual_language",
        "elf",
        "is_dwo",
        "order",
        "path",
        "spaces",
    )

    elf: ElfFile
    path: str
    order: str
    """Byte order for `struct`."""
    spaces: list[tuple[int, memoryview, bool]]
    """First DIE offset, contents, and whether it is .debug_types, of the sections."""
    is_dwo: bool
    """Whether this is a .dwo or .dwp file of split DWARF."""

    def __init__(
        self,
        elf: ElfFile,
        *,
        supplementary: ElfFile | None = None,
        importer: DwarfFile | None = None,
    ) -> None:
        """``importer`` is the file whose supplementary file this is."""
        self.elf = elf
        self._importer = importer
        self._usual_language: int | None = None
        self.path = elf.path
        self.order = elf.order
        self.is_dwo = elf.section(".debug_info.dwo") is not None and not elf.has_dwarf
        self._structs: dict[str, struct.Struct] = {}
        self._abbrevs: dict[tuple[int, int, int, bool], dict[int, Abbrev]] = {}
        self._units: dict[int, Unit] = {}
        self._index: Index | None = None
        self._type_units: dict[int, int] | None = None
        self._supplementary = (
            DwarfFile(supplementary, importer=self)
            if supplementary is not None
            else None
        )
        self.spaces = []
        # There can be several of a name in a relocatable file.
        for name in (".debug_info", ".debug_types"):
            names = (self._name(name), ".z" + name[1:])
            for section in elf.sections:
                if section.name in names and len(data := elf.contents(section)):
                    base = sum(len(data) for _, data, _ in self.spaces)
                    self.spaces.append((base, data, name == ".debug_types"))

    # Sections

    def section(self, name: str) -> memoryview:
        """The contents of a ``.debug_*`` section, empty if there is none."""
        return self.elf.contents(self._name(name))

    def _name(self, name: str) -> str:
        return name + ".dwo" if self.is_dwo else name

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
            raise BadDataError(f"{self.path}: {section}+{position:#x} is out of bounds")
        return self.unsigned(data[position : position + size])

    def string(self, section: str, position: int) -> str:
        """A string in a section. BadDataError if it is out of bounds."""
        try:
            return c_string(self.section(section), position)[0].decode(
                "utf-8", "replace"
            )
        except IndexError as e:
            raise BadDataError(f"{self.path}: {section}+{position:#x}: {e}") from None

    @property
    def supplementary(self) -> DwarfFile | None:
        """The file that dwz moved common DIEs and strings to, if it is known."""
        return self._supplementary

    def supplementary_file(self) -> DwarfFile:
        """The file that dwz moved common DIEs and strings to.

        BadDataError if debug information needs one and it was not found.
        """
        if self._supplementary is None:
            raise BadDataError(f"{self.path}: supplementary debug file was not found")
        return self._supplementary

    # Units and DIEs

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

    @property
    def index(self) -> Index:
        """The index of names and addresses, from the cache or by scanning the file."""
        if self._index is None:
            from .index import load_index

            self._index = load_index(self)
        return self._index

    def unit_offsets(self) -> Sequence[int]:
        """Where the units start, ascending."""
        return self.index.units

    def units(self) -> Iterator[Unit]:
        """All units, in file order."""
        for offset in self.unit_offsets():
            yield self.unit(offset)

    def unit(self, offset: int) -> Unit:
        """The unit whose header is at an offset."""
        unit = self._units.get(offset)
        if unit is None:
            i = bisect_right(self.spaces, offset, key=itemgetter(0)) - 1
            base, data, types = self.spaces[i]
            unit = self._units[offset] = Unit(self, data, base, offset - base, types)
        return unit

    @property
    def usual_language(self) -> int:
        """``DW_LANG_*`` of the first units that tell, for those that do not; or 0."""
        if self._usual_language is None:
            self._usual_language = 0
            for unit in islice(self.units(), 64):
                if unit.language:
                    self._usual_language = unit.language
                    break
            else:
                if self._importer is not None:
                    self._usual_language = self._importer.usual_language
        return self._usual_language

    def unit_at(self, offset: int) -> Unit:
        """The unit that contains the DIE at an offset. BadDataError if none does."""
        units = self.unit_offsets()
        i = bisect_right(units, offset)
        if i:
            unit = self.unit(units[i - 1])
            if offset < unit.end:
                return unit
        raise BadDataError(f"{self.path}: no unit contains DIE at {offset:#x}")

    def die_at(self, offset: int) -> Die:
        """The DIE at an offset. BadDataError if there is none."""
        return self.unit_at(offset).die_at(offset)

    def type_unit_die(self, signature: int) -> int:
        """The offset of the type with a signature. BadDataError if it is unknown."""
        if self._type_units is None:
            self._type_units = {}
            for unit in self.units():
                if unit.type_signature is not None and unit.type_offset is not None:
                    self._type_units.setdefault(unit.type_signature, unit.type_offset)
        offset = self._type_units.get(signature)
        if offset is None:
            raise BadDataError(
                f"{self.path}: type unit {signature:#018x} was not found"
            )
        return offset

    # Lookups in the index

    def find(self, name: str, tags: frozenset[int]) -> Iterator[Die]:
        """The definitions of a name, in file order.

        ``name`` is qualified as in ``a::b``. Found are types, variables and functions
        with one of these tags. A static member of a class is found as a
        DW_TAG_variable, and DW_TAG_enumerator finds the enumeration that has one of
        the name.
        """
        cached = self.index.cached
        try:
            for entry in self.index.entries(name):
                tag = entry >> 8 & 0xFF
                if tag in tags:
                    die = self.die_at(entry >> 16)
                    if _is_named(die, tag, name):
                        yield die
                    elif cached:
                        raise BadDataError("index in the cache is corrupt")
        except BadDataError:
            # Either the file is malformed, and then scanning it again will say so...
            if not cached:
                raise
            from .index import load_index

            # ... or the cache is.
            self._index = load_index(self, rebuild=True)
            yield from self.find(name, tags)

    def unit_for_pc(self, file_pc: int) -> Unit | None:
        """The unit whose code contains a file address."""
        offset = self.index.unit_for_pc(file_pc)
        return None if offset is None else self.unit_at(offset)

    def function_at(self, file_pc: int) -> Die | None:
        """The DW_TAG_subprogram whose code contains a file address."""
        offset = self.index.function_at(file_pc)
        return None if offset is None else self.die_at(offset)

    def __repr__(self) -> str:
        return f"DwarfFile({self.path!r})"


def _is_named(die: Die, tag: int, name: str) -> bool:
    """Whether an entry of the index is right about the last part of a name."""
    if tag == dw.DW_TAG_enumerator:
        return any(_ends(child.name, name) for child in die.children())
    own = die.name
    if own is None:
        own = die.origin_attr(dw.DW_AT_name)
    return _ends(own, name)


def _ends(own: object, name: str) -> bool:
    return own == name or (isinstance(own, str) and name.endswith("::" + own))
