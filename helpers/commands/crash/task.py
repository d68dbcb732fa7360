"""``task``: the structures of a task."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from drgn import Object, Program
from drgn.commands import argument, drgn_argument
from drgn.helpers.linux.sched import task_thread_info

from ._code import CrashCodeBuilder
from ._define import crash_command, pid_or_task, radix_arguments
from ._members import members_code, parse_members
from ._output import format_options
from ._task_command import TASK_COMMANDS, TaskCommand
from ._tasks import task_line, task_line_code


def _members(text: str) -> tuple[str, ...]:
    try:
        return parse_members(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _show(prog: Program, args: argparse.Namespace, task: Object) -> None:
    options = format_options(prog, args.integer_base)
    options["columns"] = shutil.get_terminal_size().columns
    options["dereference"] = False
    print(task_line(task))
    if not args.members:
        print(task[0].format_(**options))
        print()
        print(task_thread_info(task)[0].format_(**options))
    for member in (each for members in args.members for each in members):
        print(f"  {member} = {task[0].subobject_(member).format_(**options)}")


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    members = [each for members in args.members for each in members]
    if members:
        code.append(members_code(members, "task"))
        return
    code.add_from_import("drgn.helpers.linux.sched", "task_thread_info")
    code.append("task_struct = task[0]\nthread_info = task_thread_info(task)[0]\n")


_TASK = TASK_COMMANDS["task"] = TaskCommand(
    (
        argument(
            "-R",
            dest="members",
            metavar="member[,member]",
            type=_members,
            action="append",
            default=[],
            help="show these members of ``task_struct`` alone; one may be within"
            " another (``se.vruntime``) or in an array (``comm[0]``)",
        ),
        *radix_arguments,
        drgn_argument,
    ),
    _code,
    _show,
)


@crash_command(
    description="task_struct and thread_info contents",
    long_description="Show the ``task_struct`` and the ``thread_info`` of tasks.",
    arguments=(
        *_TASK.arguments,
        argument(
            "words",
            metavar="pid|task",
            nargs="*",
            help="a decimal process ID or the hexadecimal address of a"
            " ``task_struct``; without any, the task of the context. Other words are"
            " members, as if **-R** stood before them",
        ),
    ),
)
def _crash_cmd_task(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    tasks = []
    for word in args.words:
        try:
            tasks.append(pid_or_task(word))
        except ValueError:
            args.members = [*args.members, parse_members(word)]
    _TASK.run_chosen(prog, args, tasks)
