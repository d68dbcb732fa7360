"""The arrays have what the iterators yield, and what the guest counted."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest
from guest_facts import (
    cache_of,
    in_kfence_pool,
    needs_modules,
    needs_slab_counts,
    partial_slabs,
)
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import FaultError, Object, Program, offsetof, sizeof
from drgn.helpers import ValidationError, arrays
from drgn.helpers.linux import (
    for_each_page,
    for_each_slab_cache,
    for_each_task,
    for_each_vma,
    global_zone_page_state,
    hlist_for_each_entry,
    list_for_each_entry,
    page_to_pfn,
    path_lookup,
    pfn_to_page,
    slab_cache_for_each_allocated_object,
    slab_cache_usage,
    slab_object_info,
    virt_to_phys,
)
from drgn.helpers.linux._quarantine import quarantine
from drgn.helpers.linux.mapletree import mt_for_each
from drgn.helpers.linux.slab import SlabCorruptionError, SlabFreelistCycleError


def addresses(objects: object) -> list[int]:
    return [each.value_() for each in objects]  # type: ignore[attr-defined]


# Pages.


def test_page_flags(live: Program) -> None:
    pfns, flags = arrays.page_flags(live)
    assert len(pfns) == len(flags) == sum(1 for _ in for_each_page(live))
    assert (np.diff(pfns) > 0).all()
    for i in range(0, len(pfns), 4999):
        expected = pfn_to_page(live, int(pfns[i])).flags
        if expected.type_.type_name() == "memdesc_flags_t":  # Since 6.18.
            expected = expected.f
        assert flags[i] == expected.value_()


def test_page_chunks_cover_all_pages(live: Program) -> None:
    counts = {first: len(pages) for first, pages in arrays.page_chunks(live)}
    assert sum(counts.values()) == sum(1 for _ in for_each_page(live))
    for first, pages in arrays.page_chunks(live):
        page = pfn_to_page(live, first)
        assert pages[0]["_refcount"]["counter"] == page._refcount.counter.value_()


def test_pages_that_cannot_be_read_are_left_out(each_lab: Lab) -> None:
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    hole = pfn_to_page(prog, 4096).value_() & ~0xFFF

    def fault(address: int, count: int, offset: int, physical: bool) -> bytes:
        raise FaultError("a hole", address)

    everything = len(arrays.page_flags(prog)[0])
    prog.add_memory_segment(hole, 0x1000, fault)
    missing = 0x1000 // sizeof(prog.type("struct page"))
    pfns, _ = arrays.page_flags(prog)
    assert len(pfns) == everything - missing
    assert page_to_pfn(Object(prog, "struct page *", hole)).value_() not in pfns
    assert page_to_pfn(Object(prog, "struct page *", hole + 0x1000)).value_() in pfns


def test_free_pages(live: Program, each_lab: Lab) -> None:
    pfns, orders = arrays.free_pages(live)
    total = int((1 << orders).sum())
    # What CPUs have counted apart is in the exact number only.
    free = global_zone_page_state(live, live["NR_FREE_PAGES"])
    assert total == pytest.approx(free, abs=256)
    assert (pfns % (1 << orders).astype(np.uint64) == 0).all()
    # The fact is of a moment before the dump.
    fact = re.search(r"MemFree: +(\d+) kB", each_lab.fact("proc/meminfo"))
    assert fact is not None
    assert total * 4 == pytest.approx(int(fact[1]), rel=0.2)


def test_free_pages_of_a_node_without_the_first_zone(each_lab: Lab) -> None:
    prog = open_dump(each_lab, "la57.elf")
    _, orders = arrays.free_pages(prog)
    counted = global_zone_page_state(prog, prog["NR_FREE_PAGES"])
    # Each CPU has yet to add up to 125.
    assert abs(int((1 << orders).sum()) - counted) <= 250


# Slabs.


@pytest.mark.parametrize("name", ["dentry", "task_struct", "kmalloc-64", "filp"])
def test_slab_objects(live: Program, name: str) -> None:
    cache = cache_of(live, name)
    needs_slab_counts(live)
    found = arrays.slab_objects(cache)
    # What another CPU has freed of the slab that a CPU allocates from is free here.
    active = slab_cache_usage(cache).active_objs
    # Nor are those kept back by KASAN allocated; those of KFENCE are not counted.
    least = 0 if quarantine(live) else 0.9 * active
    in_slabs = len(found) - in_kfence_pool(cache)
    assert least <= in_slabs <= active
    assert (np.diff(found) > 0).all()
    for address in found[:: max(len(found) // 100, 1)].tolist():
        info = slab_object_info(live, address)
        assert info is not None
        assert (info.address, info.allocated) == (address, True)
        assert info.slab_cache == cache
    objects = slab_cache_for_each_allocated_object(cache, "void")
    assert addresses(objects) == found.tolist()


def test_all_tasks_are_slab_objects(live: Program) -> None:
    cache = cache_of(live, "task_struct")
    found = set(arrays.slab_objects(cache).tolist())
    assert found >= set(addresses(for_each_task(live)))


def test_slab_usage(live: Program, panicked: Program) -> None:
    check_slab_usage(live)
    check_slab_usage(panicked)


def check_slab_usage(prog: Program) -> None:
    needs_slab_counts(prog)
    usage = arrays.slab_usage(prog)
    rows = zip(
        *(usage[key].tolist() for key in ("cache", "name", "slabs", "objects", "free")),
        strict=True,
    )
    assert list(rows) == [
        (cache.value_(), cache.name.string_(), *slab_cache_usage(cache))
        for cache in for_each_slab_cache(prog)
    ]


class Damage:
    """A dump of which a page is changed."""

    def __init__(self, prog: Program, address: int) -> None:
        self.start = address & ~0xFFF
        self.page = bytearray(prog.read(self.start, 0x1000))
        prog.add_memory_segment(self.start, 0x1000, self._read)

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        return bytes(self.page[offset : offset + count])

    def write_word(self, address: int, value: int) -> None:
        struct.pack_into("<Q", self.page, address - self.start, value)


def some_free_object(prog: Program) -> tuple[Object, int, int]:
    """A cache, a free object in one of its partial slabs, and the slab's freelist."""
    for cache in for_each_slab_cache(prog):
        for slab in partial_slabs(cache):
            return cache, slab.freelist.value_(), slab.freelist.address_
    raise AssertionError("no slab with a free object")


