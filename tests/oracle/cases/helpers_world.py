# What the guest's workload holds: sockets, namespaces, locks, waiters, devices.
from drgn import Object, cast
from drgn.helpers.linux import (
    NODE_DATA,
    SOCKET_I,
    LinuxKernelStack,
    StackKind,
    StackSegment,
    address_to_module,
    bdev_partno,
    blk_mq_rq_from_pdu,
    blk_mq_rq_to_pdu,
    blk_rq_bytes,
    blk_rq_pos,
    cgroup_get_from_path,
    cgroup_path,
    class_to_subsys,
    cpu_present_mask,
    cpumask_to_cpulist,
    css_next_child,
    css_next_descendant_pre,
    d_path,
    disk_name,
    early_section_nr,
    find_slab_cache,
    find_task,
    for_each_disk,
    for_each_file,
    for_each_irq_desc,
    for_each_module,
    for_each_mount,
    for_each_net,
    for_each_node,
    for_each_node_mask,
    for_each_online_cpu,
    for_each_online_pgdat,
    for_each_partition,
    for_each_pci_root_bus,
    for_each_present_section,
    for_each_task,
    gate_desc_func,
    get_net_ns_by_fd,
    get_net_ns_by_inode,
    hugetlb_total_pages,
    idle_task,
    irq_to_desc,
    kernel_stack_trace,
    ktime_to_ns,
    mm_environ,
    module_kallsyms,
    mount_dst,
    mount_fstype,
    mount_src,
    mutex_owner,
    netdev_get_by_name,
    node_state,
    num_present_cpus,
    online_section_nr,
    op_is_write,
    part_name,
    path_lookup,
    pci_bus_for_each_child,
    pci_bus_name,
    per_cpu,
    percpu_counter_sum_positive,
    pfn_to_section,
    present_section,
    present_section_nr,
    req_op,
    request_queue_busy_iter,
    rq_data_dir,
    rwsem_locked,
    rwsem_owner,
    section_decode_mem_map,
    sk_nulls_for_each,
    skb_shinfo,
    slab_cache_for_each_allocated_object,
    slab_cache_objects_per_slab,
    slab_cache_pages_per_slab,
    slab_object_info,
    sock_cgroup_ptr,
    stack_depot_fetch,
    swait_active,
    swait_for_each_task,
    sysfs_lookup_node,
    task_group_sched_entity,
    task_state_to_char,
    valid_section_nr,
    wmark_pages,
)

# Disks, their parts, and requests on their way.
for disk in for_each_disk(prog):
    print(disk_name(disk))
    for rq in request_queue_busy_iter(disk.queue):
        print(blk_rq_pos(rq), blk_rq_bytes(rq), req_op(rq), rq_data_dir(rq))
        print(op_is_write(req_op(rq)), hex(blk_mq_rq_to_pdu(rq).value_()))
        print(blk_mq_rq_from_pdu(blk_mq_rq_to_pdu(rq)) == rq)
for part in for_each_partition(prog):
    print(part_name(part))
    if "block_device" in part.type_.type_name():
        print(bdev_partno(part))
for bus in for_each_pci_root_bus(prog):
    for child in pci_bus_for_each_child(bus):
        print(pci_bus_name(child), list(pci_bus_for_each_child(child)))

# Groups.
for path in ("/", "/lab", "lab/inner", "/nope", ""):
    try:
        found = cgroup_get_from_path(prog, path)
        print(path, hex(found.value_()), cgroup_path(found) if found else None)
    except Exception as error:
        print(path, type(error).__name__)
root = prog["cgrp_dfl_root"].cgrp.self.address_of_()
null = Object(prog, root.type_, 0)
pos = css_next_child(null, root)
while pos:
    print(cgroup_path(pos.cgroup))
    pos = css_next_child(pos, root)
pos = css_next_descendant_pre(null, root)
while pos:
    print(cgroup_path(pos.cgroup))
    pos = css_next_descendant_pre(pos, root)
for name in ("block_class", "mem_class", "tty_class"):
    if name in prog:
        class_ = prog[name]
        class_ = class_.address_of_() if class_.type_.kind.name == "STRUCT" else class_
        try:
            print(name, hex(class_to_subsys(class_).value_()))
        except Exception as error:
            print(name, type(error).__name__)

# Processors, nodes, sections, zones.
print(cpumask_to_cpulist(cpu_present_mask(prog)), num_present_cpus(prog))
print(list(for_each_node(prog)), list(for_each_node_mask(prog["node_states"][0])))
for state in ("N_POSSIBLE", "N_ONLINE", "N_CPU"):
    print([node_state(node, prog[state]) for node in range(3)])
print(hex(NODE_DATA(prog, 0).value_()))
for pgdat in for_each_online_pgdat(prog):
    for zone in pgdat.node_zones:
        print([wmark_pages(zone.address_of_(), i) for i in range(3)])
for nr, section in for_each_present_section(prog):
    print(valid_section_nr(prog, nr), online_section_nr(prog, nr))
    print(early_section_nr(prog, nr), present_section_nr(prog, nr))
    print(present_section(section), pfn_to_section(prog, nr << 15) == section)
    mem_map = section.section_mem_map
    print(hex(section_decode_mem_map(section, nr).value_()))
print(present_section_nr(prog, 1 << 12), valid_section_nr(prog, 1 << 12))
print(hugetlb_total_pages(prog))
counter = prog["vm_committed_as"].address_of_()
print(percpu_counter_sum_positive(counter))
for cpu in for_each_online_cpu(prog):
    print(hex(idle_task(prog, cpu).value_()))
for task in for_each_task(prog):
    group = task.sched_task_group
    print(hex(task_group_sched_entity(group, 0).value_()))
    if task.mm:
        print(mm_environ(task.mm))

