"""Requests and inodes of the block layer, made by hand."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import Object
from drgn.helpers.linux import (
    class_for_each_device,
    disk_name,
    for_each_disk,
    for_each_partition,
    nr_blockdev_pages,
    part_devt,
    part_name,
    print_disks,
    print_partitions,
    request_queue_busy_iter,
)

BASE = 0xFFFF888000010000


class Queues:
    """Request queues whose tags are at multiples of 0x1000."""

    def __init__(self, kernel: Kernel, by_pointer: bool) -> None:
        self.kernel, self.by_pointer = kernel, by_pointer
        prog = kernel.prog
        queue = kernel.struct("request_queue", hctxs=kernel.pointer)
        self.request = kernel.struct("request", q=kernel.to(queue))
        word = kernel.struct("sbitmap_word", word=kernel.ulong)
        bitmap = kernel.struct(
            "sbitmap",
            depth=kernel.u32,
            shift=kernel.u32,
            map_nr=kernel.u32,
            map=kernel.to(word),
        )
        bits = kernel.struct("sbitmap_queue", sb=bitmap)
        self.bits = kernel.to(bits) if by_pointer else bits
        requests = kernel.to(kernel.to(self.request))
        tags = kernel.struct(
            "blk_mq_tags",
            nr_reserved_tags=kernel.u32,
            bitmap_tags=self.bits,
            breserved_tags=self.bits,
            rqs=requests,
            static_rqs=requests,
        )
        hctx = kernel.struct(
            "blk_mq_hw_ctx", sched_tags=kernel.to(tags), tags=kernel.to(tags)
        )
        self.queue = kernel.struct(
            "request_queue",
            elevator=kernel.pointer,
            nr_hw_queues=kernel.u32,
            queue_hw_ctx=kernel.to(kernel.to(hctx)),
        )
        self.prog = prog

    def tags(self, at: int, reserved: int, bits: tuple[int, int]) -> int:
        """Tags with these bits of the usual ones, and of the reserved ones.

        The driver's requests are at ``at`` + 0x400, the scheduler's at 0x600.
        """
        bitmaps = []
        for i, number in enumerate(bits):
            word = at + 0x200 + 8 * i
            self.kernel.words(word, number)
            values = (6, 6, 1, word)
            if self.by_pointer:
                self.kernel.words(at + 0x280 + 0x40 * i, *values)
                bitmaps.append((at + 0x280 + 0x40 * i,))
            else:
                bitmaps.append(values)
        usual, others = bitmaps
        self.kernel.words(at, reserved, *usual, *others, at + 0x400, at + 0x600)
        return at


@pytest.mark.parametrize("by_pointer", [False, True])
def test_requests_by_their_tags(kernel: Kernel, by_pointer: bool) -> None:
    """Two hardware queues share their driver's tags, two of which are reserved."""
    queues = Queues(kernel, by_pointer)
    mine, other = BASE + 0x100, BASE + 0x200
    requests = [BASE + 0x300 + 8 * i for i in range(6)]
    for i, request in enumerate(requests):
        kernel.words(request, other if i == 3 else mine)
    shared = queues.tags(BASE + 0x1000, 2, (0b1111, 0b10))
    kernel.words(shared + 0x400, *requests[:4], 0, requests[5])
    scheduled = queues.tags(BASE + 0x2000, 0, (0b101, 0b1))
    kernel.words(scheduled + 0x600, *requests)
    hctxs = BASE + 0x3000
    kernel.words(hctxs, hctxs + 0x100, hctxs + 0x200, hctxs + 0x300)
    kernel.words(hctxs + 0x100, scheduled, shared)
    kernel.words(hctxs + 0x200, 0, shared)
    kernel.words(hctxs + 0x300, 0, 0)

    def busy(elevator: int, *tags: str) -> list[int]:
        kernel.words(mine, elevator, 3, hctxs)
        found = request_queue_busy_iter(kernel.at(queues.queue, mine), *tags)  # type: ignore[arg-type]
        return [requests.index(request.value_()) for request in found]

    # A reserved tag is that of the request beside it; the usual ones come after them.
    # The request of tag 1 is of another queue, and tag 2 has none yet.
    assert busy(0) == busy(1, "driver") == [1, 2, 5]
    assert busy(1) == busy(0, "sched") == [0, 2]


