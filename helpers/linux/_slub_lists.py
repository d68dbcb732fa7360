"""The lists that SLUB keeps of slabs and free objects; part of
:mod:`drgn.helpers.linux.slab`.

A kernel has hundreds of caches, each with lists for every CPU and node. What is read of
them are structures as bytes, decoded at offsets that are looked up once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from drgn import FaultError, Object, Program, Type, offsetof, sizeof
from drgn.helpers import ValidationError
from drgn.helpers.linux._kept import kept
from drgn.helpers.linux._memory_model import memory_maps
from drgn.helpers.linux._pages import pfn_to_virt
from drgn.helpers.linux._raw import word_struct
from drgn.helpers.linux._slab_layout import (
    Field,
    SlabCorruptionError,
    SlabFreelistCycleError,
    SlabPartialListError,
    field,
    fmt,
    not_counted,
    slab_list_member,
    slab_type,
)
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr

_from_bytes = int.from_bytes


def _optional(type: Type, *designators: str) -> Field | None:
    for designator in designators:
        try:
            return field(type, designator)
        except LookupError:
            continue
    return None


class _Layout:
    """Where everything is in the structures of a kernel."""

    def __init__(self, prog: Program) -> None:
        cache = prog.type("struct kmem_cache")
        # In pairs with barns since 7.0 (in 6.18 and 6.19, barns are in the nodes).
        paired = _optional(cache, "per_node") is not None
        self.node_pointers = offsetof(cache, "per_node" if paired else "node")
        self.node_stride = prog.address_size()
        self.barn_pointers: int | None = None
        if paired:
            pair = prog.type("struct kmem_cache_per_node_ptrs")
            self.node_stride = sizeof(pair)
            self.barn_pointers = self.node_pointers + offsetof(pair, "barn")
            self.node_pointers += offsetof(pair, "node")
        self.size = field(cache, "size")
        self.pointer_offset = field(cache, "offset")
        # CONFIG_SLUB_DEBUG, CONFIG_SLAB_FREELIST_HARDENED, not CONFIG_SLUB_TINY
        self.padding = _optional(cache, "red_left_pad")
        self.random = _optional(cache, "random")
        self.cpu_slab = _optional(cache, "cpu_slab")

        node = prog.type("struct kmem_cache_node")
        self.node_size = sizeof(node)
        # CONFIG_SLUB_DEBUG
        self.nr_slabs = _optional(node, "nr_slabs.counter")
        self.total_objects = _optional(node, "total_objects.counter")
        self.node_partial = offsetof(node, "partial")

        slab = prog.type(slab_type(prog))
        self.slab_size = sizeof(slab)
        self.slab_list = offsetof(slab, slab_list_member(prog))
        self.slab_cache = field(slab, "slab_cache")
        self.objects = field(slab, "objects")
        self.inuse = field(slab, "inuse")
        self.next_slab = _optional(slab, "next")  # CONFIG_SLUB_CPU_PARTIAL

        if self.cpu_slab is not None:
            per_cpu = prog.type("struct kmem_cache_cpu")
            self.per_cpu_size = sizeof(per_cpu)
            self.freelist = field(per_cpu, "freelist")
            # Since 5.17 (bb192ed9aa71) a struct slab.
            current = _optional(per_cpu, "slab", "page")
            assert current is not None
            self.current = current
            self.partial = _optional(per_cpu, "partial")  # CONFIG_SLUB_CPU_PARTIAL


class SlubLists:
    """Reads the lists of the caches of a kernel, as it was when this was made."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        layout: _Layout | None = prog.cache.get(_Layout)
        if layout is None:
            layout = prog.cache[_Layout] = _Layout(prog)
        self.layout = layout
        null = Object(prog, "void *", 0)
        self.cpu_offsets = [
            per_cpu_ptr(null, cpu).value_() for cpu in for_each_online_cpu(prog)
        ]
        self.nodes = list(for_each_online_node(prog))
        self._maps = memory_maps(prog)
        self._first_address: int = pfn_to_virt(prog, 0).value_()
        self._page_size: int = prog["PAGE_SIZE"].value_()

    def slab_address(self, slab: int) -> int:
        """Return the address of the memory of a slab."""
        return self._first_address + self._maps.frame(slab) * self._page_size

    def free_on_list(self, head: int) -> int:
        """Count the free objects of the slabs on a list, checking its pointers.

        :raises ValidationError: if *head* or a slab is not what its neighbor points to
        """
        layout = self.layout
        read = self.prog.read
        link = word_struct(self.prog, 2)
        word = (1 << 8 * self.prog.address_size()) - 1
        previous = head
        (address, _) = link.unpack(read(head, link.size))
        free = 0
        while address != head:
            start = (address - layout.slab_list) & word  # As C does it.
            data = read(start, layout.slab_size)
            following, back = link.unpack_from(data, layout.slab_list)
            if back != previous:
                raise ValidationError(
                    f"{previous:#x} next {address:#x} has prev {back:#x}"
                )
            free += layout.objects.get(data) - layout.inuse.get(data)
            previous, address = address, following
        return free

    def free_on_chain(self, slab: int) -> int:
        """Count the free objects of the slabs that a CPU keeps for itself.

        :raises ValidationError: if the chain runs into a cycle
        """
        layout = self.layout
        free = 0
        seen = set()
        while slab and layout.next_slab is not None:
            if slab in seen:
                raise ValidationError("cycle")
            seen.add(slab)
            data = self.prog.read(slab, layout.slab_size)
            free += layout.objects.get(data) - layout.inuse.get(data)
            slab = layout.next_slab.get(data)
        return free


