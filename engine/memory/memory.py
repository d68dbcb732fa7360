"""The memory of a program: virtual and physical, one value or many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import FaultError
from .segments import CallbackSegment, Segment
from .space import AddressSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..platform import Platform
    from .gather import Addresses
    from .page_places import PagePlaces
    from .paging import PageTable
    from .segments import Buffer, ReadFn

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
_PAGE_MASK = PAGE_SIZE - 1
# How much of a string is looked at first.
_SHORT_STRING = 256
# Up to how many addresses are read one by one, and if their pages are not known.
_FEW, _SOME = 32, 512

SCALAR_MAX = 8
"""How many bytes a scalar has at most, of those that are read from windows."""

# A range of addresses and a buffer with its contents: the first address, in how many of
# its bytes a scalar may start, and the buffer. Looking whether the difference to the
# first address is in range takes half the time that comparing addresses would, which
# are large integers for Python.
Window = tuple[int, int, "Buffer"]
NO_WINDOW: Window = (0, 0, b"")


class Epoch:
    """A time in which memory does not change."""

    __slots__ = ()


class Memory:
    """Virtual and physical memory.

    ``pages`` remembers where virtual pages lie, by the number of a 4096-byte page: in
    a `Window`, which may hold pages around it, too. ``window`` is the one that was
    looked into last, for the next value is often near. A scalar read of memory that
    does not change is a look there and a ``Struct.unpack_from``; `page` fills them.
    ``epoch`` becomes another whenever memory may have changed.
    """

    __slots__ = (
        "_direct_map",
        "_mmu",
        "_places",
        "cacheable",
        "chunk_pages",
        "epoch",
        "page_limit",
        "pages",
        "physical",
        "virtual",
        "window",
    )

    virtual: AddressSpace
    physical: AddressSpace
    pages: dict[int, Window]
    window: Window
    epoch: Epoch
    cacheable: bool
    """Whether ``pages`` may be filled; a live target's own segments never let it."""
    chunk_pages: int
    """How many pages (a power of two) are remembered together if a buffer has them."""
    page_limit: int
    """How many pages are remembered at most."""

    def __init__(self) -> None:
        self.virtual = AddressSpace()
        self.physical = AddressSpace("physical ")
        self.pages = {}
        self.window = NO_WINDOW
        self.epoch = Epoch()
        self.cacheable = True
        self.chunk_pages = 16
        self.page_limit = 1 << 18
        self._direct_map: int | None = None
        self._mmu: PageTable | None = None
        self._places: PagePlaces | None = None

    def set_platform(self, platform: Platform) -> None:
        """Let addresses have the size that the platform gives them."""
        mask = 2**64 - 1 if platform.is_64_bit else 2**32 - 1
        self.virtual.mask = self.physical.mask = mask

    def is_empty(self) -> bool:
        """Whether there is no memory at all."""
        return not self.virtual and not self.physical

    def add(self, segment: Segment, physical: bool = False) -> None:
        """Add a segment, which hides what it overlaps of earlier ones."""
        (self.physical if physical else self.virtual).add(segment)
        self.invalidate()

    def add_callback(
        self, address: int, size: int, read_fn: ReadFn, physical: bool = False
    ) -> None:
        """Add memory that a function reads, see `CallbackSegment`."""
        self.add(CallbackSegment(address, size, read_fn, physical), physical)

    @property
    def mmu(self) -> PageTable | None:
        """The kernel's own page table, which translates what no segment holds."""
        return self._mmu

    @mmu.setter
    def mmu(self, mmu: PageTable) -> None:
        from .paging import TranslatedSegment

        self._direct_map = None
        self._mmu = mmu
        self.virtual.add_below([TranslatedSegment(mmu, self.physical, is_kernel=True)])
        self.invalidate()

    @property
    def direct_map(self) -> int:
        """The kernel's virtual address of physical address 0 (PAGE_OFFSET).

        Found in the page tables if nobody has set it: most of physical memory is
        mapped there. Raises FaultError if it is not found.
        """
        if self._direct_map is None:
            from .paging import find_direct_map

            self._direct_map = find_direct_map(self.page_table())
        return self._direct_map

    @direct_map.setter
    def direct_map(self, address: int) -> None:
        self._direct_map = address

    def invalidate(self) -> None:
        """Forget all pages and translations: memory has changed."""
        self.epoch = Epoch()
        self.forget_pages()

    def forget_pages(self) -> None:
        """Forget where pages lie, so that the buffers that they lie in can go."""
        self.pages.clear()
        self.window = NO_WINDOW
        self._places = None
        if self._mmu is not None:
            self._mmu.invalidate()

    # One range.

    def page(self, address: int) -> tuple[Buffer, int]:
        """Where the page with a virtual address lies: a buffer and an offset in it.

        Raises FaultError if the page is not wholly readable or not in a buffer that
        stays as it is; `read` is the way then.
        """
        number = (address & self.virtual.mask) >> PAGE_SHIFT
        found = self._find_page(number)
        if found is None:
            raise FaultError("memory is not in one buffer", number << PAGE_SHIFT)
        base, _, buffer = found
        return buffer, (number << PAGE_SHIFT) - base

    def _find_page(self, number: int) -> Window | None:
        """The window with a page; None where no one buffer holds that."""
        found = None
        count = self.chunk_pages
        first = number & -count
        if count > 1:
            try:
                found = self.virtual.locate(first << PAGE_SHIFT, PAGE_SIZE * count)
            except FaultError:
                pass
        if found is None:
            first, count = number, 1
            found = self.virtual.locate(first << PAGE_SHIFT, PAGE_SIZE)
            if found is None:
                return None
        buffer, offset = found
        size = PAGE_SIZE * count
        if len(buffer) != size:
            buffer = memoryview(buffer)[offset : offset + size]
        window = first << PAGE_SHIFT, size - SCALAR_MAX + 1, buffer
        if self.cacheable:
            if len(self.pages) + count > self.page_limit:
                self.forget_pages()
            if count == 1:
                self.pages[number] = window
            else:
                self.pages.update(dict.fromkeys(range(first, first + count), window))
        return window

    def _window(self, address: int) -> Window | None:
        """The window with an address; None where there is none to remember."""
        window = self.pages.get(address >> PAGE_SHIFT)
        if window is None and self.cacheable:
            try:
                window = self._find_page(address >> PAGE_SHIFT)
            except FaultError:
                # What is wanted may be readable though the whole page is not.
                pass
        return window

    def read(self, address: int, size: int, physical: bool = False) -> bytes:
        """Read ``size`` bytes.

        Raises FaultError with the first address that cannot be read.
        """
        if physical:
            return self.physical.read(address & self.physical.mask, size)
        address &= self.virtual.mask
        offset = address & _PAGE_MASK
        if offset + size <= PAGE_SIZE:
            found = self.pages.get(address >> PAGE_SHIFT) or self._window(address)
            if found is not None:
                offset = address - found[0]
                return bytes(found[2][offset : offset + size])
        return self.virtual.read(address, size)

    def write(self, address: int, data: bytes, physical: bool = False) -> None:
        """Change the bytes at an address, see `AddressSpace.write`."""
        space = self.physical if physical else self.virtual
        try:
            space.write(address & space.mask, data)
        finally:
            self.invalidate()

    def read_c_string(
        self, address: int, max_size: int | None = None, physical: bool = False
    ) -> bytes:
        """Read up to a null byte, which is left out, or to ``max_size`` bytes.

        Raises FaultError if neither comes before an address that cannot be read.
        """
        space = self.physical if physical else self.virtual
        left = space.mask + 1 if max_size is None else max_size
        address &= space.mask
        window = None if physical else self._window(address)
        if window is not None:
            # Most strings are short and lie in one page.
            base, _, buffer = window
            offset = address - base
            piece = bytes(buffer[offset : offset + min(left, _SHORT_STRING)])
            end = piece.find(0)
            if end >= 0:
                return piece[:end]
        pieces = []
        while left > 0:
            address &= space.mask
            end, segment = space.find(address)
            size = min(left, end - address, PAGE_SIZE - (address & _PAGE_MASK))
            if segment.bytewise:
                size = 1
            try:
                piece = bytes(segment.read(address, size))
            except FaultError:
                if size == 1:
                    raise
                # The null byte may come before the fault.
                size = 1
                piece = bytes(segment.read(address, 1))
            end = piece.find(0)
            if end >= 0:
                pieces.append(piece[:end])
                break
            pieces.append(piece)
            address += size
            left -= size
        return b"".join(pieces)

    # Page tables.

    def page_table(self, pgtable: int | None = None) -> PageTable:
        """The page table at a virtual address, such as ``mm->pgd``.

        None is the kernel's own. Raises ValueError if there are no page tables.
        """
        if self._mmu is None:
            raise ValueError("page tables are not known")
        if pgtable is None:
            return self._mmu
        return self._mmu.at(self.translate(pgtable))

    def translate(self, address: int, pgtable: int | None = None) -> int:
        """The physical address of a virtual one; FaultError if it is not mapped."""
        return self.page_table(pgtable).lookup(address & self.virtual.mask)[0]

    def read_vm(self, pgtable: int, address: int, size: int) -> bytes:
        """Read memory of the address space with a given top page table.

        ``pgtable`` is its virtual address. Raises FaultError as `read` does.
        """
        from .paging import TranslatedSegment

        space = AddressSpace()
        space.add(TranslatedSegment(self.page_table(pgtable), self.physical))
        return space.read(address, size)

    def translate_many(
        self, addresses: Addresses, pgtable: int | None = None
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The physical addresses of n virtual ones.

        Returns uint64[n] addresses and bool[n], False where nothing is mapped.
        """
        from .gather import address_array

        table = self.page_table(pgtable)
        physical, left = table.translate_many(address_array(addresses))
        return physical, left != 0

    # Arrays.

    def read_array(self, address: int, size: int) -> NDArray[np.uint8]:
        """``size`` bytes as a read-only array: a view if one buffer holds them.

        Raises FaultError with the first address that cannot be read.
        """
        import numpy as np

        address &= self.virtual.mask
        if not size:
            return np.empty(0, np.uint8)
        found = self.virtual.locate(address, size)
        if found is None:
            found = self.virtual.view(address, size), 0
        array = np.frombuffer(found[0], np.uint8, size, found[1])
        array.flags.writeable = False
        return array

    def read_many(
        self, addresses: Addresses, size: int, physical: bool = False
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Read ``size`` bytes at each of n addresses.

        Returns uint8[n, size], with zeroes in the rows that cannot be read, and
        bool[n], False for those.
        """
        import numpy as np

        from .gather import address_array

        where = address_array(addresses)
        space = self.physical if physical else self.virtual
        if space.mask != 2**64 - 1:
            where = where & np.uint64(space.mask)
        if len(where) <= _FEW and not physical and self.cacheable:
            return self._read_few(where.tolist(), size)
        if len(where) and 0 < size <= PAGE_SIZE and not physical and self.cacheable:
            return self._read_rows(where, size)
        out = np.zeros((len(where), size), np.uint8)
        valid = np.zeros(len(where), np.bool_)
        space.gather(where, out, valid)
        return out, valid

    def _read_rows(
        self, addresses: NDArray[np.uint64], size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """`read_many`, by pages whose places are known."""
        import numpy as np

        from .gather import take_rows

        pages = self._page_places()
        places, known = pages.find(addresses, size)
        if known.all():
            out = np.empty((len(addresses), size), np.uint8)
            take_rows(pages.buffer, places, out)
            return out, known
        out = np.zeros((len(addresses), size), np.uint8)
        rows, others = np.flatnonzero(known), np.flatnonzero(~known)
        part = np.empty((len(rows), size), np.uint8)
        take_rows(pages.buffer, places[rows], part)
        out[rows] = part
        where = addresses[others]
        if len(others) <= _SOME:
            part, good = self._read_few(where.tolist(), size)
        else:
            part = np.zeros((len(others), size), np.uint8)
            good = np.zeros(len(others), np.bool_)
            self.virtual.gather(where, part, good)
        out[others], known[others] = part, good
        if good.any():
            self.remember(where[good], size)
        return out, known

    def _page_places(self) -> PagePlaces:
        """What is forgotten with ``pages``, of many."""
        if self._places is None:
            from .page_places import PagePlaces

            self._places = PagePlaces()
        return self._places

    def remember(self, addresses: NDArray[np.uint64], size: int) -> None:
        """Remember where the pages of n things lie that were read, where they stay."""
        if self.cacheable:
            self._page_places().learn(self.virtual, addresses, size)

    def follow(
        self, node: int, end: int, next_offset: int, count: int
    ) -> tuple[NDArray[np.uint64], int]:
        """See `PagePlaces.follow`."""
        return self._page_places().follow(node, end, next_offset, count)

    def _read_few(
        self, addresses: list[int], size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """`read_many`, for so few that looking at each costs less than numpy."""
        import numpy as np

        rows: list[Buffer] = []
        others = []
        for i, address in enumerate(addresses):
            window = self._window(address)
            row: Buffer = b""
            if window is not None:
                offset = address - window[0]
                row = window[2][offset : offset + size]
            if len(row) == size:
                rows.append(row)
            else:
                rows.append(bytes(size))
                others.append(i)
        raw = np.frombuffer(bytearray().join(rows), np.uint8)
        out = raw.reshape(len(addresses), size)
        valid = np.ones(len(addresses), np.bool_)
        if others:
            where = np.array([addresses[i] for i in others], np.uint64)
            part = np.zeros((len(others), size), np.uint8)
            good = np.zeros(len(others), np.bool_)
            self.virtual.gather(where, part, good)
            out[others], valid[others] = part, good
        return out, valid
