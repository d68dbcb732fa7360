"""How SLUB and SLAB lay out slabs; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from drgn import FaultError, Object, PlatformFlags, Program, cast, offsetof, sizeof
from drgn.helpers import ValidationError
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.linux._page_flags import PageSlab, compound_head
from drgn.helpers.linux._pages import (
    for_each_valid_page_range,
    in_direct_map,
    page_to_virt,
    virt_to_page,
)
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.list import validate_list_for_each_entry
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr

if TYPE_CHECKING:
    from collections.abc import Iterator


class SlabCorruptionError(ValidationError):
    """A slab allocator's data contradicts itself."""


class SlabFreelistCycleError(SlabCorruptionError):
    """A list of free objects runs into a cycle."""


class SlabPartialListError(SlabCorruptionError):
    """A list of partially used slabs is broken."""


def slab_of_address(prog: Program, address: int) -> Object | None:
    """Return the slab that an address is in.

    :return: ``struct slab *`` (``struct page *`` before Linux 5.17), ``None`` if the
        address is in none.
    """
    if not in_direct_map(prog, address):
        return None
    page = compound_head(virt_to_page(prog, address))
    try:
        if not PageSlab(page):
            return None
    except FaultError:
        return None  # A hole in physical memory.
    return _page_slab(page)


def _page_slab(page: Object) -> Object:
    prog = page.prog_
    return Object(prog, prog.pointer_type(prog.type(slab_type(prog))), page.value_())


def slab_address(slab: Object) -> int:
    """Return the address of the memory of a slab."""
    return page_to_virt(cast("struct page *", slab)).value_()


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


def slab_type(prog: Program) -> str:
    """Return the name of the type that describes a slab."""
    try:
        # Since 5.17 (d122019bf061).
        offsetof(prog.type("struct slab"), "slab_cache")
    except (LookupError, TypeError):
        return "struct page"
    return "struct slab"


