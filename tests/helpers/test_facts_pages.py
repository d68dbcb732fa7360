"""Helpers for memory find what the guest itself printed before the dump."""

from __future__ import annotations

import re
import struct
from collections import Counter

import pytest
from guest_facts import kilobytes
from lab.dumps import open_dump
from lab.manifest import Lab

import drgn.helpers.linux.mm as mm_helpers
from drgn import FaultError, Object, Program
from drgn.helpers.linux import (
    NODE_DATA,
    PFN_PHYS,
    PHYS_PFN,
    PageActive,
    PageCompound,
    PageDirty,
    PageHead,
    PageReferenced,
    PageReserved,
    PageSlab,
    PageSwapBacked,
    PageTail,
    PageUnevictable,
    PageUptodate,
    PageWriteback,
    access_process_vm,
    access_remote_vm,
    compound_head,
    compound_nr,
    compound_order,
    cpu_online_mask,
    cpu_possible_mask,
    cpu_present_mask,
    cpumask_of,
    cpumask_to_cpulist,
    cpumask_weight,
    decode_memory_block_state,
    decode_memory_block_state_value,
    decode_page_flags,
    decode_page_flags_value,
    decode_section_flags,
    early_section,
    early_section_nr,
    environ,
    find_task,
    find_vmap_area,
    follow_page,
    follow_pfn,
    follow_phys,
    for_each_cpu,
    for_each_memory_block,
    for_each_node,
    for_each_node_mask,
    for_each_node_state,
    for_each_online_cpu,
    for_each_online_node,
    for_each_online_pgdat,
    for_each_possible_cpu,
    for_each_present_cpu,
    for_each_present_section,
    for_each_valid_page_range,
    for_each_valid_pfn_and_page,
    for_each_vma,
    for_each_vmap_area,
    high_wmark_pages,
    in_direct_map,
    low_wmark_pages,
    memory_block_size_bytes,
    min_wmark_pages,
    mm_cmdline,
    mm_environ,
    node_state,
    nr_node_ids,
    nr_to_section,
    num_online_cpus,
    num_possible_cpus,
    num_present_cpus,
    online_section,
    online_section_nr,
    page_flags,
    page_index,
    page_size,
    page_to_pfn,
    page_to_phys,
    page_to_virt,
    pfn_to_page,
    pfn_to_section,
    pfn_to_section_nr,
    pfn_to_virt,
    pgtable_l5_enabled,
    phys_to_page,
    phys_to_virt,
    present_section,
    present_section_nr,
    section_decode_mem_map,
    section_mem_map_addr,
    section_nr_to_pfn,
    task_rss,
    task_vsize,
    valid_section,
    valid_section_nr,
    virt_to_page,
    virt_to_pfn,
    vm_commit_limit,
    vm_memory_committed,
    vma_find,
    vmalloc_to_page,
    vmalloc_to_pfn,
    wmark_pages,
)

#: include/uapi/linux/kernel-page-flags.h: KPF_*
KPF = {
    0: "PageLocked", 2: "PageReferenced", 3: "PageUptodate", 4: "PageDirty",
    5: "PageLRU", 6: "PageActive", 7: "PageSlab", 8: "PageWriteback",
    10: "PageBuddy", 12: "PageAnon", 14: "PageSwapBacked", 15: "PageCompound_head",
    16: "PageCompound_tail", 17: "PageHuge", 18: "PageUnevictable",
    32: "PageReserved", 33: "PageMlocked",
}  # fmt: skip


def frames(lab: Lab, task: str, key: str) -> list[int]:
    """Frame numbers of pages that a task has in memory, as /proc/PID/pagemap says."""
    entries = [int(entry, 16) for entry in lab.task(task)[key].split()]
    assert all(entry >> 63 for entry in entries), "a page is not present"
    return [entry & (1 << 55) - 1 for entry in entries]


def guests_flags(lab: Lab) -> tuple[int, ...]:
    data = (lab.facts / "proc/kpageflags").read_bytes()
    return struct.unpack(f"<{len(data) // 8}Q", data)


