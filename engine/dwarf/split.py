"""Split DWARF: the units in .dwo files and .dwp packages (DWARF 5, section 7.3).

A *skeleton* unit in the debug file has the addresses of a split unit in another file,
and both have the same ID. The split units are part of the index of the debug file: the
DIEs of each of these files get offsets after those of the one before. The columns that
tell which files these are also tell what they looked like, so that an index in the
cache is not used when one of them changed, appeared or went away.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..cache import source_stamp
from ..elf.file import open_elf
from ..errors import BadDataError
from ..log import warning
from . import constants as dw
from .dwp import Contributions, PackageIndex
from .sections import Sections
from .unit import Unit

if TYPE_CHECKING:
    from .file import DwarfFile

_ENCODING = ("utf-8", "surrogateescape")
_GNU_DWO_NAME = b"\xb0\x42"
"""DW_AT_GNU_dwo_name as an abbreviation has it."""


class SplitFile(Sections):
    """A .dwo or .dwp file."""

    __slots__ = ("_cu_index", "_file", "_spaces", "_tu_index", "end")

    end: int
    """Offset after that of its last DIE."""

    def __init__(self, file: DwarfFile, path: str, base: int) -> None:
        """Open a file whose first DIE gets the offset ``base``.

        Raises OSError if it cannot be opened and BadDataError if it is malformed.
        """
        super().__init__(open_elf(path), is_dwo=True, base=base)
        if self.order != file.order:
            raise BadDataError(f"{path}: byte order is not that of {file.path}")
        self._file = file
        self._spaces = self.unit_sections()
        self.end = base + sum(len(data) for _, data, _ in self._spaces)
        self._cu_index = PackageIndex(self, ".debug_cu_index")
        self._tu_index = PackageIndex(self, ".debug_tu_index")

    @property
    def spaces(self) -> list[tuple[int, memoryview, bool]]:
        """`unit_sections()`"""
        return self._spaces

    @property
    def is_package(self) -> bool:
        """Whether this is a .dwp file."""
        return self._cu_index.version != 0

    def unit(self, offset: int, skeleton: Unit | None) -> Unit:
        """The unit whose header is at the offset of a DIE.

        It must be the split unit of the skeleton, or a type unit if that is None.
        """
        space = bisect_right(self._spaces, offset, key=lambda space: space[0]) - 1
        if space < 0:
            raise BadDataError(f"{self.path}: no unit at {offset - self.base:#x}")
        base, data, types = self._spaces[space]
        unit = Unit(self._file, data, base, offset - base, types, self)
        if skeleton is not None:
            unit_id = skeleton.split_id
            unit.skeleton = skeleton
        else:
            unit_id = unit.type_signature
        if self.is_package and unit_id is not None:
            index = self._tu_index if skeleton is None else self._cu_index
            unit.parts = index.contributions(unit_id) or {}
        if skeleton is not None and unit.split_id != unit_id:
            raise unit.error(f"ID is not that of {skeleton!r}")
        return unit

    def compile_units(self, skeletons: Sequence[Unit]) -> Iterator[tuple[int, Unit]]:
        """The offsets of split compilation units that are here, and the skeletons."""
        if self.is_package:
            for skeleton in skeletons:
                unit_id = skeleton.split_id
                if unit_id is not None:
                    parts = self._cu_index.contributions(unit_id)
                    if parts is not None:
                        yield self._offset(parts), skeleton
            return
        by_id = {skeleton.split_id: skeleton for skeleton in skeletons}
        for unit in self._units():
            unit_id = unit.split_id if unit.type_signature is None else None
            if unit_id is not None and unit_id in by_id:
                yield unit.offset, by_id[unit_id]

    def type_units(self) -> Iterator[int]:
        """The offsets of the type units."""
        if self.is_package:
            for signature in self._tu_index.ids():
                parts = self._tu_index.contributions(signature)
                if parts is not None:
                    yield self._offset(parts)
            return
        for unit in self._units():
            if unit.type_signature is not None:
                yield unit.offset

    def _units(self) -> Iterator[Unit]:
        for base, data, types in self._spaces:
            position = 0
            while position < len(data):
                unit = Unit(self._file, data, base, position, types, self)
                yield unit
                position = unit.limit

    def _offset(self, parts: Contributions) -> int:
        """The offset of a unit of a package, which has one section of each name."""
        for base, data, types in self._spaces:
            start = parts.get(".debug_types" if types else ".debug_info")
            if start is not None:
                if start >= len(data):
                    break
                return base + start
        raise BadDataError(f"{self.path}: index has a unit that is not there")


class SplitUnits:
    """The split units of a file that an index knows; their files are opened lazily."""

    __slots__ = ("_bases", "_compile_units", "_file", "_files", "_paths", "_skeletons")

    def __init__(self, file: DwarfFile, columns: dict[str, memoryview]) -> None:
        """Take the columns that `find_split_units()` made.

        Logs what was not found. Raises KeyError or ValueError if a file is not what it
        was then, or if the columns do not fit together.
        """
        self._file = file
        self._bases: Sequence[int] = columns["split_bases"]
        self._paths = _unpack(columns["split_paths"])
        stamps = columns["split_stamps"]
        self._compile_units: Sequence[int] = columns["split_units"]
        self._skeletons: Sequence[int] = columns["split_skeletons"]
        self._files: dict[int, SplitFile] = {}
        if (
            len(self._paths) != len(self._bases)
            or len(stamps) != 2 * len(self._bases)
            or len(self._skeletons) != len(self._compile_units)
        ):
            raise ValueError("columns do not fit together")
        for i, path in enumerate(self._paths):
            if _stamp(path) != (stamps[2 * i], stamps[2 * i + 1]):
                raise ValueError(f"{path} changed")
        for message in _unpack(columns["split_warnings"]):
            warning("%s", message)

    @property
    def start(self) -> int:
        """Where the offsets of DIEs in split units start."""
        return self._bases[0]

    def unit(self, offset: int) -> Unit:
        """The unit whose header is at an offset."""
        number = bisect_right(self._bases, offset) - 1
        i = bisect_left(self._compile_units, offset)
        skeleton = None
        if i < len(self._compile_units) and self._compile_units[i] == offset:
            skeleton = self._file.unit(self._skeletons[i])
        return self._open(number).unit(offset, skeleton)

    def _open(self, number: int) -> SplitFile:
        split = self._files.get(number)
        if split is None:
            path = self._paths[number]
            try:
                split = SplitFile(self._file, path, self._bases[number])
            except OSError as error:
                raise BadDataError(f"{path}: {error.strerror}") from None
            self._files[number] = split
        return split


class Space(NamedTuple):
    """Units to scan: some or all of those in a section."""

    sections: Sections
    base: int
    """Offset of the first DIE."""
    data: memoryview
    units: list[Unit]


class SplitScan(NamedTuple):
    """What `find_split_units()` found: units to scan, and columns for the index."""

    spaces: list[Space]
    columns: dict[str, memoryview]


def skeleton_units(file: DwarfFile, units: Sequence[Unit]) -> list[Unit]:
    """Those of a file's units that stand for a split unit."""
    # Before DWARF 5 only the root of a unit tells, and reading that of each takes long.
    has_gnu = any(unit.version < 5 for unit in units) and _GNU_DWO_NAME in bytes(
        file.section(".debug_abbrev")
    )
    return [
        unit
        for unit in units
        if unit.type == dw.DW_UT_skeleton
        or (has_gnu and unit.version < 5 and unit.root.has(dw.DW_AT_GNU_dwo_name))
    ]