class SlubAllocator:
    """A cache of SLUB (mm/slub.c)."""

    def __init__(self, cache: Object) -> None:
        self.cache = cache
        prog = self._prog = cache.prog_
        self.object_size: int = cache.size.value_()
        orders: int = cache.oo.x.value_()
        self.order = orders >> 16  # OO_SHIFT
        self.objects_per_slab = orders & 0xFFFF  # OO_MASK
        try:
            self._padding: int = cache.red_left_pad.value_()
        except AttributeError:
            self._padding = 0  # !CONFIG_SLUB_DEBUG
        try:
            self._random: int | None = cache.random.value_()
        except AttributeError:
            self._random = None  # !CONFIG_SLAB_FREELIST_HARDENED
        self._free_offset: int = cache.offset.value_()
        self._word_size = prog.address_size()
        self._on_cpus: set[int] | None = None

    def objects(self, slab: Object) -> range:
        """Return the addresses of the objects of a slab, allocated or free."""
        start = slab_address(slab) + self._padding
        size = self.object_size
        return range(start, start + slab.objects.value_() * size, size)

    def free_objects(self, slab: Object) -> set[int]:
        """Return the addresses of the free objects of a slab.

        :raises SlabCorruptionError: if the list of free objects is broken
        """
        free = self._walk_freelist(slab.freelist.value_(), self.objects(slab))
        return free | self._cpu_objects()

    def _walk_freelist(self, pointer: int, objects: range) -> set[int]:
        read = self._prog.read_word
        offset = self._free_offset
        free: set[int] = set()
        while pointer:
            if pointer in free:
                raise SlabFreelistCycleError(
                    f"{fmt(self.cache)} freelist contains cycle at {pointer:#x}"
                )
            if pointer not in objects:
                raise SlabCorruptionError(
                    f"{fmt(self.cache)} freelist contains {pointer:#x}, which is "
                    "no object of its slab"
                )
            free.add(pointer)
            pointer = self._decode(read(pointer + offset), pointer + offset, objects)
        return free

    def _decode(self, stored: int, address: int, objects: range) -> int:
        """Decode a pointer to the next free object that is stored at *address*."""
        if self._random is None:
            return stored
        # Since 5.7 (1ad53d9fa3f6) and in stable kernels, the address's bytes are
        # swapped.
        size = self._word_size
        swapped = int.from_bytes(address.to_bytes(size, "little"), "big")
        pointer = stored ^ self._random ^ swapped
        if pointer and pointer not in objects:
            unswapped = stored ^ self._random ^ address
            if not unswapped or unswapped in objects:
                return unswapped
        return pointer

    def _cpu_objects(self) -> set[int]:
        """Return the free objects that CPUs have at hand."""
        if self._on_cpus is None:
            free: set[int] = set()
            for cpu in for_each_online_cpu(self._prog):
                free |= self._lockless_objects(cpu)
                free.update(self._sheaf_objects(cpu))
            self._on_cpus = free
        return self._on_cpus

    def _cpu_slab(self, cpu: int) -> Object | None:
        """Return a CPU's ``struct kmem_cache_cpu *``."""
        try:
            cpu_slab = self.cache.cpu_slab.read_()
        except AttributeError:
            return None  # CONFIG_SLUB_TINY
        return per_cpu_ptr(cpu_slab, cpu) if cpu_slab else None

    def _current_slab(self, cpu_slab: Object) -> Object | None:
        """Return the slab that a CPU allocates from."""
        try:
            # Since 5.17 (bb192ed9aa71).
            slab = cpu_slab.slab.read_()
        except AttributeError:
            slab = cpu_slab.page.read_()
        if not slab or slab.slab_cache.value_() != self.cache.value_():
            return None
        return slab

    def _lockless_objects(self, cpu: int) -> set[int]:
        cpu_slab = self._cpu_slab(cpu)
        slab = self._current_slab(cpu_slab) if cpu_slab is not None else None
        if cpu_slab is None or slab is None:
            return set()
        return self._walk_freelist(cpu_slab.freelist.value_(), self.objects(slab))

    def _cpu_partial_slabs(self, cpu: int) -> Iterator[Object]:
        """Iterate over the partially used slabs that a CPU keeps for itself."""
        cpu_slab = self._cpu_slab(cpu)
        if cpu_slab is None:
            return
        try:
            slab = cpu_slab.partial.read_()
        except AttributeError:
            return  # !CONFIG_SLUB_CPU_PARTIAL
        seen = set()
        while slab:
            if slab.value_() in seen:
                raise SlabPartialListError(f"{fmt(self.cache)} CPU partial list: cycle")
            seen.add(slab.value_())
            yield slab
            slab = slab.next.read_()

    def _sheaf_objects(self, cpu: int) -> Iterator[int]:
        """Iterate over the free objects in a CPU's sheaves, which 6.18 brought."""
        try:
            sheaves = self.cache.cpu_sheaves.read_()
        except AttributeError:
            return
        if not sheaves:
            return
        pcs = per_cpu_ptr(sheaves, cpu)
        for sheaf in (pcs.main.read_(), pcs.spare.read_()):
            if sheaf:
                for i in range(sheaf.size.value_()):
                    yield sheaf.objects[i].value_()

    def usage(self) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects."""
        slabs = objects = free = 0
        for node in cache_nodes(self.cache):
            slabs += node.nr_slabs.counter.value_()
            objects += node.total_objects.counter.value_()
            head = node.partial.address_of_()
            try:
                for slab in validate_list_for_each_entry(
                    slab_type(self._prog), head, _slab_list(self._prog)
                ):
                    free += slab.objects.value_() - slab.inuse.value_()
            except ValidationError as e:
                name = fmt(self.cache)
                raise SlabPartialListError(f"{name} partial list: {e}") from None
        for cpu in for_each_online_cpu(self._prog):
            for slab in self._cpu_partial_slabs(cpu):
                free += slab.objects.value_() - slab.inuse.value_()
        return slabs, objects, free + len(self._cpu_objects())


class SlabAllocator:
    """A cache of SLAB (mm/slab.c), which was removed in Linux 6.8."""

    def __init__(self, cache: Object) -> None:
        self.cache = cache
        self._prog = cache.prog_
        self.object_size: int = cache.size.value_()
        self.order: int = cache.gfporder.value_()
        self.objects_per_slab: int = cache.num.value_()
        self._on_cpus: set[int] | None = None

    def objects(self, slab: Object) -> range:
        """Return the addresses of the objects of a slab, allocated or free."""
        start: int = slab.s_mem.value_()
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
            arrays = [
                per_cpu_ptr(self.cache.cpu_cache.read_(), cpu)
                for cpu in for_each_online_cpu(self._prog)
            ]
            for node in cache_nodes(self.cache):
                arrays.append(node.shared.read_())
                alien = node.alien.read_()
                if alien:
                    for nid in for_each_online_node(self._prog):
                        if alien[nid]:
                            arrays.append(alien[nid].ac.address_of_())
            self._on_cpus = {
                array.entry[i].value_()
                for array in arrays
                if array
                for i in range(array.avail.value_())
            }
        return self._on_cpus

    def usage(self) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects."""
        slabs = free = 0
        for node in cache_nodes(self.cache):
            slabs += node.total_slabs.value_()
            free += node.free_objects.value_()
            shared = node.shared.read_()
            if shared:
                free += shared.avail.value_()
        return slabs, slabs * self.objects_per_slab, free


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


def _slab_list(prog: Program) -> str:
    type = prog.type(slab_type(prog))
    for member in ("slab_list", "lru"):
        try:
            offsetof(type, member)
        except LookupError:
            continue
        return member
    raise LookupError("could not find slab_list in struct slab")


def fmt(cache: Object) -> str:
    return escape_ascii_string(cache.name.string_())
