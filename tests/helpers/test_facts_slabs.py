"""Slab caches are those that the guest printed."""

from __future__ import annotations

import re

import pytest
from guest_facts import counts_slabs, merges_slabs, needs_slab_counts
from lab.manifest import Lab

from drgn import Object, Program
from drgn.helpers.linux import (
    find_containing_slab_cache,
    find_slab_cache,
    for_each_slab_cache,
    get_slab_cache_aliases,
    print_slab_caches,
    slab_cache_is_merged,
    slab_cache_order,
    slab_cache_usage,
    slab_total_usage,
    stack_depot_fetch,
)

#: include/uapi/linux/kernel-page-flags.h: KPF_*
KPF = {
    0: "PageLocked", 2: "PageReferenced", 3: "PageUptodate", 4: "PageDirty",
    5: "PageLRU", 6: "PageActive", 7: "PageSlab", 8: "PageWriteback",
    10: "PageBuddy", 12: "PageAnon", 14: "PageSwapBacked", 15: "PageCompound_head",
    16: "PageCompound_tail", 17: "PageHuge", 18: "PageUnevictable",
    32: "PageReserved", 33: "PageMlocked",
}  # fmt: skip


def test_merged_caches(live: Program, each_lab: Lab) -> None:
    if "slab_kset" not in live:
        pytest.skip("this kernel has no directory of slab caches")
    links = dict(re.findall(r" (\S+) -> (:\S+)$", each_lab.fact("sys/slab"), re.M))
    caches = {
        cache.name.string_().decode(): cache for cache in for_each_slab_cache(live)
    }
    aliases = get_slab_cache_aliases(live)
    assert bool(aliases) == merges_slabs(live)
    assert set(aliases) == set(links) - set(caches)
    for name, target in aliases.items():
        # Two names lead to one directory.
        assert links[name] == links[target] or target not in links
        assert slab_cache_is_merged(caches[target])
    assert not slab_cache_is_merged(caches["files_cache"])


def test_usage_of_slabs(live: Program, each_lab: Lab) -> None:
    needs_slab_counts(live)
    rows = {
        line.split()[0]: line.split()
        for line in each_lab.fact("proc/slabinfo").splitlines()
    }
    for name in ("task_struct", "files_cache", "kmem_cache"):
        cache = find_slab_cache(live, name)
        assert cache is not None
        usage = slab_cache_usage(cache)
        _, active, total, _, objects, pages, *_ = rows[name]
        # Writing it all down took more of some.
        slack = int(total) // 4 + 5 * int(objects)
        assert abs(usage.num_objs - int(total)) <= slack
        assert usage.num_slabs * int(objects) == usage.num_objs
        # /proc counts what is free on a CPU's slab as used.
        assert usage.active_objs <= int(active) + slack
        assert 1 << slab_cache_order(cache) == int(pages)
    meminfo = dict(
        re.findall(r"^(\w+): +(\d+) kB", each_lab.fact("proc/meminfo"), re.M)
    )
    total_usage = slab_total_usage(live)
    for pages_found, key in (
        (total_usage.reclaimable_pages, "SReclaimable"),
        (total_usage.unreclaimable_pages, "SUnreclaim"),
    ):
        # The guest has looked at many files since.
        assert abs(pages_found * 4 - int(meminfo[key])) < 16384


def test_table_of_slabs(live: Program, capsys: pytest.CaptureFixture[str]) -> None:
    print_slab_caches(live)
    lines = capsys.readouterr().out.splitlines()
    names = [cache.name.string_().decode() for cache in for_each_slab_cache(live)]
    assert [line.split()[0] for line in lines] == names


def test_cache_with_debugging(live: Program) -> None:
    """files_cache has red zones, poison, and for each object who asked for it."""
    from drgn.helpers.linux import (
        for_each_task,
        slab_cache_for_each_allocated_object,
        slab_object_info,
    )

    cache = find_slab_cache(live, "files_cache")
    assert cache is not None
    allocated = {
        o.value_() for o in slab_cache_for_each_allocated_object(cache, "char")
    }
    # All tasks but some kernel threads share or have one.
    held = {task.files.value_() for task in for_each_task(live) if task.files}
    held.discard(live["init_files"].address_)
    assert held and held <= allocated
    for address in held:
        info = slab_object_info(live, address + 17)
        assert info is not None and info.allocated and info.address == address
        found = find_containing_slab_cache(live, address)
        assert found is not None and found.value_() == cache.value_()
        if not counts_slabs(live):
            continue
        # struct track: after the pointer to the next free object.
        track = Object(live, "struct track", address=address + cache.inuse.value_() + 8)
        if hasattr(track, "handle"):
            trace = stack_depot_fetch(track.handle)
            assert trace is not None
            names = [frame.name for frame in trace]
            unknown = Object(live, track.handle.type_, 0)
            assert len(stack_depot_fetch(unknown) or ()) == 0
        else:  # before 5.18 (5cf909c553e9)
            callers = [caller.value_() for caller in track.addrs if caller]
            symbols = [symbol for caller in callers for symbol in live.symbols(caller)]
            names = [symbol.name for symbol in symbols]
        # Of dup_fd, who asked may be all that is left.
        assert {"copy_process", "unshare_fd"} & set(names)