def test_broken_freelist(each_lab: Lab) -> None:
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    cache, _, place = some_free_object(prog)
    damage = Damage(prog, place)
    damage.write_word(place, 0x1234)
    if not hasattr(cache, "offset"):  # SLAB: the address of indices
        with pytest.raises(FaultError, match="not mapped: 0x12"):
            arrays.slab_objects(cache)
        return
    with pytest.raises(SlabCorruptionError, match="contains 0x1234, which is no"):
        arrays.slab_objects(cache)
    with pytest.raises(SlabCorruptionError, match="contains 0x1234, which is no"):
        list(slab_cache_for_each_allocated_object(cache, "void"))


def test_freelist_with_cycle(each_lab: Lab) -> None:
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    cache, first, _ = some_free_object(prog)
    if not hasattr(cache, "offset"):
        return  # SLAB: there are indices of free objects, and no links
    place = first + cache.offset.value_()
    stored = first
    if hasattr(cache, "random"):
        swapped = int.from_bytes(place.to_bytes(8, "little"), "big")
        stored = first ^ cache.random.value_() ^ swapped
    Damage(prog, place).write_word(place, stored)
    with pytest.raises(SlabFreelistCycleError, match=f"contains cycle at {first:#x}"):
        arrays.slab_objects(cache)


# Address spaces and lists.


def test_vmas(live: Program) -> None:
    spaces = [task.mm for task in for_each_task(live) if task.mm]
    assert spaces
    for mm in spaces:
        assert arrays.vmas(mm).tolist() == addresses(for_each_vma(mm))


def test_task_vmas(live: Program) -> None:
    tasks, areas = arrays.task_vmas(live)
    assert list(zip(tasks.tolist(), areas.tolist(), strict=True)) == [
        (task.value_(), area.value_())
        for task in for_each_task(live)
        if task.mm
        for area in for_each_vma(task.mm)
    ]