def memory_of(live: Program, lab: Lab) -> tuple[Object, dict[str, list[str]]]:
    facts = lab.task("map-memory")
    task = find_task(live, int(facts["pid"]))
    return task, {key: value.split() for key, value in facts.items()}


def test_frames_of_a_task(live: Program, each_lab: Lab) -> None:
    task, facts = memory_of(live, each_lab)
    for key in ("anonymous", "file", "transparent", "huge"):
        start = int(facts[key][0], 16)
        for i, frame in enumerate(frames(each_lab, "map-memory", f"frames.{key}")):
            address = start + (i << 12)
            assert follow_pfn(task.mm, address).value_() == frame
            assert follow_phys(task.mm, address + 5).value_() == (frame << 12) + 5
            page = follow_page(task.mm, address)
            assert page_to_pfn(page).value_() == frame
    with pytest.raises(FaultError):
        follow_pfn(task.mm, 0x1000)


def test_flags_of_pages(live: Program, each_lab: Lab) -> None:
    """Pages that a sleeping task maps keep their flags; others change meanwhile."""
    guest = guests_flags(each_lab)
    by_name = {
        "PageReferenced": PageReferenced,
        "PageUptodate": PageUptodate,
        "PageDirty": PageDirty,
        "PageActive": PageActive,
        "PageSlab": PageSlab,
        "PageWriteback": PageWriteback,
        "PageSwapBacked": PageSwapBacked,
        "PageCompound_head": PageHead,
        "PageCompound_tail": PageTail,
        "PageUnevictable": PageUnevictable,
        "PageReserved": PageReserved,
    }
    mapped = [
        frame
        for key in ("anonymous", "file", "transparent", "huge")
        for frame in frames(each_lab, "map-memory", f"frames.{key}")
    ]
    for frame in mapped:
        page = pfn_to_page(live, frame)
        head = compound_head(page)
        for bit, name in KPF.items():
            test = by_name.get(name)
            if test is None:
                continue
            if guest[frame] >> 16 & 1 and not name.startswith("PageCompound"):
                continue  # Of a tail page, some kernels show its own flags.
            # The kernel shows the flags of the whole folio.
            asked = page if name.startswith(("PageCompound", "PageReserved")) else head
            if name in ("PageReferenced", "PageActive"):
                continue  # Reclaim may age them.
            if name == "PageUptodate" and guest[frame] >> 15 & 3:
                continue  # Some kernels look at the part instead.
            assert test(asked) == bool(guest[frame] >> bit & 1), (hex(frame), name)
        assert PageCompound(page) == bool(guest[frame] & 3 << 15)


def test_most_flags_are_as_the_guest_saw_them(live: Program, each_lab: Lab) -> None:
    """Of all pages: flags which the guest's doings since then hardly change."""
    guest = guests_flags(each_lab)
    counts = dict.fromkeys(
        ("PageSlab", "PageReserved", "PageLRU", "PageUnevictable"), 0
    )
    ours = dict.fromkeys(counts, 0)
    bits = {name: bit for bit, name in KPF.items()}
    found: set[int] = set()
    same = total = 0
    for pfn, page in for_each_valid_pfn_and_page(live):
        if pfn % 7 or pfn >= len(guest):
            continue
        found.add(pfn)
        for name in counts:
            theirs = bool(guest[pfn] >> bits[name] & 1)
            mine = bool(getattr(mm_helpers, name)(compound_head(page)))
            counts[name] += theirs
            ours[name] += mine
            same += theirs == mine
            total += 1
    # Those without a struct page the guest showed as such (KPF_NOPAGE).
    assert found == {i for i in range(0, len(guest), 7) if not guest[i] >> 20 & 1}
    # Writing it all down took memory.
    assert same > 0.97 * total
    for name, count in counts.items():
        assert count <= ours[name] + 20 <= 2 * count + 40, name
    assert counts["PageSlab"] > 100 and counts["PageReserved"] > 100


