"""The DWARF debug information of one ELF file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as dw
from .aranges import read_aranges
from .sections import Sections
from .unit import Unit

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from .die import Die
    from .index import Index

_CLASSES = frozenset(
    (dw.DW_TAG_structure_type, dw.DW_TAG_class_type, dw.DW_TAG_union_type)
)


class DwarfFile(Sections):
    """The units, DIEs and the index of an ELF file's debug information.

    Offsets of DIEs are offsets in ``.debug_info``. Those of ``.debug_types`` (DWARF 4)
    follow after its end, and those of the files of split DWARF, which belong to this
    one, after that. All addresses are file addresses (see `ElfFile`).
    """

    __slots__ = (
        "_aranges",
        "_functions",
        "_importer",
        "_index",
        "_supplementary",
        "_type_units",
        "_units",
        "_usual_language",
        "debug_directories",
        "loaded_path",
        "spaces",
    )

    spaces: list[tuple[int, memoryview, bool]]
    """`unit_sections()`, without split DWARF."""
    loaded_path: str | None
    """The file that the program runs, if it is another one."""
    debug_directories: Sequence[str]
    """Where .dwo files may be besides where they were compiled."""

    def __init__(
        self,
        elf: ElfFile,
        *,
        supplementary: ElfFile | None = None,
        importer: DwarfFile | None = None,
        loaded_path: str | None = None,
        debug_directories: Sequence[str] = (),
    ) -> None:
        """``importer`` is the file whose supplementary file this is."""
        super().__init__(elf)
        self._importer = importer
        self._usual_language: int | None = None
        self._units: dict[int, Unit] = {}
        self._index: Index | None = None
        self._aranges: list[tuple[int, int, int]] | None = None
        self._functions: dict[int, list[tuple[int, int, Die]]] = {}
        self._type_units: dict[Sections, dict[int, int]] = {}
        self._supplementary = (
            DwarfFile(supplementary, importer=self)
            if supplementary is not None
            else None
        )
        self.spaces = self.unit_sections()
        self.loaded_path = loaded_path
        self.debug_directories = debug_directories

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
            split = self.index.split
            if split is not None and offset >= split.start:
                unit = split.unit(offset)
            else:
                i = bisect_right(self.spaces, offset, key=itemgetter(0)) - 1
                base, data, types = self.spaces[i]
                unit = Unit(self, data, base, offset - base, types)
            self._units[offset] = unit
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

    def type_unit_die(self, signature: int, sections: Sections) -> int:
        """The offset of the type with a signature. BadDataError if it is unknown.

        Type units are looked for in the sections that refer to them.
        """
        known = self._type_units.get(sections)
        if known is None:
            known = self._type_units[sections] = {}
            units = self.unit_offsets()
            for i in range(bisect_left(units, sections.base), len(units)):
                unit = self.unit(units[i])
                if unit.sections is not sections:
                    break
                if unit.type_signature is not None and unit.type_offset is not None:
                    known.setdefault(unit.type_signature, unit.type_offset)
        offset = known.get(signature)
        if offset is None:
            raise BadDataError(
                f"{sections.path}: type unit {signature:#018x} was not found"
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
            # ... or the cache is.
            self._rebuild_index()
            yield from self.find(name, tags)
            return
        scope, _, member = name.rpartition("::")
        if scope:
            yield from self._find_members(scope, member, tags)

    def _find_members(
        self, scope: str, name: str, tags: frozenset[int]
    ) -> Iterator[Die]:
        """What structures have in C, which is not in the index."""
        for owner in self.find(scope, _CLASSES):
            if owner.unit.language in dw.PLAIN_LANGUAGES:
                children = owner.children()
                yield from (die for die in children if _is_member(die, name, tags))

    def _rebuild_index(self) -> Index:
        from .index import load_index

        self._index = load_index(self, rebuild=True)
        return self._index

    def unit_for_pc(self, file_pc: int) -> Unit | None:
        """The unit whose code contains a file address."""
        try:
            offset = self.index.unit_for_pc(file_pc)
        except BadDataError:  # The cache is corrupt.
            offset = self._rebuild_index().unit_for_pc(file_pc)
        if offset is not None:
            return self.unit_at(offset)
        return self._unit_by_aranges(file_pc)

    def _unit_by_aranges(self, file_pc: int) -> Unit | None:
        """The unit whose code it is as `.debug_aranges` has it.

        Units of strict DWARF 2 have one range at most, though their code has several.
        """
        if self._aranges is None:
            self._aranges = read_aranges(self)
        i = bisect_right(self._aranges, file_pc, key=itemgetter(0)) - 1
        if i < 0 or file_pc >= self._aranges[i][1]:
            return None
        offset = self._aranges[i][2]
        units = self.unit_offsets()
        i = bisect_left(units, offset)
        return self.unit(offset) if i < len(units) and units[i] == offset else None

    def function_at(self, file_pc: int) -> Die | None:
        """The DW_TAG_subprogram whose code contains a file address."""
        try:
            offset = self.index.function_at(file_pc)
        except BadDataError:
            offset = self._rebuild_index().function_at(file_pc)
        if offset is not None:
            return self.die_at(offset)
        unit = self.unit_for_pc(file_pc)
        if unit is None:
            return None
        if unit.offset not in self._functions:
            self._functions[unit.offset] = list(_all_functions(unit))
        for low, high, die in self._functions[unit.offset]:
            if low <= file_pc < high:
                return die
        return None

    def __repr__(self) -> str:
        return f"DwarfFile({self.path!r})"


def _all_functions(unit: Unit) -> Iterator[tuple[int, int, Die]]:
    """The address ranges of all functions of a unit, also of those within functions.

    Those are lambdas, methods of local classes and gcc's nested functions. They are not
    in the index, for whose sake functions are not looked into.
    """
    position = unit.root.body_position
    while position < unit.limit:
        die = unit.read_die(position)
        if die is None:
            position += 1
            continue
        position = die.body_position
        if die.tag == dw.DW_TAG_subprogram:
            for low, high in die.ranges():
                yield low, high, die


def _is_named(die: Die, tag: int, name: str) -> bool:
    """Whether an entry of the index is right about the last part of a name."""
    if tag == dw.DW_TAG_enumerator:
        return any(_ends(child.name, name) for child in die.children())
    own = die.name
    if own is None:
        own = die.origin_attr(dw.DW_AT_name)
    return _ends(own, name)


def _is_member(die: Die, name: str, tags: frozenset[int]) -> bool:
    """Whether an entry is what is looked for, or the enumeration that has it."""
    if die.tag in tags and die.name == name:
        return not die.flag(dw.DW_AT_declaration)
    if die.tag != dw.DW_TAG_enumeration_type or dw.DW_TAG_enumerator not in tags:
        return False
    return any(enumerator.name == name for enumerator in die.children())


def _ends(own: object, name: str) -> bool:
    return own == name or (isinstance(own, str) and name.endswith("::" + own))
