"""Commands on kernels and machines that no lab has, made by hand."""

from __future__ import annotations

import struct

import pytest

from drgn import Architecture, Object, Platform, Program, Type, TypeMember
from drgn.commands.crash import dev
from drgn.commands.crash.pte import pte_flags, pte_physical, pte_swap_entry
from drgn.helpers.common.format import print_table
from drgn.helpers.linux._slab_allocators import SlabAllocator

BASE = 0xFFFF888000010000


@pytest.fixture
def mock() -> Program:
    return Program(Platform(Architecture.X86_64))


def make_struct(prog: Program, tag: str, **members: Type) -> Type:
    """A structure whose members are 8 bytes apart."""
    made = [
        TypeMember(type, name, 64 * i) for i, (name, type) in enumerate(members.items())
    ]
    return prog.struct_type(tag, 8 * len(made), made)


def put(prog: Program, address: int, *words: int) -> None:
    data = struct.pack(f"<{len(words)}Q", *words)
    prog.add_memory_segment(
        address, len(data), lambda at, count, offset, _: data[offset : offset + count]
    )


def test_pci_bridges(
    mock: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A root bus with a root port, behind which is a bridge with a device behind it."""
    u8 = mock.int_type("u8", 1, False)
    u16 = mock.int_type("u16", 2, False)
    u32 = mock.int_type("unsigned int", 4, False)
    pointer = mock.pointer_type(mock.void_type())
    pci_dev = make_struct(
        mock, "pci_dev", **{"class": u32}, vendor=u16, device=u16, hdr_type=u8,
        pcie_flags_reg=u16,
    )  # fmt: skip
    dev_pointer = mock.pointer_type(pci_dev)
    pci_bus = make_struct(mock, "pci_bus", parent=pointer, self=dev_pointer)
    port, bridge, disk = BASE, BASE + 0x1000, BASE + 0x2000
    root, second, third = BASE + 0x3000, BASE + 0x4000, BASE + 0x5000
    put(mock, port, 0x060400, 0x1B36, 0x000C, 1, 4 << 4)
    put(mock, bridge, 0x060400, 0x1B36, 0x000E, 1, 7 << 4)
    put(mock, disk, 0x010000, 0x1AF4, 0x1001, 0, 0)
    put(mock, root, 0, 0)
    put(mock, second, root, port)
    put(mock, third, second, bridge)
    below = {root: [second], second: [third], third: []}
    devices = {root: [port], second: [bridge], third: [disk]}
    names = {port: "0000:00:01.0", bridge: "0000:01:00.0", disk: "0000:02:03.0"}
    bus_pointer = mock.pointer_type(pci_bus)
    for name, function in (
        ("for_each_pci_root_bus", lambda prog: [Object(mock, bus_pointer, root)]),
        (
            "pci_bus_for_each_child",
            lambda bus: [Object(mock, bus_pointer, at) for at in below[bus.value_()]],
        ),
        (
            "pci_bus_for_each_dev",
            lambda bus: [Object(mock, dev_pointer, at) for at in devices[bus.value_()]],
        ),
        ("pci_bus_name", lambda bus: "0000:00"),
        ("pci_name", lambda dev: names[dev.value_()]),
    ):
        monkeypatch.setattr(dev, name, function)
    print_table(list(dev._pci_rows(mock)))
    # The same as upstream prints of such a machine, but for the addresses.
    assert capsys.readouterr().out.splitlines() == [
        "    ROOT BUS      BUSNAME",
        "ffff888000013000  0000:00",
        "      PCI DEV       DO:BU:SL.FN   CLASS   PCI_ID    TYPE",
        "  ffff888000010000  0000:00:01.0   0604  1b36:000c  ROOT_PORT [BRIDGE]",
        "      PCI BUS          PARENT BUS",
        "  ffff888000014000  ffff888000013000",
        "      PCI DEV       DO:BU:SL.FN   CLASS   PCI_ID    TYPE",
        "  ffff888000010000  0000:00:01.0   0604  1b36:000c  ROOT_PORT [BRIDGE]",
        "  ffff888000011000  0000:01:00.0   0604  1b36:000e  PCI_BRIDGE [BRIDGE]",
        "",
        "      PCI BUS          PARENT BUS",
        "  ffff888000015000  ffff888000014000",
        "      PCI DEV       DO:BU:SL.FN   CLASS   PCI_ID    TYPE",
        "  ffff888000011000  0000:01:00.0   0604  1b36:000e  PCI_BRIDGE [BRIDGE]",
        "  ffff888000012000  0000:02:03.0   0100  1af4:1001  ENDPOINT",
    ]


def test_entries_of_kernels_before_l1tf(mock: Program) -> None:
    """Linux 4.9: the type in bits 9 to 13, the offset above, neither inverted."""
    assert pte_swap_entry(mock, 5 << 14 | 2 << 9) == (2, 5)
    assert pte_physical(mock, 0x12345000 | 0x120) == 0x12345000
    assert pte_physical(mock, 5 << 14 | 2 << 9) is None
    assert pte_physical(mock, 0x12345067) == 0x12345000
    assert pte_flags(0x12345120) == "ACCESSED|PROTNONE"


@pytest.mark.parametrize("total", ["num_slabs", "total_slabs"])
def test_usage_of_slab(
    mock: Program, total: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLAB, whose number of slabs was renamed in 4.10."""
    ulong = mock.int_type("unsigned long", 8, False)
    uint = mock.int_type("unsigned int", 4, False)
    array = make_struct(mock, "array_cache", avail=uint)
    node = make_struct(
        mock, "kmem_cache_node",
        **{total: ulong}, free_objects=ulong, shared=mock.pointer_type(array),
    )  # fmt: skip
    nodes = mock.array_type(mock.pointer_type(node), 1)
    cache = make_struct(
        mock, "kmem_cache", size=uint, gfporder=uint, num=uint, node=nodes
    )
    put(mock, BASE, 64, 1, 128, BASE + 0x1000)
    put(mock, BASE + 0x1000, 3, 100, BASE + 0x2000)
    put(mock, BASE + 0x2000, 7)
    monkeypatch.setattr(
        "drgn.helpers.linux._slab_allocators.for_each_online_node", lambda prog: [0]
    )
    allocator = SlabAllocator(Object(mock, mock.pointer_type(cache), BASE))
    assert allocator.order == 1
    assert allocator.usage() == (3, 384, 107)
