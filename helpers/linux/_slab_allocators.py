"""How SLUB and SLAB lay out slabs; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from drgn import FaultError, Object, PlatformFlags, Program, cast, offsetof, sizeof
from drgn.helpers.linux._memory_model import for_each_valid_page_range
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

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    return _page_slab(page)


def _page_slab(page: Object) -> Object:
    prog = page.prog_
    return Object(prog, prog.pointer_type(prog.type(slab_type(prog))), page.value_())


def slabs_of_cache(cache: Object) -> Iterator[Object]:
    """Iterate over the slabs of a cache, in the order of their addresses.

    :return: Iterator of ``struct slab *`` (or ``struct page *``) objects.
    """
    prog = cache.prog_
    offset = offsetof(prog.type(slab_type(prog)), "slab_cache")
    for start, end, mem_map in for_each_valid_page_range(prog):
        page_p, page_size = mem_map.type_, sizeof(mem_map[0])
        first = mem_map.value_() + start * page_size
        for i in _find_word(
            prog, first + offset, end - start, page_size, cache.value_()
        ):
            # Pages of other uses may have the same word at the same place.
            page = Object(prog, page_p, first + i * page_size)
            if PageSlab(page):
                yield _page_slab(page)


# Bytes to read at once when scanning, and to skip if some cannot be read.
_CHUNK = 1 << 21
_SMALL_CHUNK = 1 << 12


def _find_word(
    prog: Program, address: int, count: int, stride: int, word: int
) -> Iterator[int]:
    """Search an array of structures for those that have a word in a place.

    :param address: Address of the word in the first structure.
    :param count: Number of structures.
    :param stride: Size of a structure.
    :return: Iterator of array indices. Structures that cannot be read are skipped.
    """
    size = prog.address_size()
    if prog.platform is not None:
        little = PlatformFlags.IS_LITTLE_ENDIAN in prog.platform.flags
        order: Literal["little", "big"] = "little" if little else "big"
        word = int.from_bytes(word.to_bytes(size, order), sys.byteorder)
    code: Literal["Q", "I"] = "Q" if size == 8 else "I"
    per_chunk = _CHUNK // stride
    small = max(_SMALL_CHUNK // stride, 1)
    i = 0
    while i < count:
        n = min(per_chunk, count - i)
        try:
            data = prog.read(address + i * stride, (n - 1) * stride + size)
        except FaultError:
            if per_chunk == small:
                i += n
            per_chunk = small
            continue
        column = memoryview(data).cast(code)[:: stride // size].tolist()
        found = -1
        while True:
            try:
                found = column.index(word, found + 1)
            except ValueError:
                break
            yield i + found
        i += n
        per_chunk = _CHUNK // stride


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