def find_split_units(file: DwarfFile, skeletons: Sequence[Unit]) -> SplitScan:
    """Look for the split units of skeletons, in packages first.

    A split unit that is not found is a warning, and so is a file that cannot be opened.
    Raises BadDataError if the units of one are malformed.
    """
    return _Finder(file).find(skeletons)


class _Finder:
    def __init__(self, file: DwarfFile) -> None:
        self._file = file
        self._start = sum(len(data) for _, data, _ in file.spaces)
        self._next = self._start
        # The paths that were tried; None if there is no such file, or a damaged one.
        self._files: dict[str, SplitFile | None] = {}
        self._damaged: dict[str, str] = {}
        """What is wrong with files that could not be opened."""
        self._skeletons: dict[int, Unit] = {}
        """By the offset of the split unit."""

    def find(self, skeletons: Sequence[Unit]) -> SplitScan:
        messages: list[str] = []
        missing = list(skeletons)
        used: list[SplitFile] = []

        def take(split: SplitFile, wanted: Sequence[Unit]) -> list[Unit]:
            found = []
            for offset, skeleton in split.compile_units(wanted):
                self._skeletons[offset] = skeleton
                found.append(skeleton)
            if found and split not in used:
                used.append(split)
            return found

        for path in self._package_paths():
            package = self._open(path)
            if package is not None and missing:
                found = set(take(package, missing))
                missing = [unit for unit in missing if unit not in found]
        messages += self._damaged.values()
        for skeleton in missing:
            problems = []
            for path in self._dwo_paths(skeleton):
                split = self._open(path)
                if split is not None:
                    if take(split, [skeleton]):
                        break
                    problems.append(self._mismatch(skeleton, path))
                elif path in self._damaged:
                    problems.append(self._damaged[path])
            else:
                name = skeleton.dwo_name
                problems.append(f"{self._file.path}: split DWARF file {name} not found")
                messages.append(problems[0])
        return SplitScan(self._spaces(used), self._columns(messages))

    def _mismatch(self, skeleton: Unit, path: str) -> str:
        return (
            f"{path}: split DWARF file does not match its skeleton in "
            f"{self._file.path}: ID is not {skeleton.split_id or 0:#018x}"
        )

    def _open(self, path: str) -> SplitFile | None:
        if path not in self._files:
            try:
                split = SplitFile(self._file, path, self._next)
            except OSError:
                self._files[path] = None
            except BadDataError as error:
                self._files[path] = None
                self._damaged[path] = str(error)
            else:
                self._files[path] = split
                self._next = split.end
        return self._files[path]

    def _package_paths(self) -> Iterator[str]:
        for path in (self._file.path, self._file.loaded_path):
            if path is not None:
                yield path + ".dwp"

    def _dwo_paths(self, skeleton: Unit) -> Iterator[str]:
        """Where a .dwo file may be: where it was compiled, or where the file is."""
        name = skeleton.dwo_name
        if name is None:
            return
        home = os.path.dirname(os.path.abspath(self._file.path))
        compiled = os.path.join(home, skeleton.comp_dir or "", name)
        paths = [compiled, os.path.join(home, name)]
        paths.append(os.path.join(home, os.path.basename(name)))
        for directory in self._file.debug_directories:
            if os.path.isabs(directory):
                paths.append(os.path.join(directory, compiled.lstrip("/")))
        yield from dict.fromkeys(paths)

    def _spaces(self, used: Sequence[SplitFile]) -> list[Space]:
        spaces: list[Space] = []
        for split in sorted(used, key=lambda split: split.base):
            # Of a unit with two skeletons one is enough.
            units: dict[int, Unit | None] = dict.fromkeys(split.type_units())
            for offset, skeleton in self._skeletons.items():
                if split.base <= offset < split.end:
                    units[offset] = skeleton
            read = [split.unit(offset, units[offset]) for offset in sorted(units)]
            for base, data, _ in split.spaces:
                units_there = [unit for unit in read if unit.base == base]
                spaces.append(Space(split, base, data, units_there))
        return spaces

    def _columns(self, messages: Sequence[str]) -> dict[str, memoryview]:
        bases, stamps = array("q"), array("Q")
        base = self._start
        for path, split in self._files.items():
            # A file that is not there takes no offsets.
            bases.append(base)
            base = base if split is None else split.end
            stamps.extend(_stamp(path))
        units = sorted(self._skeletons)
        return {
            "split_bases": memoryview(bases),
            "split_stamps": memoryview(stamps),
            "split_paths": _pack(self._files),
            "split_warnings": _pack(messages),
            "split_units": memoryview(array("q", units)),
            "split_skeletons": memoryview(
                array("q", [self._skeletons[offset].offset for offset in units])
            ),
        }


def _stamp(path: str) -> tuple[int, int]:
    """What a file looks like from outside; zeros if it is not there."""
    return source_stamp(path) or (0, 0)


def _pack(strings: Sequence[str] | dict[str, SplitFile | None]) -> memoryview:
    return memoryview("".join(f"{text}\0" for text in strings).encode(*_ENCODING))


def _unpack(data: memoryview) -> list[str]:
    return bytes(data).decode(*_ENCODING).split("\0")[:-1]
