"""All tasks that a dump has, where it lacks some of what leads to them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from drgn import FaultError, Object, Program, container_of
from drgn.helpers import ValidationError
from drgn.helpers.linux.list import list_for_each_entry, list_for_each_entry_reverse
from drgn.helpers.linux.pid import find_task, for_each_task

_BROKEN = (FaultError, ValidationError)


def readable_tasks(prog: Program) -> Iterator[Object]:
    """All tasks but the idle ones, in the order of their PIDs.

    If what the kernel looks PIDs up in cannot be read, the others are found in its
    lists of processes and threads. What that is about, and how many tasks are left out
    as they cannot be read, is said on standard error.
    """
    found: list[Object] = []
    try:
        found.extend(for_each_task(prog))
    except _BROKEN as error:
        found = _with_listed(prog, found, error)
    lost: list[FaultError] = []
    for task in found:
        try:
            # Their first and last members that are of interest, a page apart at most.
            task.flags.value_(), task.comm.string_()
        except FaultError as error:
            lost.append(error)
        else:
            yield task
    if lost:
        count = "1 task" if len(lost) == 1 else f"{len(lost)} tasks"
        print(f"{count} left out: {lost[0]}", file=sys.stderr)


def readable_task(prog: Program, pid: int) -> Object:
    """The task with a PID, NULL if there is none.

    Raises FaultError if it cannot be found as something else cannot be read.
    """
    try:
        return find_task(prog, pid)
    except _BROKEN:
        for task in _listed(prog, []):
            if task.pid.value_() == pid:
                return task
        raise


def _with_listed(
    prog: Program, found: list[Object], error: FaultError | ValidationError
) -> list[Object]:
    """Tasks that were found by their PIDs, and those of the lists behind them."""
    known = {task.value_() for task in found}
    more = [task for task in _listed(prog, found) if task.value_() not in known]
    text = f"PIDs cannot be looked up: {error}; lists have {len(more)} more tasks"
    print(text, file=sys.stderr)
    return found + sorted(more, key=lambda task: int(task.pid))


def _listed(prog: Program, found: Sequence[Object]) -> Iterator[Object]:
    """Tasks whose PIDs can be read, by the lists of processes and of their threads.

    From those that were found the lists go on, where other links are missing.
    """
    swapper = prog["init_task"].address_of_()
    known: set[int] = set()
    pending = [swapper, *found]
    while pending:
        task = pending.pop()
        if task.value_() in known:
            continue
        known.add(task.value_())
        with contextlib.suppress(*_BROKEN):
            leader = task.group_leader.read_()
            if leader != task:  # It is in no list of processes itself.
                pending.append(leader)
                continue
            task.pid.value_()
            if task != swapper:
                yield task
                yield from (other for other in _threads(task) if other != task)
            pending += _neighbours(task)


def _neighbours(leader: Object) -> Iterator[Object]:
    """What is before and behind a process in the list of all, and knows it."""
    node = leader.tasks.address_of_()
    for there, back in (("next", "prev"), ("prev", "next")):
        with contextlib.suppress(FaultError):
            other = node.member_(there).read_()
            if other.member_(back) == node:
                yield container_of(other, "struct task_struct", "tasks")


def _threads(leader: Object) -> Iterator[Object]:
    """The threads of a process, from both ends if there is no way through."""
    head = leader.signal.thread_head.address_of_()
    known: set[int] = set()
    for way in (list_for_each_entry, list_for_each_entry_reverse):
        try:
            for thread in way("struct task_struct", head, "thread_node"):
                if thread.value_() not in known:
                    known.add(thread.value_())
                    thread.pid.value_()
                    yield thread
        except _BROKEN:
            continue
        return