def slub_lists(prog: Program) -> SlubLists:
    """Return what reads the lists of a kernel, kept unless the kernel is running."""
    return kept(prog, SlubLists)


class SlubCache:
    """The lists of a cache."""

    def __init__(self, lists: SlubLists, cache: Object) -> None:
        self._lists = lists
        self._prog = lists.prog
        self.cache = cache
        layout = lists.layout
        nodes = max(lists.nodes, default=-1) + 1
        word = lists.prog.address_size()
        address: int = cache.value_()
        first = max(layout.node_pointers, layout.barn_pointers or 0)
        end = first + (nodes - 1) * layout.node_stride + word if nodes else first
        data = self._prog.read(address, end)
        self.object_size = layout.size.get(data)
        self.pointer_offset = layout.pointer_offset.get(data)
        self.padding = layout.padding.get(data) if layout.padding else 0
        self.random = layout.random.get(data) if layout.random else None
        per_cpu = layout.cpu_slab.get(data) if layout.cpu_slab else 0
        mask = (1 << 8 * word) - 1
        self._per_cpu = [
            per_cpu + offset & mask for offset in lists.cpu_offsets if per_cpu
        ]
        self._word = word_struct(self._prog, 1)
        self._nodes = self._of_nodes(data, layout.node_pointers)
        self._barns: list[int] | None = None
        if layout.barn_pointers is not None:
            self._barns = self._of_nodes(data, layout.barn_pointers)

    def _of_nodes(self, data: bytes, first: int) -> list[int]:
        """Return the pointers that a cache has for the nodes of a system."""
        unpack, stride = self._word.unpack_from, self._lists.layout.node_stride
        pointers = (unpack(data, first + nid * stride)[0] for nid in self._lists.nodes)
        return [pointer for pointer in pointers if pointer]

    def usage(self) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects.

        :raises SlabCorruptionError: if a list is broken
        """
        lists, layout = self._lists, self._lists.layout
        if layout.nr_slabs is None or layout.total_objects is None:
            raise not_counted()
        slabs = objects = free = 0
        for node in self._nodes:
            data = self._prog.read(node, layout.node_size)
            slabs += layout.nr_slabs.get(data)
            objects += layout.total_objects.get(data)
            try:
                free += lists.free_on_list(node + layout.node_partial)
            except ValidationError as error:
                message = f"{fmt(self.cache)} partial list: {error}"
                raise SlabPartialListError(message) from None
        return slabs, objects, free + self._free_on_cpus()

    def _free_on_cpus(self) -> int:
        layout = self._lists.layout
        free: set[int] = set()
        on_partial = 0
        for address in self._per_cpu:
            data = self._prog.read(address, layout.per_cpu_size)
            free |= self._lockless_objects(data)
            if layout.partial is not None:
                try:
                    on_partial += self._lists.free_on_chain(layout.partial.get(data))
                except ValidationError as error:
                    message = f"{fmt(self.cache)} CPU partial list: {error}"
                    raise SlabPartialListError(message) from None
        free.update(self._sheaf_objects())
        return len(free) + on_partial

    def objects_on_cpus(self) -> set[int]:
        """Return the addresses of the free objects that CPUs have at hand.

        :raises SlabCorruptionError: if a list is broken
        """
        layout = self._lists.layout
        free: set[int] = set()
        for address in self._per_cpu:
            free |= self._lockless_objects(
                self._prog.read(address, layout.per_cpu_size)
            )
        free.update(self._sheaf_objects())
        return free

    def _lockless_objects(self, per_cpu: bytes) -> set[int]:
        layout = self._lists.layout
        slab = layout.current.get(per_cpu)
        pointer = layout.freelist.get(per_cpu)
        if not slab or not pointer:
            return set()
        data = self._prog.read(slab, layout.slab_size)
        if layout.slab_cache.get(data) != self.cache.value_():
            return set()
        return self.walk_freelist(pointer, self.objects(slab, layout.objects.get(data)))

    def objects(self, slab: int, count: int) -> range:
        """Return the addresses of the objects of a slab that has *count* of them."""
        start = self._lists.slab_address(slab) + self.padding
        return range(start, start + count * self.object_size, self.object_size)

    def walk_freelist(self, pointer: int, objects: range) -> set[int]:
        """Return the objects on the list of free ones that begins with *pointer*.

        :param objects: Objects of the list's slab.
        :raises SlabCorruptionError: if the list is broken
        """
        # Slabs have many objects: this calls no function of ours for each.
        start, offset, random = objects.start, self.pointer_offset, self.random
        load = self._loader(objects)
        size = self._word.size
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
            address = pointer + offset
            (pointer,) = load(address - start)
            if random is None:
                continue
            # Since 5.7 (1ad53d9fa3f6) and in stable kernels, the address's bytes are
            # swapped.
            stored = pointer ^ random
            pointer = stored ^ _from_bytes(address.to_bytes(size, "little"), "big")
            if pointer and pointer not in objects:
                unswapped = stored ^ address
                if not unswapped or unswapped in objects:
                    pointer = unswapped
        return free

    def _loader(self, objects: range) -> Callable[[int], tuple[int]]:
        """Return what loads a word of a slab, which is read as a whole, at an offset.

        It returns a tuple, as a Struct does.
        """
        start = objects.start
        try:
            data = self._prog.read(start, objects.stop - start)
        except FaultError:
            read = self._prog.read_word
            return lambda offset: (read(start + offset),)
        return partial(self._word.unpack_from, data)

    def _sheaf_objects(self) -> Iterator[int]:
        """Iterate over the free objects in sheaves, which 6.18 brought."""
        for sheaf in self._sheaves():
            for i in range(sheaf.size.value_()):
                yield sheaf.objects[i].value_()

    def _sheaves(self) -> Iterator[Object]:
        """Iterate over the sheaves of the CPUs, and the full ones in nodes' barns."""
        try:
            sheaves = self.cache.cpu_sheaves.read_()
        except AttributeError:
            return
        if not sheaves:
            return
        for cpu in for_each_online_cpu(self._prog):
            pcs = per_cpu_ptr(sheaves, cpu)
            for sheaf in (pcs.main.read_(), pcs.spare.read_()):
                if sheaf:
                    yield sheaf
        barns = self._barns
        if barns is None:
            nodes = (
                Object(self._prog, "struct kmem_cache_node *", node)
                for node in self._nodes
            )
            barns = [node.barn.value_() for node in nodes]
        for address in barns:
            if address:
                barn = Object(self._prog, "struct node_barn *", address)
                yield from list_for_each_entry(
                    "struct slab_sheaf", barn.sheaves_full.address_of_(), "barn_list"
                )
