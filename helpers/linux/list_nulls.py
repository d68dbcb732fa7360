"""
Nulls Lists
-----------

``drgn.helpers.linux.list_nulls`` walks hash lists that end in a "nulls" marker, an
odd pointer, rather than in ``NULL`` (``struct hlist_nulls_head`` of
:linux:`include/linux/list_nulls.h`).
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Type, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.linux._raw import pointee

__all__ = ("hlist_nulls_empty", "hlist_nulls_for_each_entry", "is_a_nulls")


def is_a_nulls(pos: Object) -> bool:
    """Return whether a pointer is a nulls marker.

    :param pos: ``struct hlist_nulls_node *``

    >>> chain = prog["tcp_hashinfo"].ehash[0].chain
    >>> is_a_nulls(chain.first)
    True
    """
    return bool(pos.value_() & 1)


def hlist_nulls_empty(head: Object) -> bool:
    """Return whether a nulls list is empty.

    :param head: ``struct hlist_nulls_head *``

    >>> hlist_nulls_empty(prog["tcp_hashinfo"].ehash[0].chain.address_of_())
    True
    """
    return is_a_nulls(head.first)


def hlist_nulls_for_each_entry(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a nulls list.

    :param type: Entry type.
    :param head: ``struct hlist_nulls_head *``
    :param member: Name of the list node member in the entry type.
    :return: Iterator of ``type *`` objects.
    :raises ValidationError: if the list runs into a cycle

    >>> chain = prog["tcp_hashinfo"].ehash[0].chain.address_of_()
    >>> member = "__sk_common.skc_nulls_node"
    >>> list(hlist_nulls_for_each_entry("struct sock", chain, member))
    []
    """
    prog = head.prog_
    read = prog.read_word
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    first = head.first
    next_offset = offsetof(pointee(first), "next")
    address = first.value_()
    seen = set()
    while not address & 1:
        if address in seen:
            raise ValidationError(f"cycle at {address:#x} in nulls list")
        seen.add(address)
        yield Object(prog, pointer, address - offset)
        address = read(address + next_offset)
