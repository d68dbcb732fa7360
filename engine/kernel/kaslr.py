"""Where a running kernel of x86-64 lies, with nothing but its vmlinux and the machine.

Linux maps its image somewhere in the gibibyte from `START_KERNEL_MAP` on, at a multiple
of 2 MiB (arch/x86/boot/compressed/kaslr.c). The page tables of a processor say what is
mapped there, and the build ID where the image would have it says that this is it.
Page tables are found by the control registers, in physical memory. A debugger that has
neither reads at each of the 512 places, as its processor translates addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..errors import FaultError
from ..memory.paging import TranslatedSegment
from ..memory.x86_64 import X86_64PageTable
from .vmlinux import (
    KERNEL_MAP_END,
    START_KERNEL_MAP,
    Identity,
    Vmlinux,
    find_banner,
    find_build_id,
)

if TYPE_CHECKING:
    from ..memory.paging import PageTable
    from ..memory.space import AddressSpace

    Read = Callable[[int, int], bytes]
    """Of an address and a size; FaultError if that cannot be read."""

ALIGNMENT = 1 << 21
_MASK = 2**64 - 1
_CR0_PG = 1 << 31
_CR4_LA57 = 1 << 12
# Beside the kernel's top page table PTI has the user's, in the next page; below are
# PCID and caching (arch/x86/entry/calling.h).
_PTI_USER = 1 << 12
_CR3_ADDRESS = ((1 << 52) - 1) & ~0xFFF
# How many page tables may map the image: 512 and some, unless they are no page tables.
_TABLES_MAX = 1 << 10
_SEARCH_CHUNK = 1 << 20
_SEARCH_MAX = 128 << 20


class ControlRegisters(NamedTuple):
    """What a processor does with addresses; None is not known."""

    cr3: int
    cr0: int | None = None
    cr4: int | None = None

    @property
    def paging(self) -> bool:
        """Whether it translates addresses at all."""
        return self.cr0 is None or bool(self.cr0 & _CR0_PG)

    def page_tables(self, physical: AddressSpace) -> Iterator[tuple[PageTable, int]]:
        """Page tables that it may use in the kernel, and their number of levels."""
        if not self.paging:
            return
        levels = [4, 5]
        if self.cr4 is not None:
            levels = [5 if self.cr4 & _CR4_LA57 else 4]
        root = self.cr3 & _CR3_ADDRESS
        for depth in levels:
            for address in dict.fromkeys((root, root & ~_PTI_USER)):
                yield X86_64PageTable(physical, address, depth), depth


class KernelImage(NamedTuple):
    """A kernel in memory, and how to tell that it still is there."""

    offset: int
    """How far KASLR moved it from where it is linked to be, modulo 2**64."""
    phys_base: int
    """The kernel's variable of that name: what to add to
    ``address - START_KERNEL_MAP`` for a physical address."""
    levels: int | None
    """Levels of the page tables, None if they were not looked at."""
    where: int
    """Virtual address of the signature, which has these bytes:"""
    signature: bytes

    def address(self, linked: int) -> int:
        """Where something is that is linked to an address."""
        return linked + self.offset & _MASK

    def physical(self, address: int) -> int:
        """The physical address of a virtual one in the image."""
        return address - START_KERNEL_MAP + self.phys_base


class View:
    """The kernel's gibibyte as some processor may see it."""

    levels: int | None = None
    """Levels of the page tables, None if they are not known."""

    @cached_property
    def pieces(self) -> list[tuple[int, int]]:
        """(start, end) of what is mapped, in order, and apart from each other."""
        pieces: list[tuple[int, int]] = []
        for start, end in self._mapped():
            if pieces and pieces[-1][1] == start:
                pieces[-1] = pieces[-1][0], end
            else:
                pieces.append((start, end))
        return pieces

    def _mapped(self) -> Iterator[tuple[int, int]]:
        raise NotImplementedError

    def read(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes; FaultError if they are not mapped."""
        raise NotImplementedError

    def phys_base(self, vmlinux: Vmlinux, offset: int) -> int:
        """The kernel's variable of that name; FaultError if it cannot be read."""
        found = vmlinux.symbol("phys_base")
        if found is None:
            raise FaultError(f"{vmlinux.path} has no symbol phys_base", 0)
        data = self.read(found.address + offset & _MASK, 8)
        return int.from_bytes(data, "little", signed=True)


class PageTableView(View):
    """What a page table maps."""

    def __init__(self, table: PageTable, physical: AddressSpace, levels: int) -> None:
        self._table = table
        self._memory = TranslatedSegment(table, physical)
        self.levels = levels

    def _mapped(self) -> Iterator[tuple[int, int]]:
        walk = self._table.walk(START_KERNEL_MAP, KERNEL_MAP_END, _TABLES_MAX)
        try:
            for start, _, size in walk:
                yield start, start + size
        except FaultError:
            pass  # These are no page tables: they refer to each other.

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._memory.read(address, size))

    def phys_base(self, vmlinux: Vmlinux, offset: int) -> int:
        start = vmlinux.start + offset & _MASK
        return self._table.lookup(start)[0] - (start - START_KERNEL_MAP)


