"""Structures whose members are in no order, as CONFIG_RANDSTRUCT leaves them.

Most members of such a structure are in an anonymous one, and where they are does not
follow the order in which they are declared. No lab has such a kernel: types that are
told so are laid over a lab's, with each member where that has it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from guest_facts import counts_slabs
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import Object, Program, Type, TypeKind, TypeKindSet, TypeMember
from drgn.helpers import arrays
from drgn.helpers.linux import (
    d_path,
    find_task,
    for_each_disk,
    for_each_file,
    for_each_module,
    for_each_mount,
    for_each_netdev,
    for_each_slab_cache,
    for_each_task,
    for_each_vma,
    for_each_vmap_area,
    get_printk_records,
    get_task_state,
    mount_dst,
    path_lookup,
    slab_cache_for_each_allocated_object,
    slab_cache_usage,
    task_rss,
)

# Many of them are shuffled by the kernel itself, the others are read by offsets here.
NAMES = (
    "task_struct", "mm_struct", "vm_area_struct", "file", "inode", "dentry", "path",
    "mount", "vfsmount", "super_block", "module", "signal_struct", "files_struct",
    "fdtable", "fs_struct", "nsproxy", "pid", "upid", "net", "net_device",
    "kmem_cache",  "kmem_cache_node", "kmem_cache_cpu", "slab", "page", "zone",
    "pglist_data", "device",  "device_private", "gendisk", "block_device",
    "vmap_area", "maple_tree",  "percpu_counter", "printk_info",
)  # fmt: skip


def shuffled(type: Type, order: random.Random) -> Type | None:
    """The same structure with its inner members shuffled in an anonymous one.

    None if that leaves nothing to shuffle.
    """
    members = list(type.members or ())
    first = next(
        (i for i, m in enumerate(members) if m.bit_offset and not m.bit_offset % 64),
        len(members),
    )
    inner, last = members[first:-1], members[-1:]
    if not inner or last[0].bit_offset % 8:
        return None
    start = inner[0].bit_offset

    def moved(member: TypeMember, by: int = 0) -> TypeMember:
        return TypeMember(member.object, member.name, member.bit_offset - by)

    nested = [moved(member, start) for member in inner]
    order.shuffle(nested)
    size = (last[0].bit_offset - start) // 8
    anonymous = TypeMember(type.prog.struct_type(None, size, nested), None, start)
    outer = [*map(moved, members[:first]), anonymous, *map(moved, last)]
    return type.prog.struct_type(type.tag, type.size or 0, outer)


@pytest.fixture(scope="module")
def randomized(each_lab: Lab) -> Program:
    prog = open_dump(each_lab, "live.elf")
    order = random.Random(1)
    types: dict[str, Type] = {}
    for name in NAMES:
        try:
            type = shuffled(prog.type(f"struct {name}"), order)
        except LookupError:
            continue
        if type is not None:
            types[name] = type
    assert len(types) > 20

    def find(
        _: Program, kinds: TypeKindSet, name: str, file: str | None
    ) -> Type | None:
        return types.get(name) if TypeKind.STRUCT in kinds else None

    prog.register_type_finder("randomized", find, enable_index=0)
    return prog


def _init(prog: Program) -> Object:
    return find_task(prog, 1)


def _tasks(prog: Program) -> object:
    return [
        (task.pid.value_(), task.comm.string_(), get_task_state(task), task_rss(task))
        for task in for_each_task(prog)
    ]


def _files(prog: Program) -> object:
    return [(fd, d_path(file.f_path)) for fd, file in for_each_file(_init(prog))]


def _areas(prog: Program) -> object:
    return [(vma.vm_start.value_(), vma.vm_end.value_()) for vma in
            for_each_vma(_init(prog).mm)]  # fmt: skip


def _caches(prog: Program) -> object:
    counts = counts_slabs(prog)
    return [
        (cache.name.string_(), slab_cache_usage(cache) if counts else None)
        for cache in for_each_slab_cache(prog)
    ]


def _objects(prog: Program) -> object:
    return [
        [each.value_() for each in slab_cache_for_each_allocated_object(cache, "void")]
        for cache in for_each_slab_cache(prog)
        if cache.name.string_() in (b"task_struct", b"files_cache", b"dentry")
    ]


def _tree(prog: Program) -> object:
    return d_path(path_lookup(prog, "/tree/a/b/c"))


def _devices(prog: Program) -> object:
    return (
        [disk.disk_name.string_() for disk in for_each_disk(prog)],
        [device.name.string_() for device in for_each_netdev(prog)],
        [module.name.string_() for module in for_each_module(prog)],
    )


def _memory(prog: Program) -> object:
    return (
        [area.va_start.value_() for area in for_each_vmap_area(prog)],
        [column[:5000].tolist() for column in arrays.page_flags(prog)],
        [column.tolist() for column in arrays.free_pages(prog)],
    )


def _arrays(prog: Program) -> object:
    sb = path_lookup(prog, "/").dentry.d_sb
    return (
        [arrays.tasks(prog).tolist(), arrays.inodes(sb).tolist()],
        [column.tolist() for column in arrays.task_vmas(prog)],
    )


def _rest(prog: Program) -> object:
    return (
        [mount_dst(mount) for mount in for_each_mount(prog)],
        get_printk_records(prog),
        [frame.name for frame in prog.stack_trace(_init(prog))],
    )


@pytest.mark.parametrize(
    "read",
    [
        _tasks,
        _files,
        _areas,
        _caches,
        _objects,
        _tree,
        _devices,
        _memory,
        _arrays,
        _rest,
    ],
)
def test_order_of_members_does_not_matter(
    live: Program, randomized: Program, read: Callable[[Program], object]
) -> None:
    found = read(randomized)
    assert found and found == read(live)