def test_pages_of_block_devices(kernel: Kernel) -> None:
    prog = kernel.prog
    assert nr_blockdev_pages(prog) == 0  # without CONFIG_BLOCK
    link = kernel.linked("list_head", "next", "prev")
    mapping = kernel.struct("address_space", nrpages=kernel.ulong)
    inode = kernel.struct("inode", i_mapping=kernel.to(mapping), i_sb_list=link)
    super_block = kernel.struct("super_block", s_inodes=link)
    at, one, two = BASE, BASE + 0x100, BASE + 0x200
    kernel.words(at, one + 8, two + 8)
    kernel.words(one, one + 0x80, two + 8, at)
    kernel.words(two, two + 0x80, at, one + 8)
    kernel.words(one + 0x80, 3)
    kernel.words(two + 0x80, 40)
    kernel.objects["blockdev_superblock"] = Object(prog, kernel.to(super_block), at)
    assert nr_blockdev_pages(prog) == 43
    # Earlier, the devices are in a list.
    del kernel.objects["blockdev_superblock"]
    kernel.struct("block_device", bd_inode=kernel.to(inode), bd_list=link)
    kernel.objects["all_bdevs"] = Object(prog, link, address=at)
    kernel.words(one, BASE + 0x300, two + 8, at)
    kernel.words(two, BASE + 0x400, at, one + 8)
    kernel.words(BASE + 0x300, one + 0x80, 0, 0)
    kernel.words(BASE + 0x400, two + 0x80, 0, 0)
    assert nr_blockdev_pages(prog) == 43


def test_disks_before_5_1(kernel: Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Devices are in the list of their class, and partitions are no block devices."""
    prog = kernel.prog
    char = prog.int_type("char", 1, True)
    kernel.types["char"] = char
    kernel.types["dev_t"] = prog.typedef_type("dev_t", kernel.u32)
    link = kernel.linked("list_head", "next", "prev")
    node = kernel.struct("klist_node", n_node=link)
    kobject = kernel.struct("kobject", name=kernel.to(char))
    device = kernel.struct(
        "device",
        kobj=kobject,
        type=kernel.pointer,
        devt=kernel.types["dev_t"],
        knode_class=node,
    )
    part = kernel.struct("hd_struct", start=kernel.ulong, __dev=device)
    disk = kernel.struct(
        "gendisk",
        major=kernel.int,
        first_minor=kernel.int,
        disk_name=prog.array_type(char, 8),
        part0=part,
    )
    subsys = kernel.struct(
        "subsys_private", klist_devices=kernel.struct("klist", k_list=link)
    )
    block_class = kernel.struct("class", p=kernel.to(subsys))
    kinds, whole, one = BASE, BASE + 0x1000, BASE + 0x2000
    kernel.objects["disk_type"] = Object(prog, kernel.int, address=kinds)
    kernel.objects["block_class"] = Object(prog, block_class, address=BASE + 0x100)
    head = BASE + 0x200
    kernel.words(BASE + 0x100, head)
    part0 = whole + 24
    first, second = (at + 8 + 24 for at in (part0, one))  # __dev.knode_class
    kernel.words(head, first, second)
    kernel.memory(whole, b"\x08\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0a\\b\0\0\0\0\0")
    kernel.memory(BASE + 0x300, b"a\\b\0a\\b1\0")
    kernel.words(part0, 0, BASE + 0x300, kinds, 8 << 20 | 16, second, head)
    kernel.words(one, 2048, BASE + 0x304, kinds + 8, 8 << 20 | 17, head, first)
    (found,) = for_each_disk(prog)
    assert found.value_() == whole and found.type_ == kernel.to(disk)
    assert disk_name(found) == b"a\\b"
    # A class that is not registered has no devices.
    unregistered = kernel.at(block_class, BASE + 0x8000)
    kernel.words(BASE + 0x8000, 0)
    assert list(class_for_each_device(unregistered)) == []
    parts = list(for_each_partition(prog))
    assert [each.value_() for each in parts] == [part0, one]
    assert parts[0].type_ == kernel.to(part)
    assert [part_name(each) for each in parts] == [b"a\\b", b"a\\b1"]
    assert [part_devt(each).value_() for each in parts] == [8 << 20 | 16, 8 << 20 | 17]
    print_disks(prog)
    print_partitions(prog)
    assert capsys.readouterr().out.splitlines() == [
        f"8:16 a\\\\b (struct gendisk *){whole:#x}",
        f"8:16 a\\\\b (struct hd_struct *){part0:#x}",
        f"8:17 a\\\\b1 (struct hd_struct *){one:#x}",
    ]
