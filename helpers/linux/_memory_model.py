"""Where the pages of page frames are; part of :mod:`drgn.helpers.linux.mm`.

The kernel has three memory models (``include/asm-generic/memory_model.h``): all of
``struct page`` in an array (FLATMEM), in an array with holes (SPARSEMEM_VMEMMAP), or in
an array for each section of memory (SPARSEMEM alone).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from drgn import NULL, FaultError, Object, Program, ProgramFlags, sizeof
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.bitops import for_each_set_bit
from drgn.helpers.linux.mmzone import (
    early_section,
    for_each_present_section,
    section_mem_map_addr,
    section_nr_to_pfn,
    valid_section,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]
    # First page frame, page frame after the last, mem_map as below.
    Range = tuple[int, int, Object]


@takes_program_or_default
def for_each_valid_page_range(prog: Program) -> Iterator[tuple[int, int, Object]]:
    """Iterate over the ranges of page frame numbers that have pages.

    >>> for start_pfn, end_pfn, mem_map in for_each_valid_page_range():
    ...     pages = mem_map[start_pfn:end_pfn]

    :return: Iterator of (first page frame number, page frame number after the last,
        ``struct page *`` such that ``mem_map[pfn]`` is the page of a frame) tuples.
    """
    if "mem_section" not in prog:
        # CONFIG_FLATMEM
        start = _flat_start(prog)
        yield start, start + prog["max_mapnr"].value_(), prog["mem_map"] - start
        return
    last: Range | None = None
    for start, end, mem_map in _section_ranges(prog):
        if last and last[1] == start and last[2] == mem_map:
            last = last[0], end, mem_map
            continue
        if last:
            yield last
        last = start, end, mem_map
    if last:
        yield last


def _flat_start(prog: Program) -> int:
    return prog["ARCH_PFN_OFFSET"].value_() if "ARCH_PFN_OFFSET" in prog else 0


def _section_ranges(prog: Program) -> Iterator[Range]:
    pages_per_section = section_nr_to_pfn(prog, 1).value_()
    for nr, section in for_each_present_section(prog):
        if not valid_section(section):
            continue
        start = nr * pages_per_section
        mem_map = section_mem_map_addr(section)
        subsections = None if early_section(section) else _subsection_map(section)
        if subsections is None:
            yield start, start + pages_per_section, mem_map
            continue
        count = sizeof(subsections) * 8
        step = pages_per_section // count
        for i in for_each_set_bit(subsections, count):
            yield start + i * step, start + (i + 1) * step, mem_map


def _subsection_map(section: Object) -> Object | None:
    # Since 5.3 (f46edbd1b151).
    try:
        return section.usage.subsection_map
    except AttributeError:
        return None


class _Array(NamedTuple):
    address: int
    start: int
    end: int
    mem_map: Object


class MemoryMaps:
    """The arrays of ``struct page`` of a kernel.

    ``whole``: ``struct page *``, the array by page frame number of all of them, None if
    there are several.
    """

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.whole = _whole_map(prog)
        self._base: int | None = None if self.whole is None else self.whole.value_()
        page_type = prog.type("struct page")
        self._size = sizeof(page_type)
        self._pointer = prog.pointer_type(page_type)
        by_frame = []
        if self.whole is None:
            for start, end, mem_map in for_each_valid_page_range(prog):
                address = mem_map.value_() + start * self._size
                by_frame.append(_Array(address, start, end, mem_map))
        self._by_frame = by_frame
        self._starts = [array.start for array in by_frame]
        self._by_address = sorted(by_frame, key=lambda array: array.address)
        self._addresses = [array.address for array in self._by_address]

    def of_frame(self, pfn: int) -> Object:
        """Return the array by page frame number that has the page of a frame.

        :raises FaultError: if the frame has no page
        """
        if self.whole is not None:
            return self.whole
        i = bisect_right(self._starts, pfn) - 1
        if i >= 0 and pfn < self._by_frame[i].end:
            return self._by_frame[i].mem_map
        address = pfn << self.prog["PAGE_SHIFT"].value_()
        raise FaultError("no struct page for physical address", address)

    def frame_of(self, page: Object) -> int:
        """Return the page frame number of a ``struct page *``.

        :raises FaultError: if there is none
        :raises TypeError: if it is a pointer to something else, or none
        """
        if page.type_ is not self._pointer:
            page - NULL(self.prog, self._pointer)  # Subtraction says what is wrong.
        return self.frame(page.value_())

    def frame(self, page: int) -> int:
        """Return the page frame number of the page at an address.

        :raises FaultError: if there is none
        """
        if self._base is not None:
            return (page - self._base) // self._size
        i = bisect_right(self._addresses, page) - 1
        if i >= 0:
            array = self._by_address[i]
            number = (page - array.address) // self._size
            if number < array.end - array.start:
                return array.start + number
        raise FaultError("not a struct page", page)

    def frames(self, pages: Addresses) -> Addresses:
        """Return the page frame numbers of pages.

        :param pages: Addresses of ``struct page``, uint64[n].
        :return: uint64[n]
        :raises FaultError: if one is not a page
        """
        import numpy as np

        size = np.uint64(self._size)
        if self._base is not None:
            return (pages - np.uint64(self._base)) // size
        found = np.empty(len(pages), np.uint64)
        left = np.ones(len(pages), np.bool_)
        for array in self._by_frame:
            numbers = (pages - np.uint64(array.address)) // size
            here = numbers < array.end - array.start  # Huge of pages before it.
            found[here] = numbers[here] + np.uint64(array.start)
            left &= ~here
        if left.any():
            raise FaultError("not a struct page", int(pages[left][0]))
        return found


def _whole_map(prog: Program) -> Object | None:
    if "mem_section" not in prog and "mem_map" in prog:
        return prog["mem_map"] - _flat_start(prog)
    if "vmemmap" in prog:
        return prog["vmemmap"]
    if "mem_section" not in prog:
        return None
    maps = {mem_map.value_(): mem_map for _, _, mem_map in _section_ranges(prog)}
    return next(iter(maps.values())) if len(maps) == 1 else None


def memory_maps(prog: Program) -> MemoryMaps:
    """Return the arrays of pages, kept unless memory may still be added to several."""
    maps: MemoryMaps | None = prog.cache.get(MemoryMaps)
    if maps is None:
        maps = MemoryMaps(prog)
        if maps.whole is not None or not prog.flags & ProgramFlags.IS_LIVE:
            prog.cache[MemoryMaps] = maps
    return maps
