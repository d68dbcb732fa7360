"""Page tables, described by a table of their levels."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import FaultError
from .segments import Segment
from .space import AddressSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .segments import Buffer

_TABLE_LIMIT = 1 << 14
"""How many page tables are remembered at most."""
_WALK_LIMIT = 1 << 20
"""How many page tables a walk visits at most: 4 GiB of them."""
_DIRECT_MAP_TABLES = 1 << 14
_LOOKUP_MAX = 1 << 14
"""Up to so many bytes, looking up each page takes no longer than walking along all."""


class Level(NamedTuple):
    """One level of a page table: 64-bit little-endian entries, 0 means nothing.

    An entry whose ``present`` bits are all clear maps nothing. One that is present
    maps a page of its own if it has all ``leaf`` bits (0: it always does; None: it
    never does) and else points to the table of the next level.
    """

    shift: int
    """The lowest bit of the address that selects an entry."""
    present: int
    leaf: int | None


class PagingMode(NamedTuple):
    """How a processor translates addresses.

    ``inverted`` entries, those that are not zero and have that bit clear, hold the
    complement of their address, of which ``inverted_top`` may be zero all the same.
    """

    levels: tuple[Level, ...]
    """From the top table down."""
    index_bits: int
    address_mask: int
    """The bits of an entry that are an address."""
    inverted: int
    inverted_top: int
    signed: bool
    """Whether the bits above the translated ones repeat the highest of those."""

    @property
    def address_bits(self) -> int:
        """The number of bits of an address that are translated."""
        return self.levels[0].shift + self.index_bits


class Linear(NamedTuple):
    """Addresses that are known to be mapped in order, to ``physical`` and on."""

    start: int
    end: int
    physical: int


class PageTable:
    """Translates virtual addresses by the page tables in physical memory.

    ``root`` is the physical address of the top table. ``linear`` tells what is known to
    be where, which is asked for addresses whose tables cannot be read.
    """

    __slots__ = ("_mode", "_physical", "_tables", "linear", "root")

    def __init__(self, physical: AddressSpace, root: int, mode: PagingMode) -> None:
        self._physical = physical
        self._mode = mode
        self._tables: dict[int, memoryview] = {}
        self.linear: Callable[[], Sequence[Linear]] = tuple
        self.root = root

    def at(self, root: int) -> PageTable:
        """The page table of the same kind whose top table is at ``root``."""
        return PageTable(self._physical, root, self._mode)

    def invalidate(self) -> None:
        """Forget all tables."""
        self._tables.clear()

    def is_in_buffer(self) -> bool:
        """Whether the top table is where it never changes."""
        return self.root in self._tables or self._load(self.root) is not None

    def _entry(self, table: int, index: int) -> int:
        """An entry of the table at a physical address; FaultError if not there."""
        entries = self._load(table)
        if entries is None:
            return int.from_bytes(self._physical.read(table + index * 8, 8), "little")
        return entries[index]

    def _load(self, table: int) -> memoryview | None:
        size = 8 << self._mode.index_bits
        try:
            found = self._physical.locate(table, size)
        except FaultError:
            return None
        if found is None:  # It may change: read each entry when it is needed.
            return None
        if sys.byteorder != "little":
            return None
        if len(self._tables) >= _TABLE_LIMIT:
            self._tables.clear()
        entries = memoryview(found[0])[found[1] : found[1] + size].cast("Q")
        self._tables[table] = entries
        return entries

    def _decode(self, entry: int) -> int:
        mode = self._mode
        if entry & mode.inverted:
            return entry & mode.address_mask
        address = ~entry & mode.address_mask
        if address & mode.inverted_top == mode.inverted_top:
            # They were not inverted: there is no memory up there.
            address &= ~mode.inverted_top
        return address

    def _index(self, address: int) -> int:
        """The part of an address that is translated, -1 if it is not canonical."""
        mode = self._mode
        bits = mode.address_bits
        index = address & ((1 << bits) - 1)
        high = address >> (bits - 1) if mode.signed else address >> bits
        if high and (not mode.signed or high != (1 << (65 - bits)) - 1):
            return -1
        return index

    def lookup(self, address: int) -> tuple[int, int]:
        """The physical address, and how many bytes from there one page maps.

        Raises FaultError if the address is not mapped, and with the physical address
        of an entry that cannot be read.
        """
        index = self._index(address)
        if index >= 0:
            mode, tables, table = self._mode, self._tables, self.root
            mask = (1 << mode.index_bits) - 1
            for shift, present, leaf in mode.levels:
                entries, slot = tables.get(table), (index >> shift) & mask
                try:
                    entry = (
                        self._entry(table, slot) if entries is None else entries[slot]
                    )
                except FaultError:
                    for low, high, physical in self.linear():
                        if low <= address < high:
                            return physical + address - low, high - address
                    raise
                if not entry & present:
                    break
                upright = entry & mode.inverted
                table = entry & mode.address_mask if upright else self._decode(entry)
                if leaf is not None and entry & leaf == leaf:
                    size = 1 << shift
                    offset = address & (size - 1)
                    return (table & -size) + offset, size - offset
        raise FaultError("address is not mapped", address)

    def walk(
        self, start: int, end: int, tables_max: int = _WALK_LIMIT
    ) -> Iterator[tuple[int, int, int]]:
        """(virtual address, physical address, size) of what is mapped in a range.

        In order of virtual address; what adjoins in both is one. Tables that cannot
        be read map what is linear, or nothing.

        Raises FaultError after ``tables_max`` tables: there are more only if they
        refer to each other.
        """
        merged: tuple[int, int, int] | None = None
        for piece in self._walk(start, end, [tables_max]):
            if merged is not None:
                virtual, physical, size = merged
                if (virtual + size, physical + size) == piece[:2]:
                    merged = virtual, physical, size + piece[2]
                    continue
                yield merged
            merged = piece
        if merged is not None:
            yield merged

    def _walk(
        self, start: int, end: int, budget: list[int]
    ) -> Iterator[tuple[int, int, int]]:
        mode = self._mode
        half = 1 << (mode.address_bits - 1)
        if not mode.signed:
            halves = [(0, 2 * half)]
        else:
            halves = [(0, half), (2**64 - half, 2**64)]
        for low, high in halves:
            low, high = max(start, low), min(end, high)
            if low < high:
                yield from self._walk_table(self.root, 0, low, high, budget)

    def _walk_table(
        self, table: int, depth: int, start: int, end: int, budget: list[int]
    ) -> Iterator[tuple[int, int, int]]:
        """The part of ``start`` to ``end`` that a table at a depth maps."""
        if not budget[0]:
            raise FaultError("too many page tables", start)
        budget[0] -= 1
        shift, present, leaf = self._mode.levels[depth]
        size = 1 << shift
        mask = (1 << self._mode.index_bits) - 1
        first, last = start >> shift & mask, end - 1 >> shift & mask
        base = (start & -size) - (first << shift)
        try:
            entries = self._present(table, first, last, present)
        except FaultError:
            yield from self._walk_linear(start, end)
            return
        for index, entry in entries:
            low = max(base + (index << shift), start)
            high = min(base + (index + 1 << shift), end)
            target = self._decode(entry)
            if leaf is not None and entry & leaf == leaf:
                yield low, (target & -size) + (low & size - 1), high - low
            else:
                yield from self._walk_table(target, depth + 1, low, high, budget)

    def _walk_linear(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        for low, high, physical in sorted(self.linear()):
            first, last = max(start, low), min(end, high)
            if first < last:
                yield first, physical + first - low, last - first

    def _present(
        self, table: int, first: int, last: int, present: int
    ) -> list[tuple[int, int]]:
        """(index, entry) of those entries from first to last that are present."""
        data = self._physical.read(table + 8 * first, 8 * (last - first + 1))
        entries = struct.unpack(f"<{last - first + 1}Q", data)
        return [(i, e) for i, e in enumerate(entries, first) if e & present]

    def translate_many(
        self, addresses: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """`lookup` of n addresses.

        Returns uint64[n] physical addresses and uint64[n] bytes that one page maps
        from there, 0 where nothing is mapped or a table cannot be read.
        """
        from .gather import translate_many

        return translate_many(
            self._physical, self.root, self._mode, self.linear, addresses
        )


class TranslatedSegment(Segment):
    """The whole address space as a page table maps it onto physical memory.

    ``is_kernel``: it is the kernel's own, see `Segment.virtual_faults`.
    """

    __slots__ = ("_is_kernel", "_physical", "table")

    def __init__(
        self, table: PageTable, physical: AddressSpace, is_kernel: bool = False
    ) -> None:
        super().__init__(0, 2**64 - 1)  # As upstream: not the last byte.
        self.table = table
        self._physical = physical
        self._is_kernel = is_kernel

    def read(self, address: int, size: int) -> Buffer:
        where, left = self.table.lookup(address)
        if size <= left:
            return self._read_page(address, where, size)
        pieces = []
        if size > _LOOKUP_MAX:
            for start, where, mapped in self.table.walk(address, address + size):
                if start != address:
                    break
                pieces.append(self._read_page(address, where, mapped))
                address += mapped
                size -= mapped
        while size:
            where, left = self.table.lookup(address)
            part = min(size, left)
            pieces.append(self._read_page(address, where, part))
            address += part
            size -= part
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_page(self, address: int, where: int, size: int) -> Buffer:
        try:
            return self._physical.view(where, size)
        except FaultError as error:
            if not self._is_kernel:
                raise
            _, segment = self._physical.find(error.address)
            if not segment.virtual_faults:
                raise
            virtual = error.address - where + address
            raise FaultError(error.message, virtual) from None

    def write(self, address: int, data: bytes) -> None:
        while data:
            where, left = self.table.lookup(address)
            self._physical.write(where, data[:left])
            address += left
            data = data[left:]

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        if not self.table.is_in_buffer():
            return None
        where, left = self.table.lookup(address)
        first = where
        done = left
        while done < size:
            where, left = self.table.lookup(address + done)
            if where != first + done:
                return None
            done += left
        return self._physical.locate(first, size)

    def locate_pages(
        self, addresses: NDArray[np.uint64]
    ) -> tuple[Buffer, NDArray[np.intp], NDArray[np.int64]] | None:
        import numpy as np

        if not self.table.is_in_buffer():
            return None
        where, left = self.table.translate_many(addresses)
        rows = np.flatnonzero(left >= 4096)
        for buffer, part, offsets in self._physical.locate_pages(where[rows]):
            return buffer, rows[part], offsets
        return None

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for address, _physical, size in self.table.walk(start, end):
            yield address, address + size

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        from .gather import gather_translated

        gather_translated(self.table, self._physical, addresses, out, valid)


def find_direct_map(table: PageTable) -> int:
    """Where in the kernel's half all of physical memory is mapped in order.

    Returns the virtual address of physical address 0. Raises FaultError if nothing
    is mapped.
    """
    sizes: dict[int, int] = {}
    memory = sum(end - start for start, end, _ in table._physical)
    # As many tables as it takes in the smallest pages, and some: above it, KASAN maps
    # one page of zeros all over terabytes.
    mode = table._mode
    tables = memory >> mode.levels[-1].shift + mode.index_bits
    budget = [min(tables + 256, _DIRECT_MAP_TABLES)]
    try:
        # Linux maps it below all else that may be large, in huge pages. So what maps
        # a good part of memory is it, and most of its pages need not be visited.
        for address, where, size in table._walk(2**63, 2**64, budget):
            sizes[address - where] = sizes.get(address - where, 0) + size
            if 8 * sizes[address - where] > memory:
                break
    except FaultError:
        pass
    if not sizes:
        raise FaultError("could not find direct mapping", 2**63)
    return max(sizes, key=sizes.__getitem__)
