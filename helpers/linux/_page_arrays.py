"""``struct page`` by the million: arrays of them, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from drgn import FaultError, Program, sizeof
from drgn.helpers.linux._memory_model import for_each_valid_page_range
from drgn.helpers.linux._page_flags import page_flag_bits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bytes of struct pages in a chunk: bounded memory on machines of any size.
_CHUNK = 1 << 22
_READABLE_UNIT = 1 << 12


def page_chunks(prog: Program) -> Iterator[tuple[int, NDArray[Any]]]:
    """Iterate over all pages, many at a time.

    :return: Iterator of (first page frame number, array of ``struct page``) tuples, in
        order. Pages whose ``struct page`` cannot be read are left out.

    >>> from drgn.helpers import arrays
    >>> chunks = arrays.page_chunks(prog)
    >>> sum(int((pages["_refcount"]["counter"] == 1).sum()) for _, pages in chunks)
    24313
    """
    for start, end, mem_map in for_each_valid_page_range(prog):
        size = sizeof(mem_map[0])
        base = mem_map.value_()
        pfn = start
        while pfn < end:
            count = min(end - pfn, _CHUNK // size)
            try:
                pages = prog.read_array("struct page", base + pfn * size, count)
            except FaultError as error:
                readable = (error.address - (base + pfn * size)) // size
                if readable > 0:
                    pages = prog.read_array("struct page", base + pfn * size, readable)
                    yield pfn, pages
                # Memory is missing by pages: go on behind this one.
                hole_end = (error.address // _READABLE_UNIT + 1) * _READABLE_UNIT
                pfn = max(-((base - hole_end) // size), pfn + 1)
                continue
            yield pfn, pages
            pfn += count


def page_flags_of(pages: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
    """The flags of each page of an array of ``struct page``."""
    flags = pages["flags"]
    # memdesc_flags_t since 6.18.
    return flags if flags.dtype.names is None else flags["f"]


def are_slabs(prog: Program, pages: NDArray[Any]) -> NDArray[np.bool_]:
    """For each page of an array whether it is the head page of a slab.

    See :func:`~drgn.helpers.linux.mm.PageSlab()`.
    """
    bit = page_flag_bits(prog).get("PG_slab")
    if bit is not None:
        return (page_flags_of(pages) >> bit & 1).astype(bool)
    # A type of pages since 6.10 (46df8e73a4a3), a bit of it before 6.12 (4ffca5a96678).
    page_type = pages["page_type"].astype("u4")
    try:
        return page_type >> 24 == prog["PGTY_slab"].value_()
    except KeyError:
        slab = prog["PG_slab"].value_()
        return page_type & (0xF0000000 | slab) == 0xF0000000


def page_flags(prog: Program) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the flags of all pages.

    :return: Page frame numbers and flags, uint64[n] each, in order. Pages whose
        ``struct page`` cannot be read are left out.

    >>> from drgn.helpers import arrays
    >>> pfns, flags = arrays.page_flags(prog)
    >>> decode_page_flags_value(flags[pfns == 0][0])
    'PG_reserved'
    """
    import numpy as np

    pfns = [np.empty(0, np.uint64)]
    flags = [np.empty(0, np.uint64)]
    for first, pages in page_chunks(prog):
        pfns.append(np.arange(first, first + len(pages), dtype=np.uint64))
        flags.append(page_flags_of(pages).astype(np.uint64))
    return np.concatenate(pfns), np.concatenate(flags)
