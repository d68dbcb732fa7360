"""The part of a Program that reads and searches memory."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from ..arguments import UINT64_MAX, uint64
from ..memory.memory import PAGE_SHIFT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..memory.gather import Addresses
    from ..memory.memory import Memory
    from ..memory.search import MemorySearchIterator
    from ..memory.segments import Buffer
    from ..objects.object import Object
    from ..platform import Platform
    from ..types.type import Type
    from .program import Program

IntegerOrRange = SupportsIndex | tuple[SupportsIndex, SupportsIndex]

# The most bytes that an object in memory can have.
_MAX_SIZE = 2**63 - 1


class MemoryAccess:
    """Reading memory, one value or a whole array at a time, and searching it."""

    __slots__ = ()

    _memory: Memory
    _platform: Platform | None

    def _is_little_endian(self) -> bool:
        if self._platform is None:
            raise ValueError("program byte order is not known")
        return self._platform.is_little_endian

    def _is_64_bit(self) -> bool:
        if self._platform is None:
            raise ValueError("program address size is not known")
        return self._platform.is_64_bit

    def _require_address_size(self) -> None:
        """Raise ValueError if the size of addresses is not known."""
        self._is_64_bit()

    def address_size(self) -> int:
        """Size of an address in bytes; ValueError if it is not known."""
        return 8 if self._is_64_bit() else 4

    def _address(self, address: SupportsIndex) -> int:
        # Addresses wrap around at the size of an address.
        value = uint64(address)
        return value if self._is_64_bit() else value & 0xFFFFFFFF

    def read(
        self, address: SupportsIndex, size: SupportsIndex, physical: bool = False
    ) -> bytes:
        """Read ``size`` bytes at ``address``.

        Raises FaultError with the first address that cannot be read.
        """
        # Helpers that decode bytes themselves live of it: no call that can be spared.
        if self._platform is None:
            raise ValueError("program address size is not known")
        if type(address) is not int or not 0 <= address <= UINT64_MAX:
            address = uint64(address)
        if type(size) is not int or not 0 <= size <= _MAX_SIZE:
            size = _size(size)
        return self._memory.read(address, size, physical)

    def read_u8(self, address: SupportsIndex, physical: bool = False) -> int:
        """Read an unsigned 8-bit integer."""
        return self.read(address, 1, physical)[0]

    def read_u16(self, address: SupportsIndex, physical: bool = False) -> int:
        """Read an unsigned 16-bit integer in the program's byte order."""
        return self._read_uint(address, 2, physical)

    def read_u32(self, address: SupportsIndex, physical: bool = False) -> int:
        """Read an unsigned 32-bit integer in the program's byte order."""
        return self._read_uint(address, 4, physical)

    def read_u64(self, address: SupportsIndex, physical: bool = False) -> int:
        """Read an unsigned 64-bit integer in the program's byte order."""
        return self._read_uint(address, 8, physical)

    def read_word(self, address: SupportsIndex, physical: bool = False) -> int:
        """Read an unsigned integer of the size of an address."""
        if self._platform is None:
            raise ValueError("program word size is not known")
        return self._read_uint(address, self._platform.address_size, physical)

    def _read_uint(self, address: SupportsIndex, size: int, physical: bool) -> int:
        # Lists are walked with this: no call that can be spared.
        platform = self._platform
        if platform is None:
            raise ValueError("program byte order is not known")
        if type(address) is not int or not 0 <= address <= UINT64_MAX:
            address = uint64(address)
        memory = self._memory
        window = None if physical else memory.pages.get(address >> PAGE_SHIFT)
        data: Buffer = b""
        if window is not None:
            memory.window = window
            offset = address - window[0]
            data = window[2][offset : offset + size]
        if len(data) != size:
            data = memory.read(address, size, physical)
        return int.from_bytes(data, platform.byteorder)

    def read_c_string(
        self,
        address: SupportsIndex,
        physical: bool = False,
        *,
        max_size: SupportsIndex = _MAX_SIZE,
    ) -> bytes:
        """Read bytes up to a null byte, which is not returned, or ``max_size``."""
        start = self._address(address)
        max_size = _size(max_size, "max_size")
        return self._memory.read_c_string(start, max_size, physical)

    def add_memory_segment(
        self,
        address: SupportsIndex,
        size: SupportsIndex,
        read_fn: Callable[[int, int, int, bool], bytes],
        physical: bool = False,
    ) -> None:
        """Define memory that ``read_fn(address, count, offset, physical)`` reads.

        ``offset`` counts from the start of the segment. A later segment hides
        what it covers of earlier ones.
        """
        address, size = uint64(address), uint64(size)
        if not callable(read_fn):
            raise TypeError("read_fn must be callable")
        self._require_address_size()
        self._memory.add_callback(address, size, read_fn, physical)

    # Page tables and arrays, which upstream does not have.

    def translate(
        self, address: SupportsIndex, pgtable: SupportsIndex | None = None
    ) -> int:
        """The physical address of a virtual one.

        ``pgtable`` is the address of a task's top page table, as in
        ``mm->pgd``; None means the kernel's own. Raises FaultError if the
        address is not mapped.
        """
        return self._memory.translate(
            self._address(address), None if pgtable is None else uint64(pgtable)
        )

    def translate_many(
        self, addresses: Addresses, pgtable: SupportsIndex | None = None
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The physical addresses of n virtual ones.

        Returns uint64[n] addresses and bool[n], False where nothing is mapped.
        """
        return self._memory.translate_many(
            addresses, None if pgtable is None else uint64(pgtable)
        )

    def read_vm(
        self, pgtable: SupportsIndex, address: SupportsIndex, size: SupportsIndex
    ) -> bytes:
        """Read memory of the address space whose top page table is ``pgtable``."""
        return self._memory.read_vm(uint64(pgtable), uint64(address), _size(size))

    def read_array(
        self: Program, type: str | Type, address: SupportsIndex, count: SupportsIndex
    ) -> NDArray[Any]:
        """``count`` consecutive values of ``type`` as an array of ``type.dtype``.

        Shape (count,); a read-only view of the dump where that is possible.
        Raises FaultError if a part cannot be read.
        """
        from ..columns.read import read_array

        return read_array(self, type, uint64(address), operator.index(count))

    def gather(self: Program, type: str | Type, addresses: Addresses) -> Any:
        """The values of ``type`` at each of n addresses, as a masked array.

        Shape (n,), dtype ``type.dtype``; the mask is set where memory could not
        be read, and where ``addresses``, which may be a masked array, is masked.

        Raises TypeError for addresses that are no integers, as floats are not.
        """
        from ..columns.read import gather

        return gather(self, type, addresses)

    def chain(
        self: Program,
        first: SupportsIndex,
        next_offset: SupportsIndex = 0,
        end: SupportsIndex = 0,
    ) -> NDArray[np.uint64]:
        """The addresses of the nodes of a linked list.

        ``first`` is the address of a node, in which the pointer to the next one lies
        at ``next_offset``; the pointer that is ``end`` ends the list. Shape (n,).

        Raises FaultError if a node cannot be read, and BadDataError if the list runs
        into a cycle.
        """
        from ..objects.chains import nodes

        first, end = self._address(first), self._address(end)
        return nodes(self, first, end, operator.index(next_offset))

    # Searching.

    @overload
    def search_memory(
        self: Program, value: bytes | str, *, alignment: int = 1
    ) -> MemorySearchIterator[int]: ...

    @overload
    def search_memory(
        self: Program, value: SupportsIndex | Object
    ) -> MemorySearchIterator[int]: ...

    def search_memory(
        self: Program, value: Any, **kwargs: Any
    ) -> MemorySearchIterator[int]:
        """Iterate over the addresses where ``value`` lies in memory."""
        from .searching import search_memory

        return search_memory(self, value, **kwargs)

    @overload
    def search_memory_regex(
        self: Program, pattern: bytes
    ) -> MemorySearchIterator[tuple[int, bytes]]: ...

    @overload
    def search_memory_regex(
        self: Program, pattern: str
    ) -> MemorySearchIterator[tuple[int, str]]: ...

    def search_memory_regex(self: Program, pattern: Any) -> MemorySearchIterator[Any]:
        """Iterate over (address, match) of a regular expression in memory."""
        from .searching import search_memory_regex

        return search_memory_regex(self, pattern)

    def search_memory_u16(
        self: Program, *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
    ) -> MemorySearchIterator[tuple[int, int]]:
        """Iterate over (address, value) of aligned 16-bit integers."""
        return self._search_uint(2, values, ignore_mask)

    def search_memory_u32(
        self: Program, *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
    ) -> MemorySearchIterator[tuple[int, int]]:
        """Iterate over (address, value) of aligned 32-bit integers."""
        return self._search_uint(4, values, ignore_mask)

    def search_memory_u64(
        self: Program, *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
    ) -> MemorySearchIterator[tuple[int, int]]:
        """Iterate over (address, value) of aligned 64-bit integers."""
        return self._search_uint(8, values, ignore_mask)

    def search_memory_word(
        self: Program, *values: IntegerOrRange, ignore_mask: SupportsIndex = 0
    ) -> MemorySearchIterator[tuple[int, int]]:
        """Iterate over (address, value) of aligned integers of address size."""
        return self._search_uint(None, values, ignore_mask)

    def _search_uint(
        self: Program,
        size: int | None,
        values: tuple[Any, ...],
        ignore_mask: SupportsIndex,
    ) -> MemorySearchIterator[tuple[int, int]]:
        from .searching import search_memory_uint

        return search_memory_uint(self, size, values, ignore_mask)


def _size(size: SupportsIndex, name: str = "size") -> int:
    """``size`` as a number of bytes, OverflowError if nothing can be so large."""
    number = operator.index(size)
    if -_MAX_SIZE - 1 <= number < 0:
        raise ValueError(f"negative {name}")
    if not 0 <= number <= _MAX_SIZE:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return number
