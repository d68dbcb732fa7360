"""``kmem`` prints what the guest itself printed, within what changed until the dump."""

from __future__ import annotations

import re

import pytest
from guest_facts import cache_of, in_kfence_pool, needs_slab_counts
from lab.manifest import Lab

from drgn import Object, Program
from drgn.commands import CommandArgumentError, run_command
from drgn.helpers.linux import (
    NODE_DATA,
    decode_page_flags,
    find_task,
    for_each_online_cpu,
    for_each_possible_cpu,
    page_size,
    page_to_phys,
    per_cpu,
    per_cpu_ptr,
    pfn_to_page,
    slab_cache_for_each_allocated_object,
    slab_cache_objects_per_slab,
    slab_object_info,
)

from .crash_output import crash, rows, tables

#: What the guest may have used or freed between writing its facts and the dump.
SLACK_KBYTES = 80 * 1024


def _meminfo(lab: Lab) -> dict[str, int]:
    found = re.findall(r"^(\S+):\s+(\d+)", lab.fact("proc/meminfo"), re.M)
    return {name: int(value) for name, value in found}


def _pages(text: str) -> dict[str, int]:
    found = re.findall(r"^ *([A-Z ]+?) +(\d+) ", text, re.M)
    return {label: int(pages) for label, pages in found}


def test_i_sums_up_as_meminfo(each_lab: Lab, live: Program) -> None:
    facts = _meminfo(each_lab)
    usage = _pages(crash(live, "kmem -i"))
    kbytes = {label: 4 * pages for label, pages in usage.items()}
    assert kbytes["TOTAL MEM"] == facts["MemTotal"]
    assert kbytes["TOTAL SWAP"] == facts["SwapTotal"]
    assert kbytes["TOTAL HUGE"] == facts["HugePages_Total"] * facts["Hugepagesize"]
    assert kbytes["HUGE FREE"] == facts["HugePages_Free"] * facts["Hugepagesize"]
    assert kbytes["COMMIT LIMIT"] == facts["CommitLimit"]
    for label, name in (
        ("FREE", "MemFree"),
        ("BUFFERS", "Buffers"),
        ("CACHED", "Cached"),
        ("SLAB", "Slab"),
        ("SWAP FREE", "SwapFree"),
        ("COMMITTED", "Committed_AS"),
    ):
        assert abs(kbytes[label] - facts[name]) < SLACK_KBYTES, label
    assert usage["USED"] == usage["TOTAL MEM"] - usage["FREE"]
    lines = crash(live, "kmem -i").splitlines()
    percent = round(100 * usage["FREE"] / usage["TOTAL MEM"])
    assert lines[2].endswith(f" {percent}% of TOTAL MEM")


def test_h_is_meminfo_of_huge_pages(each_lab: Lab, live: Program) -> None:
    facts = _meminfo(each_lab)
    by_name = {row[4]: row for row in rows(crash(live, "kmem -h"))}
    row = by_name[f"hugepages-{facts['Hugepagesize']}kB"]
    free, total = facts["HugePages_Free"], facts["HugePages_Total"]
    assert row[1:4] == ["2MB", str(free), str(total)]


