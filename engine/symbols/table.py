"""The symbol table of an ELF file (gABI, "Symbol Table")."""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from ..elf import constants as elf
from ..errors import BadDataError

if TYPE_CHECKING:
    from ..cache import Columns
    from ..elf.file import ElfFile
    from ..elf.headers import Section

_STB_LOCAL, _STB_GLOBAL, _STB_WEAK, _STB_GNU_UNIQUE = 0, 1, 2, 10
_STT_FUNC, _STT_SECTION, _STT_FILE, _STT_TLS = 2, 3, 4, 6

_RANKS = {_STB_GLOBAL: 0, _STB_GNU_UNIQUE: 0, _STB_WEAK: 1, _STB_LOCAL: 2}

_Row = tuple[int, int, int, int, int]
"""Of a symbol: name offset, value, size, info and section index."""
# Its items in Elf64_Sym and Elf32_Sym.
_OF_SYM64 = itemgetter(0, 4, 5, 1, 3)
_OF_SYM32 = itemgetter(0, 1, 2, 3, 5)

_CACHE_KIND = "symbols"
_CACHE_VERSION = 4
_CACHE_FROM = 4096
"""Number of symbols from which sorting them takes longer than a cache file."""


class Entry(NamedTuple):
    """An ELF symbol; ``value`` is a file address if ``section`` is one."""

    number: int
    name: str
    value: int
    size: int
    info: int
    section: Section | None

    @property
    def rank(self) -> int:
        """Which of two symbols is preferred: the lower rank."""
        return _RANKS.get(self.info >> 4, 3)


