"""Namespaces, groups, devices, files, modules: what the guest printed is found."""

from __future__ import annotations

import itertools
import re
import stat

import pytest
from guest_facts import inode_at, needs_modules, shows_times, task_of
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import NULL, MissingDebugInfoError, Object, Program
from drgn.helpers.linux import (
    MAJOR,
    MINOR,
    MKDEV,
    address_space_for_each_page,
    address_to_module,
    bus_for_each_dev,
    bus_to_subsys,
    cgroup_get_from_path,
    cgroup_name,
    cgroup_parent,
    cgroup_path,
    class_for_each_device,
    class_to_subsys,
    css_for_each_child,
    css_next_child,
    css_next_descendant_pre,
    d_path,
    decode_file_type,
    dentry_path,
    dev_name,
    fget,
    find_module,
    find_pid,
    find_task,
    find_user,
    for_each_disk,
    for_each_module,
    for_each_mount,
    for_each_online_cpu,
    for_each_pid,
    for_each_registered_blkdev,
    for_each_registered_chrdev,
    for_each_task,
    for_each_user,
    get_printk_records,
    inode_for_each_page,
    inode_paths,
    kernfs_children,
    kernfs_name,
    kernfs_parent,
    kernfs_path,
    kernfs_root,
    kernfs_walk,
    kuid_val,
    load_module_kallsyms,
    load_vmlinux_kallsyms,
    module_address_regions,
    module_kallsyms,
    module_percpu_region,
    module_taints,
    mount_dst,
    mount_fstype,
    page_size,
    path_lookup,
    pgtable_l5_enabled,
    pid_task,
    print_dmesg,
    print_files,
    print_mounts,
    sched_entity_is_task,
    super_block_for_each_mount,
    tainted,
    task_group_name,
    task_group_sched_entity,
)


def task_active_pid(task: Object) -> Object:
    try:
        return task.thread_pid.read_()
    except AttributeError:
        return task.pids[0].pid.read_()  # Before 4.19 (2c4704756cab).


def test_process_namespaces(live: Program, each_lab: Lab) -> None:
    inner = find_task(live, int(each_lab.task("contained")["inner"]))
    namespace = task_active_pid(inner).numbers[1].ns
    assert namespace.ns.inum.value_() == int(
        each_lab.task("contained")["ns.pid_for_children"]
    )
    assert find_task(namespace, 1).value_() == inner.value_()
    assert [pid.numbers[1].nr.value_() for pid in for_each_pid(namespace)] == [1]
    pid = find_pid(namespace, 1)
    assert pid_task(pid, live["PIDTYPE_PID"]).value_() == inner.value_()
    assert not find_pid(namespace, 2) and not find_task(namespace, 2)
    everyone = {pid.numbers[0].nr.value_() for pid in for_each_pid(live)}
    listed = {int(p.name) for p in (each_lab.facts / "proc").glob("[0-9]*")}
    assert len(listed & everyone) > 0.9 * len(listed)
    assert find_pid(live, inner.pid).value_() == pid.value_()


def test_mounts_of_namespaces(
    live: Program, each_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    contained = task_of(live, each_lab, "contained")
    pid = contained.pid.value_()
    ours = [
        mount_dst(mount).decode() for mount in for_each_mount(contained.nsproxy.mnt_ns)
    ]
    lines = each_lab.fact(f"proc/{pid}/mountinfo").splitlines()
    # /proc leaves out what cannot be reached from the task's root.
    assert {line.split()[4] for line in lines} <= set(ours)
    capsys.readouterr()
    print_mounts(live, fstype="ext4")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in printed] == [
        ["/dev/vda", "/mnt/ext4", "ext4"],
        ["/dev/loop0", "/mnt/loop", "ext4"],
    ]
    (mount,) = for_each_mount(live, dst="/mnt/ext4")
    sb = mount.mnt.mnt_sb
    same = list(super_block_for_each_mount(sb))
    assert mount.value_() in {found.value_() for found in same}
    assert all(found.mnt.mnt_sb.value_() == sb.value_() for found in same)
    assert mount_fstype(mount) == b"ext4"


