"""Units: the header and root of a tree of DIEs (DWARF 5, section 7.5.1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .abbrev import Abbrev
from .die import Die
from .forms import CONSTANTS
from .reader import uleb128

if TYPE_CHECKING:
    from .dwp import Contributions
    from .file import DwarfFile
    from .sections import Sections

_NO_PARTS: Contributions = {}


class Unit:
    """A compilation, type, partial, skeleton or split unit."""

    __slots__ = (
        "_abbrevs",
        "_root",
        "abbrev_offset",
        "address_size",
        "base",
        "data",
        "dwo_id",
        "end",
        "file",
        "is_dwarf64",
        "limit",
        "offset",
        "offset_size",
        "parts",
        "root_position",
        "sections",
        "skeleton",
        "type",
        "type_offset",
        "type_signature",
        "version",
    )

    file: DwarfFile
    sections: Sections
    """Where strings, lists and abbreviations are: `file`, or a file of split DWARF."""
    skeleton: Unit | None
    """Of a split compilation unit: the unit that stands for it in `file`."""
    parts: Contributions
    """Of a unit in a package: where its parts of the sections start."""
    data: memoryview
    """The section that the unit is in."""
    base: int
    """What to add to positions in `data` to get offsets of DIEs (0 in .debug_info)."""
    offset: int
    """Where the unit's header starts, as an offset of a DIE."""
    end: int
    """Where the unit ends, as an offset of a DIE."""
    limit: int
    """Where the unit ends, as a position in `data`."""
    version: int
    address_size: int
    """1, 2, 4 or 8 bytes."""
    abbrev_offset: int
    """Where the abbreviations are in ``.debug_abbrev``."""
    is_dwarf64: bool
    offset_size: int
    """4 bytes in 32-bit DWARF, 8 in 64-bit."""
    type: int
    """``DW_UT_*``, also for versions before 5."""
    type_signature: int | None
    type_offset: int | None
    """Of type units: the offset of the type's DIE."""
    dwo_id: int | None
    """Of skeleton and split units of DWARF 5; see also `split_id`."""

    def __init__(
        self,
        file: DwarfFile,
        data: memoryview,
        base: int,
        position: int,
        types: bool,
        sections: Sections | None = None,
    ) -> None:
        """Read the header at a position; ``types`` if the section is .debug_types."""
        self.file = file
        self.sections = file if sections is None else sections
        self.skeleton = None
        self.parts = _NO_PARTS
        self.data = data
        self.base = base
        self.offset = base + position
        self._root: Die | None = None
        self._abbrevs: dict[int, Abbrev] | None = None
        self.type_signature = self.type_offset = self.dwo_id = None
        try:
            self._read_header(position, types)
        except (struct.error, IndexError):
            raise self.error("header is truncated") from None

    def _read_header(self, position: int, types: bool) -> None:
        data = self.data
        order = self.sections.order
        start = position
        (length,) = struct.unpack_from(order + "I", data, position)
        position += 4
        self.is_dwarf64 = length == 0xFFFFFFFF
        if self.is_dwarf64:
            (length,) = struct.unpack_from(order + "Q", data, position)
            position += 8
        elif length >= 0xFFFFFFF0:
            raise self.error(f"invalid length {length:#x}")
        self.offset_size = 8 if self.is_dwarf64 else 4
        self.limit = position + length
        self.end = self.base + self.limit
        if self.limit > len(data):
            raise self.error("unit is truncated")
        offset_code = "Q" if self.is_dwarf64 else "I"
        (self.version,) = struct.unpack_from(order + "H", data, position)
        if not 2 <= self.version <= 5:
            raise self.error(f"unknown DWARF version {self.version}")
        if self.version >= 5:
            header = struct.Struct(order + "HBB" + offset_code)
            fields = header.unpack_from(data, position)
            _, self.type, self.address_size, self.abbrev_offset = fields
        else:
            header = struct.Struct(order + "H" + offset_code + "B")
            fields = header.unpack_from(data, position)
            _, self.abbrev_offset, self.address_size = fields
            self.type = dw.DW_UT_type if types else dw.DW_UT_compile
        position += header.size
        if self.address_size not in (1, 2, 4, 8):
            raise self.error(f"unsupported DWARF unit address size {self.address_size}")
        if self.type in (dw.DW_UT_type, dw.DW_UT_split_type):
            layout = struct.Struct(order + "Q" + offset_code)
            self.type_signature, type_offset = layout.unpack_from(data, position)
            position += layout.size
            if not position - start <= type_offset < self.limit - start:
                raise self.error("offset of the type is out of bounds")
            self.type_offset = self.offset + type_offset
        elif self.type in (dw.DW_UT_skeleton, dw.DW_UT_split_compile):
            (self.dwo_id,) = struct.unpack_from(order + "Q", data, position)
            position += 8
        self.root_position = position

    @property
    def address_mask(self) -> int:
        """The highest address, which those that are computed wrap around at."""
        return (1 << self.address_size * 8) - 1

    @property
    def abbrevs(self) -> dict[int, Abbrev]:
        """The abbreviations of this unit's DIEs."""
        abbrevs = self._abbrevs
        if abbrevs is None:
            abbrevs = self._abbrevs = self.sections.abbrevs(
                self, self.abbrev_offset + self.part(".debug_abbrev")
            )
        return abbrevs

    @property
    def root(self) -> Die:
        """The DIE of the unit itself."""
        if self._root is None:
            root = self.read_die(self.root_position)
            if root is None:
                raise self.error("unit is empty")
            self._root = root
        return self._root

    def die_at(self, offset: int) -> Die:
        """The DIE at an offset inside of this unit.

        Raises BadDataError if there is none.
        """
        position = offset - self.base
        if not self.root_position <= position < self.limit:
            raise self.error(f"no DIE at {offset:#x}")
        die = self.read_die(position)
        if die is None:
            raise self.error(f"no DIE at {offset:#x}")
        return die

    def read_die(self, position: int) -> Die | None:
        """The DIE at a position in the section, or None where a list of them ends."""
        abbrevs = self._abbrevs
        if abbrevs is None:
            abbrevs = self.abbrevs
        try:
            if position >= self.limit:
                # Producers leave out the terminators at the end of a unit.
                raise IndexError("past the end of the unit")
            code, start = uleb128(self.data, position)
            if code == 0:
                return None
            abbrev = abbrevs.get(code)
            if abbrev is None:
                raise ValueError(f"unknown abbreviation code {code}")
            values, end = abbrev.read(self, start)
            if end > self.limit:
                raise IndexError("past the end of the unit")
        except (struct.error, IndexError, ValueError) as error:
            raise BadDataError(
                f"{self.sections.path}: invalid DIE at "
                f"{self.base - self.sections.base + position:#x}: {error}"
            ) from None
        return Die(self, self.base + position, abbrev, values, end)

    def skip_children(self, position: int) -> int:
        """The position after a list of DIEs and all that they own."""
        depth = 1
        while True:
            die = self.read_die(position)
            if die is None:
                depth -= 1
                position += 1
                if not depth:
                    return position
            elif die.has_children:
                if die.has(dw.DW_AT_sibling):
                    position = die.next_position()
                else:
                    depth += 1
                    position = die.body_position
            else:
                position = die.body_position

    @property
    def name(self) -> str | None:
        """Name of the source file."""
        return self.root.name

    @property
    def comp_dir(self) -> str | None:
        """Directory that the source was compiled in."""
        own = self._root_string(dw.DW_AT_comp_dir)
        if own is None and self.skeleton is not None:
            return self.skeleton.comp_dir
        return own

    def _root_string(self, at: int) -> str | None:
        value = self.root.attr(at)
        return value if isinstance(value, str) else None

    def _root_number(self, at: int) -> int | None:
        value = self.root.attr(at)
        return value if isinstance(value, int) else None

    @property
    def language(self) -> int:
        """``DW_LANG_*``, or 0 if the unit does not say."""
        return self._root_number(dw.DW_AT_language) or 0

    @property
    def is_cplusplus(self) -> bool:
        """Whether the language is C++; where a partial unit does not tell, a guess."""
        language = self.language or self.file.usual_language
        return language in dw.CPLUSPLUS_LANGUAGES

    @property
    def stmt_list(self) -> int | None:
        """Offset of the line number program in ``.debug_line``.

        Numbers are offsets up to version 3 only; later ones have a form of their own.
        """
        form = self.root.form(dw.DW_AT_stmt_list)
        number = self.version <= 3 and form in CONSTANTS
        if form != dw.DW_FORM_sec_offset and not number:
            return None
        offset = self._root_number(dw.DW_AT_stmt_list)
        return None if offset is None else offset + self.part(".debug_line")

    @property
    def low_pc(self) -> int:
        """Base of the unit's range and location lists: a file address."""
        return self._main_number(dw.DW_AT_low_pc) or 0

    @property
    def main(self) -> Unit:
        """The unit with the addresses: the skeleton of a split unit, or this one."""
        return self.skeleton or self

    def _main_number(self, at: int) -> int | None:
        return self.main._root_number(at)

    @property
    def line_unit(self) -> Unit:
        """The unit whose line number program has the files of this one's DIEs."""
        return self if self.stmt_list is not None else self.main

    @property
    def dwo_name(self) -> str | None:
        """Of a skeleton: the path of the .dwo file, which may be relative."""
        return self._root_string(dw.DW_AT_dwo_name) or self._root_string(
            dw.DW_AT_GNU_dwo_name
        )

    @property
    def split_id(self) -> int | None:
        """What a skeleton and its split unit have in common."""
        if self.version >= 5:
            return self.dwo_id
        return self._root_number(dw.DW_AT_GNU_dwo_id)

    def part(self, section: str) -> int:
        """Where this unit's part of a section starts: not at 0 in a package."""
        return self.parts.get(section, 0)

    def _table_base(self, at: int, section: str, header_size: int) -> int:
        """The base of indexes; split DWARF has one table, after its header."""
        base = self._root_number(at)
        if base is not None or not self.sections.is_dwo:
            return base or 0
        if self.version < 5:
            header_size = 0
        elif self.is_dwarf64:
            header_size += 8
        return self.part(section) + header_size

    @property
    def str_offsets_base(self) -> int:
        """Offset of the unit's part of ``.debug_str_offsets``."""
        return self._table_base(dw.DW_AT_str_offsets_base, ".debug_str_offsets", 8)

    @property
    def addr_base(self) -> int | None:
        """Offset of the unit's part of ``.debug_addr``, None if it does not say."""
        base = self._main_number(dw.DW_AT_addr_base)
        if base is None:
            base = self._main_number(dw.DW_AT_GNU_addr_base)
        return base

    @property
    def rnglists_base(self) -> int:
        """Offset of the unit's part of ``.debug_rnglists``."""
        return self._table_base(dw.DW_AT_rnglists_base, ".debug_rnglists", 12)

    @property
    def loclists_base(self) -> int:
        """Offset of the unit's part of ``.debug_loclists``."""
        return self._table_base(dw.DW_AT_loclists_base, ".debug_loclists", 12)

    @property
    def ranges_base(self) -> int:
        """What the offsets of range lists are relative to."""
        if self.skeleton is None:
            return 0
        if self.version >= 5:
            return self.part(".debug_rnglists")
        return self._main_number(dw.DW_AT_GNU_ranges_base) or 0

    def string_at_index(self, index: int) -> str:
        """A string by its index in ``.debug_str_offsets``."""
        position = self.str_offsets_base + index * self.offset_size
        offset = self.sections.number(".debug_str_offsets", position, self.offset_size)
        return self.sections.string(".debug_str", offset)

    def address_at_index(self, index: int) -> int:
        """A file address by its index in ``.debug_addr``."""
        base = self.addr_base
        if base is None:
            raise self.error("indirect address without DW_AT_addr_base")
        position = base + index * self.address_size
        return self.main.sections.number(".debug_addr", position, self.address_size)

    def list_at_index(self, section: str, base: int, index: int) -> int:
        """Offset of a range or location list by its index."""
        position = base + index * self.offset_size
        return base + self.sections.number(section, position, self.offset_size)

    def error(self, message: str) -> BadDataError:
        """An exception that says where this unit is."""
        offset = self.offset - self.sections.base
        return BadDataError(f"{self.sections.path}: unit at {offset:#x}: {message}")

    def __repr__(self) -> str:
        return f"<Unit {self.offset:#x} in {self.sections.path!r}>"
