"""Helpers for devices find what the guest itself printed before the dump."""

from __future__ import annotations

import re

import pytest
from lab.manifest import Lab

from drgn import Object, Program, cast
from drgn.helpers.linux import (
    MAJOR,
    MINOR,
    SOCK_INODE,
    bdev_partno,
    blk_mq_rq_from_pdu,
    blk_mq_rq_to_pdu,
    blk_rq_bytes,
    blk_rq_pos,
    cpumask_to_cpulist,
    dev_name,
    disk_devt,
    disk_name,
    find_task,
    for_each_disk,
    for_each_file,
    for_each_irq_desc,
    for_each_online_cpu,
    for_each_partition,
    for_each_pci_dev,
    for_each_pci_root_bus,
    for_each_resource,
    gate_desc_func,
    irq_desc_affinity_mask,
    irq_desc_chip_name,
    irq_desc_kstat_cpu,
    irq_get_nr_irqs,
    irq_to_desc,
    kobject_path,
    neigh_table_for_each_neighbor,
    netdev_get_by_name,
    netdev_name,
    nr_blockdev_pages,
    op_is_write,
    part_devt,
    part_name,
    pci_bus_for_each_child,
    pci_bus_for_each_dev,
    pci_bus_name,
    pci_is_bridge,
    pci_name,
    pci_pcie_type,
    print_disks,
    print_partitions,
    qdisc_lookup,
    req_op,
    request_queue_busy_iter,
    rq_data_dir,
    sk_tcpstate,
    sysfs_listdir,
    sysfs_lookup,
    sysfs_lookup_kobject,
    sysfs_lookup_node,
)


def test_disks(
    live: Program, each_lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        (int(major), int(minor), name)
        for major, minor, _, name in map(
            str.split, each_lab.fact("proc/partitions").splitlines()[2:]
        )
    }
    parts = {
        (MAJOR(devt), MINOR(devt), part_name(part).decode())
        for part in for_each_partition(live)
        for devt in [part_devt(part).value_()]
    }
    disks = {
        (MAJOR(devt), MINOR(devt), disk_name(disk).decode())
        for disk in for_each_disk(live)
        for devt in [disk_devt(disk).value_()]
    }
    assert len(list(for_each_disk(live))) == len(disks)
    # /proc leaves out loop devices without a file.
    assert expected <= parts and disks <= parts
    numbers = {
        # It was a struct hd_struct before 5.11.
        part_name(part).decode(): (
            part.partno if hasattr(part, "partno") else bdev_partno(part)
        ).value_()
        for part in for_each_partition(live)
    }
    assert {name: number for name, number in numbers.items() if number} == {
        "vdd1": 1,
        "vdd2": 2,
    }
    assert {name for *_, name in disks} == set(each_lab.fact("sys/block").split())
    partition = next(for_each_partition(live)).type_.type.type_name()
    for print_them, type, found in (
        (print_disks, "struct gendisk", disks),
        (print_partitions, partition, parts),
    ):
        print_them(live)
        lines = capsys.readouterr().out.splitlines()
        pattern = rf"(\d+):(\d+) (\S+) \({type} \*\)0x[0-9a-f]{{16}}"
        matches = [re.fullmatch(pattern, line) for line in lines]
        assert {(int(m[1]), int(m[2]), m[3]) for m in matches if m} == found
        assert all(matches)


def test_requests(live: Program) -> None:
    requests = []
    for disk in for_each_disk(live):
        queue = disk.queue.read_()
        found = list(request_queue_busy_iter(queue))
        tags = "sched" if queue.elevator else "driver"
        assert list(request_queue_busy_iter(queue, tags)) == found
        assert all(rq.q.value_() == queue.value_() for rq in found)
        requests += found
    # The devices of the blocked readers hold theirs back.
    assert requests
    for rq in requests:
        pdu = blk_mq_rq_to_pdu(rq)
        assert blk_mq_rq_from_pdu(pdu).value_() == rq.value_() < pdu.value_()
    with pytest.raises(ValueError, match="'driver' or 'sched'"):
        list(request_queue_busy_iter(queue, "nope"))  # type: ignore[arg-type]


def test_operation_of_a_request(live: Program) -> None:
    for operation, writes in (
        ("REQ_OP_READ", 0),
        ("REQ_OP_WRITE", 1),
        ("REQ_OP_FLUSH", 0),
        ("REQ_OP_DISCARD", 1),
    ):
        flags = live[operation].value_() | 1 << 8  # The flag above the operation.
        rq = Object(
            live,
            "struct request",
            {"cmd_flags": flags, "__sector": 2048, "__data_len": 4096},
        )
        assert req_op(rq).value_() == live[operation].value_()
        assert req_op(rq).type_.enumerators == live[operation].type_.enumerators
        assert rq_data_dir(rq) == op_is_write(req_op(rq)) == writes
        assert (blk_rq_pos(rq).value_(), blk_rq_bytes(rq).value_()) == (2048, 4096)


