"""
IDR
---

``drgn.helpers.linux.idr`` looks up and walks IDRs (:linux:`include/linux/idr.h`),
which map numbers to pointers.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Type
from drgn.helpers.linux.xarray import xa_entries, xa_load

__all__ = ("idr_find", "idr_for_each", "idr_for_each_entry")


def idr_find(idr: Object, id: IntegerLike) -> Object:
    """Look up an entry of an IDR.

    :param idr: ``struct idr *``
    :param id: Entry ID.
    :return: ``void *`` entry, or ``NULL`` if there is none.

    >>> pid = idr_find(prog["init_pid_ns"].idr.address_of_(), 1)
    >>> cast("struct pid *", pid).numbers[0].nr
    (int)1
    """
    id = operator.index(id)
    if _is_layered(idr):
        return _layered_find(idr, id)
    index = id - _base(idr)
    if index < 0:
        return NULL(idr.prog_, "void *")
    return xa_load(idr.idr_rt.address_of_(), index)


def idr_for_each(idr: Object) -> Iterator[tuple[int, Object]]:
    """Iterate over the entries of an IDR.

    :param idr: ``struct idr *``
    :return: Iterator of (ID, ``void *``) tuples.

    >>> idr = prog["init_pid_ns"].idr.address_of_()
    >>> [number for number, pointer in idr_for_each(idr)][:3]
    [1, 2, 3]
    """
    return idr_for_each_entry(idr, "void")


def idr_for_each_entry(idr: Object, type: str | Type) -> Iterator[tuple[int, Object]]:
    """Iterate over the entries of an IDR that are all of one type.

    :param idr: ``struct idr *``
    :param type: Entry type.
    :return: Iterator of (ID, ``type *``) tuples.

    >>> idr = prog["init_pid_ns"].idr.address_of_()
    >>> number, pid = next(idr_for_each_entry(idr, "struct pid"))
    >>> pid.numbers[0].nr
    (int)1
    """
    prog = idr.prog_
    pointer = prog.pointer_type(prog.type(type))
    for id, entry in idr_entries(idr):
        yield id, Object(prog, pointer, entry)


def idr_entries(idr: Object) -> Iterator[tuple[int, int]]:
    """Like :func:`idr_for_each()`, but yield entries as integers."""
    if _is_layered(idr):
        top = idr.top.read_()
        if top:
            yield from _layer_entries(top, 0)
        return
    base = _base(idr)
    for index, entry in xa_entries(idr.idr_rt.address_of_()):
        yield base + index, entry


def _base(idr: Object) -> int:
    try:
        return idr.idr_base.value_()
    except AttributeError:
        # Before 4.16 (6ce711f27500).
        return 0


# Before 4.11 (0a835c4f090a), an IDR was a tree of its own: struct idr_layer.


def _is_layered(idr: Object) -> bool:
    return not hasattr(idr, "idr_rt")


def _layered_find(idr: Object, id: int) -> Object:
    void_p = idr.prog_.type("void *")
    layer = idr.top.read_()
    if not layer:
        return NULL(idr.prog_, void_p)
    bits = (len(layer.ary) - 1).bit_length()
    level: int = layer.layer.value_()
    if id < 0 or id >> bits * (level + 1):
        return NULL(idr.prog_, void_p)
    while True:
        entry = layer.ary[(id >> bits * level) & ((1 << bits) - 1)].read_()
        if not level or not entry:
            return Object(idr.prog_, void_p, entry.value_())
        layer = entry
        level -= 1


def _layer_entries(layer: Object, base: int) -> Iterator[tuple[int, int]]:
    level: int = layer.layer.value_()
    bits = (len(layer.ary) - 1).bit_length()
    for i, entry in enumerate(layer.ary):
        entry = entry.read_()
        if not entry:
            continue
        id = base + (i << bits * level)
        if level:
            yield from _layer_entries(entry, id)
        else:
            yield id, entry.value_()
