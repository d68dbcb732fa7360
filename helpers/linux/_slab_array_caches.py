"""The slabs and caches of SLAB as arrays; part of :mod:`drgn.helpers.linux.slab`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drgn import Object, Program, offsetof, sizeof
from drgn.helpers.linux._readable import read_members, read_values
from drgn.helpers.linux._slab_layout import (
    SlabCorruptionError,
    fmt,
    object_offset,
    slab_type,
    total_slabs_member,
)
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.nodemask import for_each_online_node
from drgn.helpers.linux.percpu import per_cpu_ptr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]
    Counts = NDArray[np.int64]


def allocated_objects(cache: Object, slabs: Addresses, at_hand: Addresses) -> Addresses:
    """Return the addresses of the allocated objects of slabs of a cache.

    :param slabs: Addresses of ``struct slab`` (or ``struct page``).
    :param at_hand: What `objects_at_hand` returns for the cache.
    :return: uint64[n], in the order of the slabs.
    :raises FaultError: if a slab cannot be read
    :raises SlabCorruptionError: if a list of free objects is broken
    """
    prog = cache.prog_
    per_slab: int = cache.num.value_()
    starts, active, lists = read_members(
        prog, slab_type(prog), slabs, "s_mem", "active", "freelist"
    )
    numbers = np.arange(per_slab, dtype=np.uint64)
    size = np.uint64(cache.size.value_())
    starts = starts.astype(np.uint64) + np.uint64(object_offset(cache))
    objects = starts[:, None] + numbers * size
    # Numbers of objects, those of the free ones behind those of the allocated ones.
    slab, place = np.nonzero(numbers >= active.astype(np.uint64)[:, None])
    free = _free_numbers(prog, lists[slab].astype(np.uint64), place)
    wrong = np.flatnonzero(free >= per_slab)
    if len(wrong):
        raise SlabCorruptionError(
            f"{fmt(cache)} slab {int(slabs[slab[wrong[0]]]):#x} has a bad freelist"
        )
    allocated = ~np.isin(objects, at_hand)
    allocated[slab, free] = False
    return objects[allocated]


def _free_numbers(prog: Program, lists: Addresses, places: Counts) -> Counts:
    type = prog.type("freelist_idx_t")
    size = sizeof(type)
    addresses = lists + places.astype(np.uint64) * np.uint64(size)
    numbers: Counts = read_values(prog, type, addresses).astype(np.int64)
    return numbers


def objects_at_hand(cache: Object) -> Addresses:
    """Return the free objects that CPUs and nodes keep: uint64[n]."""
    prog = cache.prog_
    _, arrays, counts = _array_caches(prog, np.array([cache.value_()], np.uint64))
    entry = np.uint64(offsetof(prog.type("struct array_cache"), "entry"))
    word = prog.address_size()
    first = np.cumsum(counts) - counts
    number = np.arange(counts.sum()) - np.repeat(first, counts)
    addresses = np.repeat(arrays + entry, counts)
    addresses += number.astype(np.uint64) * np.uint64(word)
    places: Addresses = read_values(prog, "unsigned long", addresses).astype(np.uint64)
    return places + np.uint64(object_offset(cache))


def usage(prog: Program, caches: Addresses) -> Counts:
    """Return the numbers of slabs, of objects and of free objects of caches.

    :param caches: Addresses of ``struct kmem_cache``.
    :return: int64[3, n]
    :raises FaultError: if a structure cannot be read
    """
    total = np.zeros((3, len(caches)), np.int64)
    rows, nodes = _nodes(prog, caches)
    slabs, free = read_members(
        prog,
        "struct kmem_cache_node",
        nodes,
        total_slabs_member(prog),
        "free_objects",
    )
    np.add.at(total[0], rows, slabs.astype(np.int64))
    np.add.at(total[2], rows, free.astype(np.int64))
    (per_slab,) = read_members(prog, "struct kmem_cache", caches, "num")
    total[1] = total[0] * per_slab.astype(np.int64)
    rows, _, at_hand = _array_caches(prog, caches)
    np.add.at(total[2], rows, at_hand)
    return total


def _nodes(prog: Program, caches: Addresses) -> tuple[Counts, Addresses]:
    """The ``struct kmem_cache_node`` of caches, and the row of the cache of each."""
    paths = [f"node[{nid}]" for nid in for_each_online_node(prog)]
    if not paths:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    found = np.stack(read_members(prog, "struct kmem_cache", caches, *paths))
    node, rows = np.nonzero(found)
    return rows, found[node, rows].astype(np.uint64)


def _array_caches(prog: Program, caches: Addresses) -> tuple[Counts, Addresses, Counts]:
    """The ``struct array_cache`` of the CPUs and nodes of caches.

    Returns for each the row of its cache, its address and how many objects it has.
    """
    (per_cpu,) = read_members(prog, "struct kmem_cache", caches, "cpu_cache")
    rows = [np.empty(0, np.int64)]
    arrays = [np.empty(0, np.uint64)]
    for cpu in for_each_online_cpu(prog):
        offset = per_cpu_ptr(Object(prog, "void *", 0), cpu).value_()
        rows.append(np.arange(len(caches)))
        arrays.append(per_cpu.astype(np.uint64) + np.uint64(offset))

    node_rows, nodes = _nodes(prog, caches)
    shared, alien = read_members(
        prog, "struct kmem_cache_node", nodes, "shared", "alien"
    )
    rows.append(node_rows[shared != 0])
    arrays.append(shared[shared != 0].astype(np.uint64))

    # What belongs to other nodes: arrays of pointers.
    some = alien != 0
    word = prog.address_size()
    for nid in for_each_online_node(prog):
        if not some.any():
            break
        slots = alien[some].astype(np.uint64) + np.uint64(nid * word)
        pointers = read_values(prog, "unsigned long", slots).astype(np.uint64)
        offset = offsetof(prog.type("struct alien_cache"), "ac")
        rows.append(node_rows[some][pointers != 0])
        arrays.append(pointers[pointers != 0] + np.uint64(offset))

    addresses = np.concatenate(arrays)
    (counts,) = read_members(prog, "struct array_cache", addresses, "avail")
    return np.concatenate(rows), addresses, counts.astype(np.int64)
