"""Commands on kernels and machines that no lab has, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import Architecture, Object, Platform, Program, TypeEnumerator
from drgn.commands.crash import dev
from drgn.commands.crash._kmem_pages import all_pages, print_members, print_pages
from drgn.commands.crash.pte import pte_flags, pte_physical, pte_swap_entry
from drgn.helpers.common.format import print_table
from drgn.helpers.linux._slab_allocators import SlabAllocator

BASE = 0xFFFF888000010000


@pytest.fixture
def kernel() -> Kernel:
    return Kernel(Program(Platform(Architecture.X86_64)))


def test_devices_of_a_kernel_without_disks(
    kernel: Kernel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without CONFIG_BLOCK, there are character devices alone."""
    monkeypatch.setattr(dev, "for_each_registered_chrdev", lambda prog: iter(()))
    dev._print_devices(kernel.prog)
    assert capsys.readouterr().out.split() == ["CHRDEV", "NAME", "CDEV", "OPERATIONS"]


def test_pci_bridges(
    kernel: Kernel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A root bus with a root port, behind which is a bridge with a device behind it."""
    u16 = kernel.prog.int_type("u16", 2, False)
    u8 = kernel.prog.int_type("u8", 1, False)
    pci_dev = kernel.struct(
        "pci_dev", **{"class": kernel.u32}, vendor=u16, device=u16, hdr_type=u8,
        pcie_flags_reg=u16,
    )  # fmt: skip
    pci_bus = kernel.struct("pci_bus", parent=kernel.pointer, self=kernel.to(pci_dev))
    port, bridge, disk = BASE, BASE + 0x1000, BASE + 0x2000
    root, second, third = BASE + 0x3000, BASE + 0x4000, BASE + 0x5000
    kernel.words(port, 0x060400, 0x1B36, 0x000C, 1, 4 << 4)
    kernel.words(bridge, 0x060400, 0x1B36, 0x000E, 1, 7 << 4)
    kernel.words(disk, 0x010000, 0x1AF4, 0x1001, 0, 0)
    kernel.words(root, 0, 0)
    kernel.words(second, root, port)
    kernel.words(third, second, bridge)
    below = {root: [second], second: [third], third: []}
    devices = {root: [port], second: [bridge], third: [disk]}
    names = {port: "0000:00:01.0", bridge: "0000:01:00.0", disk: "0000:02:03.0"}
    for name, function in (
        ("for_each_pci_root_bus", lambda prog: [kernel.at(pci_bus, root)]),
        (
            "pci_bus_for_each_child",
            lambda bus: [kernel.at(pci_bus, at) for at in below[bus.value_()]],
        ),
        (
            "pci_bus_for_each_dev",
            lambda bus: [kernel.at(pci_dev, at) for at in devices[bus.value_()]],
        ),
        ("pci_bus_name", lambda bus: "0000:00"),
        ("pci_name", lambda dev: names[dev.value_()]),
    ):
        monkeypatch.setattr(dev, name, function)
    print_table(list(dev._pci_rows(kernel.prog)))
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


def test_entries_of_kernels_before_l1tf(kernel: Kernel) -> None:
    """Linux 4.9: the type in bits 9 to 13, the offset above, neither inverted."""
    prog = kernel.prog
    assert pte_swap_entry(prog, 5 << 14 | 2 << 9) == (2, 5)
    assert pte_physical(prog, 0x12345000 | 0x120) == 0x12345000
    assert pte_physical(prog, 5 << 14 | 2 << 9) is None
    assert pte_physical(prog, 0x12345067) == 0x12345000
    assert pte_flags(0x12345120) == "ACCESSED|PROTNONE"


@pytest.mark.parametrize("total", ["num_slabs", "total_slabs"])
def test_usage_of_slab(
    kernel: Kernel, total: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLAB, whose number of slabs was renamed in 4.10."""
    array = kernel.struct("array_cache", avail=kernel.u32)
    alien = kernel.struct("alien_cache", lock=kernel.ulong, ac=array)
    node = kernel.struct(
        "kmem_cache_node",
        **{total: kernel.ulong}, free_objects=kernel.ulong, shared=kernel.to(array),
        alien=kernel.to(kernel.to(alien)),
    )  # fmt: skip
    nodes = kernel.prog.array_type(kernel.to(node), 1)
    u32 = kernel.u32
    cache = kernel.struct(
        "kmem_cache", size=u32, gfporder=u32, num=u32, cpu_cache=kernel.to(array),
        node=nodes,
    )  # fmt: skip
    kernel.words(BASE, 64, 1, 128, BASE + 0x4000, BASE + 0x1000)
    kernel.words(BASE + 0x1000, 3, 100, BASE + 0x2000, BASE + 0x3000)
    kernel.words(BASE + 0x2000, 7)
    kernel.words(BASE + 0x3000, BASE + 0x3010, 0, 0, 5)
    kernel.words(BASE + 0x4000, 20)
    for name in ("for_each_online_node", "for_each_online_cpu"):
        monkeypatch.setattr(f"drgn.helpers.linux._slab_counts.{name}", lambda prog: [0])
    allocator = SlabAllocator(kernel.at(cache, BASE))
    assert allocator.order == 1
    assert allocator.usage() == (3, 384, 132)


@pytest.mark.parametrize(
    ("flags", "index", "count"),
    [
        ("unsigned long", "index", "_count"),  # 4.5
        ("unsigned long", "index", "_refcount"),
        ("memdesc_flags_t", "__folio_index", "_refcount"),  # 6.18
    ],
)
def test_pages(
    kernel: Kernel,
    capsys: pytest.CaptureFixture[str],
    flags: str,
    index: str,
    count: str,
) -> None:
    """Members of struct page that were renamed or wrapped."""
    prog = kernel.prog
    ulong = kernel.ulong
    atomic = kernel.struct("atomic_t", counter=kernel.int)
    members = {
        "flags": ulong if flags == "unsigned long" else kernel.struct(flags, f=ulong),
        "mapping": kernel.pointer,
        index: ulong,
        count: atomic,
    }
    page = kernel.struct("page", **members)
    bits = [TypeEnumerator("PG_locked", 0), TypeEnumerator("PG_lru", 5)]
    bits.append(TypeEnumerator("__NR_PAGEFLAGS", 6))
    kernel.types["pageflags"] = prog.enum_type("pageflags", kernel.u32, bits)
    kernel.objects |= {
        "PAGE_SHIFT": Object(prog, kernel.int, 12),
        "max_pfn": Object(prog, ulong, 3),
        "max_mapnr": Object(prog, ulong, 3),  # CONFIG_FLATMEM
        "mem_map": kernel.at(page, BASE),
    }
    kernel.words(BASE, 0x21, 0xFFFF888000012345, 7, 2, 0, 0, 0, 1, 1 << 40 | 1, 0, 0, 0)
    print_pages(prog, all_pages(prog))
    assert capsys.readouterr().out.splitlines() == [
        "      PAGE        PHYSICAL      MAPPING              INDEX  CNT  FLAGS",
        "ffff888000010000     0  ffff888000012345             7    2  21 locked,lru",
        "ffff888000010020  1000                 0             0    1  0 0",
        "ffff888000010040  2000                 0             0    0  "
        "10000000001 locked",
    ]
    print_members(prog, all_pages(prog), f"flags,{index}")
    assert capsys.readouterr().out.splitlines()[1:] == [
        "ffff888000010000  0000000000000021  7",
        "ffff888000010020  0000000000000000  0",
        "ffff888000010040  0000010000000001  0",
    ]
