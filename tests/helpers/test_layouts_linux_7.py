"""What Linux 7 has changed, made by hand."""

from __future__ import annotations

import struct

import pytest
from mock_kernel import Kernel

from drgn import MissingDebugInfoError, Object, Type, TypeEnumerator, TypeMember
from drgn.helpers import ValidationError
from drgn.helpers.commands.crash._kmem_zones import migrate_types
from drgn.helpers.linux import (
    cfs_rq_for_each_entity,
    d_path,
    load_vmlinux_kallsyms,
    path_lookup,
    task_group_sched_entity,
)

BASE = 0xFFFF888000010000
PER_CPU = 0x1000


def test_entities_of_task_groups_are_beside_their_queues(kernel: Kernel) -> None:
    prog = kernel.prog
    queue = kernel.struct("cfs_rq", load=kernel.ulong)
    entity = kernel.struct("sched_entity", load=kernel.ulong)
    kernel.struct("cfs_tg_state", cfs_rq=queue, se=entity)
    group: Type = prog.struct_type(
        "task_group",
        16,
        [
            TypeMember(lambda: kernel.to(group), "parent"),
            TypeMember(kernel.to(queue), "cfs_rq", 64),
        ],
    )
    offsets = prog.array_type(kernel.ulong, 2)
    kernel.objects["__per_cpu_offset"] = Object(prog, offsets, [PER_CPU, 2 * PER_CPU])
    root, child = (
        Object(prog, group, {"parent": parent, "cfs_rq": BASE}) for parent in (0, BASE)
    )
    assert not task_group_sched_entity(root, 1)
    found = task_group_sched_entity(child, 1)
    assert found.value_() == BASE + 2 * PER_CPU + 8 and found.type_.type == entity


def test_tasks_of_groups_are_on_the_queue_of_the_cpu(kernel: Kernel) -> None:
    prog = kernel.prog
    node: Type = prog.struct_type(
        "rb_node",
        24,
        [
            TypeMember(kernel.ulong, "__rb_parent_color"),
            TypeMember(lambda: kernel.to(node), "rb_right", 64),
            TypeMember(lambda: kernel.to(node), "rb_left", 128),
        ],
    )
    root = kernel.struct("rb_root", rb_node=kernel.to(node))
    tree = prog.struct_type("rb_root_cached", 16, [TypeMember(root, "rb_root")])
    entity: Type = prog.struct_type(
        "sched_entity",
        48,
        [
            TypeMember(node, "run_node"),
            TypeMember(lambda: kernel.to(entity), "parent", 24 * 8),
            TypeMember(lambda: kernel.to(queue), "cfs_rq", 32 * 8),
            TypeMember(lambda: kernel.to(queue), "my_q", 40 * 8),
        ],
    )
    queue: Type = prog.struct_type(
        "cfs_rq",
        40,
        [
            TypeMember(tree, "tasks_timeline"),
            TypeMember(kernel.to(entity), "curr", 16 * 8),
            TypeMember(kernel.to(entity), "h_curr", 24 * 8),
            TypeMember(lambda: kernel.to(rq), "rq", 32 * 8),
        ],
    )
    rq: Type = prog.struct_type("rq", 40, [TypeMember(queue, "cfs")])
    kernel.types["rb_node"], kernel.types["sched_entity"] = node, entity
    top, below, group, one, two, other = (BASE + 0x100 * i for i in range(6))
    # The group's first task runs; its second one is beneath the other in the tree.
    kernel.words(top, other, other, one, group, top)
    kernel.words(below, 0, 0, 0, one, top)
    kernel.words(group, 0, 0, 0, 0, top, below)
    kernel.words(one, 0, 0, 0, group, below, 0)
    kernel.words(two, other, 0, 0, group, below, 0)
    kernel.words(other, 1, two, 0, 0, top, 0)

    def found(address: int) -> list[tuple[int, int, bool, bool]]:
        entities = cfs_rq_for_each_entity(Object(prog, kernel.to(queue), address))
        return [(se.value_(), *about) for se, *about in entities]

    assert found(top) == [
        (group, 0, True, False),
        (one, 1, True, True),
        (two, 1, False, True),
        (other, 0, False, True),
    ]
    assert found(below) == [(one, 0, True, True), (two, 0, False, True)]
    kernel.words(group, 0, 0, 0, 0, top, top)
    with pytest.raises(ValidationError, match="beneath itself"):
        found(top)


