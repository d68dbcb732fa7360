"""
Slab Allocator
--------------

``drgn.helpers.linux.slab`` works with the slab allocators SLUB and SLAB.

.. warning::

    The kernel may merge slab caches; see :func:`slab_cache_is_merged()`.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from typing import NamedTuple

from drgn import NULL, IntegerLike, Object, Program, Type, chains
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._kfence import kfence_pool
from drgn.helpers.linux._quarantine import quarantine
from drgn.helpers.linux._slab_allocators import (
    allocator_of,
    slab_of_address,
)
from drgn.helpers.linux._slab_layout import (
    SlabCorruptionError as SlabCorruptionError,
)
from drgn.helpers.linux._slab_layout import (
    SlabFreelistCycleError as SlabFreelistCycleError,
)
from drgn.helpers.linux._slab_layout import (
    SlabPartialListError as SlabPartialListError,
)
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.vmstat import global_node_page_state, global_zone_page_state

__all__ = (
    "find_containing_slab_cache",
    "find_slab_cache",
    "for_each_slab_cache",
    "get_slab_cache_aliases",
    "print_slab_caches",
    "slab_cache_for_each_allocated_object",
    "slab_cache_is_merged",
    "slab_cache_objects_per_slab",
    "slab_cache_order",
    "slab_cache_pages_per_slab",
    "slab_cache_usage",
    "slab_object_info",
    "slab_total_usage",
)


class SlabCacheUsage(NamedTuple):
    """What :func:`slab_cache_usage()` returns."""

    num_slabs: int
    """Slabs."""
    num_objs: int
    """Objects, allocated or free."""
    free_objs: int
    """Free objects."""

    @property
    def active_objs(self) -> int:
        """Allocated objects."""
        return self.num_objs - self.free_objs


class SlabTotalUsage(NamedTuple):
    """What :func:`slab_total_usage()` returns."""

    reclaimable_pages: int
    """Pages that the kernel can get back when memory is short."""
    unreclaimable_pages: int
    """Pages that it cannot."""

    @property
    def total_pages(self) -> int:
        """All pages."""
        return self.reclaimable_pages + self.unreclaimable_pages


class SlabObjectInfo:
    """What :func:`slab_object_info()` returns."""

    __slots__ = ("address", "allocated", "slab", "slab_cache")

    def __init__(
        self, slab_cache: Object, slab: Object, address: int, allocated: bool | None
    ) -> None:
        self.slab_cache = slab_cache
        """``struct kmem_cache *``"""
        self.slab = slab
        """``struct slab *``, ``struct page *`` before Linux 5.17"""
        self.address = address
        """Address of the object."""
        self.allocated = allocated
        """Whether the object is allocated, ``None`` if that is not known."""

    def __repr__(self) -> str:
        return (
            f"SlabObjectInfo(slab_cache={self.slab_cache!r}, slab={self.slab!r}, "
            f"address={self.address:#x}, allocated={self.allocated!r})"
        )


@takes_program_or_default
def for_each_slab_cache(prog: Program) -> Iterator[Object]:
    """Iterate over the slab caches.

    :return: Iterator of ``struct kmem_cache *`` objects.

    >>> b"dentry" in [cache.name.string_() for cache in for_each_slab_cache(prog)]
    True
    """
    return list_for_each_entry(
        "struct kmem_cache", prog["slab_caches"].address_of_(), "list"
    )


@takes_program_or_default
def find_slab_cache(prog: Program, name: str | bytes) -> Object | None:
    """Return the slab cache with a name.

    :param name: Name.
    :return: ``struct kmem_cache *``, ``None`` if there is none.

    >>> find_slab_cache(prog, "dentry").object_size
    (unsigned int)192
    """
    wanted = os.fsencode(name)
    for cache in for_each_slab_cache(prog):
        if cache.name.string_() == wanted:
            return cache
    return None


@takes_program_or_default
def print_slab_caches(prog: Program) -> None:
    """Print the names and addresses of the slab caches.

    >>> print_slab_caches(prog)
    bio-144 (struct kmem_cache *)0xffff8e52dfc66700
    ...
    """
    for cache in for_each_slab_cache(prog):
        name = escape_ascii_string(cache.name.string_(), escape_backslash=True)
        print(f"{name} {cache.format_(dereference=False, symbolize=False)}")


def slab_cache_is_merged(slab_cache: Object) -> bool:
    """Return whether a slab cache is used in place of others.

    Unless told otherwise, the kernel has one slab cache for objects of alike sizes
    and flags. It has the name of the first of them, so that the others are not
    found, and has objects of different types in it. See the kernel's documentation
    of ``slab_merge``.

    :param slab_cache: ``struct kmem_cache *``

    >>> slab_cache_is_merged(find_slab_cache(prog, "dentry"))
    False
    """
    return slab_cache.refcount.value_() > 1


@takes_program_or_default
def get_slab_cache_aliases(prog: Program) -> dict[str, str]:
    """Return the slab caches that are used in place of merged ones.

    >>> get_slab_cache_aliases()["sgpool-128"]
    'biovec-max'

    This needs ``CONFIG_SLUB`` and ``CONFIG_SYSFS``.

    :return: Names of merged slab caches and of those used in place of them.
    :raises LookupError: if the kernel does not know
    """
    from drgn.helpers.linux.kernfs import kernfs_children

    try:
        kset = prog["slab_kset"].read_()
    except KeyError:
        raise LookupError(
            "could not find slab_kset; is this SLUB with sysfs?"
        ) from None
    names = {
        cache.kobj.sd.value_(): cache.name.string_().decode(errors="backslashreplace")
        for cache in for_each_slab_cache(prog)
    }
    aliases = {}
    for kn in kernfs_children(kset.kobj.sd):
        alias = kn.name.string_().decode(errors="backslashreplace")
        target = kn.symlink.target_kn.value_()
        # Caches of cgroups, before 5.9, may be nowhere; directories point nowhere, too.
        name = names.get(target) if target else None
        if name is not None and name != alias:
            aliases[alias] = name
    return aliases


def slab_cache_order(slab_cache: Object) -> int:
    """Return the allocation order of the slabs of a slab cache.

    :param slab_cache: ``struct kmem_cache *``

    >>> slab_cache_order(find_slab_cache(prog, "dentry"))
    0
    """
    return allocator_of(slab_cache).order


def slab_cache_pages_per_slab(slab_cache: Object) -> int:
    """Return how many pages a slab of a slab cache takes.

    :param slab_cache: ``struct kmem_cache *``

    >>> slab_cache_pages_per_slab(find_slab_cache(prog, "task_struct"))
    8
    """
    return 1 << slab_cache_order(slab_cache)


def slab_cache_objects_per_slab(slab_cache: Object) -> int:
    """Return how many objects are in a slab of a slab cache.

    :param slab_cache: ``struct kmem_cache *``

    >>> slab_cache_objects_per_slab(find_slab_cache(prog, "dentry"))
    21
    """
    return allocator_of(slab_cache).objects_per_slab


def slab_cache_usage(slab_cache: Object) -> SlabCacheUsage:
    """Return how many slabs and objects a slab cache has.

    With SLUB, this needs ``CONFIG_SLUB_DEBUG``. Objects of the slab that a CPU
    allocates from count as allocated if another CPU has freed them, and so do freed
    ones that KASAN keeps back. Objects that KFENCE has allocated are not counted.

    :param slab_cache: ``struct kmem_cache *``
    :raises SlabPartialListError: if a list of slabs is broken

    >>> slab_cache_usage(find_slab_cache(prog, "dentry"))
    SlabCacheUsage(num_slabs=730, num_objs=15330, free_objs=41)
    """
    return SlabCacheUsage(*allocator_of(slab_cache).usage())


@takes_program_or_default
def slab_total_usage(prog: Program) -> SlabTotalUsage:
    """Return how many pages the slab allocator uses.

    :raises LookupError: if the kernel does not count them

    >>> slab_total_usage(prog)
    SlabTotalUsage(reclaimable_pages=3129, unreclaimable_pages=4027)
    """
    # Renamed in 5.9 (d42f3245c7e2).
    for suffix in ("_B", ""):
        try:
            reclaimable = prog["NR_SLAB_RECLAIMABLE" + suffix]
            unreclaimable = prog["NR_SLAB_UNRECLAIMABLE" + suffix]
        except KeyError:
            continue
        if reclaimable.type_.tag == "zone_stat_item":
            # Before 4.13 (385386cff4c6), they were counted by zone.
            state = global_zone_page_state
        else:
            state = global_node_page_state
        return SlabTotalUsage(state(prog, reclaimable), state(prog, unreclaimable))
    raise LookupError("could not find NR_SLAB_RECLAIMABLE")


def slab_cache_for_each_allocated_object(
    slab_cache: Object, type: str | Type
) -> Iterator[Object]:
    """Iterate over the allocated objects of a slab cache.

    Those that KFENCE has allocated are among them, and those that were freed but are
    kept back by KASAN (``CONFIG_KASAN_GENERIC``) are not.

    >>> cache = find_slab_cache("task_struct")
    >>> tasks = slab_cache_for_each_allocated_object(cache, "struct task_struct")
    >>> b"init" in [task.comm.string_() for task in tasks]
    True

    :param slab_cache: ``struct kmem_cache *``
    :param type: Type of the objects.
    :return: Iterator of ``type *`` objects.
    :raises SlabCorruptionError: if a list of free objects is broken
    """
    from drgn.helpers.linux._slab_arrays import allocated_chunks

    prog = slab_cache.prog_
    pointer = prog.pointer_type(prog.type(type))
    for addresses in allocated_chunks(slab_cache):
        yield from chains.pointers(pointer, addresses.tolist())


@takes_program_or_default
def slab_object_info(prog: Program, addr: IntegerLike) -> SlabObjectInfo | None:
    """Return what is known about an address in a slab.

    :param addr: Address, which may be inside of an object.
    :return: ``None`` if *addr* is not the address of (a part of) an object.

    >>> slab_object_info(prog, find_task(prog, 1)).allocated
    True
    """
    address = operator.index(addr)
    slab = slab_of_address(prog, address)
    if slab is None:
        return None
    kfence = kfence_pool(prog)
    if address in kfence:
        guarded = kfence.object(address)
        if guarded is None or not 0 <= address - guarded.start < guarded.size:
            return None
        cache = slab.slab_cache.read_()
        return SlabObjectInfo(cache, slab, guarded.start, guarded.allocated)
    try:
        cache = slab.slab_cache.read_()
        allocator = allocator_of(cache)
    except (AttributeError, ValueError):
        # SLOB has no caches.
        return SlabObjectInfo(NULL(prog, "struct kmem_cache *"), slab, 0, None)
    objects = allocator.objects(slab)
    if not objects.start <= address < objects.stop:
        return None
    start = objects[(address - objects.start) // objects.step]
    allocated = start not in allocator.free_objects(slab) and not (
        quarantine(prog).has(start, objects.step)
    )
    return SlabObjectInfo(cache, slab, start, allocated)


@takes_program_or_default
def find_containing_slab_cache(prog: Program, addr: IntegerLike) -> Object:
    """Return the slab cache that an address is from.

    :param addr: ``void *``
    :return: ``struct kmem_cache *``, ``NULL`` if *addr* is from none.

    >>> find_containing_slab_cache(prog, find_task(prog, 1)).name.string_()
    b'task_struct'
    """
    slab = slab_of_address(prog, operator.index(addr))
    if slab is None or not hasattr(slab, "slab_cache"):
        return NULL(prog, "struct kmem_cache *")
    return slab.slab_cache.read_()
