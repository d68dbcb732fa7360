"""
Cgroup
------

``drgn.helpers.linux.cgroup`` works with control groups of version 2
(:linux:`include/linux/cgroup.h`).
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import NULL, Object, Path, Program, cast, container_of
from drgn.helpers import ValidationError
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.kernfs import kernfs_name, kernfs_path, kernfs_walk
from drgn.helpers.linux.list import list_for_each_entry

__all__ = (
    "cgroup_get_from_path",
    "cgroup_name",
    "cgroup_parent",
    "cgroup_path",
    "css_for_each_child",
    "css_for_each_descendant_pre",
    "css_next_child",
    "css_next_descendant_pre",
    "sock_cgroup_ptr",
)

# More than the kernel allows to nest.
_MAX_DEPTH = 4096


def sock_cgroup_ptr(skcd: Object) -> Object:
    """Return the cgroup of a socket.

    :param skcd: ``struct sock_cgroup_data *``, usually ``&sk->sk_cgrp_data``.
    :return: ``struct cgroup *``

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"sockets":
    ...         inodes = [file.f_inode for _, file in for_each_file(task)]
    >>> inode = [each for each in inodes if decode_file_type(each.i_mode) == "SOCK"][0]
    >>> cgroup_path(sock_cgroup_ptr(SOCKET_I(inode).sk.sk_cgrp_data))
    b'/'
    """
    try:
        # A pointer only since 5.15 (8520e224f547).
        return skcd.cgroup.read_()
    except AttributeError:
        pass
    # Before, flags in the lowest bits said that it was data of net_cls and net_prio
    # instead, or not counted; then, as for no pointer at all, it is the root.
    if not skcd.val or skcd.val.value_() & 3:
        return skcd.prog_["cgrp_dfl_root"].cgrp.address_of_()
    return cast("struct cgroup *", skcd.val)


def cgroup_parent(cgrp: Object) -> Object:
    """Return the parent of a cgroup.

    :param cgrp: ``struct cgroup *``
    :return: ``struct cgroup *``, ``NULL`` for a root.

    >>> cgroup_path(cgroup_parent(cgroup_get_from_path(prog, "/lab/inner")))
    b'/lab'
    """
    parent_css = cgrp.self.parent.read_()
    if not parent_css:
        return NULL(cgrp.prog_, "struct cgroup *")
    return container_of(parent_css, "struct cgroup", "self")


def cgroup_name(cgrp: Object) -> bytes:
    """Return the name of a cgroup.

    :param cgrp: ``struct cgroup *``
    :return: Name, ``b"/"`` for a root.

    >>> cgroup_name(cgroup_get_from_path(prog, "/lab/inner"))
    b'inner'
    """
    return kernfs_name(cgrp.kn)


def cgroup_path(cgrp: Object) -> bytes:
    """Return the path of a cgroup in its hierarchy.

    :param cgrp: ``struct cgroup *``

    >>> cgroup_path(cgroup_get_from_path(prog, "/lab/inner"))
    b'/lab/inner'
    """
    return kernfs_path(cgrp.kn)


@takes_program_or_default
def cgroup_get_from_path(prog: Program, path: Path) -> Object:
    """Look up a cgroup of the default hierarchy by its path.

    :param path: Path from the root of the hierarchy.
    :return: ``struct cgroup *``, ``NULL`` if there is none.

    >>> cgroup_get_from_path(prog, "/lab").level
    (int)1
    """
    kn = kernfs_walk(prog["cgrp_dfl_root"].cgrp.kn, path)
    if not kn:
        return NULL(prog, "struct cgroup *")
    return cast("struct cgroup *", kn.priv)


def css_next_child(pos: Object, parent: Object) -> Object:
    """Return the child after a child.

    :param pos: ``struct cgroup_subsys_state *``, ``NULL`` to get the first child.
    :param parent: ``struct cgroup_subsys_state *``
    :return: ``struct cgroup_subsys_state *``, ``NULL`` if there are no more.

    >>> root = cgroup_get_from_path(prog, "/").self.address_of_()
    >>> child = css_next_child(NULL(prog, "struct cgroup_subsys_state *"), root)
    >>> cgroup_path(child.cgroup)
    b'/lab'
    """
    head = parent.children.address_of_()
    next = pos.sibling.next.read_() if pos else head.next.read_()
    if next.value_() == head.value_():
        return NULL(parent.prog_, "struct cgroup_subsys_state *")
    return container_of(next, "struct cgroup_subsys_state", "sibling")


def css_for_each_child(css: Object) -> Iterator[Object]:
    """Iterate over the children of a subsystem state, offline ones too.

    :param css: ``struct cgroup_subsys_state *``
    :return: Iterator of ``struct cgroup_subsys_state *`` objects.

    >>> root = cgroup_get_from_path(prog, "/").self.address_of_()
    >>> [cgroup_path(css.cgroup) for css in css_for_each_child(root)]
    [b'/lab'...]
    """
    yield from list_for_each_entry(
        "struct cgroup_subsys_state", css.children.address_of_(), "sibling"
    )


def css_next_descendant_pre(pos: Object, root: Object) -> Object:
    """Return the descendant after a descendant in pre-order.

    :param pos: ``struct cgroup_subsys_state *``, ``NULL`` to get *root* itself.
    :param root: ``struct cgroup_subsys_state *``
    :return: ``struct cgroup_subsys_state *``, ``NULL`` if there are no more.
    :raises ValidationError: if *root* is not among the parents of *pos*

    >>> root = cgroup_get_from_path(prog, "/lab").self.address_of_()
    >>> cgroup_path(css_next_descendant_pre(root, root).cgroup)
    b'/lab/inner'
    """
    if not pos:
        return root
    null = NULL(pos.prog_, "struct cgroup_subsys_state *")
    child = css_next_child(null, pos)
    if child:
        return child
    for _ in range(_MAX_DEPTH):
        if pos.value_() == root.value_():
            return null
        parent = pos.parent.read_()
        sibling = css_next_child(pos, parent)
        if sibling:
            return sibling
        pos = parent
    raise ValidationError(f"cgroup_subsys_state {pos.value_():#x} has no root")


def css_for_each_descendant_pre(css: Object) -> Iterator[Object]:
    """Iterate over a subsystem state and its descendants, each before its children.

    :param css: ``struct cgroup_subsys_state *``, may be ``NULL``, which has none.
    :return: Iterator of ``struct cgroup_subsys_state *`` objects, *css* first;
        offline ones too.

    >>> root = cgroup_get_from_path(prog, "/lab").self.address_of_()
    >>> [cgroup_path(css.cgroup) for css in css_for_each_descendant_pre(root)]
    [b'/lab', b'/lab/inner']
    """
    if not css:
        return
    yield css
    for child in css_for_each_child(css):
        yield from css_for_each_descendant_pre(child)
