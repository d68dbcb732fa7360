"""Commands about tasks: on tasks of the user's choice, or of ``foreach``'s."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import argument, argument_group, mutually_exclusive_group
from drgn.helpers import ValidationError

from ._code import CrashCodeBuilder
from ._define import PidOrTask
from ._task_selection import TaskSelection
from ._tasks import begin_chosen_tasks, chosen_tasks

Argument = argument | argument_group | mutually_exclusive_group


@dataclass(frozen=True)
class TaskCommand:
    """What a command does with a task, and the Python that does the same.

    ``arguments`` are its options, but for those that choose tasks. ``show`` prints what
    it has to say of one task, and may return a value, and ``code`` adds statements
    about the variable ``task``. A command that has nothing to say of some tasks has a
    ``wants``, one that makes a table of all tasks a ``show_all`` in place of ``show``,
    and one with options that choose tasks a ``select``.
    """

    arguments: Sequence[Argument]
    code: Callable[[CrashCodeBuilder, argparse.Namespace], None]
    show: Callable[[Program, argparse.Namespace, Object], Any] | None = None
    show_all: Callable[[Program, argparse.Namespace, Iterable[Object]], None] | None = (
        None
    )
    wants: Callable[[argparse.Namespace, Object], bool] | None = None
    select: Callable[[argparse.Namespace, TaskSelection], None] | None = None

    def run(
        self,
        prog: Program,
        args: argparse.Namespace,
        tasks: Iterable[Object],
        *,
        keep_going: bool = False,
    ) -> Any:
        """Print what there is to say of tasks, each after an empty line.

        ``keep_going`` says in a line what is damaged of a task, and goes on. Returns
        the value of the last task.
        """
        if self.show_all is not None:
            return self.show_all(prog, args, tasks)
        assert self.show is not None
        separator = ""
        value = None
        for task in tasks:
            try:
                if self.wants is None or self.wants(args, task):
                    print(end=separator)
                    separator = "\n"
                    value = self.show(prog, args, task)
            except (FaultError, ValidationError) as error:
                if not keep_going:
                    raise
                print(f"(task {task.value_():x}: {error})")
        return value

    def run_chosen(
        self, prog: Program, args: argparse.Namespace, chosen: Sequence[PidOrTask]
    ) -> None:
        """Run on the tasks of arguments, without any on that of the context."""
        if not args.drgn:
            tasks = chosen_tasks(prog, chosen)
            self.run(prog, args, tasks, keep_going=len(chosen) > 1)
            return
        code = CrashCodeBuilder(prog)
        with begin_chosen_tasks(code, chosen):
            self.code(code, args)
        code.print()


TASK_COMMANDS: dict[str, TaskCommand] = {}
"""Those that ``foreach`` can run, once their modules are imported."""