def files(kernel: Kernel) -> Type:
    """The types of a tree of mounts; returns ``struct dentry``."""
    prog = kernel.prog
    head, node = kernel.hash_list()
    link = kernel.linked("list_head", "next", "prev")
    hashed = kernel.struct("hlist_bl_node", pprev=kernel.pointer)
    char = kernel.prog.int_type("char", 1, True)
    name = kernel.struct("qstr", name=kernel.to(char))
    ops = kernel.struct("dentry_operations", d_dname=kernel.pointer)
    sb: Type = prog.struct_type(
        "super_block", 8, [TypeMember(lambda: kernel.to(mount), "s_mounts")]
    )
    dentry: Type = prog.struct_type(
        "dentry",
        80,
        [
            TypeMember(kernel.ulong, "d_flags"),
            TypeMember(lambda: kernel.to(dentry), "d_parent", 64),
            TypeMember(name, "d_name", 128),
            TypeMember(kernel.to(ops), "d_op", 192),
            TypeMember(head, "d_children", 256),
            TypeMember(node, "d_sib", 320),
            TypeMember(hashed, "d_hash", 448),
            TypeMember(kernel.pointer, "d_inode", 512),
            TypeMember(lambda: kernel.to(sb), "d_sb", 576),
        ],
    )
    kernel.types["dentry"] = dentry
    vfsmount = kernel.struct("vfsmount", mnt_root=kernel.to(dentry))
    mount: Type = prog.struct_type(
        "mount",
        72,
        [
            TypeMember(lambda: kernel.to(mount), "mnt_parent"),
            TypeMember(kernel.to(dentry), "mnt_mountpoint", 64),
            TypeMember(vfsmount, "mnt", 128),
            TypeMember(link, "mnt_mounts", 192),
            TypeMember(link, "mnt_child", 320),
            TypeMember(lambda: kernel.to(mount), "mnt_next_for_sb", 448),
            TypeMember(kernel.pointer, "mnt_ns", 512),
        ],
    )
    kernel.types["mount"] = mount
    kernel.struct("path", mnt=kernel.to(vfsmount), dentry=kernel.to(dentry))
    return dentry


MOUNTED = 1 << 15
USER, UPPER, OWN = BASE + 0x1000, BASE + 0x1100, BASE + 0x1200  # mounts
ROOT, POINT, TOP = BASE + 0x2000, BASE + 0x2100, BASE + 0x2200  # dentries
FILE = BASE + 0x2300
LOWER_SB, UPPER_SB = BASE + 0x3000, BASE + 0x3100


@pytest.fixture(params=[0, -22 & (1 << 64) - 1], ids=["none", "internal"])
def tree(kernel: Kernel, request: pytest.FixtureRequest) -> tuple[Kernel, Type]:
    """``/mnt``, where another filesystem is mounted, which has ``file``.

    The kernel's own mounts are in no namespace, or in what is called internal.
    """
    dentry = files(kernel)
    prog = kernel.prog
    names = BASE + 0x4000
    kernel.memory(names, b"/\0mnt\0file\0")
    slash, mnt, file = names, names + 2, names + 6

    def add(at: int, flags: int, parent: int, name: int, child: int, sb: int) -> None:
        first = child + 40 if child else 0
        kernel.words(at, flags, parent, name, 0, first, 0, at + 32, 1, BASE, sb)

    add(ROOT, 0, ROOT, slash, POINT, LOWER_SB)
    add(POINT, MOUNTED, ROOT, mnt, 0, LOWER_SB)
    add(TOP, 0, TOP, slash, FILE, UPPER_SB)
    add(FILE, 0, TOP, file, 0, UPPER_SB)
    mounts, child = USER + 24, UPPER + 40
    kernel.words(USER, USER, ROOT, ROOT, child, child, USER, USER, 0, BASE)
    kernel.words(
        UPPER, USER, POINT, TOP, UPPER + 24, UPPER + 24, mounts, mounts, 0, BASE
    )
    # The kernel's own comes before.
    kernel.words(OWN, OWN, TOP, TOP, OWN + 24, OWN + 24, OWN, OWN, UPPER, request.param)
    kernel.words(LOWER_SB, USER)
    kernel.words(UPPER_SB, OWN)
    flags = prog.enum_type(
        "dentry_flags", kernel.u32, [TypeEnumerator("DCACHE_MOUNTED", MOUNTED)]
    )
    kernel.objects["DCACHE_MOUNTED"] = Object(prog, flags, MOUNTED)
    root = {"mnt": USER + 16, "dentry": ROOT}
    fs = kernel.struct("fs_struct", root=kernel.types["path"])
    kernel.objects["userspace_init_fs"] = Object(prog, fs, {"root": root})
    return kernel, dentry


