"""
Block Layer
-----------

``drgn.helpers.linux.block`` works with disks (``struct gendisk``), partitions and
block requests.

Partitions are ``struct block_device`` since Linux 5.11, and ``struct hd_struct``
before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from drgn import Object, Program, TypeKind, cast, container_of
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.device import MAJOR, MINOR, MKDEV, class_for_each_device
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.sbitmap import sbitmap_for_each_set
from drgn.helpers.linux.xarray import xa_for_each

__all__ = (
    "bdev_partno",
    "blk_mq_rq_from_pdu",
    "blk_mq_rq_to_pdu",
    "blk_rq_bytes",
    "blk_rq_pos",
    "disk_devt",
    "disk_name",
    "for_each_disk",
    "for_each_partition",
    "nr_blockdev_pages",
    "op_is_write",
    "part_devt",
    "part_name",
    "print_disks",
    "print_partitions",
    "req_op",
    "request_queue_busy_iter",
    "rq_data_dir",
)


def disk_devt(disk: Object) -> Object:
    """Return the device number of a disk.

    :param disk: ``struct gendisk *``
    :return: ``dev_t``

    >>> disk = next(for_each_disk(prog))
    >>> MAJOR(disk_devt(disk)), MINOR(disk_devt(disk))
    (254, 0)
    """
    return Object(disk.prog_, "dev_t", MKDEV(disk.major, disk.first_minor))


def disk_name(disk: Object) -> bytes:
    """Return the name of a disk, e.g., ``b"sda"``.

    :param disk: ``struct gendisk *``

    >>> disk_name(next(for_each_disk(prog)))
    b'vda'
    """
    return disk.disk_name.string_()


def bdev_partno(bdev: Object) -> Object:
    """Return the partition number of a block device.

    :param bdev: ``struct block_device *``
    :return: ``u8``

    >>> bdev_partno(next(for_each_partition(prog)))
    (u8)0
    """
    try:
        return bdev.bd_partno.read_()
    except AttributeError:
        pass
    try:
        # In the low byte of an atomic_t, BD_PARTNO, since 6.10 (1116b9fa15c0).
        number = bdev.member_("__bd_flags").counter.value_() & 0xFF
    except LookupError:
        # Before 5.10 only in the struct hd_struct.
        number = bdev.bd_part.partno.value_()
    return Object(bdev.prog_, "u8", number)


def _devices(prog: Program) -> Iterator[Object]:
    return iter(class_for_each_device(prog["block_class"].address_of_()))


@takes_program_or_default
def for_each_disk(prog: Program) -> Iterator[Object]:
    """Iterate over the disks of the system.

    :return: Iterator of ``struct gendisk *`` objects.

    >>> [disk_name(disk) for disk in for_each_disk(prog)][:3]
    [b'vda', b'vdb', b'vdc']
    """
    disk_type = prog["disk_type"].address_
    for device in _devices(prog):
        if device.type.value_() != disk_type:
            continue
        try:
            # One with struct hd_struct since 5.11 (0d02129e76ed).
            bdev = container_of(device, "struct block_device", "bd_device")
            yield bdev.bd_disk
        except LookupError:
            yield container_of(device, "struct gendisk", "part0.__dev")


@takes_program_or_default
def print_disks(prog: Program) -> None:
    """Print the disks of the system: number, name and ``struct gendisk *``.

    >>> print_disks(prog)
    254:0 vda (struct gendisk *)0xffff89c0dfec3000
    254:16 vdb (struct gendisk *)0xffff89c0c1876400
    ...
    """
    for disk in for_each_disk(prog):
        _print_device(disk, disk_devt(disk), disk_name(disk))


@takes_program_or_default
def for_each_partition(prog: Program) -> Iterator[Object]:
    """Iterate over the partitions of the system; a whole disk is one, too.

    :return: Iterator of ``struct block_device *`` (or ``struct hd_struct *``)
        objects.

    >>> [part_name(part) for part in for_each_partition(prog)][:3]
    [b'vda', b'vdb', b'vdc']
    """
    for device in _devices(prog):
        try:
            yield container_of(device, "struct block_device", "bd_device")
        except LookupError:
            # Before 5.11 (0d02129e76ed), as below.
            yield container_of(device, "struct hd_struct", "__dev")


def part_devt(part: Object) -> Object:
    """Return the device number of a partition.

    :param part: ``struct block_device *`` or ``struct hd_struct *``
    :return: ``dev_t``

    >>> part = next(for_each_partition(prog))
    >>> MAJOR(part_devt(part)), MINOR(part_devt(part))
    (254, 0)
    """
    try:
        return part.bd_dev
    except AttributeError:
        return part.member_("__dev").devt


def part_name(part: Object) -> bytes:
    """Return the name of a partition, e.g., ``b"sda1"``.

    :param part: ``struct block_device *`` or ``struct hd_struct *``

    >>> part_name(next(for_each_partition(prog)))
    b'vda'
    """
    try:
        device = part.bd_device
    except AttributeError:
        device = part.member_("__dev")
    return device.kobj.name.string_()


@takes_program_or_default
def print_partitions(prog: Program) -> None:
    """Print the partitions of the system: number, name and pointer.

    >>> print_partitions(prog)
    254:0 vda (struct block_device *)0xffff89c0c14212c0
    254:16 vdb (struct block_device *)0xffff89c0c1425140
    ...
    """
    for part in for_each_partition(prog):
        _print_device(part, part_devt(part), part_name(part))


def _print_device(device: Object, dev: Object, name: bytes) -> None:
    text = escape_ascii_string(name, escape_backslash=True)
    pointer = device.format_(dereference=False, symbolize=False)
    print(f"{MAJOR(dev)}:{MINOR(dev)} {text} {pointer}")


@takes_program_or_default
def nr_blockdev_pages(prog: Program) -> int:
    """Return how many pages cache blocks of block devices.

    >>> nr_blockdev_pages(prog)
    20
    """
    total = 0
    try:
        sb = prog["blockdev_superblock"].read_()
    except KeyError:
        if "all_bdevs" not in prog:
            return 0  # !CONFIG_BLOCK
        for bdev in list_for_each_entry(
            "struct block_device", prog["all_bdevs"].address_of_(), "bd_list"
        ):
            total += bdev.bd_inode.i_mapping.nrpages.value_()
        return total
    for inode in list_for_each_entry(
        "struct inode", sb.s_inodes.address_of_(), "i_sb_list"
    ):
        total += inode.i_mapping.nrpages.value_()
    return total


# The low bits of a request's flags that are its operation (REQ_OP_BITS).
_OP_BITS = 8
# Before 4.10 (ef295ecf090d), the highest three of 64 were.
_OLD_OP_SHIFT = 61


def _has_old_flags(prog: Program) -> bool:
    """Return whether the flags of requests begin at bit 0, and not the operation."""
    return "__REQ_FAILFAST_DEV" in prog and not prog["__REQ_FAILFAST_DEV"]


def req_op(rq: Object) -> Object:
    """Return the operation of a block request.

    >>> requests = request_queue_busy_iter(next(for_each_disk()).queue)
    >>> req_op(next(rq for rq in requests if not rq_data_dir(rq)))
    (enum req_op)REQ_OP_READ

    :param rq: ``struct request *``
    :return: ``enum req_op`` (``enum req_opf`` before Linux 6.0)
    """
    prog = rq.prog_
    if _has_old_flags(prog):
        op = rq.cmd_flags >> _OLD_OP_SHIFT
    else:
        op = rq.cmd_flags & ((1 << _OP_BITS) - 1)
    return cast(prog["REQ_OP_READ"].type_, op)


def op_is_write(op: Object) -> bool:
    """Return whether an operation sends data to the device.

    :param op: ``enum req_op``

    >>> op_is_write(Object(prog, "unsigned int", 1))
    True
    """
    # Even operations read since 4.10 (ef295ecf090d); before, all others wrote.
    return bool(op.value_() if _has_old_flags(op.prog_) else op.value_() & 1)


def rq_data_dir(rq: Object) -> int:
    """Return 1 if a block request sends data to the device, 0 otherwise.

    :param rq: ``struct request *``

    >>> queue = next(for_each_disk(prog)).queue
    >>> min(rq_data_dir(rq) for rq in request_queue_busy_iter(queue))
    0
    """
    return int(op_is_write(req_op(rq)))


def blk_rq_pos(rq: Object) -> Object:
    """Return the sector that a block request is at.

    :param rq: ``struct request *``
    :return: ``sector_t``

    >>> queue = next(for_each_disk(prog)).queue
    >>> max(blk_rq_pos(rq) for rq in request_queue_busy_iter(queue))
    (sector_t)19672
    """
    return rq.member_("__sector")


def blk_rq_bytes(rq: Object) -> Object:
    """Return how many bytes of a block request are left.

    :param rq: ``struct request *``
    :return: ``unsigned int``

    >>> queue = next(for_each_disk(prog)).queue
    >>> [blk_rq_bytes(rq) for rq in request_queue_busy_iter(queue)][0]
    (unsigned int)4096
    """
    return rq.member_("__data_len")


def blk_mq_rq_to_pdu(rq: Object) -> Object:
    """Return the driver's data of a block request.

    :param rq: ``struct request *``
    :return: ``void *``

    >>> rq = next(request_queue_busy_iter(next(for_each_disk(prog)).queue))
    >>> blk_mq_rq_from_pdu(blk_mq_rq_to_pdu(rq)) == rq
    True
    """
    return cast("void *", rq + 1)


def blk_mq_rq_from_pdu(pdu: Object) -> Object:
    """Return the block request of a driver's data.

    :param pdu: ``void *``
    :return: ``struct request *``

    >>> rq = next(request_queue_busy_iter(next(for_each_disk(prog)).queue))
    >>> blk_mq_rq_from_pdu(blk_mq_rq_to_pdu(rq)).type_
    struct request *
    """
    return cast("struct request *", pdu) - 1


def request_queue_busy_iter(
    q: Object, tags: Literal["driver", "sched"] | None = None
) -> Iterator[Object]:
    """Iterate over the requests in work on a block request queue.

    The legacy block layer, which was removed in Linux 5.0, is not supported.

    :param q: ``struct request_queue *``
    :param tags: ``"driver"`` for requests that the driver has, ``"sched"`` for all
        that the I/O scheduler has. By default, that of both which has all requests:
        ``"driver"`` only if there is no scheduler.
    :return: Iterator of ``struct request *`` objects.
    :raises ValueError: if *tags* is another text

    >>> queue = next(for_each_disk(prog)).queue
    >>> next(request_queue_busy_iter(queue)).q == queue
    True
    """
    if tags is None:
        tags = "sched" if q.elevator else "driver"
    elif tags not in ("driver", "sched"):
        raise ValueError("tags must be 'driver' or 'sched'")
    seen = set()
    for hctx in _hardware_queues(q):
        tag_set = hctx.sched_tags if tags == "sched" else hctx.tags
        tag_set = tag_set.read_()
        # Tags may be shared by queues.
        if not tag_set or tag_set.value_() in seen:
            continue
        seen.add(tag_set.value_())
        yield from _busy_requests(q, tag_set, tags == "sched")


def _hardware_queues(q: Object) -> Iterator[Object]:
    try:
        # An XArray since 5.18 (4e5cc99e1e48).
        table = q.hctx_table.address_of_()
    except AttributeError:
        for i in range(q.nr_hw_queues.value_()):
            yield q.queue_hw_ctx[i].read_()
    else:
        for _, entry in xa_for_each(table):
            yield cast("struct blk_mq_hw_ctx *", entry)


def _busy_requests(q: Object, tags: Object, is_sched: bool) -> Iterator[Object]:
    requests = tags.static_rqs if is_sched else tags.rqs
    reserved: int = tags.nr_reserved_tags.value_()
    queues = [(tags.bitmap_tags, reserved)]
    if reserved:
        queues.insert(0, (tags.breserved_tags, 0))
    for queue, first in queues:
        if queue.type_.kind == TypeKind.POINTER:
            queue = queue[0]  # In some kernels since 5.10.
        for i in sbitmap_for_each_set(queue.sb.address_of_()):
            rq = requests[first + i].read_()
            if rq and rq.q.value_() == q.value_():
                yield rq
