"""
Devices
-------

``drgn.helpers.linux.device`` works with devices, their buses and classes, and device
numbers as the kernel encodes them (``dev_t``).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

from drgn import NULL, IntegerLike, Object, Program, cast
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._raw import chain
from drgn.helpers.linux.list import list_for_each_entry

__all__ = (
    "MAJOR",
    "MINOR",
    "MKDEV",
    "bus_for_each_dev",
    "bus_to_subsys",
    "class_for_each_device",
    "class_to_subsys",
    "dev_name",
    "for_each_registered_blkdev",
    "for_each_registered_chrdev",
)

_MINOR_BITS = 20  # include/linux/kdev_t.h: MINORBITS
_MINOR_MASK = (1 << _MINOR_BITS) - 1


def MAJOR(dev: IntegerLike) -> int:
    """Return the major number of a ``dev_t``.

    :param dev: ``dev_t``

    >>> MAJOR(MKDEV(254, 16))
    254
    """
    return operator.index(dev) >> _MINOR_BITS


def MINOR(dev: IntegerLike) -> int:
    """Return the minor number of a ``dev_t``.

    :param dev: ``dev_t``

    >>> MINOR(MKDEV(254, 16))
    16
    """
    return operator.index(dev) & _MINOR_MASK


def MKDEV(major: IntegerLike, minor: IntegerLike) -> int:
    """Return the ``dev_t`` of a major and a minor number.

    :param major: Major number.
    :param minor: Minor number.

    >>> hex(MKDEV(254, 16))
    '0xfe00010'
    """
    return operator.index(major) << _MINOR_BITS | operator.index(minor)


def dev_name(dev: Object) -> bytes:
    """Return the name of a device.

    :param dev: ``struct device *``

    >>> block = prog["block_class"].address_of_()
    >>> dev_name(next(iter(class_for_each_device(block))))
    b'vda'
    """
    name = dev.init_name.read_() or dev.kobj.name
    return name.string_()


def bus_to_subsys(bus: Object) -> Object:
    """Return the private data of a bus.

    :param bus: ``struct bus_type *``
    :return: ``struct subsys_private *``, ``NULL`` if the bus is not registered.

    >>> bus_to_subsys(prog["pci_bus_type"].address_of_()).bus.name.string_()
    b'pci'
    """
    if not bus:
        return NULL(bus.prog_, "struct subsys_private *")
    try:
        return bus.p.read_()
    except AttributeError:
        # Since 6.3 (d2bf38c088e0), it is known only by the kset.
        return _find_subsys(bus, "bus_kset", "bus")


def class_to_subsys(class_: Object) -> Object:
    """Return the private data of a device class.

    :param class_: ``struct class *``
    :return: ``struct subsys_private *``, ``NULL`` if the class is not registered.

    >>> class_to_subsys(prog["block_class"].address_of_()).type_
    struct subsys_private *
    """
    if not class_:
        return NULL(class_.prog_, "struct subsys_private *")
    try:
        return class_.p.read_()
    except AttributeError:
        # Since 6.4 (2df418cf4b72), it is known only by the kset.
        return _find_subsys(class_, "class_kset", "class")


def _find_subsys(owner: Object, kset: str, member: str) -> Object:
    prog = owner.prog_
    for subsys in list_for_each_entry(
        "struct subsys_private",
        prog[kset].list.address_of_(),
        "subsys.kobj.entry",
    ):
        if subsys.member_(member) == owner:
            return subsys
    return NULL(prog, "struct subsys_private *")


def bus_for_each_dev(bus: Object) -> Iterable[Object]:
    """Iterate over the devices on a bus.

    :param bus: ``struct bus_type *``
    :return: Iterator of ``struct device *`` objects.

    >>> bus = prog["pci_bus_type"].address_of_()
    >>> [dev_name(dev) for dev in bus_for_each_dev(bus)][0]
    b'0000:00:00.0'
    """
    yield from _subsys_devices(bus_to_subsys(bus), "knode_bus")


def class_for_each_device(class_: Object) -> Iterable[Object]:
    """Iterate over the devices of a class.

    :param class_: ``struct class *``
    :return: Iterator of ``struct device *`` objects.

    >>> block = prog["block_class"].address_of_()
    >>> b"vda" in [dev_name(dev) for dev in class_for_each_device(block)]
    True
    """
    subsys = class_to_subsys(class_)
    if not subsys:
        return
    try:
        # Since 5.1.
        subsys.prog_.type("struct device_private").member("knode_class")
    except LookupError:
        yield from list_for_each_entry(
            "struct device",
            subsys.klist_devices.k_list.address_of_(),
            "knode_class.n_node",
        )
    else:
        yield from _subsys_devices(subsys, "knode_class")


def _subsys_devices(subsys: Object, knode: str) -> Iterator[Object]:
    if not subsys:
        return
    for private in list_for_each_entry(
        "struct device_private",
        subsys.klist_devices.k_list.address_of_(),
        f"{knode}.n_node",
    ):
        yield private.device.read_()


@takes_program_or_default
def for_each_registered_chrdev(
    prog: Program,
) -> Iterator[tuple[int, int, bytes, Object]]:
    """Iterate over the ranges of numbers that character devices have reserved.

    :return: Iterator of (first ``dev_t``, number of minor numbers, name, ``struct
        cdev *`` or ``NULL``) tuples.

    >>> next(for_each_registered_chrdev(prog))[2]
    b'mem'
    """
    cdevs = _cdevs(prog)
    for first in prog["chrdevs"]:
        for region in chain(first, "next"):
            dev = MKDEV(region.major, region.baseminor)
            count = region.minorct.value_()
            cdev = region.cdev.read_() or cdevs.get(dev)
            if cdev is None:
                cdev = NULL(prog, "struct cdev *")
            yield dev, count, region.name.string_(), cdev


def _cdevs(prog: Program) -> dict[int, Object]:
    """Return the character devices that were added, by their first ``dev_t``."""
    cdevs: dict[int, Object] = {}
    # What maps numbers to devices is private to fs/char_dev.c and drivers/base/map.c.
    for first in prog["cdev_map"].probes:
        for probe in chain(first, "next"):
            # Others (base_probe) only load a module.
            if probe.data:
                cdev = cast("struct cdev *", probe.data)
                cdevs.setdefault(probe.dev.value_(), cdev)
    return cdevs


@takes_program_or_default
def for_each_registered_blkdev(prog: Program) -> Iterator[tuple[int, bytes, Object]]:
    """Iterate over the major numbers that block devices have reserved.

    :return: Iterator of (major number, name, ``struct blk_major_name *``) tuples.

    >>> [name for _, name, _ in for_each_registered_blkdev(prog)][0]
    b'blkext'
    """
    for first in prog["major_names"]:
        for entry in chain(first, "next"):
            yield entry.major.value_(), entry.name.string_(), entry
