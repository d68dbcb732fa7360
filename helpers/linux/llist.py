"""
Lockless Lists
--------------

``drgn.helpers.linux.llist`` walks the ``NULL``-terminated lockless lists (``struct
llist_head``, ``struct llist_node``) of :linux:`include/linux/llist.h`.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import NULL, Object, Type, container_of, offsetof
from drgn.helpers.linux._raw import follow, pointee

__all__ = (
    "llist_empty",
    "llist_first_entry",
    "llist_first_entry_or_null",
    "llist_for_each",
    "llist_for_each_entry",
    "llist_is_singular",
    "llist_next_entry",
)


def llist_empty(head: Object) -> bool:
    """Return whether a lockless list is empty.

    :param head: ``struct llist_head *``

    >>> llist_empty(per_cpu(prog["call_single_queue"], 0).address_of_())
    True
    """
    return not head.first


def llist_is_singular(head: Object) -> bool:
    """Return whether a lockless list has exactly one entry.

    :param head: ``struct llist_head *``

    >>> llist_is_singular(per_cpu(prog["call_single_queue"], 0).address_of_())
    False
    """
    first = head.first.read_()
    return bool(first) and not first.next


def llist_first_entry(head: Object, type: str | Type, member: str) -> Object:
    """Return the first entry of a lockless list that is not empty.

    :param head: ``struct llist_head *``
    :param type: Entry type.
    :param member: Name of the ``struct llist_node`` member in the entry type.
    :return: ``type *``

    >>> queue = per_cpu(prog["call_single_queue"], 0).address_of_()
    >>> if not llist_empty(queue):
    ...     csd = llist_first_entry(queue, "struct __call_single_data", "node.llist")
    ...     csd.func
    """
    return container_of(head.first, type, member)


def llist_first_entry_or_null(head: Object, type: str | Type, member: str) -> Object:
    """Return the first entry of a lockless list, or ``NULL`` if it is empty.

    :param head: ``struct llist_head *``
    :param type: Entry type.
    :param member: Name of the ``struct llist_node`` member in the entry type.
    :return: ``type *``

    >>> queue = per_cpu(prog["call_single_queue"], 0).address_of_()
    >>> llist_first_entry_or_null(queue, "struct __call_single_data", "node.llist")
    (struct __call_single_data *)0x0
    """
    first = head.first.read_()
    if not first:
        prog = head.prog_
        return NULL(prog, prog.pointer_type(prog.type(type)))
    return container_of(first, type, member)


def llist_next_entry(pos: Object, member: str) -> Object:
    """Return the entry after an entry.

    :param pos: ``type *``
    :param member: Name of the ``struct llist_node`` member in the entry type.
    :return: ``type *``

    >>> queue = per_cpu(prog["call_single_queue"], 0).address_of_()
    >>> if not llist_empty(queue) and not llist_is_singular(queue):
    ...     csd = llist_first_entry(queue, "struct __call_single_data", "node.llist")
    ...     llist_next_entry(csd, "node.llist").func
    """
    return container_of(pos.member_(member).next, pointee(pos), member)


def llist_for_each(node: Object) -> Iterator[Object]:
    """Iterate over the nodes of a lockless list, beginning with a given node.

    :param node: ``struct llist_node *``
    :return: Iterator of ``struct llist_node *`` objects.
    :raises ValidationError: if the list runs into a cycle

    >>> list(llist_for_each(per_cpu(prog["call_single_queue"], 0).first))
    []
    """
    next_offset = offsetof(pointee(node), "next")
    yield from follow(node.type_, node.value_(), 0, next_offset)


def llist_for_each_entry(
    type: str | Type, node: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a lockless list, beginning with a given node.

    :param type: Entry type.
    :param node: ``struct llist_node *``
    :param member: Name of the ``struct llist_node`` member in the entry type.
    :return: Iterator of ``type *`` objects.
    :raises ValidationError: if the list runs into a cycle

    >>> first = per_cpu(prog["call_single_queue"], 0).first
    >>> list(llist_for_each_entry("struct __call_single_data", first, "node.llist"))
    []
    """
    prog = node.prog_
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    next_offset = offsetof(pointee(node), "next")
    yield from follow(pointer, node.value_(), 0, next_offset, offset)
