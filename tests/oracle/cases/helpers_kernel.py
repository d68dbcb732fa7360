# The kernel itself: its log, clocks, configuration, modules, BPF, symbols, files.
from drgn import MissingDebugInfoError
from drgn.helpers.linux import (
    bpf_btf_for_each,
    bpf_link_for_each,
    bpf_map_by_id,
    bpf_map_for_each,
    bpf_prog_by_id,
    bpf_prog_for_each,
    bpf_prog_used_maps,
    cgroup_bpf_prog_for_each,
    cgroup_bpf_prog_for_each_effective,
    cpu_online_mask,
    cpumask_to_cpulist,
    d_path,
    decode_file_type,
    dentry_path,
    for_each_module,
    for_each_mount,
    for_each_registered_blkdev,
    for_each_registered_chrdev,
    get_dmesg,
    get_kconfig,
    get_printk_records,
    inode_paths,
    kaslr_offset,
    kernfs_children,
    ktime_get_boottime_seconds,
    ktime_get_clocktai_seconds,
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_clocktai_ns,
    ktime_get_coarse_ns,
    ktime_get_coarse_real_ns,
    ktime_get_real_seconds,
    ktime_get_seconds,
    load_module_kallsyms,
    load_vmlinux_kallsyms,
    module_address_regions,
    module_percpu_region,
    module_taints,
    num_possible_cpus,
    panic_message,
    panic_task,
    path_lookup,
    pgtable_l5_enabled,
    print_mounts,
    tainted,
    uptime,
    uptime_pretty,
)

print(get_dmesg(prog).decode(errors="replace"))
print(get_dmesg(prog, timestamps="human").decode(errors="replace"))
for record in get_printk_records(prog)[:100]:
    print(record)
print(panic_message(prog), tainted(prog))
if panic_message(prog):
    print(panic_task(prog).comm)
print(uptime(prog), uptime_pretty(prog), hex(kaslr_offset(prog)))
for clock in (
    ktime_get_seconds,
    ktime_get_real_seconds,
    ktime_get_boottime_seconds,
    ktime_get_clocktai_seconds,
    ktime_get_coarse_ns,
    ktime_get_coarse_real_ns,
    ktime_get_coarse_boottime_ns,
    ktime_get_coarse_clocktai_ns,
):
    print(repr(clock(prog)))
print(pgtable_l5_enabled(prog), num_possible_cpus(prog))
print(cpumask_to_cpulist(cpu_online_mask(prog)))
try:
    print(len(get_kconfig(prog)))
except LookupError:
    print("no configuration")  # CONFIG_IKCONFIG is a module, or not set.

for module in for_each_module(prog):
    print(module.name, module_taints(module), module_percpu_region(module))
    print(module_address_regions(module))
for load in (load_vmlinux_kallsyms, load_module_kallsyms):
    try:
        index = load(prog)
    except MissingDebugInfoError as error:
        print(type(error).__name__)
        continue
    for symbol in sorted(index(prog, None, None, False), key=lambda s: s.address)[::97]:
        print(symbol.name, hex(symbol.address), symbol.binding, symbol.kind)

for bpf in bpf_prog_for_each(prog):
    found = bpf_prog_by_id(prog, bpf.aux.id)
    print(bpf.aux.id, bpf.type, bpf.aux.name, hex(found.value_()))
    print([map.id for map in bpf_prog_used_maps(bpf)])
for map in bpf_map_for_each(prog):
    print(map.id, map.name, map.map_type, hex(bpf_map_by_id(prog, map.id).value_()))
for each in (bpf_btf_for_each, bpf_link_for_each):
    try:
        print([found.id for found in each(prog)])
    except LookupError as error:  # Before 4.18 and 5.8.
        print(error)
cgroup = prog["cgrp_dfl_root"].cgrp.address_of_()
for i in range(len(cgroup.bpf.effective)):
    print([bpf.aux.id for bpf in cgroup_bpf_prog_for_each(cgroup, i)])
    print([bpf.aux.id for bpf in cgroup_bpf_prog_for_each_effective(cgroup, i)])

print_mounts(prog, fstype="tmpfs")
for mount in for_each_mount(prog):
    dentry = mount.mnt.mnt_root
    if mount.mnt.mnt_sb.s_type.name.string_() == b"nsfs":
        continue  # Upstream has "[nsfs]" for where it is mounted.
    print(d_path(mount.mnt.address_of_(), dentry), dentry_path(dentry))
    print(d_path(dentry))
    print(decode_file_type(dentry.d_inode.i_mode), list(inode_paths(dentry.d_inode)))
print(path_lookup(prog, "/tree/a/b").dentry.d_inode.i_ino)
for dev, count, name, cdev in for_each_registered_chrdev(prog):
    print(dev, count, name, hex(cdev.value_()))
for major, name, ops in for_each_registered_blkdev(prog):
    print(major, name, hex(ops.value_()))
print(sorted(kn.name.string_() for kn in kernfs_children(prog["sysfs_root_kn"])))
