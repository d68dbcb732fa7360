"""What helpers find in a dump is what the guest itself printed before the dump."""

from __future__ import annotations

import re

import pytest
from guest_facts import cache_of, needs_slab_counts, shows_times
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import FaultError, Program
from drgn.helpers.linux import (
    address_to_module,
    cgroup_get_from_path,
    cgroup_path,
    cmdline,
    cpu_curr,
    css_for_each_descendant_pre,
    d_path,
    dentry_path,
    disk_name,
    find_module,
    find_task,
    for_each_disk,
    for_each_file,
    for_each_irq_desc,
    for_each_module,
    for_each_mount,
    for_each_netdev,
    for_each_online_cpu,
    for_each_page,
    for_each_slab_cache,
    for_each_swap_info,
    for_each_task,
    for_each_task_in_group,
    for_each_valid_page_range,
    for_each_vma,
    get_dmesg,
    idle_task,
    inode_path,
    irq_desc_action_names,
    kaslr_offset,
    mount_dst,
    mount_fstype,
    mount_src,
    netdev_ipv4_addrs,
    netdev_name,
    panic_message,
    panic_task,
    path_lookup,
    pfn_to_virt,
    slab_cache_objects_per_slab,
    slab_cache_pages_per_slab,
    slab_object_info,
    swap_file_path,
    task_cpu,
    task_on_cpu,
    task_state_to_char,
    totalram_pages,
    uptime,
    virt_to_phys,
    vma_name,
)

TASKS_OF_THE_GUEST = ("wait-pipe", "wait-files", "sockets", "spin-user", "stopped")


def pids(lab: Lab) -> list[int]:
    return [int(p.name) for p in (lab.facts / "proc").iterdir() if p.name.isdigit()]


def test_tasks(live: Program, each_lab: Lab) -> None:
    tasks = {task.pid.value_(): task for task in for_each_task(live)}
    # The shell that wrote the facts has started and ended processes meanwhile.
    known = [pid for pid in pids(each_lab) if pid in tasks]
    assert len(known) > 0.9 * len(pids(each_lab))
    for pid in known:
        comm = each_lab.fact(f"proc/{pid}/comm").removesuffix("\n")
        # /proc shows more of a worker than its task has.
        assert comm.startswith(tasks[pid].comm.string_().decode())
        assert find_task(live, pid).value_() == tasks[pid].value_()


def test_task_states(live: Program, each_lab: Lab) -> None:
    for name, states in (
        ("wait-pipe", "S"),
        ("stopped", "T"),
        ("zombie", "Z"),
        ("blocked-read", "D"),
        ("spin-user", "R"),
    ):
        task = find_task(live, int(each_lab.task(name)["pid"]))
        assert task_state_to_char(task) in states, name


def test_threads(live: Program, each_lab: Lab) -> None:
    leader = find_task(live, int(each_lab.task("threads")["pid"]))
    threads = {t.pid.value_() for t in for_each_task_in_group(leader, True)}
    others = {t.pid.value_() for t in for_each_task_in_group(leader)}
    pid = leader.pid.value_()
    assert others == threads - {pid}
    assert threads == {int(tid) for tid in each_lab.fact(f"proc/{pid}/task").split()}
    assert len(threads) > 1


def test_cpus(live: Program, each_lab: Lab) -> None:
    cpus = re.findall(r"^processor\s*: (\d+)", each_lab.fact("proc/cpuinfo"), re.M)
    assert list(for_each_online_cpu(live)) == [int(cpu) for cpu in cpus]
    for cpu in for_each_online_cpu(live):
        current = cpu_curr(live, cpu)
        assert task_cpu(current) == cpu and task_on_cpu(current)
        assert idle_task(live, cpu).comm.string_() == b"swapper/%d" % cpu


def test_command_lines(live: Program, each_lab: Lab) -> None:
    for pid in pids(each_lab):
        task = find_task(live, pid)
        if not task or not task.mm:
            continue
        expected = (each_lab.facts / f"proc/{pid}/cmdline").read_bytes()
        arguments = cmdline(task)
        assert arguments is not None
        assert b"\0".join(arguments) + b"\0" == expected
    assert cmdline(find_task(live, 2)) is None


def test_address_spaces(live: Program, each_lab: Lab) -> None:
    for name in TASKS_OF_THE_GUEST:
        pid = int(each_lab.task(name)["pid"])
        expected = []
        for line in each_lab.fact(f"proc/{pid}/maps").splitlines():
            area, *_, path = (line + " ").split(" ", 5)
            start, end = (int(address, 16) for address in area.split("-"))
            if start < 1 << 56:  # Not the vsyscall page, which is no area.
                expected.append((start, end, path.strip().removesuffix(" (deleted)")))
        found = [
            (vma.vm_start.value_(), vma.vm_end.value_(), vma_name(vma).decode())
            for vma in for_each_vma(find_task(live, pid).mm)
        ]
        assert found == expected
        assert expected


