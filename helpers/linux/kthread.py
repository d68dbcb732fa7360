"""
Kernel Threads
--------------

``drgn.helpers.linux.kthread`` works with kernel threads, a.k.a. kthreads.
"""

from __future__ import annotations

from drgn import Object, cast, container_of

__all__ = ("kthread_data", "task_is_kthread", "to_kthread")

_PF_KTHREAD = 0x200000  # include/linux/sched.h


def task_is_kthread(task: Object) -> bool:
    """Return whether a task is a kernel thread.

    :param task: ``struct task_struct *``

    >>> task_is_kthread(find_task(prog, 1)), task_is_kthread(find_task(prog, 2))
    (False, True)
    """
    return bool(task.flags.value_() & _PF_KTHREAD)


def to_kthread(task: Object) -> Object:
    """Return what the kernel knows about a kernel thread.

    :param task: ``struct task_struct *``
    :return: ``struct kthread *``

    >>> to_kthread(find_task(prog, 4)).type_
    struct kthread *
    """
    try:
        # Since 5.17 (e32cf5dfbe22).
        return cast("struct kthread *", task.worker_private)
    except AttributeError:
        pass
    kthread = cast("struct kthread *", task.set_child_tid)
    if kthread or not task.vfork_done:
        return kthread
    # Before 4.10, it was on the thread's own stack.
    return container_of(task.vfork_done, "struct kthread", "exited")


def kthread_data(task: Object) -> Object:
    """Return the pointer that a kernel thread was created with.

    :param task: ``struct task_struct *``
    :return: ``void *``

    >>> cast("struct worker *", kthread_data(find_task(prog, 7))).task.pid
    (pid_t)7
    """
    return to_kthread(task).data.read_()
