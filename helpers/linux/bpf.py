"""
BPF
---

``drgn.helpers.linux.bpf`` works with BPF programs, maps, links and type information.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import IntegerLike, Object, Program, TypeKind, cast
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.idr import idr_find, idr_for_each_entry
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry

__all__ = (
    "bpf_btf_for_each",
    "bpf_link_for_each",
    "bpf_map_by_id",
    "bpf_map_for_each",
    "bpf_prog_by_id",
    "bpf_prog_for_each",
    "bpf_prog_used_maps",
    "cgroup_bpf_prog_for_each",
    "cgroup_bpf_prog_for_each_effective",
)


def _all(prog: Program, idr: str, type: str) -> Iterator[Object]:
    entry_type = prog.type(type + " *").type
    for _, entry in idr_for_each_entry(prog[idr].address_of_(), entry_type):
        yield entry


@takes_program_or_default
def bpf_btf_for_each(prog: Program) -> Iterator[Object]:
    """Iterate over the BTF objects, which Linux has since 4.18.

    :return: Iterator of ``struct btf *`` objects.

    >>> next(bpf_btf_for_each(prog)).id
    (u32)1
    """
    return _all(prog, "btf_idr", "struct btf")


@takes_program_or_default
def bpf_link_for_each(prog: Program) -> Iterator[Object]:
    """Iterate over the BPF links, which Linux has since 5.8.

    :return: Iterator of ``struct bpf_link *`` objects.

    >>> [link.id.value_() for link in bpf_link_for_each(prog)]
    [1, 2, 3]
    """
    return _all(prog, "link_idr", "struct bpf_link")


@takes_program_or_default
def bpf_map_for_each(prog: Program) -> Iterator[Object]:
    """Iterate over the BPF maps (since Linux 4.13).

    :return: Iterator of ``struct bpf_map *`` objects.

    >>> [map.name.string_() for map in bpf_map_for_each(prog)]
    [b'lab_array', b'lab_hash', b'lab_percpu', b'lab_lru', b'lab_ring']
    """
    return _all(prog, "map_idr", "struct bpf_map")


@takes_program_or_default
def bpf_prog_for_each(prog: Program) -> Iterator[Object]:
    """Iterate over the BPF programs (since Linux 4.13).

    :return: Iterator of ``struct bpf_prog *`` objects.

    >>> [each.aux.name.string_() for each in bpf_prog_for_each(prog)]
    [b'lab_prog', b'lab_lookup', b'lab_egress', b'lab_inner', b'lab_xdp', b'lab_trace']
    """
    return _all(prog, "prog_idr", "struct bpf_prog")


@takes_program_or_default
def bpf_map_by_id(prog: Program, id: IntegerLike) -> Object:
    """Return the BPF map with an ID (since Linux 4.13).

    :param id: ID.
    :return: ``struct bpf_map *``, ``NULL`` if there is none.

    >>> bpf_map_by_id(prog, 1).max_entries
    (u32)32
    """
    return cast("struct bpf_map *", idr_find(prog["map_idr"].address_of_(), id))


@takes_program_or_default
def bpf_prog_by_id(prog: Program, id: IntegerLike) -> Object:
    """Return the BPF program with an ID (since Linux 4.13).

    :param id: ID.
    :return: ``struct bpf_prog *``, ``NULL`` if there is none.

    >>> bpf_prog_by_id(prog, 1).type
    (enum bpf_prog_type)BPF_PROG_TYPE_SOCKET_FILTER
    """
    return cast("struct bpf_prog *", idr_find(prog["prog_idr"].address_of_(), id))


def bpf_prog_used_maps(bpf_prog: Object) -> Iterator[Object]:
    """Iterate over the maps that a BPF program uses.

    :param bpf_prog: ``struct bpf_prog *``
    :return: Iterator of ``struct bpf_map *`` objects.

    >>> [map.name.string_() for map in bpf_prog_used_maps(bpf_prog_by_id(prog, 1))]
    []
    """
    aux = bpf_prog.aux.read_()
    maps = aux.used_maps.read_()
    for i in range(aux.used_map_cnt.value_()):
        yield maps[i].read_()


def cgroup_bpf_prog_for_each(
    cgrp: Object, bpf_attach_type: IntegerLike
) -> Iterator[Object]:
    """Iterate over the BPF programs that are attached to a cgroup.

    :param cgrp: ``struct cgroup *``
    :param bpf_attach_type: ``enum cgroup_bpf_attach_type`` (``enum
        bpf_attach_type`` before Linux 5.15)
    :return: Iterator of ``struct bpf_prog *`` objects.

    >>> cgroup = cgroup_get_from_path(prog, "/")
    >>> list(cgroup_bpf_prog_for_each(cgroup, prog["CGROUP_INET_EGRESS"]))
    []
    """
    bpf = cgrp.bpf
    if not bpf.type_.members:
        return  # !CONFIG_CGROUP_BPF
    if not hasattr(bpf, "progs"):
        # At most one before 4.15 (324bda9e6c5a).
        only = bpf.prog[bpf_attach_type].read_()
        if only:
            yield only
        return
    head = bpf.progs[bpf_attach_type].address_of_()
    if hasattr(head, "first"):
        # A struct hlist_head since 6.0 (00442143a2ab).
        entries = hlist_for_each_entry("struct bpf_prog_list", head, "node")
    else:
        entries = list_for_each_entry("struct bpf_prog_list", head, "node")
    for entry in entries:
        prog = entry.prog.read_()
        # Attached by a link, which 5.7 brought (af6eea57437a).
        if not prog and hasattr(entry, "link") and entry.link:
            prog = entry.link.link.prog.read_()
        if prog:
            yield prog


def cgroup_bpf_prog_for_each_effective(
    cgrp: Object, bpf_attach_type: IntegerLike
) -> Iterator[Object]:
    """Iterate over the BPF programs that run for a cgroup, attached to it or above.

    :param cgrp: ``struct cgroup *``
    :param bpf_attach_type: Like that of :func:`cgroup_bpf_prog_for_each()`.
    :return: Iterator of ``struct bpf_prog *`` objects.

    >>> cgroup = cgroup_get_from_path(prog, "/lab")
    >>> list(cgroup_bpf_prog_for_each_effective(cgroup, prog["CGROUP_INET_EGRESS"]))
    [Object(prog, 'struct bpf_prog *', value=0xffffd57d0037d000)]
    """
    bpf = cgrp.bpf
    if not bpf.type_.members:
        return  # !CONFIG_CGROUP_BPF
    array = bpf.effective[bpf_attach_type].read_()
    if not array:
        return
    if array.type_.type.type_name() == "struct bpf_prog":
        yield array  # At most one before 4.15 (324bda9e6c5a).
        return
    try:
        # Pairs of a program and its storage since 4.19 (394e40a29788).
        items = array.items
    except AttributeError:
        items = array.progs
    i = 0
    while True:
        item = items[i]
        prog = (
            item.read_() if item.type_.kind == TypeKind.POINTER else item.prog.read_()
        )
        if not prog:
            return
        yield prog
        i += 1