def test_block_cache(live: Program, each_lab: Lab) -> None:
    buffers = re.search(r"^Buffers: +(\d+) kB", each_lab.fact("proc/meminfo"), re.M)
    assert buffers
    # The guest has read a little from its disks since then.
    assert 0 <= nr_blockdev_pages(live) * 4 - int(buffers[1]) < 64


def test_pci(live: Program, each_lab: Lab) -> None:
    devices = {pci_name(dev): dev for dev in for_each_pci_dev(live)}
    listed = sysfs_listdir(live, "/sys/bus/pci/devices")
    assert sorted(devices) == sorted(name.decode() for name in listed)
    resources = set(
        re.findall(r"^ .* : ([0-9a-f:.]{12})$", each_lab.fact("proc/iomem"), re.M)
    )
    assert resources <= set(devices)
    buses = list(for_each_pci_root_bus(live))
    assert [pci_bus_name(bus) for bus in buses] == ["0000:00"]
    (behind,) = pci_bus_for_each_child(buses[0])
    assert pci_bus_name(behind) == "0000:01" and not list(
        pci_bus_for_each_child(behind)
    )
    assert {pci_name(dev) for dev in pci_bus_for_each_dev(behind)} == {"0000:01:03.0"}
    assert {pci_name(dev) for dev in pci_bus_for_each_dev(buses[0])} == {
        name for name in devices if name.startswith("0000:00:")
    }
    classes = dict(re.findall(r"devices/(\S+)/class:0x(\w+)", each_lab.fact("sys/pci")))
    assert {name for name, dev in devices.items() if pci_is_bridge(dev)} == {
        name for name, kind in classes.items() if kind == "060400"
    }
    identities = re.findall(r"devices/(\S+)/device:0x(\w+)", each_lab.fact("sys/pci"))
    assert identities == [
        (name, f"{devices[name].device.value_():04x}") for name in sorted(devices)
    ]


def test_kinds_of_pci_devices(live: Program) -> None:
    def device(header: int, flags: int) -> Object:
        values = {"hdr_type": header, "pcie_flags_reg": flags}
        return Object(live, "struct pci_dev", values)

    assert [pci_is_bridge(device(header, 0)) for header in range(4)] == [0, 1, 1, 0]
    assert [pci_pcie_type(device(0, flags)).name for flags in (0x2, 0x42, 0x162)] == [
        "ENDPOINT",
        "ROOT_PORT",
        "DOWNSTREAM",
    ]
    assert pci_pcie_type(device(0, 0xF2)) == 15  # a type to come


def test_interrupts(live: Program, each_lab: Lab) -> None:
    cpus = list(for_each_online_cpu(live))
    lines = re.findall(
        r"^ *(\d+):((?: +\d+)+) {2,}(\S.*)", each_lab.fact("proc/interrupts"), re.M
    )
    assert lines
    descriptors = dict(for_each_irq_desc(live))
    same = 0
    for number, counts, rest in lines:
        desc = descriptors[int(number)]
        assert irq_to_desc(live, int(number)).value_() == desc.value_()
        found = [irq_desc_kstat_cpu(desc, cpu) for cpu in cpus]
        # There may have been more since, a disk's in their thousands.
        for now, then in zip(found, counts.split(), strict=True):
            assert int(then) <= now < int(then) + 1_000_000
            same += 0 < now == int(then)
        name = irq_desc_chip_name(desc)
        assert name is not None and rest.startswith(name.decode() + " ")
        assert cpumask_to_cpulist(irq_desc_affinity_mask(desc)) in ("0", "1", "0-1")
    assert same  # Some devices are at rest.
    assert not irq_to_desc(live, irq_get_nr_irqs(live))
    assert max(descriptors) < irq_get_nr_irqs(live)
    told = re.search(r"NR_IRQS: .* nr_irqs: (\d+)", each_lab.fact("proc/dmesg"))
    assert told and irq_get_nr_irqs(live) == int(told[1])


def test_gates(live: Program) -> None:
    page_fault = gate_desc_func(live["idt_table"][14])
    symbol = live.symbol(page_fault.value_())
    assert symbol.address == page_fault.value_()
    assert symbol.name.removeprefix("asm_exc_") == "page_fault"  # so since 5.8


