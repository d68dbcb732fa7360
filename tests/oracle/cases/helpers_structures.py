# Data structures of every kind, through helpers for what holds them.
from drgn import cast, container_of
from drgn.helpers.linux import (
    MKDEV,
    bitmap_weight,
    bus_to_subsys,
    cfs_rq_for_each_entity,
    cgroup_parent,
    class_for_each_device,
    completion_done,
    completion_for_each_task,
    cpu_possible_mask,
    cpu_rq,
    cpumask_of,
    cpumask_to_cpulist,
    cpumask_weight,
    css_for_each_child,
    dev_name,
    find_task,
    for_each_clear_bit,
    for_each_cpu,
    for_each_disk,
    for_each_net,
    for_each_netdev,
    for_each_node_state,
    for_each_possible_cpu,
    for_each_present_cpu,
    for_each_set_bit,
    for_each_task,
    for_each_task_in_group,
    hlist_empty,
    hlist_for_each_entry,
    idr_find,
    idr_for_each,
    idr_for_each_entry,
    kernfs_name,
    kernfs_parent,
    kernfs_path,
    kernfs_root,
    kernfs_walk,
    kuid_val,
    list_empty,
    list_first_entry,
    list_for_each_entry_reverse,
    list_is_singular,
    list_last_entry,
    list_next_entry,
    llist_empty,
    llist_for_each,
    mt_for_each,
    mtree_load,
    netdev_for_each_tx_queue,
    netdev_get_by_index,
    netdev_name,
    netdev_priv,
    nr_node_ids,
    num_online_cpus,
    per_cpu,
    per_cpu_ptr,
    percpu_counter_sum,
    plist_for_each,
    plist_head_empty,
    radix_tree_for_each,
    rb_find,
    rb_first,
    rb_last,
    rb_next,
    rb_prev,
    rbtree_inorder_for_each_entry,
    sbitmap_for_each_set,
    sched_entity_is_task,
    sched_entity_to_task,
    task_rq,
    task_thread_info,
    test_bit,
    thread_group_leader,
    validate_list_for_each_entry,
    waitqueue_for_each_entry,
    xa_for_each,
    xa_load,
)

online = prog["__cpu_online_mask"]
print(list(for_each_cpu(online)), cpumask_weight(online), num_online_cpus(prog))
print(list(for_each_possible_cpu(prog)), list(for_each_present_cpu(prog)))
print(cpumask_to_cpulist(cpumask_of(prog, 1)))
print(cpumask_to_cpulist(cpu_possible_mask(prog)))
print(list(for_each_node_state(prog, prog["N_MEMORY"])), nr_node_ids(prog))
bits = online.bits
print(bitmap_weight(bits, 64), list(for_each_set_bit(bits, 64)))
print(len(list(for_each_clear_bit(bits, 64))), test_bit(0, bits), test_bit(5, bits))
print(MKDEV(8, 1), kuid_val(find_task(prog, 1).cred.uid))

tasks = prog["init_task"].tasks.address_of_()
print(list_empty(tasks), list_is_singular(tasks))
first = list_first_entry(tasks, "struct task_struct", "tasks")
print(first.comm, list_last_entry(tasks, "struct task_struct", "tasks").comm)
print(list_next_entry(first, "tasks").comm)
for entry in (list_for_each_entry_reverse, validate_list_for_each_entry):
    print([task.pid for task in entry("struct task_struct", tasks, "tasks")])
for task in for_each_task(prog):
    print(thread_group_leader(task), hex(task_thread_info(task).value_()))
    print(hex(task_rq(task).value_()), [t.pid for t in for_each_task_in_group(task)])
    # Renamed in 5.3.
    name = "cpus_mask" if hasattr(task, "cpus_mask") else "cpus_allowed"
    print(list(for_each_set_bit(task.member_(name).bits, 64)))
    done = task.vfork_done
    if done:
        print(completion_done(done), [t.pid for t in completion_for_each_task(done)])
    if task.mm and hasattr(task.mm, "mm_mt"):
        tree = task.mm.mm_mt.address_of_()
        entries = [(a, b, hex(entry.value_())) for a, b, entry in mt_for_each(tree)]
        print(entries)
        print(hex(mtree_load(tree, entries[0][0]).value_()), mtree_load(tree, 0))

