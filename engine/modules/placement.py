"""Where the file addresses of a module's files are in the program."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..elf import constants as elf

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from ..elf.headers import Section
    from .module import Module

_MASK = 2**64 - 1


def file_range(file: ElfFile) -> tuple[int, int]:
    """File addresses of a file: start of the first segment, end of the last one."""
    loads = [segment for segment in file.segments if segment.type == elf.PT_LOAD]
    if not loads:
        return 0, 0
    return loads[0].vaddr, loads[-1].vaddr + loads[-1].memsz


class Bias:
    """A file of a module that was loaded as a whole, moved by a number of bytes.

    What would be outside of the module is no address (an offset of a per-CPU variable,
    an absolute number) or is loaded nowhere, and is not moved, unless it is code.
    """

    __slots__ = ("_module", "bias")

    def __init__(self, bias: int, module: Module) -> None:
        self.bias = bias
        self._module = module

    def to_file(self, address: int) -> int | None:
        """The file address of an address."""
        return (address - self.bias) & _MASK

    def to_files(self, address: int) -> Iterator[int]:
        """All file addresses of an address, that of what is not moved, too."""
        if self._is_inside(address):
            yield (address - self.bias) & _MASK
        if not self._is_inside((address + self.bias) & _MASK):
            yield address

    def to_address(self, file_address: int, section: Section | None = None) -> int:
        """The address of a file address."""
        address = (file_address + self.bias) & _MASK
        return address if self._is_inside(address) else file_address

    def _is_inside(self, address: int) -> bool:
        # any() would take twice the time, which all symbols of a kernel show.
        for start, end in self._module._ranges or ():  # noqa: SIM110
            if start <= address <= end:
                return True
        return False

    def to_code(self, file_address: int) -> int:
        """The address of the code of a file address."""
        return (file_address + self.bias) & _MASK


class _Placed(NamedTuple):
    start: int
    size: int
    address: int


class SectionPlacement:
    """A relocatable file whose sections were loaded one by one."""

    __slots__ = ("_addresses", "_by_address", "_by_file")

    def __init__(self, file: ElfFile, addresses: Mapping[str, int]) -> None:
        self._addresses: dict[int, int] = {}
        placed = []
        in_memory = []
        for section in file.sections:
            if not section.flags & elf.SHF_ALLOC:
                continue
            in_memory.append(section)
            address = addresses.get(section.name)
            if address is not None:
                self._addresses[section.index] = address
                placed.append(_Placed(section.address, section.size, address))
        self._by_file = sorted(in_memory, key=_start)
        self._by_address = sorted(placed, key=_address)

    def to_file(self, address: int) -> int | None:
        """The file address of an address, None if no section was loaded there."""
        i = bisect_right(self._by_address, address, key=_address) - 1
        while i >= 0:
            start, size, placed = self._by_address[i]
            if address < placed + size:
                return start + (address - placed)
            if size:
                break
            i -= 1
        return None

    def to_files(self, address: int) -> Iterator[int]:
        """`to_file()`, nothing instead of None."""
        file_address = self.to_file(address)
        if file_address is not None:
            yield file_address

    def to_address(
        self, file_address: int, section: Section | None = None
    ) -> int | None:
        """The address of a file address, None if its section was not loaded.

        What is in no section is no address, and is not moved.

        ``section`` is its section where that is known: the end of one section may be
        the start of the next.
        """
        if section is None:
            section = self._section_at(file_address)
            if section is None:
                return file_address
        address = self._addresses.get(section.index)
        if address is None:
            return None
        return (file_address - section.address + address) & _MASK

    def to_code(self, file_address: int) -> int | None:
        """The address of the code of a file address, None if it was not loaded."""
        return self.to_address(file_address)

    def _section_at(self, file_address: int) -> Section | None:
        i = bisect_right(self._by_file, file_address, key=_start) - 1
        if i >= 0 and file_address <= self._by_file[i].address + self._by_file[i].size:
            return self._by_file[i]
        return None


class NotPlaced(SectionPlacement):
    """A relocatable file of which nobody knows where it was loaded.

    The addresses of objects count from the start of their sections; symbols have none.
    """

    __slots__ = ()

    def __init__(self, file: ElfFile) -> None:
        super().__init__(file, {})

    def to_address(
        self, file_address: int, section: Section | None = None
    ) -> int | None:
        if section is not None:
            return None
        section = self._section_at(file_address)
        return file_address if section is None else file_address - section.address


Placement = Bias | SectionPlacement


def _start(section: Section) -> int:
    return section.address


def _address(placed: _Placed) -> int:
    return placed.address
