"""
Simple Wait Queues
------------------

``drgn.helpers.linux.swait`` walks simple wait queues (``struct swait_queue_head``,
``struct swait_queue``) of :linux:`include/linux/swait.h`.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object
from drgn.helpers.linux.list import list_empty, list_for_each_entry

__all__ = ("swait_active", "swait_for_each_task")


def swait_active(wq: Object) -> bool:
    """Return whether a simple wait queue has waiters.

    :param wq: ``struct swait_queue_head *``

    >>> queue = prog["rcu_state"].gp_wq.address_of_()
    >>> swait_active(queue)
    True
    """
    return not list_empty(wq.task_list.address_of_())


def swait_for_each_task(wq: Object) -> Iterator[Object]:
    """Iterate over the tasks that wait on a simple wait queue.

    :param wq: ``struct swait_queue_head *``
    :return: Iterator of ``struct task_struct *`` objects.

    >>> queue = prog["rcu_state"].gp_wq.address_of_()
    >>> [task.comm.string_() for task in swait_for_each_task(queue)]
    [b'rcu_preempt']
    """
    for waiter in list_for_each_entry(
        "struct swait_queue", wq.task_list.address_of_(), "task_list"
    ):
        yield waiter.task.read_()