def test_resources(live: Program, each_lab: Lab) -> None:
    expected = re.findall(
        r"^ *([0-9a-f]+)-([0-9a-f]+) : (.*)$", each_lab.fact("proc/iomem"), re.M
    )
    found = for_each_resource(live["iomem_resource"].address_of_())
    assert [
        (f"{r.start.value_():08x}", f"{r.end.value_():08x}", r.name.string_().decode())
        for r in found
    ][-len(expected) :] == expected


def test_sysfs(live: Program, each_lab: Lab) -> None:
    disks = set(each_lab.fact("sys/block").split())
    assert {name.decode() for name in sysfs_listdir(live, "/sys/block")} == disks
    for path in ("/sys/devices/system/cpu/cpu1", "devices/system/cpu/cpu1"):
        cpu = sysfs_lookup(live, path)
        assert cpu is not None and cpu.type_.type_name() == "struct device *"
        assert dev_name(cpu) == b"cpu1"
        assert kobject_path(cpu.kobj.address_of_()) == b"/sys/devices/system/cpu/cpu1"
    # A file leads to the object of its directory.
    online = sysfs_lookup_kobject(live, "/sys/devices/system/cpu/cpu1/online")
    assert online is not None and online.name.string_() == b"cpu1"
    driver = sysfs_lookup(live, "/sys/bus/virtio/drivers/virtio_blk")
    assert driver.name.string_() == b"virtio_blk"
    assert driver.type_.type_name() == "struct device_driver *"
    module = sysfs_lookup(live, "/sys/module/loop")
    if module.mod:  # It may be built in.
        assert module.mod.name.string_() == b"loop"
    for path, type in (("class/net", "class"), ("bus/pci", "bus_type")):
        found = sysfs_lookup(live, f"/sys/{path}")
        assert found.name.string_().decode() == path.split("/")[1]
        assert re.fullmatch(rf"(const )?struct {type} \*", found.type_.type_name())
    assert sysfs_lookup(live, "/sys/kernel").name.string_() == b"kernel"
    for path in ("/sys", "/sys/", "", "/sys/kernel/.."):
        root = live["sysfs_root_kn"].value_()
        assert sysfs_lookup_node(live, path).value_() == root
    node = sysfs_lookup_node(live, "/sys/kernel/vmcoreinfo")
    assert node.name.string_() == b"vmcoreinfo"
    for path in ("/proc", "/sysfs", "/sys/nope", "nope/nope"):
        assert not sysfs_lookup_node(live, path) and not sysfs_lookup(live, path)
    with pytest.raises(ValueError, match="/sys/nope: not found"):
        sysfs_listdir(live, "/sys/nope")


def test_queueing_disciplines(live: Program) -> None:
    loopback = netdev_get_by_name(live, "lo")
    # "noqueue" has no handle.
    assert qdisc_lookup(loopback, 0).value_() == loopback.qdisc.value_()
    assert not qdisc_lookup(loopback, 0x8001)


def test_neighbors(live: Program, each_lab: Lab) -> None:
    expected = re.findall(
        r"^([0-9.]+) dev (\S+) lladdr (\S+)", each_lab.fact("ip/neigh"), re.M
    )
    assert expected
    found = []
    for neighbor in neigh_table_for_each_neighbor(live["arp_tbl"].nht):
        key = neighbor.primary_key.address_
        address = ".".join(map(str, live.read(key, 4)))
        link = ":".join(f"{byte.value_():02x}" for byte in neighbor.ha[0:6])
        found.append((address, netdev_name(neighbor.dev).decode(), link))
    assert set(expected) <= set(found)
    assert len(found) == live["arp_tbl"].entries.counter  # in all namespaces


def test_tcp_states(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("sockets")
    files = dict(for_each_file(find_task(live, int(facts["pid"]))))
    rows = {
        int(line.split()[9]): int(line.split()[3], 16)
        for name in ("tcp", "tcp6")
        for line in each_lab.fact(f"proc/net/{name}").splitlines()[1:]
    }
    for name, state in (
        ("listener", "TCP_LISTEN"),
        ("listener6", "TCP_LISTEN"),
        ("client", "TCP_ESTABLISHED"),
        ("accepted", "TCP_ESTABLISHED"),
    ):
        file = files[int(facts[name].split()[0])]
        socket = cast("struct socket *", file.private_data)
        found = sk_tcpstate(socket.sk)
        assert found.format_(type_name=False) == state
        assert rows[SOCK_INODE(socket).i_ino.value_()] == found.value_()
