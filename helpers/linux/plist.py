"""
Priority-Sorted Lists
---------------------

``drgn.helpers.linux.plist`` walks the descending-priority lists (``struct
plist_head``, ``struct plist_node``) of :linux:`include/linux/plist.h`.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, Type, container_of
from drgn.helpers.linux.list import list_empty, list_for_each_entry

__all__ = (
    "plist_first_entry",
    "plist_for_each",
    "plist_for_each_entry",
    "plist_head_empty",
    "plist_last_entry",
    "plist_node_empty",
)


def plist_head_empty(head: Object) -> bool:
    """Return whether a priority-sorted list is empty.

    :param head: ``struct plist_head *``

    >>> plist_head_empty(prog["swap_active_head"].address_of_())
    False
    """
    return list_empty(head.node_list.address_of_())


def plist_node_empty(node: Object) -> bool:
    """Return whether a node is on no priority-sorted list.

    :param node: ``struct plist_node *``

    >>> plist_node_empty(next(for_each_swap_info(prog)).list.address_of_())
    False
    """
    return list_empty(node.node_list.address_of_())


def plist_first_entry(head: Object, type: str | Type, member: str) -> Object:
    """Return the first entry, of the highest priority, of a list that is not empty.

    :param head: ``struct plist_head *``
    :param type: Entry type.
    :param member: Name of the ``struct plist_node`` member in the entry type.
    :return: ``type *``

    >>> head = prog["swap_active_head"].address_of_()
    >>> plist_first_entry(head, "struct swap_info_struct", "list").prio
    (short)-2
    """
    return container_of(head.node_list.next, type, f"{member}.node_list")


def plist_last_entry(head: Object, type: str | Type, member: str) -> Object:
    """Return the last entry, of the lowest priority, of a list that is not empty.

    :param head: ``struct plist_head *``
    :param type: Entry type.
    :param member: Name of the ``struct plist_node`` member in the entry type.
    :return: ``type *``

    >>> head = prog["swap_active_head"].address_of_()
    >>> plist_last_entry(head, "struct swap_info_struct", "list").prio
    (short)-3
    """
    return container_of(head.node_list.prev, type, f"{member}.node_list")


def plist_for_each(head: Object) -> Iterator[Object]:
    """Iterate over the nodes of a priority-sorted list.

    :param head: ``struct plist_head *``
    :return: Iterator of ``struct plist_node *`` objects.

    >>> next(plist_for_each(prog["swap_active_head"].address_of_())).prio
    (int)2
    """
    return list_for_each_entry(
        "struct plist_node", head.node_list.address_of_(), "node_list"
    )


def plist_for_each_entry(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a priority-sorted list.

    :param type: Entry type.
    :param head: ``struct plist_head *``
    :param member: Name of the ``struct plist_node`` member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> head = prog["swap_active_head"].address_of_()
    >>> swaps = plist_for_each_entry("struct swap_info_struct", head, "list")
    >>> [si.prio.value_() for si in swaps]
    [-2, -3]
    """
    return list_for_each_entry(
        type, head.node_list.address_of_(), f"{member}.node_list"
    )