# Interrupts and modules.
for irq, _ in for_each_irq_desc(prog):
    print(irq, hex(irq_to_desc(prog, irq).value_()))
for vector in (0, 3, 13, 14, 0x80, 0xEC):
    print(prog.symbol(gate_desc_func(prog["idt_table"][vector]).value_()).name)
for module in for_each_module(prog):
    symbols = sorted(module_kallsyms(module), key=lambda s: (s.address, s.name))
    print(module.name, len(symbols))
    for symbol in symbols[::41]:
        print(symbol.name, hex(symbol.address), symbol.binding, symbol.kind)
        print(hex(address_to_module(prog, symbol.address).value_()))

# Mounts and paths.
for mount in for_each_mount(prog):
    if mount_fstype(mount) == b"nsfs":
        continue  # Upstream has "[nsfs]" for where it is mounted.
    print(mount_src(mount), mount_dst(mount), mount_fstype(mount))
print(sysfs_lookup_node(prog, "/sys/kernel/vmcoreinfo").name)
print(hex(netdev_get_by_name(prog, "dummy0").value_()))
for name in (b"br0", "dummy0.5", "nope"):
    print(hex(netdev_get_by_name(prog, name).value_()))

# Sockets.
hash_info = prog["tcp_hashinfo"]
for i in range(hash_info.ehash_mask.value_() + 1):
    for sk in sk_nulls_for_each(hash_info.ehash[i].chain.address_of_()):
        print(i, hex(sk.value_()), sk.__sk_common.skc_dport, sk.__sk_common.skc_num)
operations = prog["socket_file_ops"].address_
for task in for_each_task(prog):
    for fd, file in for_each_file(task):
        if not file:
            continue
        path = d_path(file.f_path)
        if path.startswith(b"net:"):
            print(path, hex(get_net_ns_by_fd(task, fd).value_()))
            print(hex(get_net_ns_by_inode(file.f_inode).value_()))
        if file.f_op.value_() != operations:
            continue
        socket = SOCKET_I(file.f_inode)
        print(socket == cast("struct socket *", file.private_data), socket.state)
        print(cgroup_path(sock_cgroup_ptr(socket.sk.sk_cgrp_data)))
        queue = socket.sk.sk_receive_queue
        skb, end = queue.next, queue.address_
        while skb and skb.value_() != end:
            shared = skb_shinfo(skb)
            print(skb.len, shared.nr_frags, shared.dataref.counter)
            skb = skb.next
for net in for_each_net(prog):
    print(hex(net.value_()), net.ns.inum)
    print(net.loopback_dev.name)

# Locks, and who waits for them and for what.
comms = {}
for task in for_each_task(prog):
    comms.setdefault(task.comm.string_(), task)
if b"mutex-holder" in comms:
    for fd, file in for_each_file(comms[b"mutex-holder"]):
        if file and file.f_inode.i_sb.s_type.name.string_() == b"pipefs":
            pipe = cast("struct pipe_inode_info *", file.private_data)
            # Upstream does not know the locks of PREEMPT_RT.
            if hasattr(pipe.mutex, "owner"):
                owner = mutex_owner(pipe.mutex.address_of_())
                print(fd, owner.comm if owner else None)
    for path in ("/mnt/tmpfs/locked", "/mnt/tmpfs/read-locked", "/tree"):
        sem = path_lookup(prog, path).dentry.d_inode.i_rwsem.address_of_()
        if hasattr(sem, "count"):
            print(path, rwsem_locked(sem), hex(rwsem_owner(sem).value_()))
# One of several before 4.20.
rcu = "rcu_state" if "rcu_state" in prog else "rcu_sched_state"
queue = prog[rcu].gp_wq.address_of_()
print(swait_active(queue), [task.comm for task in swait_for_each_task(queue)])
print(ktime_to_ns(per_cpu(prog["hrtimer_bases"], 0).expires_next))

# Slabs: one cache has red zones, poison, and who allocated and freed.
for name in ("files_cache", "task_struct", "dentry", "kmalloc-64", "kmalloc-8k"):
    cache = find_slab_cache(prog, name)
    if cache is None:
        continue
    print(name, slab_cache_objects_per_slab(cache), slab_cache_pages_per_slab(cache))
    objects = [o.value_() for o in slab_cache_for_each_allocated_object(cache, "char")]
    print(sorted(objects))
    for address in objects[:20]:
        for offset in (0, 1, 8, cache.object_size.value_() - 1):
            info = slab_object_info(prog, address + offset)
            print(info and (hex(info.address), info.allocated, info.slab_cache.name))
info = slab_object_info(prog, find_task(prog, 1).files)
cache = info.slab_cache
print(info.allocated, cache.name, hex(cache.flags))
try:
    track = prog.type("struct track")
except LookupError:
    track = None  # SLAB
if track is not None and track.has_member("handle"):
    # After the object, its red zone, and the pointer to the next free one.
    at = cache.offset if cache.offset.value_() >= cache.inuse.value_() else cache.inuse
    at = at.value_() + (8 if at.value_() >= cache.inuse.value_() else 0)
    for address in [info.address]:
        for which in range(2):
            size = track.size
            found = Object(prog, track, address=address + at + which * size)
            # On 6.1 upstream has another's trace for no handle.
            trace = found.handle and stack_depot_fetch(found.handle)
            print(found.pid, found.cpu, [f.name for f in trace or ()])
for task in for_each_task(prog):
    if task_state_to_char(task) not in "SD":
        continue
    stack = kernel_stack_trace(prog, task)
    print(isinstance(stack, LinuxKernelStack), task.pid)
    for segment in stack.segments:
        if segment.kind is StackKind.TASK:
            names = [frame.name for frame in segment]
            print(isinstance(segment, StackSegment), segment.kind.name, names)
