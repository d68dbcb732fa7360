"""How SLUB and SLAB lay out slabs; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from drgn import FaultError, Object, Program, cast
from drgn.helpers.linux._page_flags import PageSlab, compound_head
from drgn.helpers.linux._pages import in_direct_map, virt_to_page
from drgn.helpers.linux._slab_counts import slab_counts
from drgn.helpers.linux._slab_layout import (
    SlabCorruptionError,
    fmt,
    object_offset,
    slab_type,
)
from drgn.helpers.linux._slub_lists import SlubCache, slub_lists
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr


def slab_of_address(prog: Program, address: int) -> Object | None:
    """Return the slab that an address is in.

    :return: ``struct slab *`` (``struct page *`` before Linux 5.17), ``None`` if the
        address is in none.
    """
    if not in_direct_map(prog, address):
        return None
    try:
        page = compound_head(virt_to_page(prog, address))
        if not PageSlab(page):
            return None
    except FaultError:
        return None  # A hole in physical memory.
    return Object(prog, prog.pointer_type(prog.type(slab_type(prog))), page.value_())


class SlubAllocator:
    """A cache of SLUB (mm/slub.c)."""

    def __init__(self, cache: Object) -> None:
        self._cache = cache
        orders: int = cache.oo.x.value_()
        self.order = orders >> 16  # OO_SHIFT
        self.objects_per_slab = orders & 0xFFFF  # OO_MASK
        self._on_cpus: set[int] | None = None

    @cached_property
    def lists(self) -> SlubCache:
        return SlubCache(slub_lists(self._cache.prog_), self._cache)

    def objects(self, slab: Object) -> range:
        """Return the addresses of the objects of a slab, allocated or free."""
        return self.lists.objects(slab.value_(), slab.objects.value_())

    def free_objects(self, slab: Object) -> set[int]:
        """Return the addresses of the free objects of a slab.

        :raises SlabCorruptionError: if the list of free objects is broken
        """
        if self._on_cpus is None:
            self._on_cpus = self.lists.objects_on_cpus()
        free = self.lists.walk_freelist(slab.freelist.value_(), self.objects(slab))
        return free | self._on_cpus

    def usage(self) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects.

        :raises SlabCorruptionError: if a list is broken
        :raises ValueError: if SLUB does not count (without CONFIG_SLUB_DEBUG)
        """
        return self.lists.usage()


class SlabAllocator:
    """A cache of SLAB (mm/slab.c), which was removed in Linux 6.8."""

    def __init__(self, cache: Object) -> None:
        self.cache = cache
        self._prog = cache.prog_
        self._on_cpus: set[int] | None = None

    @cached_property
    def object_size(self) -> int:
        """From one object to the next, in bytes."""
        size: int = self.cache.size.value_()
        return size

    @cached_property
    def object_offset(self) -> int:
        """Where in its place in a slab an object is."""
        return object_offset(self.cache)

    @cached_property
    def order(self) -> int:
        """The allocation order of the slabs."""
        order: int = self.cache.gfporder.value_()
        return order

    @cached_property
    def objects_per_slab(self) -> int:
        """How many objects a slab has."""
        number: int = self.cache.num.value_()
        return number

    def objects(self, slab: Object) -> range:
        """Return the addresses of the objects of a slab, allocated or free."""
        start: int = slab.s_mem.value_() + self.object_offset
        size = self.object_size
        return range(start, start + self.objects_per_slab * size, size)

    def free_objects(self, slab: Object) -> set[int]:
        """Return the addresses of the free objects of a slab."""
        objects = self.objects(slab)
        # Indices of the objects, the free ones behind the allocated ones.
        indices = cast("freelist_idx_t *", slab.freelist.read_())
        try:
            free = {
                objects[indices[i].value_()]
                for i in range(slab.active.value_(), self.objects_per_slab)
            }
        except IndexError:
            raise SlabCorruptionError(
                f"{fmt(self.cache)} slab {slab.value_():#x} has a bad freelist"
            ) from None
        return free | self._cached_objects()

    def _cached_objects(self) -> set[int]:
        """Return the free objects that CPUs and nodes have at hand."""
        if self._on_cpus is None:
            self._on_cpus = {
                array.entry[i].value_() + self.object_offset
                for array in self._arrays()
                for i in range(array.avail.value_())
            }
        return self._on_cpus

    def _arrays(self) -> Iterator[Object]:
        """Iterate over the ``struct array_cache *`` of CPUs and nodes."""
        for cpu in for_each_online_cpu(self._prog):
            yield per_cpu_ptr(self.cache.cpu_cache.read_(), cpu)
        for node in cache_nodes(self.cache):
            shared = node.shared.read_()
            if shared:
                yield shared
            alien = node.alien.read_()  # What belongs to other nodes.
            if alien:
                for nid in for_each_online_node(self._prog):
                    if alien[nid]:
                        yield alien[nid].ac.address_of_()

    def usage(self) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects."""
        return slab_counts(self._prog).usage(self.cache.value_())


def allocator_of(cache: Object) -> SlubAllocator | SlabAllocator:
    """Return how to read a cache.

    :raises ValueError: if the kernel uses SLOB, which cannot be read
    """
    if hasattr(cache, "oo"):
        return SlubAllocator(cache)
    if hasattr(cache, "num"):
        return SlabAllocator(cache)
    raise ValueError("SLOB is not supported")


def cache_nodes(cache: Object) -> Iterator[Object]:
    """Iterate over a cache's data of each NUMA node.

    :return: Iterator of ``struct kmem_cache_node *`` objects.
    """
    for nid in for_each_online_node(cache.prog_):
        node = cache.node[nid].read_()
        if node:
            yield node
