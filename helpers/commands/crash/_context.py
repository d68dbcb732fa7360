"""The context: the task that a command is about which names none."""

from __future__ import annotations

import contextlib
import os

from drgn import FaultError, Object, Program, ProgramFlags
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.panic import panic_task
from drgn.helpers.linux.sched import cpu_curr, idle_task, task_cpu

from ._define import PidOrTask
from ._readable_tasks import readable_task

# Where the context is kept: the task, and how it was chosen, for --drgn.
_TASK = "crash_context"
_ORIGIN = "crash_context_origin"


def task_context(prog: Program, chosen: PidOrTask | None = None) -> Object:
    """The ``struct task_struct *`` of an argument, or that of the context.

    Raises LookupError if there is no such task.
    """
    if chosen is not None:
        return find_pid_or_task(prog, chosen)
    if _TASK not in prog.config:
        set_context(prog, *default_context(prog))
    task: Object = prog.config[_TASK]
    return task


def context_origin(prog: Program) -> tuple[str, int | None]:
    """How the context was chosen.

    That is ("pid", PID), ("task", address), ("cpu", CPU) or ("panic_task", None).
    """
    task_context(prog)
    origin: tuple[str, int | None] = prog.config[_ORIGIN]
    return origin


def set_context(prog: Program, task: Object, origin: tuple[str, int | None]) -> None:
    """Choose the context."""
    prog.config[_TASK] = task
    prog.config[_ORIGIN] = origin


def default_context(prog: Program) -> tuple[Object, tuple[str, int | None]]:
    """The task that a session begins with, and its origin.

    In a dump this is the task that panicked, or if none did (the dump is of a virtual
    machine that ran on), the one that ran on the first CPU; in the running kernel, the
    task of the debugger. Where the dump lacks the memory of CPUs it is PID 1.
    """
    local = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
    if prog.flags & local == local:
        pid = os.getpid()
        task = readable_task(prog, pid)
        if task:
            return task, ("pid", pid)
    with contextlib.suppress(FaultError):
        with contextlib.suppress(LookupError, ValueError):
            return panic_task(prog), ("panic_task", None)
        cpu = next(iter(for_each_online_cpu(prog)), 0)
        return cpu_curr(prog, cpu), ("cpu", cpu)
    return readable_task(prog, 1), ("pid", 1)


def find_pid_or_task(prog: Program, chosen: PidOrTask) -> Object:
    """The ``struct task_struct *`` of a PID or an address.

    Raises LookupError if there is none.
    """
    kind, value = chosen
    if kind == "pid":
        task = readable_task(prog, value)
        if not task:
            raise LookupError(f"no such process with PID {value}")
        return task
    task = Object(prog, "struct task_struct *", value)
    if not _is_task(task):
        raise LookupError(f"invalid task_struct: {value:#x}")
    return task


def _is_task(task: Object) -> bool:
    """Whether the kernel knows a task by its PID, or runs it on a CPU."""
    prog = task.prog_
    try:
        pid = task.pid.value_()
        cpu = task_cpu(task)
        if pid and readable_task(prog, pid) == task:
            return True
        if cpu not in set(for_each_online_cpu(prog)):
            return not pid and _is_offline_idle(task, cpu)
        # A task that is exiting may have given up its PID.
        return task in (idle_task(prog, cpu), cpu_curr(prog, cpu))
    except FaultError:
        return False


def _is_offline_idle(task: Object, cpu: int) -> bool:
    from drgn.helpers.linux.cpumask import for_each_possible_cpu

    prog = task.prog_
    return cpu in set(for_each_possible_cpu(prog)) and idle_task(prog, cpu) == task
