"""The usage of all slab caches at once; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from drgn import BadDataError, Object, Program, columns, offsetof
from drgn.helpers.linux import _free_lists, _slab_array_caches
from drgn.helpers.linux._readable import read_members, read_strings
from drgn.helpers.linux._slab_arrays import slab_starts
from drgn.helpers.linux._slab_layout import (
    SlabPartialListError,
    fmt,
    not_counted,
    slab_list_member,
    slab_type,
)
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]
    Counts = NDArray[np.int64]


def slab_usage(prog: Program) -> dict[str, NDArray[Any]]:
    """Return how many slabs and objects each slab cache has.

    See :func:`~drgn.helpers.linux.slab.slab_cache_usage()`.

    :return: Arrays of n, a row for each cache in the order of
        :func:`~drgn.helpers.linux.slab.for_each_slab_cache()`: "cache" (uint64, address
        of the ``struct kmem_cache``), "name" (bytes), and the numbers "slabs",
        "objects" and "free" (int64).
    :raises SlabPartialListError: if a list of slabs is broken
    :raises ValueError: if the kernel uses SLOB, which cannot be read, or SLUB without
        CONFIG_SLUB_DEBUG, which does not count

    >>> from drgn.helpers import arrays
    >>> usage = arrays.slab_usage(prog)
    >>> usage["objects"][usage["name"] == b"task_struct"]
    array([120])
    """
    head = prog["slab_caches"].address_of_()
    nodes = prog.chain(head.next, 0, head)
    caches = nodes - np.uint64(offsetof(prog.type("struct kmem_cache"), "list"))
    names = columns(caches, "name", type="struct kmem_cache", prog=prog)["name"]
    table: dict[str, NDArray[Any]] = {
        "cache": caches,
        "name": read_strings(prog, names.filled(0).astype(np.uint64)),
    }
    kmem_cache = prog.type("struct kmem_cache")
    if kmem_cache.has_member("oo"):
        counts = _Slub(prog, caches).usage()
    elif not kmem_cache.has_member("num"):
        raise ValueError("SLOB is not supported")
    else:
        counts = _slab_array_caches.usage(prog, caches)
    return table | dict(zip(("slabs", "objects", "free"), counts, strict=True))


class _Slub:
    """All caches of SLUB; a cache is known by its row."""

    def __init__(self, prog: Program, addresses: Addresses) -> None:
        self.prog = prog
        self.addresses = addresses
        self.slab_type = slab_type(prog)
        if not prog.type("struct kmem_cache_node").has_member("nr_slabs"):
            raise not_counted()
        kmem_cache = prog.type("struct kmem_cache")
        # In pairs with barns since 7.0.
        paired = kmem_cache.has_member("per_node")
        path = "per_node[{}].node" if paired else "node[{}]"
        self.nodes = {nid: path.format(nid) for nid in for_each_online_node(prog)}
        self.barns = [f"per_node[{nid}].barn" for nid in self.nodes if paired]
        optional = ("cpu_slab", "cpu_sheaves", "random", "red_left_pad")
        members = ["size", "offset", *self.nodes.values(), *self.barns]
        members += [member for member in optional if kmem_cache.has_member(member)]
        found = columns(addresses, *members, type=kmem_cache, prog=prog)
        self.caches = {
            member: column.filled(0).astype(np.uint64)
            for member, column in found.items()
        }

    def usage(self) -> Counts:
        """Numbers of slabs, objects and free objects: int64[3, n]."""
        total = np.zeros((3, len(self.addresses)), np.int64)
        partial = [*self.partial_on_nodes(total)]
        rows, cpu_slabs = self.cpu_slabs(total[2])
        if cpu_slabs is not None:
            partial += self.partial_on_cpus(rows, cpu_slabs)
            total[2] += self.lockless(rows, cpu_slabs)
        if partial:
            slabs = np.concatenate([slabs for _, slabs in partial])
            lengths = [len(slabs) for _, slabs in partial]
            rows = np.repeat([row for row, _ in partial], lengths)
            found = self.slab_columns(slabs, "objects", "inuse")
            free = found["objects"].astype(np.int64) - found["inuse"].astype(np.int64)
            np.add.at(total[2], rows, free)
        return total

    def slab_columns(self, slabs: Addresses, *members: str) -> dict[str, NDArray[Any]]:
        found = columns(slabs, *members, type=self.slab_type, prog=self.prog)
        return {member: column.filled(0) for member, column in found.items()}

    def name(self, row: int) -> str:
        return fmt(Object(self.prog, "struct kmem_cache *", int(self.addresses[row])))

    # Partially used slabs, as (row, slabs) pairs.

    def partial_on_nodes(self, total: Counts) -> Iterator[tuple[int, Addresses]]:
        """Those of the NUMA nodes; adds up all slabs and objects, too."""
        offset = offsetof(self.prog.type("struct kmem_cache_node"), "partial")
        member = offsetof(self.prog.type(self.slab_type), slab_list_member(self.prog))
        for path in self.nodes.values():
            addresses = self.caches[path]
            rows = np.flatnonzero(addresses)
            slabs, objects, firsts = read_members(
                self.prog,
                "struct kmem_cache_node",
                addresses[rows],
                "nr_slabs.counter",
                "total_objects.counter",
                "partial.next",
            )
            total[0, rows] += slabs
            total[1, rows] += objects
            heads = addresses[rows] + np.uint64(offset)
            lists = [
                (row, head, first)
                for row, head, first in zip(
                    rows.tolist(), heads.tolist(), firsts.tolist(), strict=True
                )
                if first != head
            ]
            for row, chain in self.checked_lists(lists):
                yield row, chain - np.uint64(member)

    def checked_lists(
        self, lists: list[tuple[int, int, int]]
    ) -> list[tuple[int, Addresses]]:
        """The nodes of (row, head, first) lists, checked as validate_list() does."""
        chains = [(row, self.chain(row, first, head)) for row, head, first in lists]
        if not chains:
            return []
        nodes = np.concatenate([chain for _, chain in chains])
        expected = np.concatenate(
            [
                np.concatenate([np.array([head], np.uint64), chain[:-1]])
                for (_, head, _), (_, chain) in zip(lists, chains, strict=True)
            ]
        )
        (prev,) = read_members(self.prog, "struct list_head", nodes, "prev")
        wrong = np.flatnonzero(prev != expected)
        if len(wrong):
            node = int(nodes[wrong[0]])
            (row,) = (row for row, chain in chains if node in chain)
            raise SlabPartialListError(
                f"{self.name(row)} partial list: prev of {node:#x} is not the node "
                "before it"
            )
        return chains

    def chain(self, row: int, first: int, end: int = 0, offset: int = 0) -> Addresses:
        try:
            return self.prog.chain(first, offset, end)
        except BadDataError as error:
            raise SlabPartialListError(
                f"{self.name(row)} partial list: {error}"
            ) from None

    def partial_on_cpus(
        self, rows: Counts, cpu_slabs: dict[str, Addresses]
    ) -> Iterator[tuple[int, Addresses]]:
        """Those that CPUs keep for themselves (CONFIG_SLUB_CPU_PARTIAL)."""
        if "partial" not in cpu_slabs:
            return
        offset = offsetof(self.prog.type(self.slab_type), "next")
        firsts = cpu_slabs["partial"]
        some = firsts != 0
        for row, first in zip(rows[some].tolist(), firsts[some].tolist(), strict=True):
            yield row, self.chain(row, first, offset=offset)

    # Free objects that CPUs have at hand.

    def cpu_slabs(self, free: Counts) -> tuple[Counts, dict[str, Addresses] | None]:
        """Members of each CPU's ``struct kmem_cache_cpu`` of each cache, and its row.

        Adds up the free objects in sheaves, which 6.18 brought in their place.
        """
        offsets = [
            np.uint64(per_cpu_ptr(Object(self.prog, "void *", 0), cpu).value_())
            for cpu in for_each_online_cpu(self.prog)
        ]
        if "cpu_sheaves" in self.caches:
            rows = np.flatnonzero(self.caches["cpu_sheaves"])
            for offset in offsets:
                found = columns(
                    self.caches["cpu_sheaves"][rows] + offset,
                    "main->size",
                    "spare->size",
                    type="struct slub_percpu_sheaves",
                    prog=self.prog,
                )
                for sizes in found.values():
                    free[rows] += sizes.filled(0).astype(np.int64)
            self.add_full_sheaves(rows, free)
        if "cpu_slab" not in self.caches:
            return np.empty(0, np.int64), None  # CONFIG_SLUB_TINY, for one.
        rows = np.flatnonzero(self.caches["cpu_slab"])
        pointers = self.caches["cpu_slab"][rows]
        addresses = np.concatenate([pointers + offset for offset in offsets])
        per_cpu = self.prog.type("struct kmem_cache_cpu")
        # Since 5.17 (bb192ed9aa71), the page is called slab.
        members = [
            member
            for member in ("freelist", "slab", "page", "partial")
            if per_cpu.has_member(member)
        ]
        read = read_members(self.prog, per_cpu, addresses, *members)
        return np.tile(rows, len(offsets)), dict(zip(members, read, strict=True))

    def add_full_sheaves(self, rows: Counts, free: Counts) -> None:
        """Add up the objects in sheaves that the nodes' barns keep, by row."""
        if self.barns:
            found = [self.caches[path][rows] for path in self.barns]
        else:
            # In the nodes themselves in 6.18 and 6.19; not if CONFIG_SLUB_TINY.
            found = []
            if not self.prog.type("struct kmem_cache_node").has_member("barn"):
                return
            for path in self.nodes.values():
                nodes = self.caches[path][rows]
                barns = np.zeros_like(nodes)
                (barns[nodes != 0],) = read_members(
                    self.prog, "struct kmem_cache_node", nodes[nodes != 0], "barn"
                )
                found.append(barns)
        if not found:
            return
        rows, barns = np.tile(rows, len(found)), np.concatenate(found)
        rows, barns = rows[barns != 0], barns[barns != 0]
        (firsts,) = read_members(
            self.prog, "struct node_barn", barns, "sheaves_full.next"
        )
        heads = barns + np.uint64(
            offsetof(self.prog.type("struct node_barn"), "sheaves_full")
        )
        some = firsts != heads
        ends = (column[some].tolist() for column in (rows, heads, firsts))
        lists = [*zip(*ends, strict=True)]
        back = np.uint64(offsetof(self.prog.type("struct slab_sheaf"), "barn_list"))
        for row, chain in self.checked_lists(lists):
            (sizes,) = read_members(
                self.prog, "struct slab_sheaf", chain - back, "size"
            )
            free[row] += int(sizes.sum())

    def lockless(self, rows: Counts, cpu_slabs: dict[str, Addresses]) -> Counts:
        """The free objects of the slabs that CPUs allocate from, by row."""
        slabs = cpu_slabs["slab" if "slab" in cpu_slabs else "page"]
        some = np.flatnonzero((slabs != 0) & (cpu_slabs["freelist"] != 0))
        found = self.slab_columns(slabs[some], "slab_cache", "objects")
        own = found["slab_cache"] == self.addresses[rows[some]]
        some, counts = some[own], found["objects"][own]
        rows = rows[some]
        starts = slab_starts(self.prog, slabs[some])
        if "red_left_pad" in self.caches:
            starts += self.caches["red_left_pad"][rows]
        random = self.caches.get("random")
        lists = _free_lists.FreeLists(
            cpu_slabs["freelist"][some].astype(np.uint64),
            starts,
            counts.astype(np.uint64),
            self.caches["size"][rows],
            self.caches["offset"][rows],
            None if random is None else random[rows],
        )
        lists_of, _ = _free_lists.free_objects(
            self.prog, lists, lambda i: self.name(int(rows[i]))
        )
        return np.bincount(rows[lists_of], minlength=len(self.addresses))
