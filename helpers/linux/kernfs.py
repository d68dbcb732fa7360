"""
Kernfs
------

``drgn.helpers.linux.kernfs`` works with the nodes of kernfs, which sysfs and
cgroups are made of (:linux:`include/linux/kernfs.h`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from drgn import NULL, Object, Path
from drgn.helpers import ValidationError
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

__all__ = (
    "kernfs_children",
    "kernfs_name",
    "kernfs_parent",
    "kernfs_path",
    "kernfs_root",
    "kernfs_walk",
)

# enum kernfs_node_type; KERNFS_TYPE_MASK in include/linux/kernfs.h.
_DIR = 0x1
_LINK = 0x4
_TYPE_MASK = 0xF
# As in the kernel's own path walk (MAXSYMLINKS).
_MAX_LINKS = 40
# More than any path has: a node's parents must end.
_MAX_NAMES = 4096


def kernfs_root(kn: Object) -> Object:
    """Return the kernfs hierarchy that a node belongs to.

    :param kn: ``struct kernfs_node *``
    :return: ``struct kernfs_root *``

    >>> kernfs_root(cgroup_get_from_path(prog, "/lab").kn).type_
    struct kernfs_root *
    """
    parent = kernfs_parent(kn)
    # Only directories have ->dir, and every other node is in one.
    return (parent or kn).dir.root.read_()


def kernfs_parent(kn: Object) -> Object:
    """Return the parent of a node.

    :param kn: ``struct kernfs_node *``
    :return: ``struct kernfs_node *``, ``NULL`` for a root.

    >>> kernfs_name(kernfs_parent(cgroup_get_from_path(prog, "/lab/inner").kn))
    b'lab'
    """
    # Renamed in 6.15 (633488947ef6).
    try:
        return kn.member_("__parent").read_()
    except LookupError:
        return kn.parent.read_()


def kernfs_name(kn: Object) -> bytes:
    """Return the name of a node.

    :param kn: ``struct kernfs_node *``
    :return: Name, ``b"/"`` for a root.

    >>> kernfs_name(cgroup_get_from_path(prog, "/lab/inner").kn)
    b'inner'
    """
    if not kn:
        return b"(null)"
    return kn.name.string_() if kernfs_parent(kn) else b"/"


def kernfs_path(kn: Object) -> bytes:
    """Return the path of a node from the root of its hierarchy.

    :param kn: ``struct kernfs_node *``
    :raises FaultError: if *kn* was not filled in, e.g., as it is a free object
    :raises ValidationError: if its parents do not end

    >>> kernfs_path(cgroup_get_from_path(prog, "/lab/inner").kn)
    b'/lab/inner'
    """
    if not kn:
        return b"(null)"
    names: list[bytes] = []
    node, parent = kn, kernfs_parent(kn)
    while parent:
        if len(names) == _MAX_NAMES:
            raise ValidationError(f"node {kn.value_():#x} has no root")
        names.append(node.name.string_())
        node, parent = parent, kernfs_parent(parent)
    node.name.string_()  # What is no node, e.g., a free object, has no name to read.
    return b"/" + b"/".join(reversed(names))


def kernfs_children(kn: Object) -> Iterator[Object]:
    """Iterate over the children of a directory.

    :param kn: ``struct kernfs_node *``
    :return: Iterator of ``struct kernfs_node *`` objects.
    :raises ValueError: if *kn* is not a directory

    >>> lab = cgroup_get_from_path(prog, "/lab").kn
    >>> b"inner" in [kernfs_name(kn) for kn in kernfs_children(lab)]
    True
    """
    if _type(kn) != _DIR:
        raise ValueError("not a directory")
    return rbtree_inorder_for_each_entry(
        "struct kernfs_node", kn.dir.children.address_of_(), "rb"
    )


def kernfs_walk(parent: Object, path: Path, follow_symlinks: bool = True) -> Object:
    """Look up a node by its path.

    :param parent: ``struct kernfs_node *`` that the path begins at.
    :param path: Path.
    :param follow_symlinks: Whether the node returned is what a symbolic link at the
        end of the path refers to, or the link itself. Links before the end of the
        path are followed in any case.
    :return: ``struct kernfs_node *``, ``NULL`` if there is none.

    >>> root = cgroup_get_from_path(prog, "/").kn
    >>> kernfs_path(kernfs_walk(root, "lab/inner"))
    b'/lab/inner'
    """
    node = parent
    null = NULL(parent.prog_, "struct kernfs_node *")
    todo = [name for name in reversed(os.fsencode(path).split(b"/")) if name]
    links = 0
    while True:
        if _type(node) == _LINK and (todo or follow_symlinks):
            links += 1
            if links > _MAX_LINKS:
                return null
            node = node.symlink.target_kn
            continue
        if not todo:
            return node
        if _type(node) != _DIR:
            return null
        name = todo.pop()
        if name == b"..":
            node = kernfs_parent(node) or node
        elif name != b".":
            for child in kernfs_children(node):
                if child.name.string_() == name:
                    node = child
                    break
            else:
                return null


def _type(kn: Object) -> int:
    return kn.flags.value_() & _TYPE_MASK
