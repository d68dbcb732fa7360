"""Files that the user gave GDB, with ``add-symbol-file``, and where they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from drgn import BadDataError, ExtraModule, Module, Program
from drgn.elf import ElfFile, file_range, open_elf

_SECTION = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is (\S+) in (/.+)$", re.M)
_LIBRARY = re.compile(r"^0x([0-9a-f]+)\s+0x([0-9a-f]+)\s", re.M)
_MASK = 2**64 - 1
_ET_REL = 1


class GivenFile(NamedTuple):
    """A file among those of ``info files``."""

    path: str
    sections: dict[str, tuple[int, int]]
    """Name -> start and end in memory."""

    @property
    def first(self) -> str:
        """The section of its code, or the one that comes first."""
        if ".text" in self.sections:
            return ".text"
        return min(self.sections, key=self.sections.__getitem__)

    @property
    def address(self) -> int:
        """Where that section is."""
        return self.sections[self.first][0]


def given_files(files: str) -> Iterator[GivenFile]:
    """The files besides the executable that ``info files`` prints."""
    found: GivenFile | None = None
    for low, high, name, path in _SECTION.findall(files):
        # A file may be there twice, at two addresses.
        if found is None or found.path != path or name in found.sections:
            if found is not None:
                yield found
            found = GivenFile(path, {})
        found.sections[name] = int(low, 16), int(high, 16)
    if found is not None:
        yield found


def add_given_files(prog: Program, files: str, libraries: str) -> None:
    """Make modules of the files that GDB has and nothing else tells of.

    ``files`` is what ``info files`` prints. Separate debug files of other modules
    become theirs. ``libraries`` is what ``info sharedlibrary`` prints: what is listed
    there is not for us.
    """
    listed = [
        (int(low, 16), int(high, 16)) for low, high in _LIBRARY.findall(libraries)
    ]
    known = {
        os.path.realpath(path)
        for module in prog.modules()
        if not isinstance(module, ExtraModule)
        for path in (module.name, module.loaded_file_path, module.debug_file_path)
        if path is not None
    }
    new = []
    for file in given_files(files):
        if os.path.realpath(file.path) in known:
            continue
        if any(low <= file.address < high for low, high in listed):
            continue
        there = _module_at(prog, file.address)
        if there is not None:
            if there.wants_debug_file():
                there.try_file(file.path)
            continue
        try:
            module = _add(prog, file, open_elf(file.path))
        except (OSError, BadDataError, ValueError):
            continue  # Gone, GDB's alone, or in the place of another.
        if module is not None:
            module.try_file(file.path)
            new.append(module)
    if new:
        prog.load_module_debug_info(*new)


def _module_at(prog: Program, address: int) -> Module | None:
    try:
        return prog.module(address)
    except LookupError:
        return None


def _add(prog: Program, file: GivenFile, elf: ElfFile) -> Module | None:
    """A module for a file, in its place; ValueError if something else is there."""
    if elf.type == _ET_REL:
        placed = dict(_told(file, elf))
        module = prog.relocatable_module(file.path, file.address, create=True)
        module.address_ranges = [
            (start, end) for start, end in placed.values() if start < end
        ]
        for name, (start, _) in placed.items():
            module.section_addresses[name] = start
        return module
    section = elf.section(file.first)
    if section is None:
        return None
    moved = file.address - section.address
    start, end = ((address + moved) & _MASK for address in file_range(elf))
    extra = prog.extra_module(file.path, file.address, create=True)
    extra.address_range = start, end
    return extra


def _told(file: GivenFile, elf: ElfFile) -> Iterator[tuple[str, tuple[int, int]]]:
    """The sections of a relocatable file of which GDB was told where they are.

    It lays out the others from 0 on, one after the other.
    """
    end = 0
    for name, place in file.sections.items():
        section = elf.section(name)
        alignment = max(1, section.addralign) if section is not None else 1
        if place[0] == -(-end // alignment) * alignment:
            end = place[1]
        else:
            yield name, place