def test_every_flag(live: Program, each_lab: Lab) -> None:
    """Each function tests the bit that the kernel gives its name."""
    names = [name for name in mm_helpers.__all__ if name.startswith("Page")]
    bits = dict(live.type("enum pageflags").enumerators or ())
    page = pfn_to_page(live, frames(each_lab, "map-memory", "frames.file")[0])
    flags = page_flags(page).value_()
    tested = 0
    for name in names:
        snake = "PG_" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[4:]).lower()
        for spelling in (snake, snake.replace("_", "").replace("pg", "PG_", 1)):
            if spelling in bits:
                expected = bool(flags >> bits[spelling] & 1)
                assert getattr(mm_helpers, name)(page) == expected, name
                tested += 1
                break
    assert tested > 15
    words = decode_page_flags(page).split("|")
    assert {"PG_uptodate", "PG_lru", "PG_mlocked", "PG_unevictable"} <= set(
        words
    ) or "PG_unevictable" in words
    assert decode_page_flags_value(live, flags) == decode_page_flags(page)
    assert decode_page_flags_value(live, 1 << bits["PG_dirty"]).startswith("PG_dirty")


def test_compound_pages(live: Program, each_lab: Lab) -> None:
    # PREEMPT_RT excludes TRANSPARENT_HUGEPAGE.
    transparent = ("transparent",) if "transparent_hugepage_flags" in live else ()
    for key in (*transparent, "huge"):
        first, *others = frames(each_lab, "map-memory", f"frames.{key}")
        head = pfn_to_page(live, first)
        assert compound_order(head).value_() == 9
        assert compound_nr(head).value_() == 512
        assert page_size(head).value_() == 2 << 20
        for other in others:
            assert compound_head(pfn_to_page(live, other)).value_() == head.value_()
    single = pfn_to_page(live, frames(each_lab, "map-memory", "frames.anonymous")[0])
    assert page_size(single).value_() == 4096
    assert (compound_order(single).value_(), compound_nr(single).value_()) == (0, 1)
    file = frames(each_lab, "map-memory", "frames.file")
    assert [page_index(pfn_to_page(live, frame)).value_() for frame in file] == list(
        range(len(file))
    )


def test_addresses_of_pages(live: Program, each_lab: Lab) -> None:
    for frame in frames(each_lab, "map-memory", "frames.anonymous"):
        page = pfn_to_page(live, frame)
        physical = frame << 12
        virtual = phys_to_virt(live, physical)
        assert PFN_PHYS(live, frame).value_() == physical
        assert PHYS_PFN(live, physical + 7).value_() == frame
        assert page_to_phys(page).value_() == physical
        assert phys_to_page(live, physical).value_() == page.value_()
        assert page_to_virt(page).value_() == virtual.value_()
        assert pfn_to_virt(live, frame).value_() == virtual.value_()
        assert virt_to_pfn(live, virtual).value_() == frame
        assert virt_to_page(live, virtual).value_() == page.value_()
        assert in_direct_map(live, virtual)
        assert live.read(virtual, 32) == live.read(physical, 32, physical=True)
    _, facts = memory_of(live, each_lab)
    first = frames(each_lab, "map-memory", "frames.anonymous")[0]
    text = b"pydrgn lab pattern %010d" % 0
    assert live.read(pfn_to_virt(live, first), len(text)) == text
    assert not in_direct_map(live, int(facts["anonymous"][0], 16))


def test_memory_of_a_task(live: Program, each_lab: Lab) -> None:
    task, facts = memory_of(live, each_lab)
    for key in ("anonymous", "hidden", "transparent", "huge"):
        start = int(facts[key][0], 16)
        for at in (0, 32, 4064, 8192):
            text = b"pydrgn lab pattern %010d" % at
            assert access_process_vm(task, start + at, len(text)) == text
            assert access_remote_vm(task.mm, start + at, len(text)) == text
    start, size, total = facts["file"]
    data = access_process_vm(task, int(start, 16), int(size))
    assert sum(data) == int(total)
    assert access_process_vm(task, int(start, 16), 0) == b""
    with pytest.raises(FaultError):
        access_process_vm(task, 0x10, 1)


