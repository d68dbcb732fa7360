"""Threads of a process and tasks of a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .closed import ApiClass, closed, make, not_constructible
from .errors import UnsupportedOperation
from .flags import ProgramFlags

if TYPE_CHECKING:
    from .objects.object import Object
    from .program import Program
    from .stack.trace import StackTrace
    from .targets.base import TargetThread


@closed
@not_constructible
class Thread(metaclass=ApiClass):
    """A thread in a program."""

    __slots__ = ("_object", "_prog", "_thread", "_tid")

    def __init__(
        self,
        prog: Program,
        tid: int,
        thread: TargetThread | None = None,
        object: Object | None = None,
    ) -> None:
        self._prog = prog
        self._tid = tid
        self._thread = thread
        self._object = object

    @property
    def tid(self) -> int:
        """The thread ID."""
        return self._tid

    @property
    def name(self) -> str | None:
        """The name (``comm``) that it has now, None if it is not known.

        Raises FileNotFoundError for a thread of a live process that has exited.
        """
        if self._object is not None:
            comm = self._object.member_("comm").string_()
            return comm.decode(errors="backslashreplace")
        target = self._prog._target
        if target is None or self._thread is None:
            return None
        return target.thread_name(self._thread)

    @property
    def object(self) -> Object:
        """``struct task_struct *``; UnsupportedOperation if it is not a kernel's."""
        if self._object is None:
            raise UnsupportedOperation(
                "thread object is currently only defined for the Linux kernel"
            )
        return self._object

    def stack_trace(self) -> StackTrace:
        """The stack of this thread."""
        return self._prog.stack_trace(self)


def threads(prog: Program) -> Iterator[Thread]:
    """All threads; those of a kernel are its tasks but the idle ones, by PID."""
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        from .kernel.tasks import all_tasks

        for pid, task in all_tasks(prog):
            yield _of_task(prog, pid, task)
    elif prog._target is not None:
        for thread in prog._target.threads():
            yield _of_target(prog, thread)


def thread(prog: Program, tid: int) -> Thread:
    """The thread with an ID; LookupError if there is none."""
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        from .kernel.tasks import find_task

        task = find_task(prog, tid)
        if task is not None:
            return _of_task(prog, tid, task)
    elif prog._target is not None:
        found = prog._target.thread(tid)
        if found is not None:
            return _of_target(prog, found)
    raise LookupError(f"thread with ID {tid} not found")


def main_thread(prog: Program) -> Thread:
    """The main thread of a process."""
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        raise UnsupportedOperation("main thread is not defined for the Linux kernel")
    found = prog._target.main_thread() if prog._target is not None else None
    if found is None:
        raise LookupError("main thread not found")
    return _of_target(prog, found)


def crashed_thread(prog: Program) -> Thread:
    """The thread that got the fatal signal, or the task that panicked."""
    if prog.flags & ProgramFlags.IS_LIVE:
        raise UnsupportedOperation("crashed thread is only defined for core dumps")
    if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
        from .kernel.tasks import crashed_cpu, current_task

        task = current_task(prog, crashed_cpu(prog))
        return _of_task(prog, task.member_("pid").value_(), task)
    found = prog._target.crashed_thread() if prog._target is not None else None
    if found is None:
        raise LookupError("crashed thread not found")
    return _of_target(prog, found)


def _of_target(prog: Program, thread: TargetThread) -> Thread:
    return make(Thread, prog, thread.tid, thread)


def _of_task(prog: Program, pid: int, task: Object) -> Thread:
    return make(Thread, prog, pid, object=task)
