"""Helpers for the kernel's own state find what the guest itself printed before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from guest_facts import has_raw_tracepoints
from lab.manifest import Lab

from drgn import Object, Program
from drgn.helpers.common.memory import (
    IdentifiedSymbol,
    identify_address,
    identify_address_all,
    print_annotated_memory,
)
from drgn.helpers.linux import (
    NODE_DATA,
    address_to_module,
    bpf_btf_for_each,
    bpf_link_for_each,
    bpf_map_by_id,
    bpf_map_for_each,
    bpf_prog_by_id,
    bpf_prog_for_each,
    bpf_prog_used_maps,
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    cgroup_get_from_path,
    common,
    find_task,
    for_each_hstate,
    for_each_swap_info,
    for_each_task,
    for_each_vmap_area,
    get_kconfig,
    global_node_page_state,
    global_numa_event_state,
    global_vm_event_state,
    global_zone_page_state,
    huge_page_size,
    hugetlb_total_pages,
    hugetlb_total_usage,
    ktime_get_boottime_seconds,
    ktime_get_clocktai_seconds,
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_clocktai_ns,
    ktime_get_coarse_ns,
    ktime_get_coarse_real_ns,
    ktime_get_real_seconds,
    ktime_get_seconds,
    nr_free_pages,
    page_to_virt,
    swap_is_file,
    swap_total_usage,
    swap_usage_in_pages,
    total_swapcache_pages,
    totalram_pages,
    uptime,
    uptime_pretty,
    virt_to_page,
    zone_page_state,
)


def meminfo(lab: Lab, name: str) -> int:
    """A line of /proc/meminfo, in kB if it is not a number of pages."""
    match = re.search(rf"^{name}: +(\d+)", lab.fact("proc/meminfo"), re.M)
    assert match
    return int(match[1])


def vmstat(lab: Lab, name: str) -> int:
    match = re.search(rf"^{name} (\d+)$", lab.fact("proc/vmstat"), re.M)
    assert match
    return int(match[1])


def test_counters_that_stay(live: Program, each_lab: Lab) -> None:
    # The workloads hold this memory and do no more.
    for item in ("NR_MLOCK", "NR_ZONE_UNEVICTABLE"):
        found = global_zone_page_state(live, live[item])
        assert found == vmstat(each_lab, item.lower()) > 0
    found = global_node_page_state(live, live["NR_UNEVICTABLE"])
    assert found == vmstat(each_lab, "nr_unevictable") > 0


def test_counters_that_grow(live: Program, each_lab: Lab) -> None:
    faults = global_vm_event_state(live, live["PGFAULT"])
    assert vmstat(each_lab, "pgfault") <= faults
    if "NUMA_HIT" not in live:
        return  # CONFIG_NUMA
    hits = global_numa_event_state(live, live["NUMA_HIT"])
    # Before 5.14 CPUs add theirs every second, afterwards when somebody asks.
    assert 0 < hits < 100 * vmstat(each_lab, "numa_hit")


def test_free_pages(live: Program) -> None:
    free = [
        zone_page_state(zone.address_of_(), live["NR_FREE_PAGES"])
        for zone in NODE_DATA(live, 0).node_zones
    ]
    assert nr_free_pages(live) == global_zone_page_state(live, live["NR_FREE_PAGES"])
    assert sum(free) == nr_free_pages(live)
    assert 0 < nr_free_pages(live) < totalram_pages(live)


def test_huge_pages(live: Program, each_lab: Lab) -> None:
    sizes = [huge_page_size(hstate).value_() >> 10 for hstate in for_each_hstate(live)]
    size = meminfo(each_lab, "Hugepagesize")
    listed = each_lab.fact("sys/hugepages")
    of_each = re.findall(r"hugepages-(\d+)kB/nr_hugepages:", listed)
    assert sorted(sizes) == sorted(map(int, of_each)) and size in sizes
    total = meminfo(each_lab, "HugePages_Total") * size // 4
    free = meminfo(each_lab, "HugePages_Free") * size // 4
    assert 0 < free < total
    assert hugetlb_total_usage(live) == (total, free)
    assert hugetlb_total_pages(live) == total


def test_swap_space(live: Program, each_lab: Lab) -> None:
    lines = [line.split() for line in each_lab.fact("proc/swaps").splitlines()[1:]]
    infos = list(for_each_swap_info(live))
    assert [swap_is_file(info) for info in infos] == [
        kind == "file" for _, kind, *_ in lines
    ]
    pages = [info.pages.value_() * 4 for info in infos]
    assert pages == [int(size) for _, _, size, *_ in lines]
    used = [swap_usage_in_pages(info) * 4 for info in infos]
    assert used == [int(used) for _, _, _, used, _ in lines]
    total = meminfo(each_lab, "SwapTotal") // 4
    assert swap_total_usage(live) == (total, meminfo(each_lab, "SwapFree") // 4)
    assert total_swapcache_pages(live) * 4 == meminfo(each_lab, "SwapCached")


def test_clocks(live: Program, each_lab: Lab) -> None:
    since_boot = float(each_lab.fact("proc/uptime").split()[0])
    boot = re.search(r"^btime (\d+)", each_lab.fact("proc/stat"), re.M)
    assert boot
    boottime = ktime_get_coarse_boottime_ns(live)
    assert since_boot * 1e9 <= boottime.value_() < since_boot * 1e9 + 600e9
    assert boottime.type_.type_name() == "u64"
    assert uptime(live) == boottime.value_() / 1e9
    # It has never been suspended.
    assert ktime_get_coarse_ns(live).value_() == boottime.value_()
    seconds = boottime.value_() // 10**9
    assert ktime_get_seconds(live).value_() == seconds
    assert ktime_get_boottime_seconds(live).value_() == seconds
    assert ktime_get_boottime_seconds(live).type_.type_name() == "time64_t"
    real = ktime_get_coarse_real_ns(live).value_()
    assert abs(real - boottime.value_() - int(boot[1]) * 10**9) <= 10**9
    assert ktime_get_real_seconds(live).value_() == real // 10**9
    # Nobody has told the kernel of leap seconds.
    assert ktime_get_coarse_clocktai_ns(live).value_() == real
    assert ktime_get_clocktai_seconds(live).value_() == real // 10**9
    minutes, rest = divmod(seconds, 60)
    parts = [
        f"{number} {unit}{'s' if number != 1 else ''}"
        for number, unit in ((minutes, "minute"), (rest, "second"))
        if number
    ]
    assert uptime_pretty(live) == ", ".join(parts)


def test_configuration(live: Program) -> None:
    if live.symbols("kernel_config_data"):
        assert get_kconfig(live)["CONFIG_SMP"] == "y"
        return
    # CONFIG_IKCONFIG is not set in Debian's kernels.
    with pytest.raises(LookupError, match="CONFIG_IKCONFIG"):
        get_kconfig(live)


def test_bpf(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("hold-bpf")

    def told(kind: str) -> dict[str, list[int]]:
        return {
            key.removeprefix(kind): [int(number) for number in value.split()]
            for key, value in facts.items()
            if key.startswith(kind)
        }

    maps = {m.name.string_().decode(): m for m in bpf_map_for_each(live)}
    for name, (id, *numbers) in told("map.").items():
        found = maps[name]
        assert found.id.value_() == id
        assert [
            found.member_(member).value_()
            for member in ("map_type", "key_size", "value_size", "max_entries")
        ] == numbers
        assert bpf_map_by_id(live, id).value_() == found.value_()
    programs = {p.aux.name.string_().decode(): p for p in bpf_prog_for_each(live)}
    for name, (id, type, used) in told("program.").items():
        found = programs[name]
        assert (found.aux.id.value_(), found.type.value_()) == (id, type)
        assert len(list(bpf_prog_used_maps(found))) == used
        assert bpf_prog_by_id(live, id).value_() == found.value_()
    assert {m.name.string_() for m in bpf_prog_used_maps(programs["lab_lookup"])} == {
        b"lab_array",
        b"lab_hash",
    }
    assert not bpf_map_by_id(live, 1 << 20) and not bpf_prog_by_id(live, 1 << 20)
    expected = told("link.")
    if expected:
        links = {link.id.value_(): link for link in bpf_link_for_each(live)}
        kinds = {"cgroup", "xdp"}
        if has_raw_tracepoints(live):
            kinds.add("tracepoint")
        assert set(expected) == kinds
    else:  # before 5.7 (70ed506c3bbc)
        links = {}
        with pytest.raises(LookupError, match="could not find 'struct bpf_link"):
            list(bpf_link_for_each(live))
    assert set(links) == {id for id, *_ in expected.values()}
    for id, type, program in expected.values():
        assert links[id].type.value_() == type
        assert links[id].prog.aux.id.value_() == program
    types = {btf.id.value_(): btf for btf in bpf_btf_for_each(live)}
    assert int(facts["btf"]) in types
    if hasattr(types[int(facts["btf"])], "kernel_btf"):  # since 5.11 (5329722057d4)
        assert not types[int(facts["btf"])].kernel_btf
        kernels = {btf.name.string_() for btf in types.values() if btf.kernel_btf}
        # CONFIG_DEBUG_INFO_BTF
        assert (b"vmlinux" in kernels) == bool(live.symbols("__start_BTF"))


def test_bpf_of_cgroups(live: Program, each_lab: Lab) -> None:
    def names(each: Callable[..., Iterator[Object]], path: str) -> set[bytes]:
        cgroup = cgroup_get_from_path(live, path)
        kinds = len(cgroup.bpf.effective)
        return {
            program.aux.name.string_()
            for kind in range(kinds)
            for program in each(cgroup, kind)
        }

    outer = {b"lab_egress"}
    # Attached by a link, where there are such.
    inner = {b"lab_inner"} if "link.cgroup" in each_lab.task("hold-bpf") else set()
    for path, attached, effective in (
        ("/", set(), set()),
        ("/lab", outer, outer),
        ("/lab/inner", inner, outer | inner),
    ):
        assert names(cgroup_bpf_prog_for_each, path) == attached
        # What is attached to a parent works on its children too.
        assert names(cgroup_bpf_prog_for_each_effective, path) == effective


def test_what_addresses_refer_to(live: Program) -> None:
    task = find_task(live, 1)
    address, stack = task.value_(), task.stack.value_()
    page = virt_to_page(live, address)
    cache: dict[object, object] = {}
    schedule = live.symbol("schedule")
    for number, text in (
        (address, "task: 1 (init)"),
        (address + 0x10, "task: 1 (init) +0x10"),
        (task.comm.address_, f"task: 1 (init) +{task.comm.address_ - address:#x}"),
        (stack + 0x100, "task stack: 1 (init) +0x100"),
        (live["init_task"].address_, "task: 0 (swapper/0)"),
        (live["linux_banner"].address_, "object symbol: linux_banner+0x0"),
        (schedule.address + 5, "function symbol: schedule+0x5"),
        (task.files, "slab object: files_cache+0x0"),
        (page.value_() + 8, f"page: pfn {pfn(live, page)} +0x8"),
        (0, None),
        (0x1000, None),
    ):
        assert identify_address(live, number, cache=cache) == text
        assert identify_address(live, number) == text


def test_tasks_of_a_dump_are_gone_over_once(
    live: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []

    def for_each(prog: Program) -> Iterator[Object]:
        times.append(1)
        return for_each_task(prog)

    monkeypatch.setattr(common, "for_each_task", for_each)
    monkeypatch.setattr(live, "cache", {})
    stacks = [task.stack.value_() for task in for_each_task(live)]
    named = [identify_address(live, stack) for stack in stacks[:20]]
    assert len(set(named)) == 20 and len(times) == 1


def pfn(prog: Program, page: Object) -> int:
    vmemmap: int = prog["vmemmap_base"].value_()
    return (page.value_() - vmemmap) // prog.type("struct page").size


def test_all_that_addresses_refer_to(live: Program) -> None:
    task = find_task(live, 1)
    kinds = [type(i).__name__ for i in identify_address_all(live, task.stack)]
    assert kinds[0] == "IdentifiedTaskStack" and kinds[-1] == "IdentifiedVmap"
    (found,) = identify_address_all(live, live["linux_banner"].address_)
    assert isinstance(found, IdentifiedSymbol) and found.symbol.name == "linux_banner"
    assert found == IdentifiedSymbol(found.address, live.symbol("linux_banner"))
    areas = [area for area in for_each_vmap_area(live) if area.vm and area.vm.caller]
    area = next(
        area
        for area in areas
        if area.vm.nr_pages.value_() == 2
        and not address_to_module(live, area.vm.caller)  # whose symbols are not loaded
    )
    text = str(list(identify_address_all(live, area.va_start))[-1])
    assert text.startswith(f"vmap: {hex(area.va_start)}-{hex(area.va_end)} caller ")


def test_words_of_memory(live: Program, capsys: pytest.CaptureFixture[str]) -> None:
    address = live["init_task"].tasks.address_
    print_annotated_memory(live, address, 12)
    heading, first, last = capsys.readouterr().out.splitlines()
    next_task = live.read_u64(address)
    assert heading == "ADDRESS           VALUE"
    offset = address - live["init_task"].address_
    assert first == f"{address:016x}: {next_task:016x} [task: 1 (init) +{offset:#x}]"
    # Half a word at the end.
    assert last == f"{address + 8:016x}: {live.read_u32(address + 8):016x}"
    page = virt_to_page(live, find_task(live, 1))
    physical = pfn(live, page) << 12
    print_annotated_memory(live, physical, 16, physical=True)
    lines = capsys.readouterr().out.splitlines()[1:]
    words = [live.read_u64(page_to_virt(page).value_() + 8 * i) for i in range(2)]
    assert [int(line[18:34], 16) for line in lines] == words
    assert lines[1].startswith(f"{physical + 8:016x}: ")
