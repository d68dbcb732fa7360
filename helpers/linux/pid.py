"""
Process IDs
-----------

``drgn.helpers.linux.pid`` looks up process IDs and processes.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, container_of, offsetof
from drgn.helpers.common.prog import takes_object_or_program_or_default
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.idr import idr_entries, idr_find
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry
from drgn.helpers.linux.sched import idle_task

__all__ = (
    "find_pid",
    "find_task",
    "for_each_pid",
    "for_each_task",
    "for_each_task_in_group",
    "pid_task",
)


@takes_object_or_program_or_default
def find_pid(prog: Program, ns: Object | None, pid: IntegerLike) -> Object:
    """Return the ``struct pid`` of a process ID.

    :param ns: ``struct pid_namespace *``. Defaults to the initial PID namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param pid: Process ID.
    :return: ``struct pid *``, ``NULL`` if there is none.

    >>> find_pid(prog, 1).numbers[0].nr
    (int)1
    """
    ns = _namespace(prog, ns)
    pid = operator.index(pid)
    pid_p = prog.type("struct pid *")
    if _has_idr(ns):
        return Object(prog, pid_p, idr_find(ns.idr.address_of_(), pid).value_())
    for upid in _hashed_upids(prog, ns):
        if upid.nr.value_() == pid:
            return _pid_of_upid(upid, ns)
    return NULL(prog, pid_p)


@takes_object_or_program_or_default
def for_each_pid(prog: Program, ns: Object | None) -> Iterator[Object]:
    """Iterate over the process IDs of a namespace.

    :param ns: ``struct pid_namespace *``. Defaults to the initial PID namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :return: Iterator of ``struct pid *`` objects.

    >>> [pid.numbers[0].nr.value_() for pid in for_each_pid(prog)][:3]
    [1, 2, 3]
    """
    pid_p = prog.type("struct pid *")
    for address in pid_addresses(prog, _namespace(prog, ns)):
        yield Object(prog, pid_p, address)


def pid_task(pid: Object, pid_type: IntegerLike) -> Object:
    """Return the first task that uses a process ID.

    :param pid: ``struct pid *``
    :param pid_type: ``enum pid_type``: whether it shall be the task's own ID, its
        thread group's, process group's or session's.
    :return: ``struct task_struct *``, ``NULL`` if there is none or *pid* is
        ``NULL``.

    >>> pid_task(find_pid(prog, 1), prog["PIDTYPE_PID"]).comm
    (char [16])"init"
    """
    prog = pid.prog_
    if not pid:
        return NULL(prog, "struct task_struct *")
    pid_type = operator.index(pid_type)
    first = pid.tasks[pid_type].first.read_()
    if not first:
        return NULL(prog, "struct task_struct *")
    return container_of(first, "struct task_struct", pid_link(prog, pid_type))


@takes_object_or_program_or_default
def find_task(prog: Program, ns: Object | None, pid: IntegerLike) -> Object:
    """Return the task with a process ID.

    :param ns: ``struct pid_namespace *``. Defaults to the initial PID namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param pid: Process ID.
    :return: ``struct task_struct *``, ``NULL`` if there is none.

    >>> find_task(prog, 2).comm
    (char [16])"kthreadd"
    """
    return pid_task(find_pid(_namespace(prog, ns), pid), prog["PIDTYPE_PID"])


@takes_object_or_program_or_default
def for_each_task(
    prog: Program, ns: Object | None, *, idle: bool = False
) -> Iterator[Object]:
    """Iterate over the tasks that a namespace sees.

    :param ns: ``struct pid_namespace *``. Defaults to the initial PID namespace if
        given a :class:`~drgn.Program` or :ref:`omitted <default-program>`.
    :param idle: Whether to include the idle threads (PID 0) of the CPUs.
    :return: Iterator of ``struct task_struct *`` objects.

    >>> [task.comm.string_() for task in for_each_task(prog)][:2]
    [b'init', b'kthreadd']
    """
    ns = _namespace(prog, ns)
    if idle:
        for cpu in for_each_online_cpu(prog):
            yield idle_task(prog, cpu)
    task_type = prog.type("struct task_struct")
    task_p = prog.pointer_type(task_type)
    pid_type: int = prog["PIDTYPE_PID"].value_()
    # Offsets of pid->tasks[PIDTYPE_PID].first and of the node that it points to.
    first_offset = offsetof(prog.type("struct pid"), f"tasks[{pid_type}].first")
    link_offset = offsetof(task_type, pid_link(prog, pid_type))
    read = prog.read_word
    addresses = 1 << 8 * prog.address_size()
    for address in pid_addresses(prog, ns):
        first = read((address + first_offset) % addresses)  # as pointers wrap
        if first:
            yield Object(prog, task_p, first - link_offset)


def for_each_task_in_group(
    task: Object, include_self: bool = False
) -> Iterator[Object]:
    """Iterate over the threads of a task's process.

    :param task: ``struct task_struct *``
    :param include_self: Whether to yield *task* itself, too.
    :return: Iterator of ``struct task_struct *`` objects.

    >>> [task.pid.value_() for task in for_each_task_in_group(find_task(prog, 1), True)]
    [1]
    """
    head = task.signal.thread_head.address_of_()
    address = task.value_()
    for other in list_for_each_entry("struct task_struct", head, "thread_node"):
        if include_self or other.value_() != address:
            yield other


def _namespace(prog: Program, ns: Object | None) -> Object:
    return prog["init_pid_ns"].address_of_() if ns is None else ns


def pid_link(prog: Program, pid_type: int) -> str:
    """Return the member of ``struct task_struct`` that ``pid->tasks`` links."""
    key = (pid_link, pid_type)
    link: str | None = prog.cache.get(key)
    if link is None:
        link = f"pid_links[{pid_type}]"
        try:
            offsetof(prog.type("struct task_struct"), link)
        except LookupError:
            # Before 4.19 (2c4704756cab).
            link = f"pids[{pid_type}].node"
        prog.cache[key] = link
    return link


def _has_idr(ns: Object) -> bool:
    # Since 4.15 (95846ecf9dac), which also removed the hash table.
    return hasattr(ns, "idr")


def pid_addresses(prog: Program, ns: Object) -> Iterator[int]:
    """Iterate over the addresses of a namespace's ``struct pid``."""
    if _has_idr(ns):
        for _, address in idr_entries(ns.idr.address_of_()):
            yield address
    else:
        for upid in _hashed_upids(prog, ns):
            yield _pid_of_upid(upid, ns).value_()


def _hashed_upids(prog: Program, ns: Object) -> Iterator[Object]:
    address = ns.value_()
    pid_hash = prog["pid_hash"]
    for i in range(1 << prog["pidhash_shift"].value_()):
        head = pid_hash[i].address_of_()
        for upid in hlist_for_each_entry("struct upid", head, "pid_chain"):
            if upid.ns.value_() == address:
                yield upid


def _pid_of_upid(upid: Object, ns: Object) -> Object:
    return container_of(upid, "struct pid", f"numbers[{ns.level.value_()}]")
