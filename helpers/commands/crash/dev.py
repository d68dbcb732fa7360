"""``dev``: character and block devices, disk requests, I/O ports, PCI devices."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument, mutually_exclusive_group
from drgn.helpers.common.format import (
    CellFormat,
    RowOptions,
    print_table,
)
from drgn.helpers.linux.block import (
    disk_name,
    for_each_disk,
    request_queue_busy_iter,
    rq_data_dir,
)
from drgn.helpers.linux.device import (
    MAJOR,
    for_each_registered_blkdev,
    for_each_registered_chrdev,
)
from drgn.helpers.linux.ioport import for_each_resource
from drgn.helpers.linux.pci import (
    PCI_EXP_TYPE,
    for_each_pci_root_bus,
    pci_bus_for_each_child,
    pci_bus_for_each_dev,
    pci_bus_name,
    pci_is_bridge,
    pci_name,
    pci_pcie_type,
)

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import escaped, print_rows, read_until_fault
from ._symbols import symbol_name

Row = Sequence[Any]


@crash_command(
    description="devices",
    long_description="Without an option, show the character and block devices by their"
    " major numbers.",
    arguments=(
        mutually_exclusive_group(
            argument("-i", dest="io_ports", action="store_true",
                     help="show how I/O ports are used"),
            argument("-p", dest="pci", action="store_true", help="show PCI devices"),
            argument("-d", dest="disks", action="store_true",
                     help="show the requests in flight of all disks"),
            argument("-D", dest="busy_disks", action="store_true",
                     help="like -d, of disks that have any"),
        ),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_dev(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args)
    elif args.io_ports:
        print_rows(_resource_rows(prog))
    elif args.pci:
        print_rows(_pci_rows(prog))
    elif args.disks or args.busy_disks:
        print_rows(_request_rows(prog, args.busy_disks))
    else:
        _print_devices(prog)


def _print_devices(prog: Program) -> None:
    rows, fault = read_until_fault(_char_device_rows(prog))
    other = None
    if "major_names" in prog:  # CONFIG_BLOCK
        blocks, other = read_until_fault(_block_device_rows(prog))
        rows = [*rows, (), *blocks]
    print_table(rows)
    for error in (fault, other):
        if error is not None:
            raise error


def _operations(ops: Object) -> str | CellFormat:
    return symbol_name(ops.prog_, ops.value_()) or CellFormat(ops.value_(), "x")


def _char_device_rows(prog: Program) -> Iterator[Row]:
    yield "CHRDEV", "NAME", CellFormat("CDEV", "^"), "OPERATIONS"
    for dev, _, name, cdev in for_each_registered_chrdev(prog):
        shown: Row = (
            (CellFormat(cdev.value_(), "x"), _operations(cdev.ops.read_()))
            if cdev
            else (CellFormat("(none)", "^"), "")
        )
        yield MAJOR(dev), escaped(name), *shown


def _block_device_rows(prog: Program) -> Iterator[Row]:
    disks: dict[int, list[Object]] = {}
    for disk in for_each_disk(prog):
        disks.setdefault(disk.major.value_(), []).append(disk)
    yield "BLKDEV", "NAME", CellFormat("GENDISK", "^"), "OPERATIONS"
    for major, name, _ in for_each_registered_blkdev(prog):
        first: Row = major, escaped(name)
        if major not in disks:
            yield *first, CellFormat("(none)", "^")
        for disk in disks.get(major, ()):
            gendisk = CellFormat(disk.value_(), "x")
            yield *first, gendisk, _operations(disk.fops.read_())
            first = "", ""


def requests_in_flight(disk: Object) -> tuple[int, int]:
    """How many reads and writes a disk has in flight.

    :param disk: ``struct gendisk *``
    """
    counts = [0, 0]
    queue = disk.queue.read_()
    if queue:
        for request in request_queue_busy_iter(queue):
            counts[bool(rq_data_dir(request))] += 1
    return counts[0], counts[1]


def _request_rows(prog: Program, busy: bool) -> Iterator[Row]:
    yield ("MAJOR", "GENDISK", "NAME", "REQUEST_QUEUE", CellFormat("TOTAL", ">"),
           CellFormat("READ", ">"), CellFormat("WRITE", ">"))  # fmt: skip
    for disk in for_each_disk(prog):
        read, write = requests_in_flight(disk)
        if busy and not read + write:
            continue
        yield (
            disk.major.value_(),
            f"{disk.value_():x}",
            escaped(disk_name(disk)),
            f"{disk.queue.value_():x}",
            read + write,
            read,
            write,
        )


def _resource_rows(prog: Program) -> Iterator[Row]:
    yield CellFormat("RESOURCE", "^"), CellFormat("RANGE", "^"), "NAME"
    for resource in for_each_resource(prog["ioport_resource"].address_of_()):
        name = resource.name.read_()
        yield (
            CellFormat(resource.value_(), "x"),
            f"{resource.start.value_():04x}-{resource.end.value_():04x}",
            escaped(name.string_()) if name else "",
        )


def _pci_rows(prog: Program) -> Iterator[Row]:
    separated = False
    for root in for_each_pci_root_bus(prog):
        if separated:
            yield ()
        separated = True
        name = escaped(os.fsencode(pci_bus_name(root)))
        yield _bus_row("root", CellFormat("ROOT BUS", "^"), "BUSNAME")
        yield _bus_row("root", CellFormat(root.value_(), "x"), name)
        yield _PCI_HEADER
        yield from map(_pci_dev_row, pci_bus_for_each_dev(root))
        for i, bus in enumerate(_buses_below(root)):
            if i:
                yield ()
            yield _bus_row(
                "bus", CellFormat("  PCI BUS", "^"), CellFormat("PARENT BUS", "^")
            )
            yield _bus_row("bus", f"  {bus.value_():x}", f"{bus.parent.value_():x}")
            yield _PCI_HEADER
            bridge = bus.self.read_()
            if bridge:
                yield _pci_dev_row(bridge)
            yield from map(_pci_dev_row, pci_bus_for_each_dev(bus))


_PCI_HEADER = (
    CellFormat("  PCI DEV", "^"),
    CellFormat("DO:BU:SL.FN", "^"),
    CellFormat("CLASS", "^"),
    CellFormat("PCI_ID", "^"),
    "TYPE",
)


def _bus_row(group: str, *cells: Any) -> Row:
    return RowOptions(cells, group=group)


def _buses_below(bus: Object) -> Iterator[Object]:
    """The buses behind bridges of a bus, each followed by those behind its own."""
    for child in pci_bus_for_each_child(bus):
        yield child
        yield from _buses_below(child)


def _pci_dev_row(dev: Object) -> Row:
    kind = pci_pcie_type(dev)
    name = kind.name if isinstance(kind, PCI_EXP_TYPE) else str(kind)
    return (
        f"  {dev.value_():x}",
        escaped(os.fsencode(pci_name(dev))),
        CellFormat(f"{dev.member_('class').value_() >> 8:04x}", ">"),
        f"{dev.vendor.value_():04x}:{dev.device.value_():04x}",
        name + (" [BRIDGE]" if pci_is_bridge(dev) else ""),
    )


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    if args.io_ports:
        _append_ports(code)
    elif args.pci:
        _append_pci(code)
    elif args.disks or args.busy_disks:
        _append_requests(code)
    else:
        _append_devices(prog, code)
    code.print()


def _append_ports(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.ioport", "for_each_resource")
    code.append(
        'ports = prog["ioport_resource"].address_of_()\n'
        "for resource in for_each_resource(ports):\n"
        "    start = resource.start\n"
        "    end = resource.end\n"
        "    name = resource.name\n"
    )


def _append_pci(code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.pci",
        "for_each_pci_root_bus", "pci_bus_for_each_child", "pci_bus_for_each_dev",
        "pci_bus_name", "pci_is_bridge", "pci_name", "pci_pcie_type",
    )  # fmt: skip
    code.append(
        "buses = list(for_each_pci_root_bus())\n"
        "for bus in buses:\n"
        "    busname = pci_bus_name(bus)\n"
        "    for dev in pci_bus_for_each_dev(bus):\n"
        "        do_bu_sl_fn = pci_name(dev)\n"
        '        class_ = dev.member_("class") >> 8\n'
        "        vendor = dev.vendor\n"
        "        device = dev.device\n"
        "        type_ = pci_pcie_type(dev)\n"
        "        is_bridge = pci_is_bridge(dev)\n"
        "    # The loop goes on with the buses behind bridges.\n"
        "    buses.extend(pci_bus_for_each_child(bus))\n"
    )


def _append_requests(code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.block",
        "disk_name", "for_each_disk", "request_queue_busy_iter", "rq_data_dir",
    )  # fmt: skip
    code.append(
        "for disk in for_each_disk():\n"
        "    major = disk.major\n"
        "    name = disk_name(disk)\n"
        "    queue = disk.queue\n"
        "    writes = [rq_data_dir(rq) for rq in request_queue_busy_iter(queue)]\n"
        "    total = len(writes)\n"
        "    write = sum(writes)\n"
        "    read = total - write\n"
    )


def _append_devices(prog: Program, code: CrashCodeBuilder) -> None:
    code.add_from_import(
        "drgn.helpers.linux.device", "MAJOR", "for_each_registered_chrdev"
    )
    code.append(
        "for dev, _, name, cdev in for_each_registered_chrdev():\n"
        "    major = MAJOR(dev)\n"
        "    operations = cdev.ops if cdev else None\n"
    )
    if "major_names" not in prog:  # !CONFIG_BLOCK
        return
    code.add_from_import("drgn.helpers.linux.block", "for_each_disk")
    code.add_from_import("drgn.helpers.linux.device", "for_each_registered_blkdev")
    code.append(
        "\n"
        "names = {major: name for major, name, _ in for_each_registered_blkdev()}\n"
        "for disk in for_each_disk():\n"
        "    major = disk.major\n"
        "    name = names.get(major.value_())\n"
        "    operations = disk.fops\n"
    )
