"""
Linked Lists
------------

``drgn.helpers.linux.list`` walks the kernel's doubly linked lists (``struct
list_head``) and hash lists (``struct hlist_head``) of
:linux:`include/linux/list.h`.

Iterators stop with :class:`~drgn.helpers.ValidationError` where a list runs into
a cycle that does not lead back to its head.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, Object, Type, chains, container_of, offsetof
from drgn.helpers import ValidationError
from drgn.helpers.linux._raw import follow, pointee

__all__ = (
    "hlist_empty",
    "hlist_for_each",
    "hlist_for_each_entry",
    "list_count_nodes",
    "list_empty",
    "list_first_entry",
    "list_first_entry_or_null",
    "list_for_each",
    "list_for_each_entry",
    "list_for_each_entry_reverse",
    "list_for_each_reverse",
    "list_is_singular",
    "list_last_entry",
    "list_next_entry",
    "list_prev_entry",
    "validate_list",
    "validate_list_count_nodes",
    "validate_list_for_each",
    "validate_list_for_each_entry",
)


def list_empty(head: Object) -> bool:
    """Return whether a list is empty.

    :param head: ``struct list_head *``

    >>> list_empty(prog["modules"].address_of_())
    False
    """
    return head.next == head


def list_is_singular(head: Object) -> bool:
    """Return whether a list has exactly one entry.

    :param head: ``struct list_head *``

    >>> list_is_singular(prog["modules"].address_of_())
    False
    """
    next = head.next.read_()
    return next != head and next == head.prev


def list_first_entry(head: Object, type: str | Type, member: str) -> Object:
    """Return the first entry of a list that is not empty.

    :param head: ``struct list_head *``
    :param type: Entry type.
    :param member: Name of the list node member in the entry type.
    :return: ``type *``

    >>> list_first_entry(prog["modules"].address_of_(), "struct module", "list").name
    (char [56])"raid1"
    """
    return container_of(head.next, type, member)


def list_first_entry_or_null(head: Object, type: str | Type, member: str) -> Object:
    """Return the first entry of a list, or ``NULL`` if it is empty.

    :param head: ``struct list_head *``
    :param type: Entry type.
    :param member: Name of the list node member in the entry type.
    :return: ``type *``

    >>> modules = prog["modules"].address_of_()
    >>> list_first_entry_or_null(modules, "struct module", "list").name
    (char [56])"raid1"
    """
    next = head.next.read_()
    if next == head:
        prog = head.prog_
        return NULL(prog, prog.pointer_type(prog.type(type)))
    return container_of(next, type, member)


def list_last_entry(head: Object, type: str | Type, member: str) -> Object:
    """Return the last entry of a list that is not empty.

    :param head: ``struct list_head *``
    :param type: Entry type.
    :param member: Name of the list node member in the entry type.
    :return: ``type *``

    >>> list_last_entry(prog["modules"].address_of_(), "struct module", "list").name
    (char [56])"qemu_fw_cfg"
    """
    return container_of(head.prev, type, member)


def list_next_entry(pos: Object, member: str) -> Object:
    """Return the entry after an entry.

    :param pos: ``type *``
    :param member: Name of the list node member in the entry type.
    :return: ``type *``

    >>> modules = prog["modules"].address_of_()
    >>> module = list_first_entry(modules, "struct module", "list")
    >>> list_next_entry(module, "list").name
    (char [56])"md_mod"
    """
    return container_of(pos.member_(member).next, pointee(pos), member)


def list_prev_entry(pos: Object, member: str) -> Object:
    """Return the entry before an entry.

    :param pos: ``type *``
    :param member: Name of the list node member in the entry type.
    :return: ``type *``

    >>> modules = prog["modules"].address_of_()
    >>> module = list_first_entry(modules, "struct module", "list")
    >>> list_prev_entry(list_next_entry(module, "list"), "list") == module
    True
    """
    return container_of(pos.member_(member).prev, pointee(pos), member)


def list_for_each(head: Object) -> Iterator[Object]:
    """Iterate over the nodes of a list.

    :param head: ``struct list_head *``
    :return: Iterator of ``struct list_head *`` objects.

    >>> node = next(list_for_each(prog["modules"].address_of_()))
    >>> node.type_
    struct list_head *
    """
    return _nodes(head, "next")


def list_for_each_reverse(head: Object) -> Iterator[Object]:
    """Iterate over the nodes of a list, last one first.

    :param head: ``struct list_head *``
    :return: Iterator of ``struct list_head *`` objects.

    >>> node = next(list_for_each_reverse(prog["modules"].address_of_()))
    >>> container_of(node, "struct module", "list").name
    (char [56])"qemu_fw_cfg"
    """
    return _nodes(head, "prev")


def list_for_each_entry(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a list.

    :param type: Entry type.
    :param head: ``struct list_head *``
    :param member: Name of the list node member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> modules = prog["modules"].address_of_()
    >>> entries = list_for_each_entry("struct module", modules, "list")
    >>> [module.name.string_() for module in entries][:2]
    [b'raid1', b'md_mod']
    """
    return _entries(type, head, member, "next")


