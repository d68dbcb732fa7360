"""Chains and parents that never end: an exception, where there was a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from mock_kernel import Kernel

from drgn import Object, Type, TypeMember
from drgn.helpers import ValidationError
from drgn.helpers.linux import (
    cgroup_path,
    css_next_descendant_pre,
    d_path,
    dentry_path,
    for_each_registered_blkdev,
    for_each_registered_chrdev,
    for_each_resource,
    for_each_vma,
    irq_desc_action_names,
    kernfs_path,
    neigh_table_for_each_neighbor,
    netdev_ipv4_addrs,
    super_block_for_each_mount,
)

BASE = 0xFFFF888000010000
FIRST, SECOND = BASE + 0x100, BASE + 0x200


def self_linked(kernel: Kernel, tag: str, link: str, *more: tuple[str, Type]) -> Type:
    """A structure that begins with a pointer to another of its kind."""
    made: Type = kernel.prog.struct_type(
        tag,
        8 + 16 * len(more),
        [
            TypeMember(lambda: kernel.to(made), link),
            *(
                TypeMember(type, name, 64 + 128 * i)
                for i, (name, type) in enumerate(more)
            ),
        ],
    )
    kernel.types[tag] = made
    return made


def loop(kernel: Kernel, *rest: int) -> None:
    """FIRST and SECOND refer to one another."""
    kernel.words(FIRST, SECOND, *rest, 0, 0, 0, 0)
    kernel.words(SECOND, FIRST, *rest, 0, 0, 0, 0)


def mounts(kernel: Kernel) -> Iterator[Object]:
    mount = self_linked(kernel, "mount", "mnt_next_for_sb")
    sb = kernel.struct("super_block", s_mounts=kernel.to(mount))
    kernel.words(BASE, FIRST)
    return super_block_for_each_mount(kernel.at(sb, BASE))


def areas(kernel: Kernel) -> Iterator[Object]:
    """Before 6.1."""
    vma = self_linked(kernel, "vm_area_struct", "vm_next")
    mm = kernel.struct("mm_struct", mmap=kernel.to(vma))
    kernel.words(BASE, FIRST)
    return for_each_vma(kernel.at(mm, BASE))


def actions(kernel: Kernel) -> list[bytes]:
    char_p = kernel.to(kernel.prog.int_type("char", 1, True))
    action = self_linked(kernel, "irqaction", "next", ("name", char_p))
    desc = kernel.struct("irq_desc", action=kernel.to(action))
    kernel.words(BASE, FIRST)
    return irq_desc_action_names(kernel.at(desc, BASE))


def addresses(kernel: Kernel) -> list[object]:
    ifa = self_linked(kernel, "in_ifaddr", "ifa_next", ("ifa_local", kernel.u32))
    in_device = kernel.struct("in_device", ifa_list=kernel.to(ifa))
    dev = kernel.struct("net_device", ip_ptr=kernel.to(in_device))
    kernel.words(BASE, BASE + 8, FIRST)
    return list(netdev_ipv4_addrs(kernel.at(dev, BASE)))


def neighbors(kernel: Kernel) -> Iterator[Object]:
    neighbor = self_linked(kernel, "neighbour", "next")
    buckets = kernel.to(kernel.to(neighbor))
    table = kernel.struct(
        "neigh_hash_table", hash_buckets=buckets, hash_shift=kernel.u32
    )
    kernel.words(BASE, BASE + 16, 0, FIRST)
    return neigh_table_for_each_neighbor(kernel.at(table, BASE))


def block_devices(kernel: Kernel) -> Iterator[object]:
    prog = kernel.prog
    name = prog.array_type(prog.int_type("char", 1, True), 16)
    made: Type = prog.struct_type(
        "blk_major_name",
        32,
        [
            TypeMember(lambda: kernel.to(made), "next"),
            TypeMember(kernel.int, "major", 64),
            TypeMember(name, "name", 128),
        ],
    )
    heads = prog.array_type(kernel.to(made), 1)
    kernel.objects["major_names"] = Object(prog, heads, [FIRST])
    return for_each_registered_blkdev(prog)


def character_devices(kernel: Kernel) -> Iterator[object]:
    prog = kernel.prog
    probe = self_linked(kernel, "probe", "next", ("data", kernel.pointer))
    map = kernel.struct("kobj_map", probes=prog.array_type(kernel.to(probe), 1))
    kernel.words(BASE, FIRST)
    kernel.objects["cdev_map"] = Object(prog, kernel.to(map), BASE)
    return for_each_registered_chrdev(prog)


def resources(kernel: Kernel) -> Iterator[Object]:
    """One is a child of its own child."""
    made: Type = kernel.prog.struct_type(
        "resource",
        16,
        [
            TypeMember(lambda: kernel.to(made), "child"),
            TypeMember(lambda: kernel.to(made), "sibling", 64),
        ],
    )
    return for_each_resource(kernel.at(made, FIRST))


def siblings(kernel: Kernel) -> Iterator[Object]:
    made: Type = kernel.prog.struct_type(
        "resource",
        16,
        [
            TypeMember(lambda: kernel.to(made), "sibling"),
            TypeMember(lambda: kernel.to(made), "child", 64),
        ],
    )
    kernel.words(BASE, 0, FIRST)
    return for_each_resource(kernel.at(made, BASE))


def kernfs_parents(kernel: Kernel) -> bytes:
    char_p = kernel.to(kernel.prog.int_type("char", 1, True))
    node = self_linked(kernel, "kernfs_node", "__parent", ("name", char_p))
    return kernfs_path(kernel.at(node, FIRST))


def cgroups(kernel: Kernel) -> bytes:
    char_p = kernel.to(kernel.prog.int_type("char", 1, True))
    node = self_linked(kernel, "kernfs_node", "__parent", ("name", char_p))
    cgroup = kernel.struct("cgroup", kn=kernel.to(node))
    kernel.words(BASE, FIRST)
    return cgroup_path(kernel.at(cgroup, BASE))


def subsystem_states(kernel: Kernel) -> Object:
    """Each is the other's parent, and neither has children."""
    link = kernel.linked("list_head", "next", "prev")
    made: Type = kernel.prog.struct_type(
        "cgroup_subsys_state",
        40,
        [
            TypeMember(lambda: kernel.to(made), "parent"),
            TypeMember(link, "children", 64),
            TypeMember(link, "sibling", 192),
        ],
    )
    kernel.types["cgroup_subsys_state"] = made
    one, other = BASE + 0x1000, BASE + 0x2000
    for address, parent in ((one, other), (other, one)):
        ends = parent + 8  # the list of the parent's children ends with it
        kernel.words(address, parent, address + 8, address + 8, ends, ends)
    kernel.words(BASE, 0, BASE + 8, BASE + 8, 0, 0)
    return css_next_descendant_pre(kernel.at(made, one), kernel.at(made, BASE))


