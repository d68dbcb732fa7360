"""SLAB (CONFIG_SLAB, removed in Linux 6.8), made by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from mock_kernel import Kernel

from drgn import FaultError, Object, Type, TypeMember
from drgn.helpers import arrays
from drgn.helpers.linux import _slab_arrays, slab_cache_usage
from drgn.helpers.linux._slab_allocators import allocator_of
from drgn.helpers.linux.slab import SlabCorruptionError

BASE = 0xFFFF888000010000
PER_CPU = 0x100000
CACHE, SLABS, NODE, ALIEN = BASE, BASE + 0x1000, BASE + 0x3000, BASE + 0x3800
LISTS, OBJECTS = BASE + 0x4000, BASE + 0x100000
COUNT, PER_SLAB, SIZE = 40, 16, 64


class Machine:
    """A cache with 40 slabs, of which each has one more free object than the last."""

    def __init__(
        self,
        kernel: Kernel,
        total: str,
        index: str,
        bad: int | None,
        lists: int,
        offset: int | None,
    ) -> None:
        cache, link = self._define_types(kernel, total, index, offset is not None)
        self.cache = kernel.at(cache, CACHE)
        head, name = BASE + 0x9000, BASE + 0x9100
        kernel.objects["slab_caches"] = Object(kernel.prog, link, address=head)
        list = CACHE + 40
        kernel.words(head, list, list)
        kernel.memory(name, b"lab\0")
        at_cpus = [BASE + 0xA000, BASE + 0xB000]
        kernel.words(
            CACHE, at_cpus[0] - PER_CPU, SIZE, PER_SLAB, 0, name, head, head, 0, NODE,
            offset or 0,
        )  # fmt: skip
        self._make_slabs(kernel, index, bad, lists)
        self._keep_some_at_hand(kernel, at_cpus)
        _define_cpus_and_nodes(kernel)

    def _define_types(
        self, kernel: Kernel, total: str, index: str, has_offset: bool
    ) -> tuple[Type, Type]:
        """``struct kmem_cache`` and ``struct list_head``, and what they need."""
        prog = kernel.prog
        width = 1 if index == "B" else 2
        kernel.types["freelist_idx_t"] = prog.typedef_type(
            "freelist_idx_t", prog.int_type("unsigned int", width, False)
        )
        kernel.types["unsigned long"] = kernel.ulong
        link = kernel.linked("list_head", "next", "prev")
        array = prog.struct_type(
            "array_cache",
            16,
            [
                TypeMember(kernel.u32, "avail"),
                TypeMember(kernel.u32, "limit", 64),
                TypeMember(prog.array_type(kernel.pointer), "entry", 128),
            ],
        )
        kernel.types["array_cache"] = array
        alien = kernel.struct("alien_cache", lock=kernel.ulong, ac=array)
        node = kernel.struct(
            "kmem_cache_node",
            **{
                total: kernel.ulong,
                "free_objects": kernel.ulong,
                "shared": kernel.to(array),
                "alien": kernel.to(kernel.to(alien)),
            },
        )
        char = kernel.to(prog.int_type("char", 1, True))
        cache = kernel.struct(
            "kmem_cache",
            cpu_cache=kernel.to(array),
            size=kernel.u32,
            num=kernel.u32,
            gfporder=kernel.u32,
            name=char,
            list=link,
            node=prog.array_type(kernel.to(node), 2),
            **({"obj_offset": kernel.int} if has_offset else {}),
        )
        self.slab = kernel.struct(
            "slab",
            slab_cache=kernel.to(cache),
            s_mem=kernel.pointer,
            active=kernel.u32,
            freelist=kernel.pointer,
        )
        return cache, link

    def _make_slabs(
        self, kernel: Kernel, index: str, bad: int | None, lists: int
    ) -> None:
        """The slab of number i has its last i % 17 objects free, in a mixed order."""
        numbers = np.random.default_rng(9).permuted(
            np.tile(np.arange(PER_SLAB), (COUNT, 1)), axis=1
        )
        self.free = [i % (PER_SLAB + 1) for i in range(COUNT)]
        slabs = []
        self.allocated: set[int] = set()
        for i, free in enumerate(self.free):
            start, active = OBJECTS + i * 0x1000, PER_SLAB - free
            # A full slab may be without a list (CFLGS_OBJFREELIST_SLAB).
            freelist = LISTS + i * 0x40 if free else 0
            slabs += [CACHE, start, active, freelist]
            self.allocated |= {
                start + int(number) * SIZE for number in numbers[i, :active]
            }
        kernel.words(SLABS, *slabs)
        if bad is not None:
            numbers[bad, PER_SLAB - 1] = 200
        data = bytearray(0x40 * COUNT)
        for i in range(COUNT):
            struct.pack_into(f"<{PER_SLAB}{index}", data, i * 0x40, *numbers[i])
        kernel.memory(LISTS, bytes(data[: 0x40 * lists]))

    def _keep_some_at_hand(self, kernel: Kernel, at_cpus: list[int]) -> None:
        """What counts as free, too: of two CPUs, shared, and of another node."""
        some = sorted(self.allocated)
        self.at_hand = some[:7]
        kernel.words(at_cpus[0], 2, 8, *some[:2], some[9])  # Behind them, a stale one.
        kernel.words(at_cpus[1], 0, 8, some[9])
        shared, other = BASE + 0xC000, BASE + 0xD000
        kernel.words(shared, 3, 8, *some[2:5])
        kernel.words(other, 0, 2, 8, *some[5:7])
        kernel.words(ALIEN, 0, other)
        in_slabs = sum(self.free)
        kernel.words(NODE, COUNT, in_slabs, shared, ALIEN)
        self.counts = (COUNT, COUNT * PER_SLAB, in_slabs + 7)

    def slabs(self) -> list[int]:
        return [SLABS + i * 32 for i in range(COUNT)]


def _define_cpus_and_nodes(kernel: Kernel) -> None:
    prog = kernel.prog
    word = prog.array_type(kernel.ulong, 1)
    mask = kernel.struct("cpumask", bits=word)
    nodes = kernel.struct("nodemask_t", bits=word)
    online = BASE + 0xE000
    kernel.words(online, 3)
    kernel.objects["__cpu_online_mask"] = Object(prog, mask, address=online)
    kernel.objects["__per_cpu_offset"] = Object(
        prog, prog.array_type(kernel.ulong, 2), [PER_CPU, PER_CPU + 0x1000]
    )
    kernel.objects["node_states"] = Object(
        prog, prog.array_type(nodes, 2), [{"bits": [3]}, {"bits": [2]}]
    )
    kernel.objects["N_ONLINE"] = Object(prog, kernel.u32, 1)


Make = Callable[..., Machine]


@pytest.fixture
def make(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Make:
    def made(
        total: str = "total_slabs",
        index: str = "B",
        bad: int | None = None,
        lists: int = COUNT,
        offset: int | None = None,
    ) -> Machine:
        machine = Machine(kernel, total, index, bad, lists, offset)
        found = [np.array(half, np.uint64) for half in np.split(
            np.array(machine.slabs(), np.uint64), 2
        )]  # fmt: skip
        monkeypatch.setattr(_slab_arrays, "slab_chunks", lambda cache: iter(found))
        return machine

    return made


@pytest.mark.parametrize(("index", "offset"), [("B", None), ("H", None), ("B", 8)])
def test_objects(make: Make, index: str, offset: int | None) -> None:
    """With red zones (CONFIG_DEBUG_SLAB), objects begin behind their places."""
    machine = make(index=index, offset=offset)
    found = arrays.slab_objects(machine.cache).tolist()
    places = sorted(machine.allocated - set(machine.at_hand))
    assert found == [place + (offset or 0) for place in places]
    # What is said of one slab at a time is the same.
    allocator = allocator_of(machine.cache)
    one_by_one = []
    for address in machine.slabs():
        slab = Object(machine.cache.prog_, machine.slab, address=address).address_of_()
        free = allocator.free_objects(slab)
        one_by_one += [each for each in allocator.objects(slab) if each not in free]
    assert found == one_by_one


@pytest.mark.parametrize("total", ["total_slabs", "num_slabs"])
def test_usage(make: Make, total: str) -> None:
    """Before 4.10, nodes have their number of slabs in another member."""
    machine = make(total=total)
    assert tuple(slab_cache_usage(machine.cache)) == machine.counts
    usages = arrays.slab_usage(machine.cache.prog_)
    slabs, objects, free = machine.counts
    assert {name: column.tolist() for name, column in usages.items()} == {
        "cache": [CACHE], "name": [b"lab"],
        "slabs": [slabs], "objects": [objects], "free": [free],
    }  # fmt: skip


def test_number_that_no_object_has(make: Make) -> None:
    machine = make(bad=5)
    with pytest.raises(SlabCorruptionError, match=f"lab slab {SLABS + 5 * 32:#x} has"):
        arrays.slab_objects(machine.cache)


def test_unreadable_list(make: Make) -> None:
    machine = make(lists=30)
    with pytest.raises(FaultError):
        arrays.slab_objects(machine.cache)
