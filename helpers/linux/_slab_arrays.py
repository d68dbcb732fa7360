"""The objects of a slab cache as an array; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from drgn import Object, Program, columns, offsetof
from drgn.helpers.linux import _free_lists, _slab_array_caches
from drgn.helpers.linux._kfence import kfence_pool
from drgn.helpers.linux._memory_model import memory_maps
from drgn.helpers.linux._page_arrays import are_slabs, page_chunks
from drgn.helpers.linux._pages import pfn_to_page, pfn_to_virt
from drgn.helpers.linux._quarantine import quarantine
from drgn.helpers.linux._slab_allocators import SlubAllocator, allocator_of
from drgn.helpers.linux._slab_layout import fmt, slab_type

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drgn.helpers.linux._slub_lists import SlubCache

    Addresses = NDArray[np.uint64]


def slab_objects(cache: Object) -> Addresses:
    """Return the addresses of the allocated objects of a slab cache.

    :param cache: ``struct kmem_cache *``
    :return: uint64[n], in order.
    :raises SlabCorruptionError: if a list of free objects is broken

    >>> from drgn.helpers import arrays
    >>> tasks = arrays.slab_objects(find_slab_cache("task_struct"))
    >>> find_task(1).value_() in tasks
    True
    """
    return np.concatenate([np.empty(0, np.uint64), *allocated_chunks(cache)])


def slabs(cache: Object) -> Addresses:
    """Return the addresses of the slabs of a slab cache.

    The pages of objects that KFENCE has allocated are not among them.

    :param cache: ``struct kmem_cache *``
    :return: Addresses of ``struct slab`` (``struct page`` before Linux 5.17),
        uint64[n], in order.

    >>> from drgn.helpers import arrays
    >>> cache = find_slab_cache("task_struct")
    >>> len(arrays.slabs(cache)) == slab_cache_usage(cache).num_slabs
    True
    """
    return np.concatenate([np.empty(0, np.uint64), *slab_chunks(cache)])


def allocated_chunks(cache: Object) -> Iterator[Addresses]:
    """Iterate over what `slab_objects` returns, many at a time."""
    prog = cache.prog_
    kept_back = quarantine(prog)
    guarded = kfence_pool(prog).allocated_objects(cache)
    for objects, size in _allocated_in_slabs(cache):
        if kept_back:
            objects = objects[~kept_back.which(objects, size)]
        if len(guarded) and len(objects) and guarded[0] < objects[-1]:
            objects, guarded = np.sort(np.concatenate([objects, guarded])), guarded[:0]
        yield objects
    yield guarded


def _allocated_in_slabs(cache: Object) -> Iterator[tuple[Addresses, int]]:
    """Iterate over allocated objects as the allocator knows them, and their size."""
    allocator = allocator_of(cache)
    if isinstance(allocator, SlubAllocator):
        for slabs in slab_chunks(cache):
            objects = _allocated_slub(allocator.lists, slabs)
            yield objects, allocator.lists.object_size
        return
    at_hand = _slab_array_caches.objects_at_hand(cache)
    for slabs in slab_chunks(cache):
        objects = _slab_array_caches.allocated_objects(cache, slabs, at_hand)
        yield objects, allocator.object_size


def slab_chunks(cache: Object) -> Iterator[Addresses]:
    """Iterate over the slabs of a cache, many at a time, in order.

    :return: Iterator of arrays of addresses of ``struct slab`` (``struct page`` before
        Linux 5.17).
    """
    prog = cache.prog_
    kfence = kfence_pool(prog)
    offset = offsetof(prog.type(slab_type(prog)), "slab_cache")
    word = prog.type("unsigned long").dtype
    for first, pages in page_chunks(prog):
        # struct slab lies where struct page does.
        caches = np.ndarray(
            (len(pages),), word, pages.view(np.uint8).data, offset, (pages.itemsize,)
        )
        found = np.flatnonzero(caches == cache.value_())
        # Pages of other uses may have the same word at the same place.
        found = found[are_slabs(prog, pages[found])]
        if kfence:
            found = found[~kfence.has_pages(first + found)]
        if len(found):
            base = pfn_to_page(prog, first).value_()
            yield found.astype(np.uint64) * np.uint64(pages.itemsize) + np.uint64(base)


def slab_starts(prog: Program, slabs: Addresses) -> Addresses:
    """Return the addresses of the memory of slabs.

    :param slabs: Addresses of ``struct slab`` (or ``struct page``).
    """
    start = np.uint64(pfn_to_virt(prog, 0).value_())
    page_size = np.uint64(prog["PAGE_SIZE"].value_())
    return memory_maps(prog).frames(slabs) * page_size + start


def _allocated_slub(cache: SlubCache, slabs: Addresses) -> Addresses:
    prog = cache.cache.prog_
    found = columns(slabs, "objects", "freelist", type=slab_type(prog), prog=prog)
    counts = found["objects"].filled(0).astype(np.int64)
    starts = slab_starts(prog, slabs) + np.uint64(cache.padding)

    # The objects of all slabs in a row.
    first = np.cumsum(counts) - counts
    slab_of = np.repeat(np.arange(len(slabs)), counts)
    number = (np.arange(len(slab_of)) - first[slab_of]).astype(np.uint64)
    objects = starts[slab_of] + number * np.uint64(cache.object_size)
    allocated = np.ones(len(objects), np.bool_)

    def everywhere(value: int) -> Addresses:
        return np.full(len(slabs), value, np.uint64)

    lists = _free_lists.FreeLists(
        found["freelist"].filled(0).astype(np.uint64),
        starts,
        counts.astype(np.uint64),
        everywhere(cache.object_size),
        everywhere(cache.pointer_offset),
        None if cache.random is None else everywhere(cache.random),
    )
    name = fmt(cache.cache)
    slab, free = _free_lists.free_objects(prog, lists, lambda _: name)
    allocated[first[slab] + free] = False
    on_cpus = np.array(sorted(cache.objects_on_cpus()), np.uint64)
    return objects[allocated & ~np.isin(objects, on_cpus)]