def test_paths_begin_at_the_root_of_user_space(tree: tuple[Kernel, Type]) -> None:
    kernel, _ = tree
    found = path_lookup(kernel.prog, "/mnt/file")
    assert (found.mnt.value_(), found.dentry.value_()) == (UPPER + 16, FILE)
    assert d_path(found) == b"/mnt/file"


def test_path_of_a_dentry_alone(tree: tuple[Kernel, Type]) -> None:
    kernel, dentry = tree
    for address, path in ((FILE, b"/mnt/file"), (TOP, b"/mnt"), (ROOT, b"/")):
        assert d_path(kernel.at(dentry, address)) == path


def test_path_in_the_kernels_own_mount(tree: tuple[Kernel, Type]) -> None:
    kernel, dentry = tree
    alone = BASE + 0x5000
    sb, mount = alone + 0x100, alone + 0x200
    kernel.words(sb, mount)
    kernel.words(mount, mount, alone, alone, 0, 0, 0, 0, 0, 0)
    kernel.words(alone, 0, alone, BASE + 0x4000, 0, 0, 0, 0, 1, BASE, sb)
    assert d_path(kernel.at(dentry, alone)) == b"/"


def kallsyms(kernel: Kernel, *names: str) -> None:
    """The kernel's table of symbols, whose offsets are relative to themselves."""
    # Each token is one character.
    tokens = bytes(byte for i in range(256) for byte in (i, 0))
    index = struct.pack("<256H", *range(0, 512, 2))
    offsets = [0x1000 + 0x100 * i - 4 * i for i in range(len(names))]
    tables = {
        "kallsyms_num_syms": struct.pack("<I", len(names)),
        "kallsyms_names": b"".join(bytes([len(n)]) + n.encode() for n in names)
        + bytes(4096),
        "kallsyms_token_table": tokens,
        "kallsyms_token_index": index,
        "kallsyms_offsets": struct.pack(f"<{len(names)}i", *offsets),
    }
    lines = []
    for i, (name, data) in enumerate(tables.items()):
        kernel.memory(BASE + 0x10000 * i, data)
        lines.append(f"SYMBOL({name})={BASE + 0x10000 * i:x}\n")
    text = "".join(lines).encode()
    char = kernel.prog.int_type("char", 1, True)
    info = kernel.prog.array_type(char, len(text))
    kernel.objects["VMCOREINFO"] = Object(kernel.prog, info, text)


def test_kallsyms_without_a_base(kernel: Kernel) -> None:
    kallsyms(kernel, "T_stext", "tlocal", "Dvariable")
    index = load_vmlinux_kallsyms(kernel.prog)
    first = BASE + 0x40000 + 0x1000
    found = index(kernel.prog, None, None, False)
    assert sorted((symbol.address, symbol.name) for symbol in found) == [
        (first, "_stext"),
        (first + 0x100, "local"),
        (first + 0x200, "variable"),
    ]


def test_kallsyms_without_a_name(kernel: Kernel) -> None:
    kallsyms(kernel, "T_stext", "")
    with pytest.raises(ValidationError, match="kallsyms at 0x.* has no name"):
        load_vmlinux_kallsyms(kernel.prog)


def test_kallsyms_that_vmcoreinfo_does_not_tell_of(kernel: Kernel) -> None:
    char = kernel.prog.int_type("char", 1, True)
    info = Object(kernel.prog, kernel.prog.array_type(char, 12), b"OSRELEASE=5\n")
    kernel.objects["VMCOREINFO"] = info
    with pytest.raises(MissingDebugInfoError, match="kallsyms_names"):
        load_vmlinux_kallsyms(kernel.prog)


def test_kinds_of_free_lists(kernel: Kernel) -> None:
    numbers = {
        "MIGRATE_UNMOVABLE": 0, "MIGRATE_PCPTYPES": 1, "MIGRATE_HIGHATOMIC": 1,
        "MIGRATE_CMA": 2, "__MIGRATE_TYPE_END": 2, "MIGRATE_TYPES": 3,
    }  # fmt: skip
    kernel.types["migratetype"] = kernel.prog.enum_type(
        "migratetype",
        kernel.u32,
        [TypeEnumerator(name, value) for name, value in numbers.items()],
    )
    assert migrate_types(kernel.prog) == {0: "UNMOVABLE", 1: "HIGHATOMIC", 2: "CMA"}
