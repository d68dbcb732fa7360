"""The "elf" symbol finder: the symbol tables of the modules' files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from .. import log
from ..elf import constants as elf
from ..errors import BadDataError
from ..modules.placement import Bias
from .symbol import Symbol, symbol_of_elf
from .table import Entry, SymbolTable

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from ..modules.module import Module
    from ..modules.placement import Placement
    from ..program import Program


class ModuleSymbols:
    """The symbols of a module, with addresses in the program."""

    __slots__ = ("_all", "_module", "_placement", "_tables")

    def __init__(self, module: Module) -> None:
        self._module = module
        self._placement: Placement = module._placement
        # And the ranges of the module that they were found by.
        self._all: tuple[object, list[Symbol]] | None = None
        try:
            self._tables = self._load(module)
        except BadDataError as error:
            # Other modules' symbols can still be looked up.
            log.warning("can't read symbols of %s: %s", module.name, error)
            self._tables = []

    def _load(self, module: Module) -> Sequence[SymbolTable]:
        """``.symtab`` of a file; else ``.dynsym`` and the one in .gnu_debugdata."""
        for file in (module._debug_file, module._loaded_file):
            table = None if file is None else _table(file, elf.SHT_SYMTAB)
            if file is not None and table is not None:
                self._placement = module._placement_of(file)
                return [table]
        file = module._loaded_file
        if file is None:
            return []
        self._placement = module._placement_of(file)
        found = [_table(file, elf.SHT_DYNSYM), _mini_debug_info(file)]
        return [table for table in found if table is not None]

    def _symbol(self, entry: Entry) -> Symbol | None:
        """A Symbol, None if it is in a section that was not loaded."""
        address: int | None = entry.value
        if entry.section is not None or isinstance(self._placement, Bias):
            address = self._placement.to_address(entry.value, entry.section)
        if address is None:
            return None
        return symbol_of_elf(entry.name, address, entry.size, entry.info)

    def find(
        self, name: str | None, address: int | None
    ) -> Iterator[tuple[int, Symbol]]:
        """Rank and Symbol of the ones with a name, at an address, or both."""
        for table in self._tables:
            if address is not None:
                for entry, symbol in self._at(address, table.containing):
                    if name is None or entry.name == name:
                        yield entry.rank, symbol
                continue
            for entry in () if name is None else table.by_name(name):
                found = self._symbol(entry)
                if found is not None:
                    yield entry.rank, found

    def all(self) -> list[Symbol]:
        """All of them, which are kept: a kernel has a hundred thousand."""
        ranges = self._module._ranges
        if self._all is None or self._all[0] is not ranges:
            entries = (entry for table in self._tables for entry in table.all())
            symbols = map(self._symbol, entries)
            self._all = ranges, [found for found in symbols if found is not None]
        return self._all[1]

    def _at(
        self, address: int, look: Callable[[int], Iterable[Entry]]
    ) -> Iterator[tuple[Entry, Symbol]]:
        """What is found at an address's places in files, and lies there in memory."""
        found = False
        for file_address in self._placement.to_files(address):
            for entry in () if found else look(file_address):
                symbol = self._symbol(entry)
                if symbol is None or address < symbol.address:
                    continue
                if not symbol.size or address - symbol.address < symbol.size:
                    found = True
                    yield entry, symbol

    def best_at(self, address: int) -> Symbol | None:
        """The symbol that names an address best."""
        for table in self._tables:
            for _entry, symbol in self._at(address, table.best):
                return symbol
        return None


def _table(file: ElfFile, type: int) -> SymbolTable | None:
    for section in file.sections:
        if section.type == type:
            return SymbolTable(file, section)
    return None


def _mini_debug_info(file: ElfFile) -> SymbolTable | None:
    """The symbol table of the ELF file in ``.gnu_debugdata`` (compressed with xz)."""
    data = file.contents(".gnu_debugdata")
    if not len(data):
        return None
    import lzma

    from ..elf.file import ElfFile

    where = f"{file.path}: .gnu_debugdata"
    try:
        inner = ElfFile.from_bytes(lzma.decompress(data), where)
    except lzma.LZMAError as error:
        raise BadDataError(f"{where}: {error}") from None
    return _table(inner, elf.SHT_SYMTAB)


def symbols_of(module: Module) -> ModuleSymbols:
    """The symbols of a module, which remembers them until it gets another file."""
    symbols = module._symbols
    if symbols is None:
        symbols = module._symbols = ModuleSymbols(module)
    return symbols


def elf_symbol_finder(
    prog: Program, name: str | None, address: int | None, one: bool
) -> list[Symbol]:
    """Symbols of the modules' ELF files; the best one if ``one``."""
    if address is not None:
        module = prog._modules.for_address(address)
        modules = [] if module is None else [module]
        if one and name is None:
            if module is None:
                return []
            symbol = symbols_of(module).best_at(address)
            return [] if symbol is None else [symbol]
    else:
        modules = list(prog._modules.newest_first())
    if name is None and address is None:
        return list(chain.from_iterable(symbols_of(each).all() for each in modules))
    found: list[Symbol] = []
    best: tuple[int, Symbol] | None = None
    for module in modules:
        for rank, symbol in symbols_of(module).find(name, address):
            if not one:
                found.append(symbol)
            elif best is None or rank < best[0]:
                best = rank, symbol
                if not rank:
                    return [symbol]
    return found if best is None else [best[1]]