def list_for_each_entry_reverse(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a list, last one first.

    :param type: Entry type.
    :param head: ``struct list_head *``
    :param member: Name of the list node member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> modules = prog["modules"].address_of_()
    >>> next(list_for_each_entry_reverse("struct module", modules, "list")).name
    (char [56])"qemu_fw_cfg"
    """
    return _entries(type, head, member, "prev")


def list_count_nodes(head: Object) -> int:
    """Return the number of nodes in a list.

    :param head: ``struct list_head *``

    >>> list_count_nodes(prog["modules"].address_of_())
    16
    """
    return sum(1 for _ in _nodes(head, "next"))


def validate_list(head: Object) -> None:
    """Check that a list's ``next`` and ``prev`` pointers agree and end at its head.

    :param head: ``struct list_head *``
    :raises ValidationError: if they do not

    >>> validate_list(prog["modules"].address_of_())
    """
    for _ in _validated(head):
        pass


def validate_list_count_nodes(head: Object) -> int:
    """Return the number of nodes in a list, checking it like :func:`validate_list`.

    :param head: ``struct list_head *``
    :raises ValidationError: if the list is invalid

    >>> validate_list_count_nodes(prog["modules"].address_of_())
    16
    """
    return sum(1 for _ in _validated(head))


def validate_list_for_each(head: Object) -> Iterator[Object]:
    """Iterate over the nodes of a list, checking it like :func:`validate_list`.

    Nodes may be yielded twice before a cycle is found.

    :param head: ``struct list_head *``
    :return: Iterator of ``struct list_head *`` objects.
    :raises ValidationError: if the list is invalid

    >>> next(validate_list_for_each(prog["modules"].address_of_())).type_
    struct list_head *
    """
    yield from chains.pointers(head.next.type_, _validated(head))


def validate_list_for_each_entry(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a list, checking it like :func:`validate_list`.

    Entries may be yielded twice before a cycle is found.

    :param type: Entry type.
    :param head: ``struct list_head *``
    :param member: Name of the list node member in the entry type.
    :return: Iterator of ``type *`` objects.
    :raises ValidationError: if the list is invalid

    >>> modules = prog["modules"].address_of_()
    >>> next(validate_list_for_each_entry("struct module", modules, "list")).name
    (char [56])"raid1"
    """
    prog = head.prog_
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    yield from chains.pointers(pointer, _validated(head), offset)


def hlist_empty(head: Object) -> bool:
    """Return whether a hash list is empty.

    :param head: ``struct hlist_head *``

    >>> hlist_empty(find_task(prog, 1).thread_pid.tasks[prog["PIDTYPE_PID"]])
    False
    """
    return not head.first


def hlist_for_each(head: Object) -> Iterator[Object]:
    """Iterate over the nodes of a hash list.

    :param head: ``struct hlist_head *``
    :return: Iterator of ``struct hlist_node *`` objects.

    >>> tasks = find_task(prog, 1).thread_pid.tasks[prog["PIDTYPE_PID"]].address_of_()
    >>> next(hlist_for_each(tasks)).type_
    struct hlist_node *
    """
    first = head.first
    next_offset = offsetof(pointee(first), "next")
    yield from follow(first.type_, first.value_(), 0, next_offset)


def hlist_for_each_entry(
    type: str | Type, head: Object, member: str
) -> Iterator[Object]:
    """Iterate over the entries of a hash list.

    :param type: Entry type.
    :param head: ``struct hlist_head *``
    :param member: Name of the list node member in the entry type.
    :return: Iterator of ``type *`` objects.

    >>> tasks = find_task(prog, 1).thread_pid.tasks[prog["PIDTYPE_PID"]].address_of_()
    >>> entries = hlist_for_each_entry("struct task_struct", tasks, "pid_links[0]")
    >>> [task.comm.string_() for task in entries]
    [b'init']
    """
    prog = head.prog_
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    first = head.first
    next_offset = offsetof(pointee(first), "next")
    yield from follow(pointer, first.value_(), 0, next_offset, offset)


def _ends(head: Object, direction: str) -> tuple[Object, int]:
    """Return the pointer to a list's first node, read, and the address of its head.

    :raises TypeError: if *head* is a structure, not a pointer to one
    """
    first = getattr(head, direction).read_()
    _ = first == head
    return first, operator.index(head)


def _nodes(head: Object, direction: str) -> Iterator[Object]:
    """Iterate over a list's nodes.

    :param direction: ``"next"`` or ``"prev"``.
    """
    first, end = _ends(head, direction)
    offset = offsetof(pointee(first), direction)
    yield from follow(first.type_, first.value_(), end, offset)


def _entries(
    type: str | Type, head: Object, member: str, direction: str
) -> Iterator[Object]:
    prog = head.prog_
    type = prog.type(type)
    pointer = prog.pointer_type(type)
    offset = offsetof(type, member)
    first, end = _ends(head, direction)
    next_offset = offsetof(pointee(first), direction)
    yield from follow(pointer, first.value_(), end, next_offset, offset)


def _validated(head: Object) -> Iterator[int]:
    """Iterate over the addresses of a list's nodes, checking each ``prev``."""
    first, head_address = _ends(head, "next")
    node_type = pointee(first)
    type_name = first.type_.type_name()
    read = head.prog_.read_word
    next_offset = offsetof(node_type, "next")
    prev_offset = offsetof(node_type, "prev")
    previous, address = head_address, first.value_()
    seen = set()
    while True:
        prev = read(address + prev_offset)
        if prev != previous:
            raise ValidationError(
                f"({type_name}){previous:#x} next {address:#x} has prev {prev:#x}"
            )
        if address == head_address:
            return
        if address in seen:
            raise ValidationError(f"({type_name}){head_address:#x} has cycle")
        seen.add(address)
        yield address
        previous, address = address, read(address + next_offset)
