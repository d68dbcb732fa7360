"""
Sysfs
-----

``drgn.helpers.linux.sysfs`` looks up what sysfs shows.
"""

from __future__ import annotations

from drgn import NULL, Object, Program, cast, container_of
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.kernfs import (
    kernfs_children,
    kernfs_parent,
    kernfs_path,
    kernfs_walk,
)

__all__ = (
    "kobject_path",
    "sysfs_listdir",
    "sysfs_lookup",
    "sysfs_lookup_kobject",
    "sysfs_lookup_node",
)

_KERNFS_DIR = 0x1  # enum kernfs_node_type


@takes_program_or_default
def sysfs_lookup_node(prog: Program, path: str) -> Object:
    """Return the kernfs node of a path in sysfs.

    :param path: Path, absolute or from ``/sys``.
    :return: ``struct kernfs_node *``, ``NULL`` if there is none.

    >>> kernfs_path(sysfs_lookup_node(prog, "class/net"))
    b'/class/net'
    """
    if path.startswith("/"):
        inside = path.removeprefix("/sys")
        if inside == path or inside[:1] not in ("", "/"):
            return NULL(prog, "struct kernfs_node *")
        path = inside
    return kernfs_walk(prog["sysfs_root_kn"], path)


@takes_program_or_default
def sysfs_lookup_kobject(prog: Program, path: str) -> Object | None:
    """Return the kernel object of a path in sysfs, or of the directory of a file.

    :param path: Path, absolute or from ``/sys``.
    :return: ``struct kobject *``, ``NULL`` if there is none.

    >>> sysfs_lookup_kobject(prog, "block").name.string_()
    b'block'
    """
    node = sysfs_lookup_node(prog, path)
    if node and not node.flags.value_() & _KERNFS_DIR:
        node = kernfs_parent(node)
    if not node:
        return NULL(prog, "struct kobject *")
    return cast("struct kobject *", node.priv)


@takes_program_or_default
def sysfs_lookup(prog: Program, path: str) -> Object | None:
    """Return the structure that a path in sysfs stands for.

    :param path: Path, absolute or from ``/sys``.
    :return: ``struct device *``, ``struct class *``, ``struct bus_type *``, ``struct
        device_driver *``, ``struct module_kobject *``, or ``struct kobject *`` if
        what contains it is not known; ``NULL`` if there is none.

    >>> sysfs_lookup(prog, "devices/pci0000:00").type_
    struct device *
    """
    kobj = sysfs_lookup_kobject(prog, path)
    if not kobj:
        return kobj
    ktype = kobj.ktype.value_()

    def is_(name: str) -> bool:
        return name in prog and prog[name].address_ == ktype

    if is_("device_ktype"):
        return container_of(kobj, "struct device", "kobj")
    if is_("class_ktype"):
        return container_of(kobj, "struct subsys_private", "subsys.kobj").member_(
            "class"
        )
    if is_("bus_ktype"):
        return container_of(kobj, "struct subsys_private", "subsys.kobj").bus
    if is_("driver_ktype"):
        return container_of(kobj, "struct driver_private", "kobj").driver
    if is_("module_ktype"):
        return container_of(kobj, "struct module_kobject", "kobj")
    return kobj


@takes_program_or_default
def sysfs_listdir(prog: Program, path: str) -> list[bytes]:
    """Return the names in a directory of sysfs.

    :param path: Path, absolute or from ``/sys``.
    :raises ValueError: if *path* is no directory

    >>> b"net" in sysfs_listdir(prog, "class")
    True
    """
    node = sysfs_lookup_node(prog, path)
    if not node:
        raise ValueError(f"{path}: not found")
    return [child.name.string_() for child in kernfs_children(node)]


def kobject_path(kobj: Object) -> bytes:
    """Return the path of a kernel object in sysfs.

    :param kobj: ``struct kobject *``

    >>> kobject_path(sysfs_lookup_kobject(prog, "devices/pci0000:00"))
    b'/sys/devices/pci0000:00'
    """
    return b"/sys" + kernfs_path(kobj.sd)