def test_mounts(live: Program, each_lab: Lab) -> None:
    expected = [
        tuple(line.split()[:3]) for line in each_lab.fact("proc/mounts").splitlines()
    ]
    found = [
        (mount_src(m).decode(), mount_dst(m).decode(), mount_fstype(m).decode())
        for m in for_each_mount(live)
    ]
    # The kernel asks Btrfs for the name of its device; below the root of user space,
    # Linux 7 has an empty filesystem, which /proc does not show.
    expected = [line for line in expected if line[2] != "btrfs"]
    found = [line for line in found if line[2] not in ("btrfs", "nullfs")]
    assert sorted(found) == sorted(expected)
    assert [mount_dst(m) for m in for_each_mount(live, fstype="proc")] == [b"/proc"]


def test_open_files(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("wait-files")
    files = dict(for_each_file(find_task(live, int(facts["pid"]))))
    # -1 is of a kernel without btrfs.
    fds = [int(fd) for fd in facts["fds"].split() if fd != "-1"]
    assert len(fds) >= 3 and set(fds) <= set(files)
    paths = {d_path(file.f_path).decode() for fd, file in files.items() if fd in fds}
    inodes = {file.f_inode.i_ino.value_() for fd, file in files.items() if fd in fds}
    assert facts["path"] in paths and int(facts["inode"]) in inodes
    for file in files.values():
        assert file  # accept() has reserved descriptors without a file.


def test_paths(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("wait-files")
    path = path_lookup(live, facts["path"])
    assert path.dentry.d_inode.i_ino.value_() == int(facts["inode"])
    assert d_path(path).decode() == facts["path"]
    for each in "/mnt/ext4", "/proc", "/mnt/ext4/pattern":
        assert d_path(path_lookup(live, each).dentry).decode() == each
    assert inode_path(path.dentry.d_inode) == facts["path"].lstrip("/").encode()
    with pytest.raises(Exception, match="could not find '/tree/nope' in dcache"):
        path_lookup(live, "/tree/nope/x")


def test_paths_of_what_is_not_in_the_mount(live: Program) -> None:
    [bind] = [
        mount
        for mount in for_each_mount(find_task(live, 1).nsproxy.mnt_ns)
        if mount_dst(mount) == b"/mnt/bind"
    ]
    mnt, inside = bind.mnt.address_of_(), bind.mnt.mnt_root
    assert dentry_path(inside) == b"tree/a" and d_path(mnt, inside) == b"/mnt/bind"
    above = inside.d_parent.read_()
    assert d_path(mnt, above) == b"/tree" and d_path(mnt, above.d_parent) == b"/"


def test_paths_of_dentries_that_are_not_in_a_tree(live: Program) -> None:
    found = set()
    for task in for_each_task(live):
        for _, file in for_each_file(task):
            name = file.f_inode.i_sb.s_type.name.string_()
            if name in (b"pipefs", b"sockfs"):
                found.add(name)
                path = file.f_path
                assert d_path(path.dentry) == d_path(path) == b"[%b]" % name
    assert len(found) == 2


def test_modules(live: Program, each_lab: Lab) -> None:
    lines = [line.split() for line in each_lab.fact("proc/modules").splitlines()]
    assert [m.name.string_().decode() for m in for_each_module(live)] == [
        line[0] for line in lines
    ]
    for name, *_, address in lines:
        module = address_to_module(live, int(address, 16))
        assert module.value_() == find_module(live, name).value_() != 0
    assert not find_module(live, "nope") and not address_to_module(live, 0)


def test_kernel_address(live: Program, each_lab: Lab) -> None:
    symbols = each_lab.fact("proc/kallsyms")
    match = re.search(r"^([0-9a-f]+) \w _stext$", symbols, re.M)
    assert match and live.symbol("_stext").address == int(match[1], 16)
    assert kaslr_offset(live) % (2 << 20) == 0


def test_log(live: Program, each_lab: Lab) -> None:
    log = get_dmesg(live, timestamps=shows_times(live)).decode()
    told = each_lab.fact("proc/dmesg")
    assert log.startswith(told[:2000]) and log.endswith("\n")
    # The guest's dmesg shows the time of a record before each of its lines.
    lines = re.sub(r"^\[ *\d+\.\d+\] ", "", told, flags=re.M).splitlines()
    bare = get_dmesg(live, timestamps=False).decode().splitlines()
    assert bare[: len(lines)] == lines
    assert get_dmesg(live).startswith(b"[    0.000000] ")
    assert b"] " not in get_dmesg(live, timestamps=False).split(b"\n")[0]


def test_panic(live: Program, panicked: Program) -> None:
    assert panic_message(live) is None
    with pytest.raises(LookupError, match="panic_cpu is not set"):
        panic_task(live)
    # PREEMPT_RT's patches for 5.10 log the reason as a line of its own.
    assert panic_message(panicked) in (
        b"Kernel panic - not syncing: sysrq triggered crash",
        b"Kernel panic - not syncing:",
        b"Kernel panic - not syncing: Fatal exception",  # before 5.5
    )
    assert panic_task(panicked).comm.string_()


def test_devices(live: Program, each_lab: Lab) -> None:
    disks = set(each_lab.fact("sys/block").split())
    assert {disk_name(d).decode() for d in for_each_disk(live)} == disks
    names = {irq: irq_desc_action_names(desc) for irq, desc in for_each_irq_desc(live)}
    actions = re.findall(
        r"^ *(\d+): .*-(?:edge|fasteoi) +(\S+)", each_lab.fact("proc/interrupts"), re.M
    )
    assert actions
    for irq, name in actions:
        assert name.encode() in names[int(irq)]


def test_network(live: Program, each_lab: Lab) -> None:
    text = each_lab.fact("ip/addr")
    names = re.findall(r"^\d+: ([^:@]+)", text, re.M)
    assert [netdev_name(dev).decode() for dev in for_each_netdev(live)] == names
    addresses = re.findall(r"^ +inet ([0-9.]+)", text, re.M)
    assert [
        str(address)
        for dev in for_each_netdev(live)
        for address in netdev_ipv4_addrs(dev)
    ] == addresses


def test_cgroups(live: Program, each_lab: Lab) -> None:
    root = live["cgrp_dfl_root"].cgrp.self.address_of_()
    found = {
        "/sys/fs/cgroup" + cgroup_path(css.cgroup).decode().rstrip("/")
        for css in css_for_each_descendant_pre(root)
    }
    expected = set(each_lab.fact("sys/cgroups").split())
    assert found == expected
    for path in expected:
        assert cgroup_get_from_path(live, path.removeprefix("/sys/fs/cgroup"))


def test_slab_caches(live: Program, each_lab: Lab) -> None:
    needs_slab_counts(live)  # as /proc/slabinfo does
    caches = {c.name.string_().decode(): c for c in for_each_slab_cache(live)}
    lines = [line.split() for line in each_lab.fact("proc/slabinfo").splitlines()[2:]]
    assert lines
    for name, _, _, size, objects, pages, *_ in lines:
        cache = caches[name]
        assert cache.size.value_() == int(size)
        assert slab_cache_objects_per_slab(cache) == int(objects)
        assert slab_cache_pages_per_slab(cache) == int(pages)


def test_slab_objects(live: Program) -> None:
    task = find_task(live, 1)
    info = slab_object_info(live, task.comm.address_of_())
    cache = cache_of(live, "task_struct")
    assert info is not None
    assert info.address == task.value_() and info.allocated
    assert info.slab_cache.value_() == cache.value_()
    assert slab_object_info(live, 0) is None


def test_every_task_is_allocated(live: Program) -> None:
    from drgn.helpers.linux import slab_cache_for_each_allocated_object

    cache = cache_of(live, "task_struct")
    allocated = {
        task.value_()
        for task in slab_cache_for_each_allocated_object(cache, "struct task_struct")
    }
    tasks = {task.value_() for task in for_each_task(live)}
    assert tasks <= allocated and len(allocated) <= 2 * len(tasks)


def test_memory(live: Program, each_lab: Lab) -> None:
    total = re.search(r"^MemTotal: +(\d+) kB", each_lab.fact("proc/meminfo"), re.M)
    assert total and totalram_pages(live) * 4 == int(total[1])
    assert sum(1 for _ in for_each_page(live)) * 4 >= int(total[1])
    assert uptime(live) >= float(each_lab.fact("proc/uptime").split()[0])


def test_virt_to_phys_outside_of_the_direct_map(live: Program) -> None:
    with pytest.raises(FaultError, match="not in the direct map"):
        virt_to_phys(live, live["init_task"].address_of_())


def test_virt_to_phys_of_pages_past_the_end_of_memory(each_lab: Lab) -> None:
    """A section has pages to its end, wherever in it memory ends."""
    prog = open_dump(each_lab, "live.elf")
    last = max(end for _, end, _ in for_each_valid_page_range(prog)) - 1
    maximum = prog["max_pfn"].address_
    fewer = (last - 1000).to_bytes(8, "little")
    prog.add_memory_segment(maximum, 8, lambda a, n, o, p: fewer[o : o + n])
    assert virt_to_phys(prog, pfn_to_virt(prog, last)) == last << 12
    with pytest.raises(FaultError, match="not in the direct map"):
        virt_to_phys(prog, pfn_to_virt(prog, last + 1))


def test_swap(live: Program, each_lab: Lab) -> None:
    paths = [line.split()[0] for line in each_lab.fact("proc/swaps").splitlines()[1:]]
    assert [swap_file_path(info).decode() for info in for_each_swap_info(live)] == paths
