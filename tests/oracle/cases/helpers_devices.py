# Devices: disks, PCI, interrupts, the network, what sysfs shows.
from drgn import cast
from drgn.helpers.linux import (
    MAJOR,
    MINOR,
    SOCK_INODE,
    bus_for_each_dev,
    dev_name,
    disk_devt,
    for_each_disk,
    for_each_file,
    for_each_irq_desc,
    for_each_net,
    for_each_netdev,
    for_each_online_cpu,
    for_each_partition,
    for_each_pci_dev,
    for_each_pci_root_bus,
    for_each_task,
    irq_desc_action_names,
    irq_desc_affinity_mask,
    irq_desc_chip_name,
    irq_desc_kstat_cpu,
    irq_get_nr_irqs,
    is_pp_page,
    kobject_path,
    neigh_table_for_each_neighbor,
    netdev_ipv4_addrs,
    netdev_ipv6_addrs,
    netdev_name,
    part_devt,
    pci_bus_for_each_dev,
    pci_bus_name,
    pci_is_bridge,
    pci_name,
    pci_pcie_type,
    print_disks,
    print_partitions,
    qdisc_lookup,
    request_queue_busy_iter,
    sk_fullsock,
    sk_tcpstate,
    sysfs_listdir,
    sysfs_lookup,
    sysfs_lookup_kobject,
    virt_to_page,
)

print_disks(prog)
print_partitions(prog)
for disk in for_each_disk(prog):
    print(MAJOR(disk_devt(disk)), MINOR(disk_devt(disk)))
    for tags in (None, "driver", "sched"):
        print([hex(rq.value_()) for rq in request_queue_busy_iter(disk.queue, tags)])
for part in for_each_partition(prog):
    print(part_devt(part))

for device in for_each_pci_dev(prog):
    print(pci_name(device), pci_is_bridge(device), pci_pcie_type(device))
for bus in for_each_pci_root_bus(prog):
    print(pci_bus_name(bus), [pci_name(dev) for dev in pci_bus_for_each_dev(bus)])
print([dev_name(dev) for dev in bus_for_each_dev(prog["cpu_subsys"].address_of_())])

print(irq_get_nr_irqs(prog))
for irq, desc in for_each_irq_desc(prog):
    print(irq, irq_desc_action_names(desc), irq_desc_chip_name(desc))
    print([irq_desc_kstat_cpu(desc, cpu) for cpu in for_each_online_cpu(prog)])
    print(irq_desc_affinity_mask(desc).bits[0])

for net in for_each_net(prog):
    for dev in for_each_netdev(net):
        print(netdev_name(dev), netdev_ipv4_addrs(dev), netdev_ipv6_addrs(dev))
        print(hex(qdisc_lookup(dev, dev.qdisc.handle >> 16).value_()))
        print(dev_name(dev.dev.address_of_()), kobject_path(dev.dev.kobj.address_of_()))
for neighbour in neigh_table_for_each_neighbor(prog["arp_tbl"].nht):
    print(netdev_name(neighbour.dev), neighbour.nud_state)
try:
    print(is_pp_page(virt_to_page(prog, prog["init_net"].dev_base_head.next)))
except NotImplementedError:
    print("not before 5.14")
operations = prog["socket_file_ops"].address_
for task in for_each_task(prog):
    for fd, file in for_each_file(task):
        if not file or file.f_op.value_() != operations:
            continue
        socket = cast("struct socket *", file.private_data)
        print(task.pid.value_(), fd, SOCK_INODE(socket).i_ino, socket.type)
        if socket.ops.family.value_() == 2 and socket.type.value_() == 1:
            print(sk_tcpstate(socket.sk), sk_fullsock(socket.sk))

for path in ("/sys/block", "/sys/module/loop", "bus/pci", "kernel"):
    print(path, sorted(sysfs_listdir(prog, path)))
for path in (
    "/sys/devices/system/cpu/cpu0",
    "/sys/class/net",
    "/sys/bus/pci",
    "/sys/module/loop",
    "/sys/kernel/vmcoreinfo",
    "/sys/nope",
    "/proc",
):
    found = sysfs_lookup(prog, path)
    print(path, found.type_, hex(found.value_()))
    print(hex(sysfs_lookup_kobject(prog, path).value_()))
