"""
PCI
---

``drgn.helpers.linux.pci`` works with PCI devices and buses.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator

from drgn import Object, Program, container_of
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.device import bus_for_each_dev, dev_name
from drgn.helpers.linux.list import list_for_each_entry

__all__ = (
    "for_each_pci_dev",
    "for_each_pci_root_bus",
    "pci_bus_for_each_child",
    "pci_bus_for_each_dev",
    "pci_bus_name",
    "pci_is_bridge",
    "pci_name",
    "pci_pcie_type",
)


class PCI_EXP_TYPE(enum.IntEnum):
    """PCI Express device or port type (include/uapi/linux/pci_regs.h)."""

    ENDPOINT = 0x0
    LEG_END = 0x1
    ROOT_PORT = 0x4
    UPSTREAM = 0x5
    DOWNSTREAM = 0x6
    PCI_BRIDGE = 0x7
    PCIE_BRIDGE = 0x8
    RC_END = 0x9
    RC_EC = 0xA


# PCI_HEADER_TYPE_BRIDGE, PCI_HEADER_TYPE_CARDBUS
_BRIDGES = (1, 2)


@takes_program_or_default
def for_each_pci_dev(prog: Program) -> Iterator[Object]:
    """Iterate over the PCI devices.

    :return: Iterator of ``struct pci_dev *`` objects.

    >>> [pci_name(dev) for dev in for_each_pci_dev(prog)][:2]
    ['0000:00:00.0', '0000:00:01.0']
    """
    for device in bus_for_each_dev(prog["pci_bus_type"].address_of_()):
        yield container_of(device, "struct pci_dev", "dev")


@takes_program_or_default
def for_each_pci_root_bus(prog: Program) -> Iterator[Object]:
    """Iterate over the PCI root buses.

    :return: Iterator of ``struct pci_bus *`` objects.

    >>> [pci_bus_name(bus) for bus in for_each_pci_root_bus(prog)]
    ['0000:00']
    """
    return list_for_each_entry(
        "struct pci_bus", prog["pci_root_buses"].address_of_(), "node"
    )


def pci_bus_for_each_child(bus: Object) -> Iterator[Object]:
    """Iterate over the buses beneath a PCI bus.

    :param bus: ``struct pci_bus *``
    :return: Iterator of ``struct pci_bus *`` objects.

    >>> list(pci_bus_for_each_child(next(for_each_pci_root_bus(prog))))
    [Object(prog, 'struct pci_bus *', value=0xffff8e52c1886800)]
    """
    return list_for_each_entry("struct pci_bus", bus.children.address_of_(), "node")


def pci_bus_for_each_dev(bus: Object) -> Iterator[Object]:
    """Iterate over the devices on a PCI bus.

    :param bus: ``struct pci_bus *``
    :return: Iterator of ``struct pci_dev *`` objects.

    >>> root = next(for_each_pci_root_bus(prog))
    >>> [pci_name(dev) for dev in pci_bus_for_each_dev(root)][:2]
    ['0000:00:00.0', '0000:00:01.0']
    """
    return list_for_each_entry("struct pci_dev", bus.devices.address_of_(), "bus_list")


def pci_bus_name(bus: Object) -> str:
    """Return the name of a PCI bus: domain and bus.

    :param bus: ``struct pci_bus *``

    >>> pci_bus_name(next(for_each_pci_root_bus(prog)))
    '0000:00'
    """
    return os.fsdecode(dev_name(bus.dev.address_of_()))


def pci_name(dev: Object) -> str:
    """Return the name of a PCI device: domain, bus, device and function.

    :param dev: ``struct pci_dev *``

    >>> pci_name(next(for_each_pci_dev(prog)))
    '0000:00:00.0'
    """
    return os.fsdecode(dev_name(dev.dev.address_of_()))


def pci_is_bridge(dev: Object) -> bool:
    """Return whether a PCI device is a bridge.

    :param dev: ``struct pci_dev *``

    >>> pci_is_bridge(next(for_each_pci_dev(prog)))
    False
    """
    return dev.hdr_type.value_() in _BRIDGES


def pci_pcie_type(dev: Object) -> PCI_EXP_TYPE | int:
    """Return the PCI Express device or port type of a PCI device.

    :param dev: ``struct pci_dev *``
    :return: :class:`PCI_EXP_TYPE`, or a number that it does not have.

    >>> pci_pcie_type(next(for_each_pci_dev(prog)))
    <PCI_EXP_TYPE.ENDPOINT: 0>
    """
    value: int = (dev.pcie_flags_reg.value_() & 0xF0) >> 4  # PCI_EXP_FLAGS_TYPE
    try:
        return PCI_EXP_TYPE(value)
    except ValueError:
        return value