def test_swapped_memory(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("swapped")
    assert facts["result"] == "0"
    task = find_task(live, int(facts["pid"]))
    start, size = facts["memory"].split()
    status = each_lab.fact(f"proc/{facts['pid']}/status")
    swapped = re.search(r"^VmSwap:\s+(\d+) kB", status, re.M)
    # The kernel may leave a few pages where they are.
    assert swapped and int(swapped[1]) * 1024 >= int(size) * 0.9
    # Pages in swap space have no frame.
    with pytest.raises(FaultError):
        follow_pfn(task.mm, int(start, 16))
    assert task_rss(task).swap == int(swapped[1]) // 4


def test_sizes_of_tasks(live: Program, each_lab: Lab) -> None:
    compared = 0
    for name in ("map-memory", "wait-files", "sockets", "many-areas", "swapped"):
        pid = int(each_lab.task(name)["pid"])
        task = find_task(live, pid)
        status = kilobytes(each_lab.fact(f"proc/{pid}/status"))
        rss = task_rss(task)
        assert task_vsize(task) == int(status["VmSize"]) * 1024
        # The kernel is allowed to be inexact by a batch per CPU.
        for found, key in (
            (rss.file, "RssFile"),
            (rss.anon, "RssAnon"),
            (rss.shmem, "RssShmem"),
            (rss.swap, "VmSwap"),
        ):
            assert abs(found * 4 - int(status[key])) <= 4 * 4 * 64, key
        assert rss.total == rss.file + rss.anon + rss.shmem
        compared += 1
    assert compared == 5


def test_areas_by_address(live: Program, each_lab: Lab) -> None:
    pid = int(each_lab.task("many-areas")["pid"])
    mm = find_task(live, pid).mm
    areas = list(for_each_vma(mm))
    maps = each_lab.fact(f"proc/{pid}/maps").splitlines()
    assert len(areas) > 500 and abs(len(maps) - len(areas)) <= 1
    for area in areas[::20]:
        for address in (area.vm_start, area.vm_end - 1):
            assert vma_find(mm, address).value_() == area.value_()
    assert not vma_find(mm, 0)
    last = areas[-1].vm_end
    assert not vma_find(mm, last)


def test_command_line_and_environment(live: Program, each_lab: Lab) -> None:
    compared = 0
    for name in ("wait-pipe", "many-users", "contained"):
        pid = int(each_lab.task(name)["pid"])
        task = find_task(live, pid)
        expected = (each_lab.facts / f"proc/{pid}/environ").read_bytes()
        assert b"\0".join(environ(task) or ()) + b"\0" == expected
        assert mm_environ(task.mm) == environ(task)
        command = (each_lab.facts / f"proc/{pid}/cmdline").read_bytes()
        assert b"\0".join(mm_cmdline(task.mm)) + b"\0" == command
        compared += 1
    assert compared == 3
    assert environ(find_task(live, 2)) is None


def test_a_title_instead_of_a_command_line(each_lab: Lab) -> None:
    """What setproctitle() leaves behind, without and with a part of the environment."""
    prog = open_dump(each_lab, "live.elf")
    mm = find_task(prog, int(each_lab.task("wait-pipe")["pid"])).mm
    start, end = mm.arg_start.value_(), mm.arg_end.value_()
    assert mm.env_start.value_() == end
    written = bytearray(b"x: y".ljust(end - start + 40, b"."))

    def read(_: int, count: int, offset: int, __: bool) -> bytes:
        return bytes(written[offset : offset + count])

    physical = follow_phys(mm, start).value_()
    prog.add_memory_segment(physical, len(written), read, True)
    written[end - start + 30] = 0
    assert mm_cmdline(mm) == [b"x: y".ljust(end - start + 30, b".")]
    written[4] = 0
    assert mm_cmdline(mm) == [b"x: y"]
    written[end - start - 1] = 0
    assert mm_cmdline(mm) == [b"x: y", bytes(written[5 : end - start - 1])]


def test_kernel_address_space(live: Program, each_lab: Lab) -> None:
    lines = re.findall(
        r"^0x(\w+)-0x(\w+) +(\d+) (\S*)", each_lab.fact("proc/vmallocinfo"), re.M
    )
    expected = {(int(start, 16), int(end, 16)) for start, end, *_ in lines}
    found = {
        (area.va_start.value_(), area.va_end.value_())
        for area in for_each_vmap_area(live)
    }
    # Stacks and areas that are unmapped late have come and gone since, the more the
    # slower the guest was.
    if max(expected)[0] >> 63:
        assert len(found & expected) > 0.5 * len(expected)
    else:
        # The guest printed hashes of the addresses: slub_debug keeps it from that since
        # 5.14 (792702911f58).
        sizes = Counter(end - start for start, end in found)
        told = Counter(int(size) for _, _, size, _ in lines)
        assert (sizes & told).total() > 0.5 * told.total()
    for start, end in sorted(found)[::10]:
        area = find_vmap_area(live, start + 8)
        assert area.va_start.value_() == start and area.va_end.value_() == end
    assert not find_vmap_area(live, 0x1000)
    stack = find_task(live, 2).stack
    page = vmalloc_to_page(live, stack)
    assert vmalloc_to_pfn(live, stack).value_() == page_to_pfn(page).value_()
    data = live.read(stack, 64)
    assert live.read(page_to_virt(page), 64) == data


def test_promised_memory(live: Program, each_lab: Lab) -> None:
    meminfo = dict(
        re.findall(r"^(\w+): +(\d+) kB", each_lab.fact("proc/meminfo"), re.M)
    )
    assert vm_commit_limit(live) * 4 == int(meminfo["CommitLimit"])
    assert abs(vm_memory_committed(live) * 4 - int(meminfo["Committed_AS"])) < 32768


def test_watermarks(live: Program, each_lab: Lab) -> None:
    text = each_lab.fact("proc/zoneinfo")
    zones = re.findall(
        r"^Node (\d+), zone +(\w+)\n(?:.*\n)*?"
        r" +min +(\d+)\n +low +(\d+)\n +high +(\d+)\n",
        text,
        re.M,
    )
    assert zones
    for node, name, *marks in zones:
        zone = next(
            zone.address_of_()
            for zone in NODE_DATA(live, int(node)).node_zones
            if zone.name.string_().decode() == name
        )
        found = [f(zone) for f in (min_wmark_pages, low_wmark_pages, high_wmark_pages)]
        assert found == [int(mark) for mark in marks], name
        assert [wmark_pages(zone, i) for i in range(3)] == found


def test_nodes(live: Program, each_lab: Lab) -> None:
    check_nodes(live, each_lab.fact("sys/nodes"))


def test_nodes_and_cpus_that_may_come(each_lab: Lab) -> None:
    """The guest with two nodes and a place for one more processor."""
    prog = Program()
    prog.set_core_dump(each_lab.dump("la57.elf"))
    prog.load_debug_info([each_lab.vmlinux])
    facts = each_lab.directory / "la57-facts"
    check_nodes(prog, (facts / "sys/nodes").read_text())
    nodes = [0, 1] if has_nodes(prog) else [0]
    assert list(for_each_online_node(prog)) == nodes
    cpus = dict(re.findall(r"/cpu/(\w+):(\S+)", (facts / "sys/cpus").read_text()))
    assert cpumask_to_cpulist(cpu_online_mask(prog)) == cpus["online"]
    assert cpumask_to_cpulist(cpu_possible_mask(prog)) == cpus["possible"]
    assert cpumask_to_cpulist(cpu_present_mask(prog)) == cpus["present"]
    for test, name in (
        (for_each_online_cpu, "online"),
        (for_each_possible_cpu, "possible"),
        (for_each_present_cpu, "present"),
    ):
        assert list(test(prog)) == cpus_of(cpus[name])
    for count, name in (
        (num_online_cpus, "online"),
        (num_possible_cpus, "possible"),
        (num_present_cpus, "present"),
    ):
        assert count(prog) == len(cpus_of(cpus[name]))
    online = cpu_online_mask(prog)
    assert list(for_each_cpu(online)) == cpus_of(cpus["online"])
    assert cpumask_weight(online) == len(cpus_of(cpus["online"]))
    assert list(for_each_cpu(cpumask_of(prog, 1))) == [1]
    # CONFIG_X86_5LEVEL
    assert pgtable_l5_enabled(prog) == ("__pgtable_l5_enabled" in prog)
    totals = re.findall(
        r"^Node (\d+), zone +\w+\n(?:.*\n)*? +managed +(\d+)\n",
        (facts / "proc/zoneinfo").read_text(),
        re.M,
    )
    for node in nodes:
        managed = sum(int(pages) for number, pages in totals if int(number) == node)
        assert managed == sum(
            zone.managed_pages.counter.value_()
            for zone in NODE_DATA(prog, node).node_zones
        )


def cpus_of(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def has_nodes(prog: Program) -> bool:
    """Whether memory may be on several nodes (CONFIG_NUMA)."""
    return "NUMA_HIT" in prog


def check_nodes(prog: Program, text: str) -> None:
    """What ``/sys/devices/system/node`` says."""

    def numbers(name: str) -> list[int]:
        match = re.search(rf"/{name}:(\d+)(?:-(\d+))?$", text, re.M)
        assert match
        return list(range(int(match[1]), int(match[2] or match[1]) + 1))

    # Without CONFIG_NUMA nothing is said.
    online = numbers("online") if has_nodes(prog) else [0]
    assert list(for_each_online_node(prog)) == online
    assert list(for_each_node_state(prog, prog["N_ONLINE"])) == online
    possible = numbers("possible") if has_nodes(prog) else [0]
    assert list(for_each_node(prog)) == possible
    assert list(for_each_node_mask(prog["node_states"][prog["N_ONLINE"]])) == online
    assert nr_node_ids(prog) == possible[-1] + 1
    assert [node_state(node, prog["N_ONLINE"]) for node in range(4)] == [
        node in online for node in range(4)
    ]
    assert [pgdat.node_id.value_() for pgdat in for_each_online_pgdat(prog)] == online
    for node in online:
        assert NODE_DATA(prog, node).node_id.value_() == node


def test_blocks_and_sections(live: Program, each_lab: Lab) -> None:
    facts = each_lab.fact("sys/memory")
    size = re.search(r"block_size_bytes:(\w+)", facts)
    assert size and memory_block_size_bytes(live).value_() == int(size[1], 16)
    expected = {
        int(number): state
        for number, state in re.findall(r"memory(\d+)/state:(\w+)", facts)
    }
    blocks = {block.dev.id.value_(): block for block in for_each_memory_block(live)}
    assert set(blocks) == set(expected)
    names = {"online": "MEM_ONLINE", "offline": "MEM_OFFLINE"}
    for number, state in expected.items():
        block = blocks[number]
        assert decode_memory_block_state(block) == names[state]
        assert decode_memory_block_state_value(live, block.state) == names[state]
    # With sections of 128 MB, as x86-64 has them, a block of 128 MB is a section.
    sections = dict(for_each_present_section(live))
    assert set(sections) == set(expected)
    for number, section in sections.items():
        assert nr_to_section(live, number).value_() == section.value_()
        first = section_nr_to_pfn(live, number).value_()
        assert first == number << 15
        assert pfn_to_section_nr(live, first + 5).value_() == number
        assert pfn_to_section_nr(live, first + (1 << 64)).value_() == number
        assert pfn_to_section(live, first + 5).value_() == section.value_()
        for test, by_number in (
            (present_section, present_section_nr),
            (valid_section, valid_section_nr),
            (online_section, online_section_nr),
            (early_section, early_section_nr),
        ):
            assert test(section) and by_number(live, number)
        assert "SECTION_IS_ONLINE" in decode_section_flags(section)
        page = section_decode_mem_map(section, number)
        assert page.value_() == pfn_to_page(live, first).value_()
        assert section_mem_map_addr(section)[first].address_ == page.value_()
    beyond = max(sections) + 100
    assert not present_section_nr(live, beyond) and not valid_section_nr(live, beyond)
    ranges = list(for_each_valid_page_range(live))
    assert ranges[0][0] == 0 and ranges[-1][1] >= (max(sections) << 15)