class SymbolTable:
    """Symbols of one table, by name and by file address.

    What is sorted for the lookups comes from the cache where the table is long.
    """

    __slots__ = (
        "_by_hash",
        "_by_start",
        "_data",
        "_ends",
        "_file",
        "_hashes",
        "_in_order",
        "_layout",
        "_sections",
        "_starts",
        "_strings",
        "_xindex",
    )

    def __init__(self, file: ElfFile, section: Section) -> None:
        self._file = file
        self._data = file.contents(section)
        if not 0 < section.link < len(file.sections):
            raise BadDataError(f"{file.path}: {section.name} has no string table")
        self._strings = bytes(file.contents(file.sections[section.link]))
        self._layout = struct.Struct(
            file.order + ("IBBHQQ" if file.is_64 else "IIIBBH")
        )
        self._in_order = _OF_SYM64 if file.is_64 else _OF_SYM32
        self._sections = file.sections
        self._xindex: memoryview | None = None
        for other in file.sections:
            if other.type == elf.SHT_SYMTAB_SHNDX and other.link == section.index:
                self._xindex = file.contents(other)
        self._load_columns(section)

    def __len__(self) -> int:
        return len(self._data) // self._layout.size

    # The columns that lookups search.

    def _load_columns(self, section: Section) -> None:
        """Set the sorted columns, from the cache or by sorting.

        _starts: uint64, file addresses of what has one, ascending; _by_start: uint32,
        its index in the table; _ends: uint64, the greatest end so far of those with a
        size; _hashes: uint32, CRC-32 of names, ascending; _by_hash: uint32, the index
        in the table.
        """
        key = self._file.build_id
        if key is not None and len(self) >= _CACHE_FROM:
            from ..cache import cached_columns

            # A debug file and a loaded file share their build ID.
            key += section.size.to_bytes(8, "little")
            columns = cached_columns(
                _CACHE_KIND,
                _CACHE_VERSION,
                key,
                self._file.path,
                _are_whole,
                self._sort,
            )
        else:
            columns = self._sort()
        self._starts = columns["starts"]
        self._by_start = columns["by_start"]
        self._ends = columns["ends"]
        self._hashes = columns["hashes"]
        self._by_hash = columns["by_hash"]

    def _sort(self) -> Columns:
        strings, crc32 = self._strings, zlib.crc32
        placed: list[tuple[int, int, int]] = []
        hashed: list[tuple[int, int]] = []
        for i, (name, value, size, info, shndx) in enumerate(self._rows()):
            if shndx == elf.SHN_UNDEF:
                continue
            end = strings.find(b"\0", name)
            hashed.append((crc32(strings[name : max(end, 0)]), i))
            if info & 0xF not in (_STT_SECTION, _STT_FILE, _STT_TLS):
                section = self._section(i, shndx)
                value = self._address(value, info)
                if section is None:
                    # It has an address all the same, unless it is still to be placed.
                    if size and (shndx == elf.SHN_ABS or self._file.type != elf.ET_REL):
                        placed.append((value, i, size))
                elif section.flags & elf.SHF_ALLOC:
                    if self._file.type == elf.ET_REL:
                        value += section.address
                    placed.append((value & 2**64 - 1, i, size))
        hashed.sort()
        placed.sort()
        ends = array("Q")
        last = 0
        for start, _, size in placed:
            if size:
                last = min(max(last, start + size), 2**64 - 1)
            ends.append(last)
        columns = {
            "starts": array("Q", [start for start, _, _ in placed]),
            "by_start": array("I", [i for _, i, _ in placed]),
            "ends": ends,
            "hashes": array("I", [value for value, _ in hashed]),
            "by_hash": array("I", [i for _, i in hashed]),
        }
        return {name: memoryview(column) for name, column in columns.items()}

    # Entries.

    def _rows(self) -> Iterator[_Row]:
        whole = self._data[: len(self) * self._layout.size]
        return map(self._in_order, self._layout.iter_unpack(whole))

    def _numbered_rows(self, indexes: Iterable[int]) -> Iterator[tuple[int, _Row]]:
        size = self._layout.size
        for index in indexes:
            if 0 <= index < len(self):
                fields = self._layout.unpack_from(self._data, index * size)
                yield index, self._in_order(fields)

    def _address(self, value: int, info: int) -> int:
        # Bit 0 of the address of an ARM function tells that it is Thumb code.
        is_thumb = self._file.machine == elf.EM_ARM and info & 0xF == _STT_FUNC
        return value & ~1 if is_thumb else value

    def _section(self, index: int, shndx: int) -> Section | None:
        """The section of a symbol, None for special ones (SHN_ABS, SHN_COMMON)."""
        if shndx == elf.SHN_XINDEX and self._xindex is not None:
            raw = self._xindex[4 * index : 4 * index + 4]
            shndx = int.from_bytes(raw, "little" if self._file.little_endian else "big")
        elif shndx >= elf.SHN_LORESERVE:
            return None
        return self._sections[shndx] if shndx < len(self._sections) else None

    def _entries(self, rows: Iterable[tuple[int, _Row]]) -> Iterator[Entry]:
        """The symbols of rows with their numbers in the table that are defined here."""
        # One loop without calls that can be spared: a kernel has a hundred thousand.
        find, strings, make = self._strings.find, self._strings, tuple.__new__
        relocatable = self._file.type == elf.ET_REL
        is_arm = self._file.machine == elf.EM_ARM
        sections: dict[int, Section | None] = {}
        for i, (name, value, size, info, shndx) in rows:
            if shndx == elf.SHN_UNDEF:
                continue
            if shndx in sections:
                section = sections[shndx]
            else:
                section = self._section(i, shndx)
                if shndx != elf.SHN_XINDEX:
                    sections[shndx] = section
            if is_arm:
                value = self._address(value, info)
            if relocatable and section is not None:
                value += section.address
            end = find(b"\0", name)
            text = strings[name : max(end, 0)].decode("utf-8", "backslashreplace")
            yield make(Entry, (i, text, value, size, info, section))

    def _entry(self, index: int) -> Entry | None:
        """A symbol by its number, None if it is not defined here or out of bounds."""
        return next(self._entries(self._numbered_rows([index])), None)

    # Lookups.

    def all(self) -> Iterator[Entry]:
        """All symbols that are defined, in the order of the table."""
        return self._entries(enumerate(self._rows()))

    def by_name(self, name: str) -> Iterator[Entry]:
        """The symbols of a name, in the order of the table."""
        wanted = zlib.crc32(name.encode("utf-8", "surrogateescape"))
        start = bisect_left(self._hashes, wanted)
        end = bisect_right(self._hashes, wanted, start)
        rows = self._numbered_rows(self._by_hash[start:end])
        for entry in self._entries(rows):
            if entry.name == name:
                yield entry

    def containing(self, address: int) -> list[Entry]:
        """The symbols that contain a file address, in the order of the table.

        Where none with a size does, the nearest one without a size before it in its
        section, if no other ends in between.
        """
        found = list(self._sized(address))
        if not found:
            label = self._label(address)
            return [] if label is None else [label]
        found.sort(key=lambda e: e.number)
        return found

    def best(self, address: int) -> list[Entry]:
        """The symbol that names a file address best, if there is one.

        That is the one with the nearest start; of these the smallest; of these
        rather a global one than a weak or a local one; of these the first.
        """
        sized = sorted(
            self._sized(address), key=lambda e: (-e.value, e.size, e.rank, e.number)
        )
        if sized:
            return sized[:1]
        label = self._label(address)
        return [] if label is None else [label]

    def _sized(self, address: int) -> Iterator[Entry]:
        i = bisect_right(self._starts, address) - 1
        while i >= 0 and self._ends[i] > address:
            entry = self._entry(self._by_start[i])
            if entry is not None and entry.value <= address < entry.value + entry.size:
                yield entry
            i -= 1

    def _label(self, address: int) -> Entry | None:
        """The symbol without a size that precedes an address most closely."""
        i = bisect_right(self._starts, address) - 1
        after = self._ends[i] if i >= 0 else 0
        best: Entry | None = None
        while i >= 0 and self._starts[i] >= after:
            entry = self._entry(self._by_start[i])
            i -= 1
            if entry is None or entry.size or entry.section is None:
                continue
            if best is not None and entry.value != best.value:
                break
            # The assembler's own labels are no names of functions.
            if entry.section.flags & elf.SHF_EXECINSTR and entry.name.startswith(".L"):
                continue
            if best is None or (entry.rank, entry.number) < (best.rank, best.number):
                best = entry
        if best is None or best.section is None:
            return None
        # A label that ends a section is not in the next one, where it points to.
        section = best.section
        inside = section.address <= address < section.address + section.size
        return best if inside else None


def _are_whole(columns: Columns) -> bool:
    formats = {"starts": "Q", "by_start": "I", "ends": "Q"}
    formats |= {"hashes": "I", "by_hash": "I"}
    if {name: column.format for name, column in columns.items()} != formats:
        return False
    by_address = {len(columns[name]) for name in ("starts", "by_start", "ends")}
    by_name = {len(columns[name]) for name in ("hashes", "by_hash")}
    return len(by_address) == len(by_name) == 1
