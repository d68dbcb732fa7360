"""What KFENCE and KASAN do to slab caches, and depots of stack traces, made by hand."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from mock_kernel import Kernel

from drgn import Object, Type, TypeEnumerator, TypeMember
from drgn.helpers import ValidationError, arrays
from drgn.helpers.linux import _kfence, _slab_arrays, slab
from drgn.helpers.linux._kfence import KfencePool
from drgn.helpers.linux._quarantine import Quarantine
from drgn.helpers.linux.slab import slab_cache_for_each_allocated_object
from drgn.helpers.linux.slab import slab_object_info as object_info
from drgn.helpers.linux.stackdepot import stack_depot_fetch

POOL, METADATA = 0xFFFF888000100000, 0xFFFF888000200000
CACHE, OTHER, SLAB = 0xFFFF888000300000, 0xFFFF888000301000, 0xFFFFEA0000000000
QUEUES, PER_CPU = 0xFFFF888000400000, 0x100000
UNUSED, ALLOCATED, RCU_FREEING, FREED = range(4)
#: Of the objects of a pool: their place on their page, size, cache and state.
OBJECTS = (
    (4096 - 192, 190, CACHE, ALLOCATED),
    (0, 0, 0, UNUSED),
    (0, 64, OTHER, ALLOCATED),
    (0, 192, CACHE, FREED),
    (0, 192, CACHE, RCU_FREEING),
)


def addresses() -> list[int]:
    """Where the objects are."""
    return [POOL + (i + 1) * 8192 + place for i, (place, _, _, _) in enumerate(OBJECTS)]


def cache_type(kernel: Kernel) -> Type:
    return kernel.struct("kmem_cache", num=kernel.u32)


def make_pool(kernel: Kernel, *, array: bool = False, told: int = 4) -> KfencePool:
    """A pool; before 6.6 the metadata is an array. ``told``: how many states are."""
    prog = kernel.prog
    names = ("UNUSED", "ALLOCATED", "RCU_FREEING", "FREED")[:told]
    if told == 3:
        names = ("UNUSED", "ALLOCATED", "FREED")
    state = prog.enum_type(
        "kfence_object_state",
        kernel.u32,
        [TypeEnumerator(f"KFENCE_OBJECT_{name}", i) for i, name in enumerate(names)],
    )
    kernel.types["enum kfence_object_state"] = state
    kernel.types["kfence_object_state"] = state
    metadata = kernel.struct(
        "kfence_metadata",
        state=state,
        addr=kernel.ulong,
        size=kernel.ulong,
        cache=kernel.to(cache_type(kernel)),
    )
    told_of = b"".join(
        struct.pack("<4Q", state, address, size, cache)
        for address, (_, size, cache, state) in zip(addresses(), OBJECTS, strict=True)
    )
    kernel.memory(METADATA, told_of.ljust(4096, b"\0"))
    kernel.objects["__kfence_pool"] = Object(prog, kernel.pointer, POOL)
    kernel.objects["PAGE_SIZE"] = Object(prog, kernel.ulong, 4096)
    kernel.objects["kfence_metadata"] = (
        Object(prog, prog.array_type(metadata, len(OBJECTS)), address=METADATA)
        if array
        else Object(prog, kernel.to(metadata), METADATA)
    )
    return KfencePool(prog)


@pytest.mark.parametrize("array", [False, True])
def test_objects_in_the_pool_of_kfence(kernel: Kernel, array: bool) -> None:
    pool = make_pool(kernel, array=array)
    first, _, other, freed, freeing = addresses()
    assert (pool.start, pool.stop) == (POOL, POOL + 6 * 8192)
    assert POOL in pool and POOL - 1 not in pool and POOL + 6 * 8192 not in pool
    assert pool.object(POOL + 5000) is None
    assert pool.object(first) == (first, 190, True)
    assert pool.object(addresses()[1]) is None
    assert pool.object(freed + 10) == (freed, 192, False)
    of_cache = pool.allocated_objects(kernel.at(kernel.types["kmem_cache"], CACHE))
    assert of_cache.tolist() == [first, freeing]
    of_other = pool.allocated_objects(kernel.at(kernel.types["kmem_cache"], OTHER))
    assert of_other.tolist() == [other]


def test_pool_that_is_not_used(kernel: Kernel) -> None:
    """KFENCE is there, but nobody asked for samples."""
    make_pool(kernel)
    kernel.objects["__kfence_pool"] = Object(kernel.prog, kernel.pointer, 0)
    kernel.objects["kfence_metadata"] = Object(
        kernel.prog, kernel.objects["kfence_metadata"].type_, 0
    )
    pool = KfencePool(kernel.prog)
    assert not pool
    assert 0 not in pool
    cache = kernel.at(kernel.types["kmem_cache"], CACHE)
    assert pool.allocated_objects(cache).tolist() == []


def test_addresses_in_the_pool(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pool(kernel)
    type = kernel.struct("slab", slab_cache=kernel.to(kernel.types["kmem_cache"]))
    kernel.words(SLAB, CACHE)
    monkeypatch.setattr(slab, "slab_of_address", lambda *_: kernel.at(type, SLAB))
    first, unused, _, freed, _ = addresses()
    found = object_info(kernel.prog, first + 189)
    assert found is not None
    assert (found.address, found.allocated) == (first, True)
    assert found.slab_cache.value_() == CACHE
    found = object_info(kernel.prog, freed)
    assert found is not None and not found.allocated
    # Before and behind an object of a page there is nothing.
    for address in (first - 1, first + 190, unused):
        assert object_info(kernel.prog, address) is None


def make_queues(kernel: Kernel, *, one: bool, links: list[int], broken: bool) -> None:
    """Three links in the queue of a CPU, the others in the global ones."""
    prog = kernel.prog
    node = kernel.linked("qlist_node", "next")
    head = kernel.struct(
        "qlist_head",
        head=kernel.to(node),
        tail=kernel.to(node),
        bytes=kernel.ulong,
        offline=kernel.ulong,
    )
    mask = kernel.struct("cpumask", bits=prog.array_type(kernel.ulong, 1))
    kernel.words(QUEUES, 1)
    kernel.objects["__cpu_online_mask"] = Object(prog, mask, address=QUEUES)
    kernel.objects["__per_cpu_offset"] = Object(
        prog, prog.array_type(kernel.ulong, 1), [PER_CPU]
    )
    mine, globals = QUEUES + 0x100, QUEUES + 0x200
    kernel.words(mine, links[0], links[2], 0, 0)
    kernel.words(globals, links[3], links[-1], *[0] * 6)
    kernel.objects["cpu_quarantine"] = Object(prog, head, address=mine - PER_CPU)
    kernel.objects["global_quarantine"] = Object(
        prog, head if one else prog.array_type(head, 2), address=globals
    )
    for link, following in itertools.pairwise(links):
        kernel.words(link, 0 if link == links[2] else following)
    kernel.words(links[-1], 0x6B6B6B6B6B6B6B6B if broken else 0)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("broken", [False, True])
def test_quarantine(kernel: Kernel, one: bool, broken: bool) -> None:
    """What is behind a link that was written over cannot be known."""
    objects = [CACHE + i * 256 for i in range(8)]
    kept_back = [objects[i] + 32 for i in (6, 0, 3, 7, 2)]
    make_queues(kernel, one=one, links=kept_back, broken=broken)
    quarantine = Quarantine(kernel.prog)
    expected = [i in (0, 2, 3, 6, 7) for i in range(8)]
    assert [quarantine.has(start, 256) for start in objects] == expected
    starts = np.array(objects, np.uint64)
    assert quarantine.which(starts, 256).tolist() == expected
    assert not quarantine.has(CACHE + 8 * 256, 256)


def test_no_quarantine(kernel: Kernel) -> None:
    quarantine = Quarantine(kernel.prog)
    assert not quarantine
    assert not quarantine.has(CACHE, 256)


def test_objects_of_a_cache(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what is in quarantine, with what is in the pool, in order."""
    make_pool(kernel)
    objects = [POOL - 0x8000 + i * 256 for i in range(8)]
    objects += [POOL + 0x100000 + i * 256 for i in range(4)]
    freed = [objects[i] for i in (2, 5, 6, 7, 9)]
    make_queues(kernel, one=False, links=freed, broken=False)
    monkeypatch.setattr(
        _slab_arrays,
        "_allocated_in_slabs",
        lambda _: iter([(np.array(objects, np.uint64), 256)]),
    )
    cache = kernel.at(kernel.types["kmem_cache"], CACHE)
    first, _, _, _, freeing = addresses()
    expected = sorted({*objects, first, freeing} - set(freed))
    assert arrays.slab_objects(cache).tolist() == expected
    kernel.types["int"] = kernel.int
    found = slab_cache_for_each_allocated_object(cache, "int")
    assert [each.value_() for each in found] == expected