class ProbedView(View):
    """What can be read, at the start of every 2 MiB."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def _mapped(self) -> Iterator[tuple[int, int]]:
        for start in range(START_KERNEL_MAP, KERNEL_MAP_END, ALIGNMENT):
            try:
                self._read(start, 1)
            except FaultError:
                continue
            yield start, start + ALIGNMENT

    def read(self, address: int, size: int) -> bytes:
        return self._read(address, size)


def page_table_views(
    physical: AddressSpace, cpus: Sequence[ControlRegisters]
) -> Iterator[View]:
    """A view of each page table that processors may use, each one once."""
    seen = set()
    for cpu in cpus:
        for table, levels in cpu.page_tables(physical):
            if (table.root, levels) not in seen:
                seen.add((table.root, levels))
                yield PageTableView(table, physical, levels)


def find_kernel(vmlinux: Vmlinux, views: Iterable[View]) -> KernelImage | None:
    """Where the kernel of a file lies, None if no view shows it."""
    signature = vmlinux.signature
    if signature is None:
        return None
    for view in views:
        for offset in _offsets(vmlinux, view.pieces):
            where = signature.address + offset & _MASK
            try:
                if view.read(where, len(signature.data)) != signature.data:
                    continue
                base = view.phys_base(vmlinux, offset)
            except FaultError:
                continue
            return KernelImage(offset, base, view.levels, where, signature.data)
    return None


def find_again(
    vmlinux: Vmlinux, image: KernelImage, views: Iterable[View]
) -> View | None:
    """The first view that still shows a kernel at its place.

    After a reset the image may remain in memory for a while, so that its bytes at
    their physical addresses alone would be no proof.
    """
    for view in views:
        try:
            if (
                view.read(image.where, len(image.signature)) == image.signature
                and view.phys_base(vmlinux, image.offset) == image.phys_base
            ):
                return view
        except FaultError:
            continue
    return None


def _offsets(vmlinux: Vmlinux, pieces: list[tuple[int, int]]) -> Iterator[int]:
    """How far the image may have been moved, so that it starts in a piece.

    The kernel unmaps what lies around its image, so that the starts come first.
    """
    starts = [low + -low % ALIGNMENT for low, _ in pieces]
    for low, high in pieces:
        starts += range(low + -low % ALIGNMENT, high, ALIGNMENT)
    for start in dict.fromkeys(starts):
        yield start - vmlinux.start & _MASK


def explain(vmlinux: Vmlinux, views: Iterable[View]) -> str:
    """Why `find_kernel` finds nothing; this looks for what is there instead."""
    if vmlinux.signature is None:
        return f"{vmlinux.path} has neither a build ID nor a banner to look for"
    seen: list[list[tuple[int, int]]] = []
    for view in views:
        if view.pieces and view.pieces not in seen:
            seen.append(view.pieces)
            other = _identify(view)
            if other is not None:
                return (
                    f"{vmlinux.path} is of another kernel than the one that runs:"
                    f" {vmlinux.identity}; running is {other}"
                )
    return "no kernel is running yet, or none can be seen"


def _identify(view: View) -> Identity | None:
    """What the kernel in a view calls itself, None if there is none."""
    banner: str | None = None
    build_id: bytes | None = None
    left = _SEARCH_MAX
    for low, high in view.pieces:
        for start in range(low, high, _SEARCH_CHUNK):
            size = min(_SEARCH_CHUNK, high - start, left)
            left -= size
            if not size:
                break
            try:
                data = view.read(start, size)
            except FaultError:
                continue
            banner = banner or find_banner(data)
            build_id = build_id or find_build_id(data)
            if banner and build_id:
                return Identity(banner, build_id)
    return Identity(banner, build_id) if banner else None


def find_direct_map(vmlinux: Vmlinux, image: KernelImage, read: Read) -> int | None:
    """The virtual address of physical address 0, without page tables.

    None if the kernel does not say it. FaultError if it cannot be read.
    """
    variable = vmlinux.symbol("page_offset_base")
    if variable is not None:  # Since 4.8 (021182e52fe0), unless it is a constant.
        data = read(image.address(variable.address), 8)
        return int.from_bytes(data, "little")
    # The top table's entry that shows the image a second time.
    start = image.address(vmlinux.start)
    first = read(start, 64)
    for slot in range(256, 511):
        low = 0xFFFF << 48 | slot << 39
        try:
            if read(low + image.physical(start), 64) == first:
                return low
        except FaultError:
            continue
    return None
