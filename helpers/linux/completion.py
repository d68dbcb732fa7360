"""
Completion Variables
--------------------

``drgn.helpers.linux.completion`` works with completion variables (``struct
completion``) of :linux:`include/linux/completion.h`.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object
from drgn.helpers.linux.swait import swait_for_each_task
from drgn.helpers.linux.wait import waitqueue_for_each_task

__all__ = ("completion_done", "completion_for_each_task")


def completion_done(completion: Object) -> bool:
    """Return whether nobody has to wait for a completion.

    :param completion: ``struct completion *``

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"vfork-child":
    ...         vfork_done = task.vfork_done
    >>> completion_done(vfork_done)
    False
    """
    return bool(completion.done)


def completion_for_each_task(completion: Object) -> Iterator[Object]:
    """Iterate over the tasks that wait for a completion.

    :param completion: ``struct completion *``
    :return: Iterator of ``struct task_struct *`` objects.

    >>> for task in for_each_task(prog):
    ...     if task.comm.string_() == b"vfork-child":
    ...         vfork_done = task.vfork_done
    >>> [task.comm.string_() for task in completion_for_each_task(vfork_done)]
    [b'vfork-parent']
    """
    # A simple wait queue since 5.7 (a5c6234e1028).
    wait = completion.wait
    if wait.type_.type_name() == "struct swait_queue_head":
        return swait_for_each_task(wait.address_of_())
    return waitqueue_for_each_task(wait.address_of_())