def test_s_is_slabinfo(each_lab: Lab, live: Program) -> None:
    needs_slab_counts(live)
    found = {row[6]: row for row in rows(crash(live, "kmem -s"))}
    facts = {}
    for line in each_lab.fact("proc/slabinfo").splitlines()[2:]:
        name, _, total, size, per_slab, pages, *rest = line.split()
        facts[name] = int(total), int(size), int(per_slab), int(pages), int(rest[-2])
    # Caches that the dump has and slabinfo has not are of what ran in between.
    assert set(facts) <= set(found)
    changed = 0
    for name, (_, size, per_slab, pages, slabs) in facts.items():
        _, objsize, allocated, total, now, ssize, _ = found[name]
        assert int(objsize) <= size
        assert ssize == f"{4 * pages}k"
        assert 0 <= int(allocated) <= int(total)
        assert int(total) <= int(now) * max(per_slab, 1)
        changed += abs(int(now) - slabs) > max(4, slabs // 4)
    assert changed < len(facts) // 5


def test_s_counts_what_is_allocated(live: Program) -> None:
    for name in ("dentry", "task_struct", "kmalloc-64"):
        cache = cache_of(live, name)
        needs_slab_counts(live)
        ((_, _, allocated, *_),) = rows(crash(live, f"kmem -s {name}"))
        objects = list(slab_cache_for_each_allocated_object(cache, "void"))
        counted = len(objects) - in_kfence_pool(cache)
        # What one CPU freed of the slab that another allocates from counts still.
        at_hand = slab_cache_objects_per_slab(cache) * len(
            list(for_each_online_cpu(live))
        )
        assert 0 <= int(allocated) - counted < at_hand


def test_s_of_names(live: Program) -> None:
    header = crash(live, "kmem -s nosuch")
    assert header.split() == [
        "CACHE", "OBJSIZE", "ALLOCATED", "TOTAL", "SLABS", "SSIZE", "NAME",
    ]  # fmt: skip
    two = rows(crash(live, "kmem -s filp files_cache"))
    assert [row[-1] for row in two] == ["filp", "files_cache"]
    ignoring = rows(crash(live, "kmem -s filp files_cache -I filp,other"))
    assert ignoring[0][1:] == ["[IGNORED]", "filp"]
    assert ignoring[1] == two[1]


def test_s_of_a_kernel_that_does_not_count(
    live: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(cache: Object) -> None:
        raise ValueError  # CONFIG_SLUB_TINY

    (counted,) = rows(crash(live, "kmem -s filp"))
    monkeypatch.setattr("drgn.commands.crash._kmem_slab.slab_cache_usage", usage)
    (row,) = rows(crash(live, "kmem -s filp"))
    assert row == [*counted[:2], "[UNKNOWN]", *counted[-2:]]


def test_s_of_an_address_in_an_ignored_cache(live: Program) -> None:
    task = find_task(live, 1)
    cache_of(live, "task_struct")
    text = crash(live, f"kmem -s -I task_struct {task.value_():x}")
    (row,) = rows(text)
    assert row[1:] == ["[IGNORED]", "task_struct"]
    seen = crash(live, f"kmem -s -I other {task.value_():x}")
    assert "[IGNORED]" not in seen and f"[{task.value_():x}]" in seen


def _zones(lab: Lab) -> dict[str, dict[str, int]]:
    zones = {}
    parts = re.split(r"^Node \d+, zone +", lab.fact("proc/zoneinfo"), flags=re.M)
    for part in parts[1:]:
        values = re.findall(r"^ +(min|low|high|spanned|present) +(\d+)$", part, re.M)
        zones[part.split()[0]] = {name: int(value) for name, value in values}
    return zones


def test_z_is_zoneinfo(each_lab: Lab, live: Program) -> None:
    text = crash(live, "kmem -z")
    zones = _zones(each_lab)
    assert re.findall(r'NAME: "(\w+)"', text) == list(zones)
    for part, zone in zip(text.split("NODE: ")[1:], zones.values(), strict=True):
        if not zone["spanned"]:
            assert "[unpopulated]" in part
            continue
        size = re.search(r"SIZE: (\d+)(?:  PRESENT: (\d+))?  MIN/LOW/HIGH: (\S+)", part)
        assert size is not None
        assert int(size[1]) == zone["spanned"]
        assert int(size[2] or size[1]) == zone["present"]
        assert size[3] == f"{zone['min']}/{zone['low']}/{zone['high']}"


def _not_counted_yet(prog: Program) -> int:
    """What the CPUs have not yet added to the zones' NR_FREE_PAGES."""
    index = prog["NR_FREE_PAGES"].value_()
    total = 0
    for zone in NODE_DATA(prog, 0).node_zones:
        # Before 5.14 (28f836b6777b), with the free lists of the CPU.
        split = hasattr(zone, "per_cpu_zonestats")
        stats = zone.per_cpu_zonestats if split else zone.pageset
        for cpu in for_each_online_cpu(prog):
            total += per_cpu_ptr(stats, cpu).vm_stat_diff[index].value_()
    return total


def test_f_finds_the_free_pages_that_are_counted(each_lab: Lab, live: Program) -> None:
    text = crash(live, "kmem -f")
    counted = re.search(
        r"^nr_free_pages: (\d+)  \((?:verified|found (\d+))\)$", text, re.M
    )
    assert counted is not None
    # CPUs keep some of the count to themselves for a while.
    assert int(counted[2] or counted[1]) - int(counted[1]) == _not_counted_yet(live)
    facts = _meminfo(each_lab)
    assert abs(4 * int(counted[1]) - facts["MemFree"]) < SLACK_KBYTES
    # buddyinfo has a number of blocks for each order.
    listed = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    orders = {row[0] for row in listed if row[0].isdigit() and len(row) == 6}
    line = each_lab.fact("proc/buddyinfo").splitlines()[0]
    assert orders == {str(i) for i in range(len(line.split()) - 4)}
    for row in listed:
        if row[0].isdigit() and len(row) == 6:
            assert int(row[5]) == int(row[4]) << int(row[0])


def test_big_f_lists_the_pages(live: Program) -> None:
    text = crash(live, "kmem -F")
    pages = re.findall(r"^([0-9a-f]{16})$", text, re.M)
    for address in pages[:20]:
        assert rows(crash(live, f"kmem -p {address}"))[0][0].split()[0] == address
    lists = [row for table in tables(crash(live, "kmem -f")) for row in table]
    counts = [int(row[4]) for row in lists if len(row) == 6 and row[0].isdigit()]
    assert len(pages) == sum(counts)


def test_long_free_lists_are_read_as_arrays(
    live: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = crash(live, "kmem -F")
    monkeypatch.setattr("drgn.commands.crash._kmem_zones._LONG_LIST", 0)
    assert crash(live, "kmem -F") == text


def test_n_is_nodes_and_blocks(each_lab: Lab, live: Program) -> None:
    text = crash(live, "kmem -n")
    zones = _zones(each_lab)
    sizes = re.findall(r"^ +\d+ +([A-Z]\w+) +(\d+) ", text, re.M)
    assert sizes == [(name, str(zone["spanned"])) for name, zone in zones.items()]
    if "memory_subsys" not in live:  # CONFIG_MEMORY_HOTPLUG
        assert "ONLINE" not in text
        return
    # Before 4.17, a block does not know its node; it is -1 without CONFIG_NUMA.
    blocks = re.findall(r"(memory\d+) +(\w+) - +(\w+) +(?:0 +|-1 +)?ONLINE", text)
    assert len(blocks) == text.count("ONLINE") > 0
    assert [name for name, *_ in blocks] == [f"memory{i}" for i in range(len(blocks))]
    end = int(blocks[-1][2], 16) + 1
    assert end == 512 << 20


def test_v_has_the_modules(each_lab: Lab, live: Program) -> None:
    areas = rows(crash(live, "kmem -v"))
    ranges = []
    for row in areas:
        start, end = (int(address, 16) for address in row[2].split(" - "))
        assert end - start == int(row[3])
        ranges.append(range(start, end))
    assert ranges
    for line in each_lab.fact("proc/modules").splitlines():
        words = line.split()
        # Several of them share an area in Linux 7.
        assert any(int(words[5], 16) in each for each in ranges), words[0]


def _vmstat(lab: Lab) -> dict[str, int]:
    lines = lab.fact("proc/vmstat").splitlines()
    return {name: int(value) for name, value in map(str.split, lines)}


def test_big_v_counts_on_from_vmstat(each_lab: Lab, live: Program) -> None:
    found = {
        name.lower(): int(value)
        for name, value in re.findall(r"^ *(\w+): (\d+)$", crash(live, "kmem -V"), re.M)
    }
    facts = {
        name: int(value)
        for name, value in re.findall(
            r"^(\w+) (\d+)$", each_lab.fact("proc/vmstat"), re.M
        )
    }
    common = set(found) & set(facts)
    assert len(common) > 80
    for name in {"pgfault", "pgfree", "pgpgout", "numa_hit"} - (
        set() if "NUMA_HIT" in live else {"numa_hit"}
    ):
        assert 0 < facts[name] <= found[name]
    assert found["nr_mlock"] == facts["nr_mlock"]
    assert {"nr_vm_zone_stat_items", "nr_vm_event_items"}.isdisjoint(found)


def test_o_is_where_variables_are(live: Program) -> None:
    offsets = re.findall(r"CPU (\d+): (\w+)", crash(live, "kmem -o"))
    assert [int(cpu) for cpu, _ in offsets] == list(for_each_possible_cpu(live))
    symbol = live.symbol("runqueues").address
    for cpu, offset in offsets:
        address = per_cpu(live["runqueues"], int(cpu)).address_
        assert symbol + int(offset, 16) & (1 << 64) - 1 == address


def test_g_names_flags(live: Program) -> None:
    every = {row[0]: row for row in rows(crash(live, "kmem -g"))}
    bits = {e.name: e.value for e in live.type("enum pageflags").enumerators or ()}
    assert {name for name in bits if not name.startswith("__")} == set(every)
    name, bit, value = every["PG_dirty"]
    assert int(bit) == bits[name] and int(value, 16) == 1 << bits[name]
    some = crash(live, f"kmem -g {1 << bits['PG_dirty']:x}").splitlines()
    assert some[0] == f"FLAGS: {1 << bits['PG_dirty']:x}"
    assert any(line.startswith("  PG_dirty ") for line in some)
    assert not any("PG_locked" in line for line in some)


def test_p_shows_every_page(each_lab: Lab, live: Program) -> None:
    lines = crash(live, "kmem -p").splitlines()[1:]
    spanned = sum(zone["spanned"] for zone in _zones(each_lab).values())
    # Page 0 is in no zone.
    assert len(lines) >= spanned + 1
    mlocked = sum(
        page_size(Object(live, "struct page *", int(line.split()[0], 16))).value_()
        >> 12
        for line in lines
        if "mlocked" in line.split()[-1].split(",")
    )
    assert mlocked == _vmstat(each_lab)["nr_mlock"]
    for pfn in range(0, len(lines), 4099):
        page = pfn_to_page(live, pfn)
        words = lines[pfn].split()
        assert int(words[0], 16) == page.value_()
        assert int(words[1], 16) == page_to_phys(page).value_()
        assert int(words[2], 16) == page.mapping.value_()
        named = decode_page_flags(page).replace("PG_", "").lower()
        assert words[-1] == ",".join(named.split("|"))


def test_p_is_as_wide_as_the_end_of_memory(scratch: Program) -> None:
    max_pfn = scratch["max_pfn"]
    memory = bytearray(8)
    scratch.add_memory_segment(
        max_pfn.address_, 8, lambda address, count, offset, physical: bytes(memory)
    )
    task = scratch["init_task"].address_
    for end, digits in ((0xFFD4, 7), (0x1FFD4, 8), (0x100000, 9), (0x4000000, 10)):
        memory[:] = end.to_bytes(8, "little")
        header, row = crash(scratch, f"kmem -p {task:x}").splitlines()
        address = int(row.split()[1], 16)
        assert row[16:].startswith(f"  {address:{digits}x}  ")
        assert header[16:].startswith(f"  {'PHYSICAL':>{digits}}  ")


def test_m_shows_members(live: Program) -> None:
    lines = crash(live, "kmem -m _refcount,lru.next,private").splitlines()
    assert lines[0].split() == ["PAGE", "_refcount", "lru.next", "private"]
    for pfn in range(0, 100000, 4099):
        page = pfn_to_page(live, pfn)
        address, count, following, private = lines[pfn + 1].split()
        assert int(address, 16) == page.value_()
        assert int(count) == page.member_("_refcount").counter.value_()
        assert int(following, 16) == page.lru.next.value_()
        assert int(private) == page.private.value_()


def _cache_name(object: Object) -> str:
    info = slab_object_info(object.prog_, object)
    assert info is not None
    return info.slab_cache.name.string_().decode()


def test_what_a_task_is(each_lab: Lab, live: Program) -> None:
    pid = int(each_lab.task("stopped")["pid"])
    task = find_task(live, pid)
    cache = _cache_name(task)
    parts = crash(live, f"kmem {task.value_() + 16:x}").split("\n\n")
    assert parts[0].startswith(f"    PID: {pid}\n")
    assert f"  {cache}\n" in parts[1]
    assert parts[1].endswith(f"  [{task.value_():x}]")
    assert parts[2].startswith("      PAGE")
    stack = crash(live, f"kmem {task.stack.value_() + 8:x}")
    assert f"    PID: {pid}\n" in stack
    assert "VMAP_AREA" in stack


def test_options_limit_what_an_address_is(live: Program) -> None:
    task = find_task(live, 1)
    address = f"{task.value_():x}"
    slab = crash(live, f"kmem -s {address}")
    page = crash(live, f"kmem -p {address}")
    cache = _cache_name(task)
    assert cache in slab and "PAGE" not in slab
    assert "PAGE" in page and cache not in page
    assert crash(live, f"kmem -v {address}") == (
        f"kmem: address is not allocated in vmalloc subsystem: {address}\n"
    )
    assert rows(crash(live, f"kmem -m flags {address}"))[0][0] == page.split()[6]


@pytest.mark.parametrize(
    "address", [0, 5, 0x1000, 1 << 62, 0xDEADBEEF00000000, (1 << 64) - 1]
)
def test_wild_addresses(
    live: Program, address: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("", "-p", "-m flags"):
        assert crash(live, f"kmem {option} {address:x}") == ""
        known = f"kmem: nothing is known of address: {address:x}\n"
        assert capsys.readouterr().err == known
    assert crash(live, f"kmem -s {address:x}") == (
        f"kmem: address is not allocated in slab subsystem: {address:x}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "address or option is required"),
        ("nosuch", "name can only be used with -s"),
        ("-v nosuch", "name can only be used with -s"),
        ("-I dentry", "-I can only be used with -s"),
        ("-i ffff888000000000", "address not allowed with info"),
        ("-f ffff888000000000", "address not allowed with free"),
        ("-i -s", "argument -s: not allowed with argument -i"),
        ("-g xyz", "invalid 'hexadecimal' value: 'xyz'"),
        ("-m", "expected one argument"),
        ("10000000000000000", "not an address"),
    ],
)
def test_arguments_that_cannot_be(live: Program, arguments: str, message: str) -> None:
    with pytest.raises(CommandArgumentError, match=re.escape(message)):
        run_command(live, f"crash kmem {arguments}")


def test_members_that_cannot_be(live: Program) -> None:
    with pytest.raises(LookupError, match="no member 'foo'"):
        crash(live, "kmem -m foo")
    with pytest.raises(TypeError):
        crash(live, "kmem -m mapping.host")
    with pytest.raises(ValueError, match="invalid member name: $"):
        crash(live, "kmem -m flags,,lru")