for cpu in for_each_cpu(online):
    rq = cpu_rq(prog, cpu)
    for se, *about in cfs_rq_for_each_entity(rq.cfs.address_of_()):
        print(about, sched_entity_is_task(se))
        if sched_entity_is_task(se):
            print(sched_entity_to_task(se).comm)
    queue = per_cpu(prog["call_single_queue"], cpu).address_of_()
    print(
        llist_empty(queue), [hex(node.value_()) for node in llist_for_each(queue.first)]
    )
counter = prog["vm_committed_as"].address_of_()
print(percpu_counter_sum(counter), hex(per_cpu_ptr(counter.counters, 1).value_()))

namespace = prog["init_pid_ns"].address_of_()
idr = namespace.idr.address_of_()
pids = [(id, hex(entry.value_())) for id, entry in idr_for_each(idr)]
print(pids, hex(idr_find(idr, 1).value_()), idr_find(idr, 1 << 21))
print([pid.level for _, pid in idr_for_each_entry(idr, "struct pid")])
print([i for i, _ in radix_tree_for_each(idr.idr_rt.address_of_())][:5])
for net in for_each_net(prog):
    if hasattr(net, "dev_by_index"):
        devices = net.dev_by_index.address_of_()
        print([(i, hex(dev.value_())) for i, dev in xa_for_each(devices)])
        print(hex(xa_load(devices, 1).value_()))
    for dev in for_each_netdev(net):
        found = netdev_get_by_index(net, dev.ifindex)
        print(netdev_name(found), hex(netdev_priv(dev).value_()))
        print(len(list(netdev_for_each_tx_queue(dev))))
try:
    qos = prog["cpu_latency_constraints"].list.address_of_()
except KeyError:  # Before 5.7.
    qos = prog["cpu_dma_constraints"].list.address_of_()
print(plist_head_empty(qos), [node.prio for node in plist_for_each(qos)])
for bucket in prog["mount_hashtable"][0:64]:
    bucket = bucket.address_of_()
    print(hlist_empty(bucket))
    for mount in hlist_for_each_entry("struct mount", bucket, "mnt_hash"):
        print(mount.mnt_devname)
timers = per_cpu(prog["hrtimer_bases"], 0).clock_base[0].active.rb_root.rb_root
timers = timers.address_of_()
node = rb_first(timers)
print(hex(node.value_()), hex(rb_next(node).value_()), rb_prev(node))
print(hex(rb_prev(rb_last(timers)).value_()))
expiries = [
    timer.node.expires.value_()
    for timer in rbtree_inorder_for_each_entry("struct hrtimer", timers, "node.node")
]
print(expiries)
found = rb_find(
    "struct hrtimer",
    timers,
    "node.node",
    expiries[1],
    lambda key, timer: (key > timer.node.expires) - (key < timer.node.expires),
)
print(hex(found.value_()))

root = prog["cgrp_dfl_root"].cgrp.address_of_()
css = root.self.address_of_()
for child in css_for_each_child(css):
    cgroup = container_of(child, "struct cgroup", "self")
    print(cgroup_parent(cgroup).value_() == root.value_(), kernfs_name(cgroup.kn))
    print(kernfs_path(cgroup.kn), hex(kernfs_parent(cgroup.kn).value_()))
    print(hex(kernfs_root(cgroup.kn).value_()))
print(hex(kernfs_walk(prog["sysfs_root_kn"], "kernel/mm").value_()))
print(hex(bus_to_subsys(prog["pci_bus_type"].address_of_()).value_()))
print(
    [dev_name(dev) for dev in class_for_each_device(prog["block_class"].address_of_())]
)

for disk in for_each_disk(prog):
    if not hasattr(disk.queue, "hctx_table"):
        continue
    for _, entry in xa_for_each(disk.queue.hctx_table.address_of_()):
        hctx = cast("struct blk_mq_hw_ctx *", entry)
        print(list(sbitmap_for_each_set(hctx.tags.bitmap_tags.sb.address_of_())))
for task in for_each_task(prog):
    waiters = task.signal.wait_chldexit.address_of_()
    print([hex(entry.value_()) for entry in waitqueue_for_each_entry(waiters)])