def test_users(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("many-users")
    users = {kuid_val(user.uid): user for user in for_each_user(live)}
    assert set(users) == {0, *range(1000, 1020)}
    for uid in range(1000, 1020):
        child = find_task(live, int(facts[f"uid.{uid}"]))
        user = find_user(live, uid)
        assert user.value_() == users[uid].value_() == child.cred.user.value_()
        assert kuid_val(child.cred.uid) == uid
        status = each_lab.fact(f"proc/{child.pid.value_()}/status")
        assert re.search(rf"^Uid:\t{uid}\t", status, re.M)
    assert not find_user(live, 31337)


def test_groups(live: Program, each_lab: Lab) -> None:
    root = live["cgrp_dfl_root"].cgrp.address_of_()
    lab = cgroup_get_from_path(live, "/lab")
    inner = cgroup_get_from_path(live, "lab/inner")
    nowhere = cgroup_get_from_path(live, "/lab/nope")
    assert not nowhere and nowhere.type_.type_name() == inner.type_.type_name()
    assert cgroup_parent(inner).value_() == lab.value_()
    assert cgroup_parent(lab).value_() == root.value_() and not cgroup_parent(root)
    assert [cgroup_name(g) for g in (root, lab, inner)] == [b"/", b"lab", b"inner"]
    told = {
        path.removeprefix("/sys/fs/cgroup") or "/"
        for path in each_lab.fact("sys/cgroups").splitlines()
    }
    children = list(css_for_each_child(root.self.address_of_()))
    assert lab.value_() in [css.cgroup.value_() for css in children]
    assert sorted(cgroup_path(css.cgroup).decode() for css in children) == sorted(
        path for path in told if path.count("/") == 1 and path != "/"
    )
    null = Object(live, children[0].type_, 0)
    assert css_next_child(null, root.self.address_of_()) == children[0]
    assert not css_next_child(children[-1], root.self.address_of_())
    paths = []
    css = css_next_descendant_pre(null, root.self.address_of_())
    while css:
        paths.append(cgroup_path(css.cgroup))
        css = css_next_descendant_pre(css, root.self.address_of_())
    assert {path.decode() for path in paths} == told and len(paths) == len(told)
    parents = [path.rpartition(b"/")[0] or b"/" for path in paths[1:]]
    assert all(parent in paths[:i] for i, parent in enumerate(parents, 1))
    # Who is in the group, as its cgroup.procs says.
    procs = re.findall(
        r"^/sys/fs/cgroup/lab/inner/cgroup.procs:(\d+)$",
        each_lab.fact("sys/cgroup-files"),
        re.M,
    )
    assert procs
    members = [
        task
        for task in for_each_task(live)
        if task.cgroups.dfl_cgrp.value_() == inner.value_()
    ]
    assert {task.pid.value_() for task in members} == {int(pid) for pid in procs}
    for task in members:
        assert task_group_name(task.sched_task_group) == b"inner"
        for cpu in for_each_online_cpu(live):
            entity = task_group_sched_entity(task.sched_task_group, cpu)
            assert not sched_entity_is_task(entity)
            assert entity.my_q.tg.value_() == task.sched_task_group.value_()


def test_kernfs(live: Program, each_lab: Lab) -> None:
    root = live["sysfs_root_kn"]
    assert kernfs_name(root) == b"/" and kernfs_path(root) == b"/"
    assert not kernfs_parent(root)
    node = kernfs_walk(root, "kernel/mm/hugepages/hugepages-2048kB")
    assert kernfs_name(node) == b"hugepages-2048kB"
    assert kernfs_path(node) == b"/kernel/mm/hugepages/hugepages-2048kB"
    assert kernfs_name(kernfs_parent(node)) == b"hugepages"
    assert kernfs_root(node).value_() == kernfs_root(root).value_()
    listed = re.findall(
        r"hugepages-2048kB/(\w+):", each_lab.fact("sys/hugepages"), re.M
    )
    assert {name.decode() for name in map(kernfs_name, kernfs_children(node))} >= set(
        listed
    )
    assert not kernfs_walk(root, "kernel/nope")
    link = kernfs_walk(root, "class/net/lo", follow_symlinks=False)
    target = kernfs_walk(root, "class/net/lo")
    assert kernfs_path(link) == b"/class/net/lo"
    assert kernfs_path(target) == b"/devices/virtual/net/lo"


def test_classes_and_buses(live: Program, each_lab: Lab) -> None:
    classes = {
        name: set(devices)
        for name, *devices in map(str.split, each_lab.fact("sys/class").splitlines())
    }
    block = live["block_class"].address_of_()
    assert {dev_name(dev).decode() for dev in class_for_each_device(block)} == classes[
        "block"
    ]
    subsys = class_to_subsys(block)
    assert subsys.member_("class").value_() == block.value_()
    assert not class_to_subsys(NULL(live, "struct class *"))
    assert not bus_to_subsys(NULL(live, "struct bus_type *"))
    buses = {
        name: set(devices)
        for name, *devices in map(str.split, each_lab.fact("sys/bus").splitlines())
    }
    for variable, name in (("cpu_subsys", "cpu"), ("pci_bus_type", "pci")):
        bus = live[variable].address_of_()
        assert {dev_name(dev).decode() for dev in bus_for_each_dev(bus)} == buses[name]
        assert bus_to_subsys(bus).bus.value_() == bus.value_()


def test_numbers_of_devices(live: Program, each_lab: Lab) -> None:
    characters, blocks = each_lab.fact("proc/devices").split("Block devices:")
    expected = {
        (int(number), name)
        for number, name in re.findall(r"^ *(\d+) (.*)$", characters, re.M)
    }
    found = {
        (MAJOR(dev), name.decode())
        for dev, _, name, _ in for_each_registered_chrdev(live)
    }
    assert found == expected
    found = {
        (major, name.decode()) for major, name, _ in for_each_registered_blkdev(live)
    }
    assert found == {
        (int(number), name)
        for number, name in re.findall(r"^ *(\d+) (.*)$", blocks, re.M)
    }
    numbers = re.findall(r"block/([^/]+)/dev:(\d+):(\d+)", each_lab.fact("sys/disks"))
    assert ("vda", "254", "0") in numbers or len(numbers) > 10
    for _, major, minor in numbers:
        dev = MKDEV(int(major), int(minor))
        assert (MAJOR(dev), MINOR(dev)) == (int(major), int(minor))
    made = dict(
        reversed(line.split()[1:3])
        for line in each_lab.fact("files/devices").splitlines()
        if line.startswith(("dm", "md"))
    )
    disks = {
        disk.disk_name.string_().decode(): (
            disk.major.value_(),
            disk.first_minor.value_(),
        )
        for disk in for_each_disk(live)
    }
    assert f"{disks['dm-0'][0]}:{disks['dm-0'][1]}" == made["lab-linear"]
    assert f"{disks['md0'][0]}:{disks['md0'][1]}" == made["md0"]


def test_kinds_of_files(live: Program) -> None:
    for path, kind in (
        ("/mnt/tmpfs/fifo", "FIFO"),
        ("/mnt/tmpfs/many", "DIR"),
        ("/mnt/tmpfs/many/file-0777", "REG"),
        ("/run/lab.sock", "SOCK"),
    ):
        assert decode_file_type(inode_at(live, path).i_mode) == kind
    assert decode_file_type(stat.S_IFCHR | 0o600) == "CHR"
    link = path_lookup(live, "/mnt/tmpfs/symlink")
    assert link.dentry.d_inode.i_ino == inode_at(live, "/mnt/tmpfs/symlink").i_ino


def test_files_of_a_directory(live: Program, each_lab: Lab) -> None:
    numbers = {
        name: int(inode)
        for inode, name in map(str.split, each_lab.fact("files/many").splitlines())
    }
    assert len(numbers) == 1500
    for name in list(numbers)[::100]:
        dentry = path_lookup(live, f"/mnt/tmpfs/many/{name}").dentry
        inode = dentry.d_inode
        assert inode.i_ino.value_() == numbers[name]
        assert dentry_path(dentry) == f"many/{name}".encode()
        assert list(inode_paths(inode)) == [f"many/{name}".encode()]
    with pytest.raises(Exception, match="nobody"):
        path_lookup(live, "/mnt/tmpfs/many/nobody")


def test_pages_of_files(
    live: Program, each_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    inode = inode_at(live, "/mnt/ext4/pattern")
    pages = dict(inode_for_each_page(inode))
    # A folio of several pages is there once.
    sizes = [page_size(page).value_() >> 12 for _, page in sorted(pages.items())]
    assert sorted(pages) == list(itertools.accumulate(sizes[:-1], initial=0))
    # It may have been read ahead, a little beyond its end.
    assert 256 <= sum(sizes) <= 260
    for index, page in address_space_for_each_page(inode.i_mapping):
        assert pages[index].value_() == page.value_()
    from drgn.helpers.linux import page_to_virt

    for index in (0, 100, max(index for index in pages if index < 256)):
        expected = b"file pattern %018d\n" % (index * 128)
        assert live.read(page_to_virt(pages[index]), len(expected)) == expected
    task = task_of(live, each_lab, "wait-files")
    print_files(task)
    lines = capsys.readouterr().out.splitlines()
    listed = re.findall(
        r"(\d+) -> (\S+)", each_lab.fact(f"proc/{task.pid.value_()}/fd")
    )
    printed = {line.split()[0]: line for line in lines}
    for fd, path in listed:
        if path.startswith("/") and fd in printed:
            assert path.encode() in d_path(fget(task, int(fd)).f_path) or (
                d_path(fget(task, int(fd)).f_path).decode().startswith(path)
            )
    assert set(printed) >= {fd for fd, _ in listed}


def test_modules_of_the_guest(live: Program, each_lab: Lab) -> None:
    needs_modules(live)
    sections = dict(
        re.findall(
            r"module/(\w+)/sections/.text:(0x\w+)", each_lab.fact("sys/module-sections")
        )
    )
    taints = dict(re.findall(r"module/(\w+)/taint:(\w+)", each_lab.fact("sys/taint")))
    checked = 0
    for module in for_each_module(live):
        name = module.name.string_().decode()
        regions = module_address_regions(module)
        text = int(sections[name], 16)
        assert any(start <= text < start + size for start, size in regions)
        assert address_to_module(live, text).value_() == module.value_()
        assert module_taints(module) == taints.get(name, "")
        start, size = module_percpu_region(module)
        assert (start == 0) == (size == 0)
        # Symbols that the guest shows of the module are among ours.
        guest = {
            (int(address, 16), symbol)
            for address, symbol in re.findall(
                rf"^(\w+) [tT] (\S+)\t\[{name}\]$", each_lab.fact("proc/kallsyms"), re.M
            )
        }
        ours = {(symbol.address, symbol.name) for symbol in module_kallsyms(module)}
        assert guest <= ours
        checked += len(guest)
    assert checked > 1000
    assert not find_module(live, "nope")


def test_symbols(live: Program, each_lab: Lab) -> None:
    text = each_lab.fact("proc/kallsyms")
    lines = [line.split() for line in text.splitlines()]
    if b"SYMBOL(kallsyms_names)" not in live["VMCOREINFO"].string_():
        # Before 6.0 (f09bddbd86619), nothing tells where they are.
        with pytest.raises(MissingDebugInfoError, match="kallsyms_names"):
            load_vmlinux_kallsyms(live)
        return
    kernel = load_vmlinux_kallsyms(live)
    modules = load_module_kallsyms(live)
    for fields in lines[:: len(lines) // 300]:
        address, name = int(fields[0], 16), fields[2]
        if len(fields) > 3 and fields[3] in ("[bpf]", "[__builtin__ftrace]"):
            continue
        index = modules if len(fields) > 3 else kernel
        found = index(live, name, None, False)
        assert address in {symbol.address for symbol in found}, name


def test_taint_and_levels(live: Program, each_lab: Lab) -> None:
    number = each_lab.fact("proc/sys/kernel/tainted")
    if number.strip().isdigit():  # CONFIG_PROC_SYSCTL
        assert (tainted(live) == "") == (int(number) == 0)
    flags = re.search(r"^flags\s*:(.*)$", each_lab.fact("proc/cpuinfo"), re.M)
    assert flags and pgtable_l5_enabled(live) == ("la57" in flags[1].split())


def test_records_of_the_log(
    live: Program, each_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = each_lab.fact("proc/dmesg").splitlines()
    records = list(get_printk_records(live))
    # The same moment, without the pages that are all zeros.
    assert get_printk_records(open_dump(each_lab, "live.kdump.excluded")) == records
    text = [line.decode() for record in records for line in record.text.split(b"\n")]
    expected = [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in lines]
    assert text[: len(expected)] == expected
    print_dmesg(live, timestamps=shows_times(live))
    printed = capsys.readouterr().out.splitlines()[: len(lines)]
    # Of a record of several lines, only the first has its time here.
    for mine, theirs, bare in zip(printed, lines, expected, strict=True):
        assert mine in (theirs, bare)
    assert sum(map(str.__eq__, printed, lines)) > 0.9 * len(lines)
