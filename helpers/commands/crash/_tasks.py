"""Tasks: those that a command is about, and the line that names one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from drgn import FaultError, Object, Program
from drgn.commands import DrgnCodeBlockContext, argument
from drgn.helpers.common.format import double_quote_ascii_string
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.sched import idle_task, task_cpu

from ._code import CrashCodeBuilder
from ._context import find_pid_or_task, task_context
from ._define import PidOrTask
from ._readable_tasks import readable_tasks

tasks_argument = argument(
    "tasks",
    metavar="pid|task",
    type="pid_or_task",
    nargs="*",
    default=[],
    help="a decimal process ID or the hexadecimal address of a ``task_struct``;"
    " without any, the task of the context",
)
"""The ``pid|task ...`` that commands about tasks end with."""


def chosen_tasks(prog: Program, chosen: Sequence[PidOrTask]) -> Iterator[Object]:
    """The tasks of arguments, without arguments that of the context.

    What names no task is said in a line of output, and the others are yielded.
    """
    if not chosen:
        yield task_context(prog)
    for each in chosen:
        if each.kind == "pid" and each.value == 0:
            # Every CPU has an idle task, and this is the PID of all of them.
            yield from _idle_tasks(prog)
            continue
        try:
            yield find_pid_or_task(prog, each)
        except LookupError:
            print(no_such_task(each))


def all_tasks(prog: Program) -> Iterator[Object]:
    """All tasks, the idle ones first."""
    yield from _idle_tasks(prog)
    yield from readable_tasks(prog)


def _idle_tasks(prog: Program) -> Iterator[Object]:
    """The idle tasks, but of CPUs whose memory the dump lacks, which is said."""
    for cpu in for_each_online_cpu(prog):
        try:
            task = idle_task(prog, cpu)
        except FaultError as error:
            print(f"idle task of CPU {cpu} left out: {error}", file=sys.stderr)
        else:
            yield task


def no_such_task(chosen: PidOrTask) -> str:
    """What is said of an argument that names no task."""
    if chosen.kind == "pid":
        return f"no such process with PID {chosen.value}"
    return f"invalid task_struct: {chosen.value:#x}"


def begin_chosen_tasks(
    code: CrashCodeBuilder, chosen: Sequence[PidOrTask]
) -> DrgnCodeBlockContext:
    """Begin a block in which ``task`` is each task of arguments."""
    if len(chosen) <= 1 and not any(_is_idle(each) for each in chosen):
        code.append_task(chosen[0] if chosen else None)
        return code.begin_block("")
    return code.begin_block(f"for task in ({tasks_expression(code, chosen)}):\n")


def tasks_expression(code: CrashCodeBuilder, chosen: Sequence[PidOrTask]) -> str:
    """Items of a display which are the tasks of arguments."""
    items = []
    for each in chosen:
        if _is_idle(each):
            code.add_from_import("drgn.helpers.linux.cpumask", "for_each_online_cpu")
            code.add_from_import("drgn.helpers.linux.sched", "idle_task")
            items.append("*(idle_task(cpu) for cpu in for_each_online_cpu())")
        elif each.kind == "pid":
            code.add_from_import("drgn.helpers.linux.pid", "find_task")
            items.append(f"find_task({each.value})")
        else:
            code.add_from_import("drgn", "Object")
            items.append(f'Object(prog, "struct task_struct *", {each.value:#x})')
    return "".join(f"{item}, " for item in items).strip()


def _is_idle(chosen: PidOrTask) -> bool:
    return chosen.kind == "pid" and chosen.value == 0


def task_line(task: Object, *, cpu: bool = True) -> str:
    """The line that names a task: PID, address, CPU, name."""
    name = double_quote_ascii_string(task.comm.string_())
    on = f"CPU: {task_cpu(task)}  " if cpu else ""
    pid: int = task.pid.value_()
    return f"PID: {pid:<7}  TASK: {task.value_():x}  {on}COMMAND: {name}"


def task_line_code(
    code: CrashCodeBuilder, name: str = "task", *, cpu: bool = True
) -> None:
    """Add code for what ``task_line()`` says of a variable."""
    code.append(f"pid = {name}.pid\n")
    if cpu:
        code.add_from_import("drgn.helpers.linux.sched", "task_cpu")
        code.append(f"cpu = task_cpu({name})\n")
    code.append(f"command = {name}.comm\n")