CASES = (
    mounts,
    areas,
    actions,
    addresses,
    neighbors,
    character_devices,
    resources,
    siblings,
    kernfs_parents,
    cgroups,
    subsystem_states,
)


@pytest.mark.parametrize("walk", CASES, ids=lambda walk: walk.__name__)
def test_cycles(kernel: Kernel, walk: Callable[[Kernel], object]) -> None:
    name = BASE + 0x5000
    kernel.memory(name, b"name\0")
    loop(kernel, name if walk in (kernfs_parents, cgroups, actions) else 0)
    with pytest.raises(ValidationError):
        result = walk(kernel)
        if isinstance(result, Iterator):
            list(result)


def test_names_of_block_devices(kernel: Kernel) -> None:
    kernel.words(FIRST, SECOND, 8, 0x6473, 0)
    kernel.words(SECOND, FIRST, 9, 0x646D, 0)
    with pytest.raises(ValidationError, match="cycle"):
        list(block_devices(kernel))


def test_dentries_that_are_each_others_parents(kernel: Kernel) -> None:
    """Names without end: as many as a path may have, and no more."""
    char_p = kernel.to(kernel.prog.int_type("char", 1, True))
    name = kernel.struct("qstr", name=char_p)
    ops = kernel.struct("dentry_operations", d_dname=kernel.pointer)
    made: Type = kernel.prog.struct_type(
        "dentry",
        24,
        [
            TypeMember(lambda: kernel.to(made), "d_parent"),
            TypeMember(name, "d_name", 64),
            TypeMember(kernel.to(ops), "d_op", 128),
        ],
    )
    mount: Type = kernel.prog.struct_type(
        "mount",
        24,
        [
            TypeMember(lambda: kernel.to(mount), "mnt_parent"),
            TypeMember(kernel.to(made), "mnt_mountpoint", 64),
            TypeMember(lambda: vfsmount, "mnt", 128),
        ],
    )
    vfsmount = kernel.struct("vfsmount", mnt_root=kernel.to(made))
    kernel.types["mount"] = mount
    text = BASE + 0x5000
    kernel.memory(text, b"x\0")
    loop(kernel, text)
    path = dentry_path(kernel.at(made, FIRST))
    assert set(path) == set(b"x/") and len(path) < 1 << 14
    # Mounts that are mounted on each other's roots.
    one, other = BASE + 0x1000, BASE + 0x2000
    kernel.words(one, other, SECOND, FIRST)
    kernel.words(other, one, FIRST, SECOND)
    found = d_path(kernel.at(vfsmount, one + 16), kernel.at(made, FIRST))
    assert found == b"/"
