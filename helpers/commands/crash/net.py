"""``net``: network devices, and the neighbours they know."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from drgn import Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.common.format import (
    CellFormat,
    decode_flags,
)
from drgn.helpers.linux.net import (
    for_each_netdev,
    neigh_table_for_each_neighbor,
    netdev_ipv4_addrs,
    netdev_ipv6_addrs,
    netdev_name,
)

from ._code import CrashCodeBuilder
from ._define import crash_command
from ._output import escaped, print_rows

# include/uapi/linux/if_arp.h: the types that ARP itself defines.
_HARDWARE_TYPES = {
    0: "NETROM",
    1: "ETHER",
    2: "EETHER",
    3: "AX25",
    4: "PRONET",
    5: "CHAOS",
    6: "IEEE802",
    7: "ARCNET",
    8: "APPLETLK",
    15: "DLCI",
    19: "ATM",
    23: "METRICOM",
    24: "IEEE1394",
    27: "EUI64",
    32: "INFINIBAND",
}

# include/uapi/linux/neighbour.h
_NEIGHBOUR_STATES = (
    ("INCOMPLETE", 0x01),
    ("REACHABLE", 0x02),
    ("STALE", 0x04),
    ("DELAY", 0x08),
    ("PROBE", 0x10),
    ("FAILED", 0x20),
    ("NOARP", 0x40),
    ("PERMANENT", 0x80),
)


@crash_command(
    description="network devices",
    long_description="Show the network devices of the initial namespace with their"
    " addresses.",
    arguments=(
        argument("-a", dest="arp", action="store_true",
                 help="show the ARP cache instead"),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_net(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.drgn:
        _print_code(prog, args)
    elif args.arp:
        print_rows(_neighbour_rows(prog))
    else:
        print_rows(_device_rows(prog))


def _device_rows(prog: Program) -> Iterator[Sequence[Any]]:
    yield CellFormat("NET_DEVICE", "^"), "NAME", "IP ADDRESS(ES)"
    for dev in for_each_netdev(prog):
        addresses = [*netdev_ipv4_addrs(dev), *netdev_ipv6_addrs(dev)]
        yield (
            CellFormat(dev.value_(), "x"),
            escaped(netdev_name(dev)),
            ", ".join(map(str, addresses)),
        )


def _neighbour_rows(prog: Program) -> Iterator[Sequence[Any]]:
    yield "NEIGHBOUR", "IP ADDRESS", "HW TYPE", "HW ADDRESS", "DEVICE", "STATE"
    for neighbour in neigh_table_for_each_neighbor(prog["arp_tbl"].nht.read_()):
        dev = neighbour.dev.read_()
        key = prog.read(neighbour.primary_key.address_ or 0, 4)
        hardware = prog.read(neighbour.ha.address_ or 0, dev.addr_len.value_())
        state = neighbour.nud_state.value_()
        yield (
            f"{neighbour.value_():x}",
            str(ipaddress.IPv4Address(key)),
            _HARDWARE_TYPES.get(dev.type.value_(), "UNKNOWN"),
            hardware.hex(":"),
            escaped(netdev_name(dev)),
            decode_flags(state, _NEIGHBOUR_STATES, bit_numbers=False),
        )


def _print_code(prog: Program, args: argparse.Namespace) -> None:
    code = CrashCodeBuilder(prog)
    module = "drgn.helpers.linux.net"
    code.add_from_import(module, "netdev_name")
    if args.arp:
        code.add_import("ipaddress")
        code.add_from_import(module, "neigh_table_for_each_neighbor")
        code.append(
            'for neigh in neigh_table_for_each_neighbor(prog["arp_tbl"].nht):\n'
            "    dev = neigh.dev\n"
            "    name = netdev_name(dev)\n"
            "    ip_bytes = prog.read(neigh.primary_key.address_, 4)\n"
            "    ip_addr = ipaddress.IPv4Address(ip_bytes)\n"
            "    hw_type = dev.type\n"
            '    hw_addr = prog.read(neigh.ha.address_, dev.addr_len).hex(":")\n'
            "    state = neigh.nud_state\n"
        )
    else:
        code.add_from_import(
            module, "for_each_netdev", "netdev_ipv4_addrs", "netdev_ipv6_addrs"
        )
        code.append(
            "for dev in for_each_netdev():\n"
            "    name = netdev_name(dev)\n"
            "    ipv4_addrs = netdev_ipv4_addrs(dev)\n"
            "    ipv6_addrs = netdev_ipv6_addrs(dev)\n"
        )
    code.print()