def test_frames_of_the_pool(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool(kernel)
    monkeypatch.setattr(
        _kfence,
        "virt_to_pfn",
        lambda prog, address: Object(prog, kernel.ulong, (address - POOL >> 12) + 256),
    )
    frames = np.array([255, 256, 267, 268])
    assert pool.has_pages(frames).tolist() == [False, True, True, False]


PCS = [0xFFFFFFFF81000010, 0xFFFFFFFF81000020]


def make_depot(kernel: Kernel, array: str, member: str, last: str) -> None:
    """A depot whose second pool is its last one, with a trace of two frames."""
    prog = kernel.prog
    head = {"hash": kernel.ulong, "size": kernel.u32, "handle": kernel.u32}
    if last == "pools_num":
        counter = kernel.struct("atomic_t", counter=kernel.int)
        head["count"] = kernel.struct("refcount_t", refs=counter)
    kernel.struct("stack_record", **head, entries=prog.array_type(kernel.ulong, 1))
    fields = [
        TypeMember(Object(prog, kernel.u32, 0, bit_field_size=17), member),
        TypeMember(Object(prog, kernel.u32, 0, bit_field_size=10), "offset", 17),
        TypeMember(Object(prog, kernel.u32, 0, bit_field_size=5), "extra", 27),
    ]
    bits = prog.struct_type(None, 4, fields)
    parts = [TypeMember(kernel.u32, "handle"), TypeMember(bits, None)]
    kernel.types["handle_parts"] = prog.union_type("handle_parts", 4, parts)
    pools = prog.array_type(kernel.pointer, 4)
    # What is behind the last one is about to be used.
    kernel.objects[array] = Object(prog, pools, [0, POOL, POOL, 0])
    number = 2 if last == "pools_num" else 1
    kernel.objects[last] = Object(prog, kernel.int, number)
    rest = [*PCS, *[0] * 6]
    count = [1] if last == "pools_num" else []
    kernel.words(POOL + (3 << 4), 0x1234, len(PCS), 0, *count, *rest)
    kernel.words(POOL + (32 << 4), 0x1234, 5000, 0, *count, *rest)
    kernel.words(POOL + (64 << 4), 0x1234, len(PCS), 0, 0, *rest)


def fetch(kernel: Kernel, index: int, offset: int = 3) -> list[int] | None:
    handle = Object(kernel.prog, kernel.u32, index | offset << 17 | 1 << 27)
    trace = stack_depot_fetch(handle)
    return None if trace is None else [frame.pc for frame in trace]


@pytest.mark.parametrize(
    ("array", "member", "last", "index"),
    [
        ("stack_pools", "pool_index_plus_1", "pools_num", 2),
        ("stack_pools", "pool_index", "pools_num", 1),
        ("stack_pools", "pool_index", "pool_index", 1),
        ("stack_slabs", "slabindex", "depot_index", 1),
    ],
)
def test_stack_depot(
    kernel: Kernel, array: str, member: str, last: str, index: int
) -> None:
    make_depot(kernel, array, member, last)
    assert fetch(kernel, index) == PCS
    for bad in (0, index - 1, index + 1, 5, 0x1FFFF):
        assert fetch(kernel, bad) is None
    nothing = stack_depot_fetch(Object(kernel.prog, kernel.u32, 0))
    assert nothing is not None and len(nothing) == 0
    with pytest.raises(
        ValidationError, match=f"record {POOL + 512:#x} has 5000 frames"
    ):
        fetch(kernel, index, 32)


def test_trace_that_nobody_refers_to(kernel: Kernel) -> None:
    make_depot(kernel, "stack_pools", "pool_index_plus_1", "pools_num")
    assert fetch(kernel, 2, 64) is None
