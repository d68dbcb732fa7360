"""
Wait Queues
-----------

``drgn.helpers.linux.wait`` walks wait queues (``wait_queue_head_t``,
``wait_queue_entry_t``) of :linux:`include/linux/wait.h`. Before Linux 4.13, their
entries are of type ``wait_queue_t``.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object, cast
from drgn.helpers.linux.list import list_empty, list_for_each_entry

__all__ = ("waitqueue_active", "waitqueue_for_each_entry", "waitqueue_for_each_task")


def waitqueue_active(wq: Object) -> bool:
    """Return whether a wait queue has waiters.

    :param wq: ``wait_queue_head_t *``

    >>> waitqueue_active(find_task(prog, 1).signal.wait_chldexit)
    False
    """
    return not list_empty(_head(wq))


def waitqueue_for_each_entry(wq: Object) -> Iterator[Object]:
    """Iterate over the entries of a wait queue.

    :param wq: ``wait_queue_head_t *``
    :return: Iterator of ``wait_queue_entry_t *`` (or ``wait_queue_t *``) objects.

    >>> queue = find_task(prog, 1).signal.wait_chldexit
    >>> [entry.flags for entry in waitqueue_for_each_entry(queue)]
    []
    """
    # Renamed in 4.13 (ac6424b981bc, 2055da97389a).
    try:
        type, member = wq.prog_.type("wait_queue_entry_t"), "entry"
    except LookupError:
        type, member = wq.prog_.type("wait_queue_t"), "task_list"
    return list_for_each_entry(type, _head(wq), member)


def waitqueue_for_each_task(wq: Object) -> Iterator[Object]:
    """Iterate over the tasks that wait on a wait queue.

    An entry's private pointer usually is its task, but some kinds of entries keep
    another there; the result is nonsense then.

    :param wq: ``wait_queue_head_t *``
    :return: Iterator of ``struct task_struct *`` objects.

    >>> queue = find_task(prog, 1).signal.wait_chldexit
    >>> [task.comm for task in waitqueue_for_each_task(queue)]
    []
    """
    for entry in waitqueue_for_each_entry(wq):
        yield cast("struct task_struct *", entry.private)


def _head(wq: Object) -> Object:
    try:
        return wq.head.address_of_()
    except AttributeError:
        return wq.task_list.address_of_()  # Before 4.13 (2055da97389a).