def test_vmas_of_random_trees(each_lab: Lab) -> None:
    """Nodes of each type with all kinds of pivots: as the iterator finds entries."""
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    mm_struct = prog.type("struct mm_struct")
    if not mm_struct.has_member("mm_mt"):
        return  # Before 6.1, areas are in a list.
    nodes, size = 24, 256
    memory = bytearray(nodes * size + 4096)
    base = 0x10000
    prog.add_memory_segment(
        base,
        len(memory),
        lambda a, count, offset, physical: bytes(memory)[offset:][:count],
    )
    mm = Object(prog, "struct mm_struct *", base + nodes * size)
    root = nodes * size + offsetof(mm_struct, "mm_mt.ma_root")
    random = np.random.default_rng(61)
    kinds = set()
    for _ in range(60):
        words = random.integers(0, 64, (nodes, size // 8)).astype("<u8")
        # Nodes have later ones in their slots, the second half are leaves.
        types = np.where(np.arange(nodes) < nodes // 2, 2, 0)
        types += random.integers(0, 2, nodes)
        links = base + np.arange(nodes) * size | types << 3 | 2
        for node in range(nodes // 2):
            pivots, slots = (15, 16) if types[node] == 2 else (9, 10)
            below = random.integers(node + 1, nodes, slots)
            words[node, 1 + pivots : 1 + pivots + slots] = links[below]
            words[node, 1 : 1 + pivots].sort()
        words[:, 1:16][random.random((nodes, 15)) < 0.05] = 0
        memory[: nodes * size] = words.tobytes()
        wrong = random.random() < 0.1
        entry = int(links[0]) | (8 << 3 if wrong else 0)
        memory[root : root + 8] = entry.to_bytes(8, "little")
        expected: list[int] | str
        try:
            expected = addresses(
                entry for *_, entry in mt_for_each(mm.mm_mt.address_of_())
            )
        except (ValidationError, FaultError) as error:
            expected = type(error).__name__
        kinds.add(expected if isinstance(expected, str) else "entries")
        try:
            assert arrays.vmas(mm).tolist() == expected
        except (ValidationError, FaultError) as error:
            assert expected == type(error).__name__
    assert "entries" in kinds and "ValidationError" in kinds


def test_tasks(live: Program) -> None:
    assert arrays.tasks(live).tolist() == addresses(for_each_task(live))


@pytest.mark.parametrize("path", ["/", "/proc", "/mnt/ext4"])
def test_inodes(live: Program, path: str) -> None:
    sb = path_lookup(live, path).dentry.d_sb
    head = sb.s_inodes.address_of_()
    expected = addresses(list_for_each_entry("struct inode", head, "i_sb_list"))
    assert arrays.inodes(sb).tolist() == expected


def test_hlist_entries(live: Program) -> None:
    table = live["uidhash_table"]
    member = "uidhash_node"
    expected = []
    for bucket in table:
        head = bucket.address_of_()
        entries = addresses(hlist_for_each_entry("struct user_struct", head, member))
        found = arrays.hlist_entries("struct user_struct", head, member)
        assert found.tolist() == entries
        expected += entries
    found = arrays.hlist_table_entries("struct user_struct", table, member)
    assert found.tolist() == expected
    assert expected


def test_list_with_cycle(each_lab: Lab) -> None:
    prog = Program()
    prog.set_core_dump(each_lab.dump("live.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    needs_modules(prog)
    head = prog["modules"].address_of_()
    first = head.next.value_()
    place = first + offsetof(prog.type("struct list_head"), "next")
    Damage(prog, place).write_word(place, first)
    with pytest.raises(ValidationError, match=f"cycle at {first:#x}"):
        arrays.list_entries("struct module", head, "list")


def test_arrays_in_the_direct_map_of_a_pointer(live: Program) -> None:
    """Addresses are as the kernel has them, for the helpers that take integers."""
    cache = cache_of(live, "task_struct")
    assert virt_to_phys(live, int(arrays.slab_objects(cache)[0])).value_()
