"""How many objects a cache of SLAB has; part of :mod:`drgn.helpers.linux.slab`.

As in :mod:`drgn.helpers.linux._slub_lists`, structures are read as bytes and decoded at
offsets that are looked up once.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Program, offsetof
from drgn.helpers.linux._kept import kept
from drgn.helpers.linux._raw import word_struct
from drgn.helpers.linux._slab_layout import field, total_slabs_member
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr


class SlabCounts:
    """Counts the objects of the caches of a kernel, as it was when this was made."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        null = Object(prog, "void *", 0)
        self._cpu_offsets = [
            per_cpu_ptr(null, cpu).value_() for cpu in for_each_online_cpu(prog)
        ]
        self._nodes = list(for_each_online_node(prog))
        self._word = word_struct(prog, 1)

        cache = prog.type("struct kmem_cache")
        self._per_slab = field(cache, "num")
        self._cpu_cache = field(cache, "cpu_cache")
        self._node_pointers = offsetof(cache, "node")
        nodes_end = self._node_pointers + (max(self._nodes, default=-1) + 1) * (
            self._word.size
        )
        self._cache_size = max(nodes_end, self._per_slab.end, self._cpu_cache.end)

        node = prog.type("struct kmem_cache_node")
        self._slabs = field(node, total_slabs_member(prog))
        self._free = field(node, "free_objects")
        self._shared = field(node, "shared")
        self._alien = field(node, "alien")
        fields = self._slabs, self._free, self._shared, self._alien
        self._node_size = max(each.end for each in fields)

        self._available = field(prog.type("struct array_cache"), "avail")

    def usage(self, cache: int) -> tuple[int, int, int]:
        """Return the numbers of slabs, of objects and of free objects of a cache.

        :raises FaultError: if a structure cannot be read
        """
        data = self._prog.read(cache, self._cache_size)
        mask = (1 << 8 * self._word.size) - 1
        per_cpu = self._cpu_cache.get(data)
        arrays = [per_cpu + offset & mask for offset in self._cpu_offsets]
        slabs = free = 0
        for nid in self._nodes:
            place = self._node_pointers + nid * self._word.size
            (address,) = self._word.unpack_from(data, place)
            if not address:
                continue
            node = self._prog.read(address, self._node_size)
            slabs += self._slabs.get(node)
            free += self._free.get(node)
            if shared := self._shared.get(node):
                arrays.append(shared)
            if alien := self._alien.get(node):
                arrays += self._of_other_nodes(alien)
        end = self._available.end
        for array in arrays:
            free += self._available.get(self._prog.read(array, end))
        return slabs, slabs * self._per_slab.get(data), free

    def _of_other_nodes(self, pointers: int) -> Iterator[int]:
        """Iterate over the arrays of what belongs to other nodes."""
        offset = offsetof(self._prog.type("struct alien_cache"), "ac")
        for nid in self._nodes:
            pointer = self._prog.read_word(pointers + nid * self._word.size)
            if pointer:
                yield pointer + offset


def slab_counts(prog: Program) -> SlabCounts:
    """Return what counts objects in a kernel, kept unless the kernel is running."""
    return kept(prog, SlabCounts)
