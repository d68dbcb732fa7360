"""
Virtual Filesystem Layer
------------------------

``drgn.helpers.linux.fs`` works with mounts, dentries, inodes and open files.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from typing import overload

from drgn import (
    NULL,
    IntegerLike,
    Object,
    Path,
    Program,
    TypeKind,
    container_of,
    offsetof,
)
from drgn.helpers.common.format import escape_ascii_string
from drgn.helpers.common.prog import takes_object_or_program_or_default
from drgn.helpers.linux._raw import chain
from drgn.helpers.linux.bitops import for_each_set_bit
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry
from drgn.helpers.linux.xarray import value_bit, xa_entries

__all__ = (
    "address_space_for_each_page",
    "d_path",
    "decode_file_type",
    "dentry_path",
    "fget",
    "for_each_file",
    "for_each_mount",
    "inode_for_each_page",
    "inode_path",
    "inode_paths",
    "mount_dst",
    "mount_fstype",
    "mount_src",
    "path_lookup",
    "print_files",
    "print_mounts",
    "super_block_for_each_mount",
)

# A path has at most PATH_MAX / 2 names: what is longer is a cycle.
_MAX_NAMES = 4096
_MNT_CURSOR = 0x10000000  # include/linux/mount.h


@overload
def d_path(arg1: Object) -> bytes:
    """Return the full path of a dentry in a mount.

    :param arg1: ``struct path *``, ``struct path``, or ``struct dentry *``, whose path
        is the one in the first mount that it is in
    """


@overload
def d_path(arg1: Object, arg2: Object) -> bytes:
    """Return the full path of a dentry in a mount.

    :param arg1: ``struct vfsmount *``
    :param arg2: ``struct dentry *``
    """


def d_path(arg1: Object, arg2: Object | None = None) -> bytes:
    """Return the full path of a dentry in a mount.

    The path is from the root of the mount namespace, and a dentry that has no path
    gets what ``/proc`` shows, e.g., ``b"pipe:[1234]"``.

    :param arg1: ``struct path *``, ``struct path``, ``struct vfsmount *``, or
        ``struct dentry *``, whose path is the one in the first mount that it is in
    :param arg2: ``struct dentry *`` if *arg1* is a ``struct vfsmount *``

    >>> d_path(find_task(prog, 1).mm.exe_file.f_path)
    b'/bin/busybox'
    """
    if arg2 is None:
        try:
            vfsmount, dentry = arg1.mnt, arg1.dentry.read_()
        except AttributeError:
            dentry = arg1.read_()
            mount = _first_mount_of(dentry)
            vfsmount = None if mount is None else mount.mnt.address_of_()
    else:
        vfsmount, dentry = arg1, arg2.read_()
    is_mounted = (
        vfsmount is not None
        and dentry == dentry.d_parent
        and dentry == vfsmount.mnt_root
    )
    if not is_mounted and dentry.d_op and dentry.d_op.d_dname:
        # Pipes, sockets and the like make their names when somebody looks.
        return b"[" + dentry.d_sb.s_type.name.string_() + b"]"
    if vfsmount is None:
        return b"/" + dentry_path(dentry)
    mnt = _real_mount(vfsmount.read_())
    names: list[bytes] = []
    for _ in range(_MAX_NAMES):
        parent = dentry.d_parent.read_()
        if dentry == mnt.mnt.mnt_root:
            mnt_parent = mnt.mnt_parent.read_()
            if mnt_parent == mnt:
                break
            dentry, mnt = mnt.mnt_mountpoint.read_(), mnt_parent
        elif dentry == parent:
            break  # It is not below the root of the mount, as of a bind mount.
        else:
            names.append(dentry.d_name.name.string_())
            dentry = parent
    return b"/" + b"/".join(reversed(names))


_MAX_ERRNO = 4095  # include/linux/err.h


def _first_mount_of(dentry: Object) -> Object | None:
    """The first mount of a dentry's superblock whose root is above it or itself.

    One that is in no namespace, as the kernel has for itself, only if no other is.
    """
    above: list[int] = []
    each = dentry
    while each.value_() not in above and len(above) < _MAX_NAMES:
        above.append(each.value_())
        each = each.d_parent.read_()
    own = None
    bits = 8 * dentry.prog_.address_size()
    for mount in super_block_for_each_mount(dentry.d_sb):
        if mount.mnt.mnt_root.value_() in above:
            # MNT_NS_INTERNAL is an error number.
            if 0 < mount.mnt_ns.value_() < (1 << bits) - _MAX_ERRNO:
                return mount
            own = own or mount
    return own


def _real_mount(vfsmount: Object) -> Object:
    return container_of(vfsmount, "struct mount", "mnt")


def dentry_path(dentry: Object) -> bytes:
    """Return the path of a dentry from the root of its filesystem.

    :param dentry: ``struct dentry *``

    >>> dentry_path(path_lookup(prog, "/tree/a/b").dentry)
    b'tree/a/b'
    """
    names: list[bytes] = []
    dentry = dentry.read_()
    while len(names) < _MAX_NAMES:
        parent = dentry.d_parent.read_()
        if parent == dentry:
            break
        names.append(dentry.d_name.name.string_())
        dentry = parent
    return b"/".join(reversed(names))


def inode_path(inode: Object) -> bytes | None:
    """Return one path of an inode from the root of its filesystem.

    :param inode: ``struct inode *``
    :return: Path, or ``None`` if no dentry refers to the inode.

    >>> inode_path(path_lookup(prog, "/tree/a/b").dentry.d_inode)
    b'tree/a/b'
    """
    return next(inode_paths(inode), None)


def inode_paths(inode: Object) -> Iterator[bytes]:
    """Iterate over the paths of an inode from the root of its filesystem.

    Only those in the dentry cache are known.

    :param inode: ``struct inode *``
    :return: Iterator of paths, as bytes, without a slash at their beginning.

    >>> list(inode_paths(path_lookup(prog, "/tree/a/b").dentry.d_inode))
    [b'tree/a/b']
    """
    for dentry in hlist_for_each_entry(
        "struct dentry", inode.i_dentry.address_of_(), _member_d_alias(inode.prog_)
    ):
        yield dentry_path(dentry)


def _member_d_alias(prog: Program) -> str:
    try:
        offsetof(prog.type("struct dentry"), "d_u.d_alias")
    except LookupError:
        return "d_alias"  # By 7.3, the union has no name.
    return "d_u.d_alias"


@takes_object_or_program_or_default
def path_lookup(
    prog: Program, root: Object | None, path: Path, *, allow_negative: bool = False
) -> Object:
    """Look up a path in the dentry cache.

    Symbolic links are not followed.

    :param root: ``struct path *`` that the path begins at. Defaults to the initial
        root if given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param path: Path.
    :param allow_negative: Whether the result may be a negative dentry, i.e., one for
        a path that does not exist.
    :return: ``struct path``
    :raises Exception: if the path is not in the cache, which does not mean that it
        does not exist, or if its dentry is negative and *allow_negative* is false

    >>> path = path_lookup(prog, "/tree/a/b")
    >>> d_path(path)
    b'/tree/a/b'
    """
    if root is None:
        root = _initial_root(prog)
    root_mnt, root_dentry = _real_mount(root.mnt.read_()), root.dentry.read_()
    mnt, dentry = root_mnt, root_dentry
    names = os.fsencode(path).split(b"/")
    for i, name in enumerate(names):
        if name in (b"", b"."):
            continue
        if name == b"..":
            if dentry == root_dentry and mnt == root_mnt:
                continue
            for _ in range(_MAX_NAMES):
                if dentry != mnt.mnt.mnt_root or mnt == mnt.mnt_parent:
                    break
                dentry, mnt = mnt.mnt_mountpoint.read_(), mnt.mnt_parent.read_()
            dentry = dentry.d_parent.read_()
        else:
            child = _child(dentry, name)
            if child is None:
                missing = os.fsdecode(b"/".join(names[: i + 1]))
                raise Exception(f"could not find {missing!r} in dcache")
            dentry = child
        mnt, dentry = _topmost(mnt, dentry)
    if not allow_negative and not dentry.d_inode:
        raise Exception(f"{os.fsdecode(path)!r} dentry is negative")
    return Object(prog, "struct path", {"mnt": mnt.mnt.address_of_(), "dentry": dentry})


def _initial_root(prog: Program) -> Object:
    """``struct path`` of the root where user space begins."""
    try:
        # In Linux 7, the kernel's own threads stay in an empty filesystem.
        return prog["userspace_init_fs"].root
    except KeyError:
        return prog["init_task"].fs.root


def _child(dentry: Object, name: bytes) -> Object | None:
    for child in _children(dentry):
        # Removed files that are still open are not hashed any more.
        if child.d_name.name.string_() == name and child.d_hash.pprev:
            return child
    return None


def _children(dentry: Object) -> Iterator[Object]:
    try:
        # A struct hlist_head since 6.8 (da549bdd15c2).
        children = dentry.d_children.address_of_()
    except AttributeError:
        subdirs = dentry.d_subdirs.address_of_()
        return list_for_each_entry("struct dentry", subdirs, "d_child")
    return hlist_for_each_entry("struct dentry", children, "d_sib")


def _dcache_mounted(prog: Program) -> int:
    try:
        # An enumerator since 6.15, whose value is another than the macro's.
        mounted: int = prog.constant("DCACHE_MOUNTED").value_()
    except LookupError:
        return 0x10000  # include/linux/dcache.h
    return mounted


def _topmost(mnt: Object, dentry: Object) -> tuple[Object, Object]:
    """Go from a mount point to the root of what is mounted on it."""
    mounted = _dcache_mounted(mnt.prog_)
    for _ in range(_MAX_NAMES):
        if not dentry.d_flags.value_() & mounted:
            break
        for child in list_for_each_entry(
            "struct mount", mnt.mnt_mounts.address_of_(), "mnt_child"
        ):
            if child.mnt_mountpoint == dentry:
                mnt, dentry = child, child.mnt.mnt_root.read_()
                break
        else:
            break  # It is a mount point in another mount or namespace.
    return mnt, dentry


@takes_object_or_program_or_default
def for_each_mount(
    prog: Program,
    ns: Object | None,
    *,
    src: Path | None = None,
    dst: Path | None = None,
    fstype: str | bytes | None = None,
) -> Iterator[Object]:
    """Iterate over the mounts of a namespace.

    :param ns: ``struct mnt_namespace *``. Defaults to the initial mount namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param src: Only mounts of this source device name.
    :param dst: Only mounts at this path.
    :param fstype: Only mounts of this filesystem type.
    :return: Iterator of ``struct mount *`` objects.

    >>> [mount_dst(mount) for mount in for_each_mount(prog, fstype="ext4")]
    [b'/mnt/ext4', b'/mnt/loop']
    """
    if ns is None:
        ns = prog["init_task"].nsproxy.mnt_ns
    for mnt in _mounts(ns):
        if (
            (src is None or mount_src(mnt) == os.fsencode(src))
            and (dst is None or mount_dst(mnt) == os.fsencode(dst))
            and (fstype is None or mount_fstype(mnt) == os.fsencode(fstype))
        ):
            yield mnt


def _mounts(ns: Object) -> Iterator[Object]:
    # A red-black tree since 6.8 (2eea9ce4310d); it was a number until then.
    if hasattr(getattr(ns, "mounts", None), "rb_node"):
        yield from rbtree_inorder_for_each_entry(
            "struct mount", ns.mounts.address_of_(), "mnt_node"
        )
        return
    for mnt in list_for_each_entry("struct mount", ns.list.address_of_(), "mnt_list"):
        # Since 5.8 (9f6c61f96f2d), the list also has the positions of readers of
        # /proc/mounts.
        if not mnt.mnt.mnt_flags.value_() & _MNT_CURSOR:
            yield mnt


@takes_object_or_program_or_default
def print_mounts(
    prog: Program,
    ns: Object | None,
    *,
    src: Path | None = None,
    dst: Path | None = None,
    fstype: str | bytes | None = None,
) -> None:
    """Print the mounts of a namespace like ``/proc/mounts``.

    :param ns: ``struct mnt_namespace *``, as of :func:`for_each_mount()`.
    :param src: Only mounts of this source.
    :param dst: Only mounts at this path.
    :param fstype: Only mounts of this kind of filesystem.

    >>> print_mounts(prog, fstype="ext4")
    /dev/vda /mnt/ext4 ext4 (struct mount *)0xffff89c0d725c3c0
    /dev/loop0 /mnt/loop ext4 (struct mount *)0xffff89c0d725c280
    """
    if ns is None:
        ns = prog["init_task"].nsproxy.mnt_ns
    for mnt in for_each_mount(ns, src=src, dst=dst, fstype=fstype):
        source = escape_ascii_string(mount_src(mnt), escape_backslash=True)
        path = escape_ascii_string(mount_dst(mnt), escape_backslash=True)
        type = escape_ascii_string(mount_fstype(mnt), escape_backslash=True)
        print(f"{source} {path} {type} {_pointer(mnt)}")


def super_block_for_each_mount(sb: Object) -> Iterator[Object]:
    """Iterate over the mounts of a superblock, in all namespaces.

    :param sb: ``struct super_block *``
    :return: Iterator of ``struct mount *`` objects.

    >>> sb = path_lookup(prog, "/mnt/ext4").dentry.d_sb
    >>> [mount_dst(mount) for mount in super_block_for_each_mount(sb)][-1]
    b'/mnt/ext4'
    """
    mounts = sb.s_mounts
    if mounts.type_.kind != TypeKind.POINTER:
        yield from list_for_each_entry(
            "struct mount", mounts.address_of_(), "mnt_instance"
        )
        return
    # In newer kernels, it is a chain of struct mount instead of a list.
    yield from chain(mounts, "mnt_next_for_sb")


def mount_src(mnt: Object) -> bytes:
    """Return the source device name of a mount.

    :param mnt: ``struct mount *``

    >>> [mount_src(mount) for mount in for_each_mount(prog, dst="/mnt/ext4")]
    [b'/dev/vda']
    """
    return mnt.mnt_devname.string_()


def mount_dst(mnt: Object) -> bytes:
    """Return the path of a mount point.

    :param mnt: ``struct mount *``

    >>> [mount_dst(mount) for mount in for_each_mount(prog, fstype="proc")]
    [b'/proc']
    """
    return d_path(mnt.mnt.address_of_(), mnt.mnt.mnt_root)


def mount_fstype(mnt: Object) -> bytes:
    """Return the filesystem type of a mount, with its subtype, e.g., ``b"fuse.x"``.

    :param mnt: ``struct mount *``

    >>> [mount_fstype(mount) for mount in for_each_mount(prog, dst="/mnt/ext4")]
    [b'ext4']
    """
    sb = mnt.mnt.mnt_sb
    fstype = sb.s_type.name.string_()
    subtype = sb.s_subtype.read_()
    if subtype:
        name = subtype.string_()
        if name:
            fstype += b"." + name
    return fstype


def fget(task: Object, fd: IntegerLike) -> Object:
    """Return the open file of a task that has a file descriptor.

    :param task: ``struct task_struct *``
    :param fd: File descriptor.
    :return: ``struct file *``, ``NULL`` if the descriptor is not open.

    >>> d_path(fget(find_task(prog, 1), 0).f_path)
    b'/dev/ttyS1'
    """
    fd = operator.index(fd)
    files = task.files.read_()
    if not files:
        return NULL(task.prog_, "struct file *")
    fdt = files.fdt.read_()
    if not 0 <= fd < fdt.max_fds.value_():
        return NULL(task.prog_, "struct file *")
    return fdt.fd[fd]


def for_each_file(task: Object) -> Iterator[tuple[int, Object]]:
    """Iterate over the open files of a task.

    :param task: ``struct task_struct *``
    :return: Iterator of (fd, ``struct file *``) tuples.

    >>> fd, file = next(for_each_file(find_task(prog, 1)))
    >>> fd, d_path(file.f_path)
    (0, b'/dev/ttyS1')
    """
    files = task.files.read_()
    if not files:
        return
    fdt = files.fdt.read_()
    fds = fdt.fd.read_()
    for fd in for_each_set_bit(fdt.open_fds, fdt.max_fds):
        file = fds[fd].read_()
        # A descriptor is reserved before there is a file, e.g., by accept().
        if file:
            yield fd, file


def print_files(task: Object) -> None:
    """Print the open files of a task.

    :param task: ``struct task_struct *``

    >>> print_files(find_task(prog, 1))
    0 /dev/ttyS1 (struct file *)0xffff89c0c409ce00
    1 /dev/console (struct file *)0xffff89c0c1b0fe00
    ...
    """
    for fd, file in for_each_file(task):
        path = escape_ascii_string(d_path(file.f_path), escape_backslash=True)
        print(f"{fd} {path} {_pointer(file)}")


def _pointer(pointer: Object) -> str:
    return pointer.format_(dereference=False, symbolize=False)


def inode_for_each_page(inode: Object) -> Iterator[tuple[int, Object]]:
    """Iterate over the cached pages of an inode.

    :param inode: ``struct inode *``
    :return: Iterator of (page index, ``struct page *``) tuples.

    >>> inode = path_lookup(prog, "/init").dentry.d_inode
    >>> [index for index, page in inode_for_each_page(inode)][:2]
    [0, 1]
    """
    return address_space_for_each_page(inode.i_mapping.read_())


def address_space_for_each_page(mapping: Object) -> Iterator[tuple[int, Object]]:
    """Iterate over the cached pages of an address space.

    :param mapping: ``struct address_space *``
    :return: Iterator of (page index, ``struct page *``) tuples.

    >>> mapping = path_lookup(prog, "/init").dentry.d_inode.i_mapping
    >>> [index for index, page in address_space_for_each_page(mapping)][:2]
    [0, 1]
    """
    try:
        # Renamed in 4.17 (b93b016313b3).
        pages = mapping.i_pages.address_of_()
    except AttributeError:
        pages = mapping.page_tree.address_of_()
    prog = mapping.prog_
    page_p = prog.type("struct page *")
    value = value_bit(pages)
    for index, entry in xa_entries(pages):
        # Values are shadows of pages that were evicted.
        if not entry & value:
            yield index, Object(prog, page_p, entry)


# Names of the file types in a mode (include/uapi/linux/stat.h).
_FILE_TYPES = {
    0o010000: "FIFO",
    0o020000: "CHR",
    0o040000: "DIR",
    0o060000: "BLK",
    0o100000: "REG",
    0o120000: "LNK",
    0o140000: "SOCK",
}


def decode_file_type(mode: IntegerLike) -> str:
    """Return the name of a mode's file type, e.g., ``"REG"`` or ``"DIR"``.

    :param mode: File mode, e.g., ``inode->i_mode`` or ``st_mode``.
    :return: Name, or the type as an octal number if it has none.

    >>> decode_file_type(path_lookup(prog, "/init").dentry.d_inode.i_mode)
    'REG'
    """
    type = operator.index(mode) & 0o170000
    return _FILE_TYPES.get(type) or f"{type:06o}"
