"""Which pages a dump may leave out: makedumpfile's dump levels, from vmcoreinfo alone.

Sources: makedumpfile(8) for the levels, include/linux/mmzone.h for mem_section,
include/linux/page-flags.h for page types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .vmcore import PAGE_SIZE, Vmcore

#: struct mem_section.section_mem_map: flags beneath the pointer.
SECTION_HAS_MEM_MAP = 1 << 1
SECTION_MAP_MASK = ~((1 << 6) - 1)
#: struct page.mapping: the page is anonymous.
PAGE_MAPPING_ANON = 1

Mask = npt.NDArray[np.bool_]


def zero_pages(core: Vmcore) -> Mask:
    """Dump level 1, by page frame number."""
    mask = np.zeros(core.max_pfn, np.bool_)
    for start, data in core.segments:
        words = data.view(np.uint8).reshape(-1, PAGE_SIZE)
        for at in range(0, len(words), 4096):
            first = start // PAGE_SIZE + at
            block = words[at : at + 4096]
            mask[first : first + len(block)] = ~block.any(axis=1)
    return mask


def free_and_user_pages(core: Vmcore) -> Mask:
    """Dump levels 8 and 16, user pages and free pages, by page frame number."""
    mask = np.zeros(core.max_pfn, np.bool_)
    buddy = core.number("NUMBER", "PAGE_BUDDY_MAPCOUNT_VALUE")
    for first, pages in _struct_pages(core):
        mapcount = _column(core, pages, "_mapcount", "<i4")
        anonymous = _column(core, pages, "mapping", "<u8") & PAGE_MAPPING_ANON
        user = (anonymous != 0) & (mapcount >= 0)
        mask[first : first + len(pages)] |= user[: len(mask) - first]
        orders = _column(core, pages, "private", "<u8")
        for index in np.flatnonzero(mapcount == buddy):
            count = 1 << int(orders[index])
            mask[first + index : first + index + count] = True
    return mask


def _column(
    core: Vmcore, pages: npt.NDArray[np.uint8], member: str, dtype: str
) -> npt.NDArray[Any]:
    """One member of struct page, for each of the pages."""
    offset = core.number("OFFSET", f"page.{member}")
    size = np.dtype(dtype).itemsize
    field = np.ascontiguousarray(pages[:, offset : offset + size])
    return field.view(dtype)[:, 0]


def _struct_pages(core: Vmcore) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield (first pfn, uint8 array of shape (pages, SIZE(page))) of each section."""
    # Not in those of older kernels, where it is 27 on x86_64.
    section_bits = int(core.vmcoreinfo.get("NUMBER(SECTION_SIZE_BITS)", 27))
    section_pages = 1 << section_bits - 12
    section_size = core.number("SIZE", "mem_section")
    map_offset = core.number("OFFSET", "mem_section.section_mem_map")
    page_size = core.number("SIZE", "page")
    per_root = PAGE_SIZE // section_size
    roots = core.symbol("mem_section")
    for number in range(-(-core.max_pfn // section_pages)):
        (sections,) = struct.unpack(
            "<Q", core.read(roots + 8 * (number // per_root), 8)
        )
        if not sections:
            continue
        section = sections + section_size * (number % per_root)
        (encoded,) = struct.unpack("<Q", core.read(section + map_offset, 8))
        if not encoded & SECTION_HAS_MEM_MAP:
            continue
        first = number * section_pages
        # The pointer is encoded so that indexing it by page frame number works.
        address = (encoded & SECTION_MAP_MASK) + first * page_size
        raw = core.read(address, section_pages * page_size)
        yield first, np.frombuffer(raw, np.uint8).reshape(-1, page_size)
