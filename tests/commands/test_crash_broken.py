"""Memory that is not as the guest left it: values that it does not have, and what
contradicts itself, of which one line says so while the rest is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from guest_facts import checks_slabs, needs_slab_counts, partial_slabs, slab_list
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import FaultError, Object, Program, offsetof, sizeof
from drgn.commands import run_command
from drgn.helpers.common.memory import identify_address
from drgn.helpers.linux import (
    NODE_DATA,
    bpf_map_for_each,
    bpf_prog_for_each,
    find_slab_cache,
    find_task,
    for_each_disk,
    for_each_irq_desc,
    for_each_mount,
    for_each_online_cpu,
    for_each_pci_root_bus,
    for_each_slab_cache,
    for_each_sysv_shm,
    for_each_task,
    for_each_vma,
    for_each_vmap_area,
    get_slab_cache_aliases,
    idle_task,
    neigh_table_for_each_neighbor,
    pci_bus_for_each_dev,
    per_cpu_ptr,
)

from .crash_output import crash, rows

Patch = Callable[[int, bytes], None]


@pytest.fixture
def broken(each_lab: Lab) -> tuple[Program, Patch]:
    """A dump, and what writes over its memory."""
    prog = open_dump(each_lab, "panic.elf")

    def patch(address: int, data: bytes) -> None:
        physical = prog.translate(address)

        def read(_: int, count: int, offset: int, __: bool) -> bytes:
            return data[offset : offset + count]

        prog.add_memory_segment(physical, len(data), read, True)

    return prog, patch


def _word(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _with_partial_slabs(prog: Program) -> tuple[str, list[Object]]:
    for name in (
        "kmalloc-96",
        "kmalloc-64",
        "kmalloc-192",
        "kmalloc-32",
        "buffer_head",
    ):
        cache = find_slab_cache(prog, name)
        slabs = partial_slabs(cache) if cache is not None else []
        if slabs:
            return name, slabs
    raise AssertionError("no cache has partial slabs")


def _caches(prog: Program) -> list[list[str]]:
    return rows(crash(prog, "kmem -s"))


def test_a_broken_list_of_slabs(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    needs_slab_counts(prog)
    name, slabs = _with_partial_slabs(prog)
    before = {row[6]: row for row in _caches(prog)}
    link = slab_list(slabs[0])
    patch(link.address_ or 0, _word(link.next.value_()) + _word(0x1234))
    after = {row[6 - 2 * (row[2] == "[CORRUPTED]")]: row for row in _caches(prog)}
    problem = capsys.readouterr().err
    if not hasattr(find_slab_cache(prog, name), "offset"):  # SLAB counts without lists
        assert (problem, after) == ("", before)
        return
    assert problem.startswith(f"kmem: {name} partial list: ")
    assert problem.count("\n") == 1
    assert after.pop(name)[2] == "[CORRUPTED]"
    del before[name]
    assert after == before


def test_a_free_list_of_objects_with_a_cycle(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    if not prog.type("struct kmem_cache").has_member("offset"):
        return  # SLAB lists free objects by their indices, and CPUs have arrays of them
    cache, freelist, on_cpu = _freelist(prog)
    offset = cache.offset.value_()
    stored = freelist + offset
    # The object points to itself.
    value = freelist
    if hasattr(cache, "random"):
        swapped = int.from_bytes(stored.to_bytes(8, "little"), "big")
        value ^= cache.random.value_() ^ swapped
    patch(stored, _word(value))
    name = cache.name.string_().decode()
    if on_cpu:  # else usage is counted without the free lists
        assert rows(crash(prog, f"kmem -s {name}"))[0][2:4] == ["[CORRUPTED]", "4k"]
        assert capsys.readouterr().err == (
            f"kmem: {name} freelist contains cycle at {freelist:#x}\n"
        )
    text = crash(prog, f"kmem -s {freelist:x}")
    assert f"kmem: {freelist:x} is in a slab that is broken: {name}" in text
    # What looks for the cache alone does not mind.
    patch(prog["linux_banner"].address_ or 0, _word(freelist))
    assert crash(prog, "rd -S linux_banner").split()[1] == f"[{name}]"
    assert crash(prog, "rd -SS linux_banner").split()[1] == f"[{freelist:x}:{name}]"
    assert "slab object" not in str(identify_address(prog, freelist))


def _freelist(prog: Program) -> tuple[Object, int, bool]:
    """A cache, the first free object of a slab of it, and whether a CPU has the slab.

    Since 7.0, CPUs have no slabs, nor have they of caches that SLUB checks: the slab is
    one that its node has.
    """
    for name in ("kmalloc-96", "kmalloc-64", "kmalloc-192", "kmalloc-32", "kmalloc-8"):
        cache = find_slab_cache(prog, name)
        assert cache is not None
        if not hasattr(cache, "cpu_slab") or checks_slabs(prog):
            for slab in partial_slabs(cache):
                return cache, slab.freelist.value_(), False
            continue
        for cpu in for_each_online_cpu(prog):
            freelist = per_cpu_ptr(cache.cpu_slab, cpu).freelist.value_()
            if freelist:
                return cache, freelist, True
    raise AssertionError("there are no free objects")


@pytest.mark.parametrize("long", [0, 2000])
def test_a_broken_free_list_of_pages(
    broken: tuple[Program, Patch],
    long: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("drgn.commands.crash._kmem_zones._LONG_LIST", long)
    prog, patch = broken
    zones = NODE_DATA(prog, 0).node_zones
    # The first one where the kernel has no CONFIG_ZONE_DMA.
    (zone,) = (each for each in zones if each.name.string_() == b"DMA32")
    head = zone.free_area[10].free_list[1]
    poison = 0xDEAD000000000100
    patch(head.next.value_(), _word(poison) + _word(head.address_ or 0))
    *lines, verdict = crash(prog, "kmem -f").splitlines()
    (broken_list,) = (line for line in lines if "[CORRUPTED]" in line)
    assert re.match(r" 10 +4096k +MOVABLE +\w+ +\[CORRUPTED\]", broken_list)
    assert re.fullmatch(r"nr_free_pages: \d+  \(found \d+\)", verdict)
    (problem,) = capsys.readouterr().err.splitlines()
    assert problem.startswith("kmem: DMA32 order 10 MOVABLE free list: ")


def test_pages_whose_structures_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, _ = broken
    complete = crash(prog, "kmem -p").splitlines()
    hole = 0x2000 // 64  # pages, a page of their structures at least
    address = prog["vmemmap"].value_() + 64 * 4096

    def fail(at: int, count: int, offset: int, physical: bool) -> bytes:
        raise FaultError("not in the dump", at)

    prog.add_memory_segment(prog.translate(address), 0x2000, fail, True)
    lines = crash(prog, "kmem -p").splitlines()
    assert lines == complete[: 4096 + 1] + complete[4096 + 1 + hole :]
    assert capsys.readouterr().err == (
        f"kmem: {hole} pages left out: their struct page cannot be read\n"
    )


def test_a_swap_space_without_a_file(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    info = prog["swap_info"][0].read_()
    offset = offsetof(prog.type("struct swap_info_struct"), "swap_file")
    patch(info.value_() + offset, _word(0xDEAD000000000000))
    with pytest.raises(Exception, match="not mapped: 0xdead0000"):
        run_command(prog, "crash swap")


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (0o1600, "SHM_DEST"),
        (0o2600, "SHM_LOCKED"),
        (0o3600, "SHM_DEST|SHM_LOCKED"),
    ],
)
def test_status_of_shared_memory(
    broken: tuple[Program, Patch], mode: int, status: str
) -> None:
    prog, patch = broken
    perm = next(iter(for_each_sysv_shm(prog))).shm_perm
    patch(perm.mode.address_ or 0, mode.to_bytes(2, "little"))
    patch(perm.key.address_ or 0, (-5 & 0xFFFFFFFF).to_bytes(4, "little"))
    row = rows(crash(prog, "ipcs -m"))[0]
    # Upstream prints the key as -0000005; the kernel's IPC_PRIVATE is 0 alone.
    assert row[1] == "fffffffb"
    assert row[4] == "600"
    assert row[-1] == status


def test_states_of_neighbours(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    table = prog["arp_tbl"].nht.read_()
    neighbour = next(iter(neigh_table_for_each_neighbor(table)))
    for state, text in ((0, "0"), (0x05, "INCOMPLETE|STALE"), (0x40, "NOARP")):
        patch(neighbour.nud_state.address_ or 0, bytes([state]))
        assert rows(crash(prog, "net -a"))[0][-1] == text
    for type, text in ((1, "ETHER"), (32, "INFINIBAND"), (772, "UNKNOWN")):
        patch(neighbour.dev.type.address_ or 0, type.to_bytes(2, "little"))
        assert rows(crash(prog, "net -a"))[0][2] == text


def test_maps_of_a_program(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    bpf_prog = next(iter(bpf_prog_for_each(prog)))
    maps = list(bpf_map_for_each(prog))[:2]
    pointers = 0xFFFFA00000000000  # where nothing is
    data = b"".join(_word(each.value_()) for each in maps)
    prog.add_memory_segment(pointers, 16, lambda a, n, o, p: data[o : o + n])
    patch(bpf_prog.aux.used_maps.address_ or 0, _word(pointers))
    patch(bpf_prog.aux.used_map_cnt.address_ or 0, (2).to_bytes(4, "little"))
    id = bpf_prog.aux.id.value_()
    row = crash(prog, f"bpf -p {id}").splitlines()[1].split()
    assert row[-1] == ",".join(str(each.id.value_()) for each in maps)


def test_an_area_that_was_freed(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    area = next(iter(for_each_vmap_area(prog)))
    start = f"{area.va_start.value_():x}"
    assert rows(crash(prog, f"kmem -v {start}"))[0][2].startswith(start)
    patch(area.vm.address_ or 0, _word(0))
    assert crash(prog, f"kmem -v {start}") == (
        f"kmem: address is not allocated in vmalloc subsystem: {start}\n"
    )
    assert "VMAP_AREA" not in crash(prog, f"kmem {start}")
    assert rows(crash(prog, "kmem -v"))[0][1] == "0"


def test_devices_without_operations(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    disk = next(iter(for_each_disk(prog)))
    patch(disk.fops.address_ or 0, _word(0))
    (line,) = (
        line for line in crash(prog, "dev").splitlines() if f"{disk.value_():x}" in line
    )
    assert line.split()[-1] == "0"
    action = prog["softirq_vec"][2].action
    patch(action.address_ or 0, _word(0))
    assert crash(prog, "irq -b").splitlines()[3].split() == ["[2]", "0"]


def test_tasks_in_a_cache_of_other_things_too(broken: tuple[Program, Patch]) -> None:
    """Caches are merged, all that may be with CONFIG_SLUB_TINY."""
    prog, patch = broken
    cache = find_slab_cache(prog, "task_struct")
    if cache is not None:
        patch(cache.member_("name").value_(), b"pool\0")
    task, other = find_task(prog, 1), find_task(prog, 2)
    assert identify_address(task) == "task: 1 (init)"
    assert identify_address(idle_task(prog, 1)) == "task: 0 (swapper/1)"
    assert "COMMAND: " in crash(prog, f"kmem {task.value_():x}")
    patch(other.pid.address_ or 0, (1).to_bytes(4, "little"))
    found = identify_address(other)
    assert found is not None and found.startswith("slab object: ")


def test_names_that_could_not_be_printed(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    name = 0xFFFFA00000000000  # where nothing is
    data = b'we"ird\n\\\x80 x\0'
    prog.add_memory_segment(name, len(data), lambda a, n, o, p: data[o : o + n])
    shown = r'we"ird\n\\\x80 x'
    mnt = list(for_each_mount(prog))[3]
    patch(mnt.mnt_devname.address_ or 0, _word(name))
    assert rows(crash(prog, "mount"))[3][3] == shown
    irq, desc = next(each for each in for_each_irq_desc(prog) if each[1].action)
    action = desc.action
    patch(action.name.address_ or 0, _word(name))
    assert rows(crash(prog, f"irq {irq}"))[0][3] == r'"we\"ird\n\\\x80 x"'
    names = {row[0]: row[-1] for row in rows(crash(prog, "irq -s"))}
    assert names[f"{irq}:"] == shown
    cache = next(for_each_slab_cache(prog))
    patch(cache.member_("name").address_ or 0, _word(name))
    assert shown in [row[-1] for row in rows(crash(prog, "kmem -s"))]
    assert crash(prog, "kmem -g -1") == (
        "FLAGS: -1\n"
        + "".join(f"  {line}\n" for line in crash(prog, "kmem -g").splitlines())
    )


def test_a_dump_without_the_memory_of_cpus(
    scratch: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("ps -u", "ps -k", "foreach bt", "bt -a", "foreach set")
    whole = {line: crash(scratch, line) for line in lines}
    idle = [
        f"{idle_task(scratch, cpu).value_():x}" for cpu in for_each_online_cpu(scratch)
    ]
    start = scratch.symbol("__per_cpu_start").address
    size = scratch.symbol("__per_cpu_end").address - start

    def read(address: int, *_: object) -> bytes:
        raise FaultError("not in the dump", address)

    for cpu in for_each_online_cpu(scratch):
        address = per_cpu_ptr(Object(scratch, "void *", start), cpu).value_()
        scratch.add_memory_segment(address, size, read, False)
    scratch.config.clear()
    capsys.readouterr()

    def without_idle(text: str) -> list[str]:
        # Where the CPU has its stacks is not known either.
        text = re.sub(r"--- <\w+ stack> ---\n", "", text)
        blocks = text.split("\n\n") if "\n\n" in text else text.splitlines()
        return [
            each.strip("\n")
            for each in blocks
            if not any(address in each for address in idle)
        ]

    for line in ("foreach bt", "foreach set"):
        assert without_idle(crash(scratch, line)) == without_idle(whole[line])
        left_out = capsys.readouterr().err.splitlines()
        assert [each.split(": ")[0] for each in left_out] == [
            f"idle task of CPU {cpu} left out" for cpu in for_each_online_cpu(scratch)
        ]
    # Counters of memory are the CPUs', too.
    for line in ("ps -u", "ps -k"):
        columns = [row.split()[:5] for row in without_idle(crash(scratch, line))]
        assert columns == [row.split()[:5] for row in without_idle(whole[line])]
    running = re.findall(r"PID: (\d+)", crash(scratch, "bt -a"))
    assert sorted(running) == sorted(re.findall(r"PID: (\d+)", whole["bt -a"]))
    assert crash(scratch, "set").startswith("    PID: 1\n")


def test_vm_shows_what_can_be_read(
    each_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    prog = open_dump(each_lab, "panic.elf")
    task = find_task(prog, 1)
    whole = crash(prog, "vm 1").splitlines()
    counters = task.mm.rss_stat
    if hasattr(counters, "count"):
        rss = task.rss_stat.count[0]  # SPLIT_RSS_COUNTING
    else:
        # Since 6.2 (f1a7941243c1).
        cpu = next(for_each_online_cpu(prog))
        rss = per_cpu_ptr(counters[0].counters, cpu)[0]
    vmas = list(for_each_vma(task.mm))

    def read(at: int, count: int, offset: int, physical: bool) -> bytes:
        raise FaultError("not in the dump", at)

    for lost in (rss, vmas[1].vm_file.f_inode, vmas[3].vm_end):
        assert lost.address_ is not None
        size = sizeof(lost)
        prog.add_memory_segment(prog.translate(lost.address_), size, read, True)
    with pytest.raises(FaultError, match="not in the dump"):
        run_command(prog, "crash vm 1")
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[2:] for line in shown[2:3]] == [["?", whole[2].split()[3]]]
    assert [line.split()[:4] for line in shown[4:]] == [
        line.split()[:4] for line in whole[4:7]
    ]


def _lose(prog: Program, address: int) -> None:
    def fail(at: int, count: int, offset: int, physical: bool) -> bytes:
        raise FaultError("not in the dump", at)

    prog.add_memory_segment(prog.translate(address) & -4096, 4096, fail, True)


def _tasks(text: str) -> list[str]:
    return [line.strip("> ").split()[3] for line in text.splitlines()[1:]]


def test_a_tree_of_pids_that_is_not_in_the_dump(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, _ = broken
    if not hasattr(prog["init_pid_ns"], "idr"):
        return  # Before 4.15, it is a hash table.
    before = _tasks(crash(prog, "ps"))
    threads = rows(crash(prog, "foreach thread-0 thread-1 ps"))
    assert len(threads) == 2
    node = prog["init_pid_ns"].idr.idr_rt
    head = (node.xa_head if hasattr(node, "xa_head") else node.rnode).value_() & ~3
    _lose(prog, head)
    lines = crash(prog, "sys").splitlines()
    assert [line.split()[1] for line in lines if "TASKS: " in line] == [
        str(len(before))
    ]
    assert "PANIC: " in lines[-1]
    assert sorted(_tasks(crash(prog, "ps"))) == sorted(before)
    assert rows(crash(prog, "foreach thread-0 thread-1 ps")) == threads
    first = rows(crash(prog, "ps 1"))[0]
    assert (first[1], first[-1]) == ("1", "init")
    assert crash(prog, "set 1").splitlines()[1].split() == ["COMMAND:", '"init"']
    problem, *others = capsys.readouterr().err.splitlines()
    where = prog.translate(head)
    assert re.fullmatch(
        "PIDs cannot be looked up: not in the dump: 0x[0-9a-f]+;"
        " lists have [0-9]+ more tasks",
        problem,
    )
    assert int(problem.split("0x")[1].split(";")[0], 16) & -4096 == where & -4096
    assert set(others) == {problem}


def test_tasks_that_are_not_in_the_dump(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, _ = broken
    before = _tasks(crash(prog, "ps"))
    (task,) = (t for t in for_each_task(prog) if t.comm.string_() == b"wait-pipe")
    _lose(prog, task.pid.address_ or 0)
    after = _tasks(crash(prog, "ps"))
    lost = set(before) - set(after)
    assert f"{task.value_():x}" in lost
    assert after == [each for each in before if each not in lost]
    count = f"{len(lost)} task{'s' if len(lost) > 1 else ''}"
    (problem,) = capsys.readouterr().err.splitlines()
    assert problem.startswith(f"{count} left out: not in the dump: 0x")
    assert crash(prog, "foreach wait-files ps -H").count("\n") == 1
    assert f"TASKS: {len(after)}\n" in crash(prog, "sys")


def test_a_mount_that_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    before = rows(crash(prog, "mount"))
    mounts = list(for_each_mount(prog))
    patch(mounts[3].mnt_devname.address_ or 0, _word(0xDEAD000000000000))
    assert rows(crash(prog, "mount")) == before[:3] + before[4:]
    problem = "1 left out: address is not mapped: 0xdead000000000000\n"
    assert capsys.readouterr().err == problem


def test_interrupts_up_to_one_that_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    before = crash(prog, "irq -s").splitlines()
    number = int(before[-1].split(":")[0])
    desc = dict(for_each_irq_desc(prog))[number]
    patch(desc.action.address_ or 0, _word(0xDEAD000000000000))
    with pytest.raises(FaultError):
        run_command(prog, "crash irq -s")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split() for line in printed] == [x.split() for x in before[:-1]]


def test_names_that_are_no_text(broken: tuple[Program, Patch]) -> None:
    prog, patch = broken
    root = next(for_each_pci_root_bus(prog), None)
    if root is not None:
        patch(root.dev.kobj.name.value_(), b"\xed")
        dev = next(iter(pci_bus_for_each_dev(root)))
        patch(dev.dev.kobj.name.value_(), b"\xee")
        lines = crash(prog, "dev -p").splitlines()
        assert lines[1].split()[1] == r"\xed000:00"
        assert lines[3].split()[1] == r"\xee000:00:00.0"
    if "slab_kset" not in prog:
        return  # SLAB
    aliases = get_slab_cache_aliases(prog)
    name = next(iter(aliases.values()), None)
    if name is not None:
        patch(find_slab_cache(prog, name).name.value_(), b"\xef")
        assert rf"\xef{name[1:]}" in get_slab_cache_aliases(prog).values()


def test_a_list_goes_on_behind_an_entry_that_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, _ = broken
    init = find_task(prog, 1)
    command = (
        f"list -H {init.children.address_of_().value_():x}"
        " -o task_struct.sibling -s task_struct.comm"
    )
    before = crash(prog, command).splitlines()
    addresses = [line for line in before if not line.startswith(" ")]
    lost = Object(prog, "struct task_struct *", int(addresses[2], 16))
    _lose(prog, lost.sibling.address_ or 0)
    with pytest.raises(FaultError, match="not in the dump"):
        run_command(prog, f"crash {command}")
    printed, said = capsys.readouterr()
    left = [line for line in printed.splitlines() if not line.startswith(" ")]
    assert left[:3] == addresses[:3]
    # Others may lie in the same page.
    assert left[-1] == addresses[-1]
    assert left == [each for each in addresses if each in left]
    assert len(left) > len(addresses) // 2
    assert re.match(r"1 entry cannot be read: not in the dump: |$", said)


def test_a_tree_of_which_entries_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog = broken[0]
    if not hasattr(prog["init_pid_ns"], "idr"):
        return  # Before 4.15, PIDs are in a hash table.
    root = prog["init_pid_ns"].idr.idr_rt.address_of_().value_()
    command = f"tree -t radix {root:x} -s pid.level"
    before = crash(prog, command).splitlines()
    addresses = before[::2]
    assert all(line.startswith("  level = (unsigned int)") for line in before[1::2])
    pid = Object(prog, "struct pid *", int(addresses[4], 16))
    _lose(prog, pid.level.address_ or 0)
    after = crash(prog, command).splitlines()
    assert [line for line in after if not line.startswith(" ")] == addresses
    assert after[after.index(addresses[4]) + 1] == addresses[5]
    lost = len(before) - len(after)
    entries = "1 entry" if lost == 1 else f"{lost} entries"
    said = capsys.readouterr().err
    assert said.startswith(f"{entries} cannot be read: not in the dump: ")


def test_a_tree_of_which_a_node_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    node = broken[0]["free_vmap_area_root"].rb_node.rb_left.value_()
    before = crash(broken[0], "tree free_vmap_area_root").split()
    _lose(broken[0], node)
    after = crash(broken[0], "tree free_vmap_area_root").split()
    assert f"{node:x}" in after != before
    assert after == [each for each in before if each in after]
    said = "what is below [0-9]+ nodes? of the tree is left out: not in the dump: "
    assert re.match(said, capsys.readouterr().err)


def test_slab_caches_of_which_one_has_no_name(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    before = rows(crash(prog, "kmem -s"))
    capsys.readouterr()
    cache = Object(prog, "struct kmem_cache *", int(before[2][0], 16))
    patch(cache.name.address_ or 0, _word(0xDEAD000000000000))
    assert rows(crash(prog, "kmem -s")) == before[:2] + before[3:]
    problem = capsys.readouterr().err
    assert f"kmem: {cache.value_():x} left out: " in problem
    assert rows(crash(prog, f"kmem -s {before[4][-1]}")) == [before[4]]


def test_slab_caches_up_to_one_that_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, patch = broken
    before = rows(crash(prog, "kmem -s"))
    cache = Object(prog, "struct kmem_cache *", int(before[3][0], 16))
    patch(cache.list.next.address_ or 0, _word(0xDEAD000000000000))
    capsys.readouterr()
    with pytest.raises(FaultError, match="0xdead000000000000"):
        run_command(prog, "crash kmem -s")
    assert rows(capsys.readouterr().out) == before[:4]
    assert rows(crash(prog, f"kmem -s {before[1][-1]}")) == [before[1]]


def test_disks_are_shown_where_character_devices_cannot_be_read(
    broken: tuple[Program, Patch], capsys: pytest.CaptureFixture[str]
) -> None:
    prog, _ = broken
    before = crash(prog, "dev").split("\n\n")
    _lose(prog, prog["chrdevs"].address_ or 0)
    with pytest.raises(FaultError, match="not in the dump"):
        run_command(prog, "crash dev")
    printed = capsys.readouterr().out.split("\n\n")
    assert rows(printed[1]) == rows(before[1])
