"""The page allocator's free lists as arrays; part of :mod:`drgn.helpers.linux.mm`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drgn import Object, Program, offsetof
from drgn.helpers.linux._memory_model import memory_maps
from drgn.helpers.linux.mmzone import for_each_online_pgdat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def free_pages(prog: Program) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the blocks of free pages that the buddy allocator has.

    Pages that CPUs keep for themselves are not among them.

    :return: For each of n blocks the frame number of its first page (uint64[n]) and its
        order (int64[n]): it has ``1 << order`` pages.
    :raises BadDataError: if a free list is broken
    :raises FaultError: if what is on one is not a page (of SPARSEMEM without
        SPARSEMEM_VMEMMAP; else that is not checked)

    >>> from drgn.helpers import arrays
    >>> pfns, orders = arrays.free_pages(prog)
    >>> free = int((1 << orders).sum())
    >>> counted = global_zone_page_state(prog["NR_FREE_PAGES"])
    >>> abs(free - counted) <= 125 * num_online_cpus()  # what they have yet to add
    True
    """
    import numpy as np

    # The name since 5.18 (bf75f200569d) is one for the same place.
    link = np.uint64(offsetof(prog.type("struct page"), "lru"))
    pages, orders = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for order, head in _free_lists(prog):
        nodes = prog.chain(head.next, 0, head)
        pages.append(nodes - link)
        orders.append(np.full(len(nodes), order))
    pfns = memory_maps(prog).frames(np.concatenate(pages))
    return pfns, np.concatenate(orders)


def _free_lists(prog: Program) -> Iterator[tuple[int, Object]]:
    """(order, ``struct list_head *``) of all zones."""
    for pgdat in for_each_online_pgdat(prog):
        for zone in pgdat.node_zones[: pgdat.nr_zones.value_()]:
            if not zone.spanned_pages:
                continue  # Of a zone that never had pages, they were never initialized.
            for order, area in enumerate(zone.free_area):
                for head in area.free_list:
                    yield order, head.address_of_()
