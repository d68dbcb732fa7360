"""The threads of a kernel: what its CPUs run, in order, and then all other tasks."""

from __future__ import annotations

from collections.abc import Iterator

import drgn
from drgn import Object, Program, StackTrace, Thread


class TaskThread:
    """A task as a thread: ``prog.thread()`` knows no idle task of a CPU by its PID."""

    def __init__(self, task: Object) -> None:
        self.object = task
        self.tid: int = task.pid.value_()

    @property
    def name(self) -> str | None:
        """The task's name."""
        try:
            name: bytes = self.object.comm.string_()
        except drgn.FaultError:
            return None
        return name.decode(errors="replace")

    def stack_trace(self) -> StackTrace:
        """The task's stack."""
        return self.object.prog_.stack_trace(self.object)


AnyThread = Thread | TaskThread


def thread_key(thread: AnyThread) -> tuple[int, int]:
    """What tells threads apart: idle tasks have the same PID."""
    try:
        return thread.tid, thread.object.value_()
    except (ValueError, LookupError):
        return thread.tid, 0


def kernel_threads(prog: Program) -> list[TaskThread]:
    """Thread 1 is what CPU 0 runs, and so on, as a machine's debugger has it."""
    from drgn.helpers.linux.pid import for_each_task

    running = list(_running(prog))
    seen = {thread.object.value_() for thread in running}
    return running + [
        TaskThread(task) for task in for_each_task(prog) if task.value_() not in seen
    ]


def _running(prog: Program) -> Iterator[TaskThread]:
    from drgn.helpers.linux.cpumask import for_each_online_cpu
    from drgn.helpers.linux.sched import cpu_curr

    for cpu in for_each_online_cpu(prog):
        yield TaskThread(cpu_curr(prog, cpu))
