"""Tasks that ``ps`` and ``foreach`` choose: by PID, address, name and state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drgn import Object, Program
from drgn.commands import CommandArgumentError, DrgnCodeBlockContext, unquote_shell_word
from drgn.helpers.linux.kthread import task_is_kthread
from drgn.helpers.linux.sched import (
    task_on_cpu,
    task_state_to_char,
    thread_group_leader,
)

from ._code import CrashCodeBuilder
from ._define import PidOrTask, pid_or_task
from ._readable_tasks import readable_tasks
from ._tasks import all_tasks, chosen_tasks, tasks_expression

# include/uapi/linux/sched.h
POLICIES = {
    "NORMAL": 0,
    "OTHER": 0,
    "FIFO": 1,
    "RR": 2,
    "BATCH": 3,
    "IDLE": 5,
    "DEADLINE": 6,
    "EXT": 7,
}
_TASK = re.compile(r"(0[xX])?[0-9a-fA-F]+")


@dataclass
class TaskSelection:
    """Which tasks are meant; without ``chosen``, ``names`` and ``patterns``, all."""

    chosen: list[PidOrTask] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    kernel: bool = False
    user: bool = False
    leaders: bool = False
    active: bool = False
    state: str | None = None
    policies: frozenset[int] | None = None

    def add(self, word: str) -> None:
        """Add a word as it was typed, quotes and all.

        That is a PID, the hexadecimal address of a task, a name, which may follow a
        backslash, or a regular expression in single quotes.
        """
        if len(word) > 1 and word[0] == word[-1] == "'":
            try:
                re.compile(word[1:-1])
            except re.error as error:
                raise CommandArgumentError(
                    f"not a regular expression: {word}: {error}"
                ) from None
            self.patterns.append(word[1:-1])
        elif word.startswith("\\"):
            self.names.append(unquote_shell_word(word))
        elif _TASK.fullmatch(word):
            self.chosen.append(pid_or_task(word))
        else:
            # A backslash within quotes is still there.
            self.names.append(unquote_shell_word(word).removeprefix("\\"))

    def tasks(self, prog: Program) -> Iterator[Object]:
        """The tasks: those chosen by PID or address in the order that they were chosen,
        or where names are given, all that match in the order of PIDs."""
        for task in self._candidates(prog):
            if self._matches(task):
                yield task

    def _candidates(self, prog: Program) -> Iterator[Object]:
        if self.names or self.patterns:
            for task in self._all(prog):
                if self._is_chosen(task) or self._is_named(task):
                    yield task
        elif self.chosen:
            for task in chosen_tasks(prog, self.chosen):
                yield task.group_leader.read_() if self.leaders else task
        else:
            yield from self._all(prog)

    def _is_chosen(self, task: Object) -> bool:
        address, pid = task.value_(), task.pid.value_()
        return any(
            each.value == (pid if each.kind == "pid" else address)
            for each in self.chosen
        )

    def _all(self, prog: Program) -> Iterator[Object]:
        # Idle tasks are the kernel's.
        for task in readable_tasks(prog) if self.user else all_tasks(prog):
            if not self.leaders or thread_group_leader(task):
                yield task

    def _is_named(self, task: Object) -> bool:
        comm = task.comm.string_().decode(errors="backslashreplace")
        return comm in self.names or any(
            re.search(pattern, comm) for pattern in self.patterns
        )

    def _matches(self, task: Object) -> bool:
        if (self.kernel or self.user) and task_is_kthread(task) is not self.kernel:
            return False
        if self.active and not task_on_cpu(task):
            return False
        if self.state is not None and task_state_to_char(task) != self.state:
            return False
        return self.policies is None or task.policy.value_() in self.policies

    def begin_code(self, code: CrashCodeBuilder) -> DrgnCodeBlockContext:
        """Begin a block in which ``task`` is each of the tasks."""
        by_name = self.names or self.patterns
        if self.chosen and not by_name:
            tasks = f"({tasks_expression(code, self.chosen)})"
        else:
            code.add_from_import("drgn.helpers.linux.pid", "for_each_task")
            tasks = "for_each_task(idle=True)"
        block = code.begin_block(f"for task in {tasks}:\n")
        for condition in self._conditions(code):
            with code.begin_block(f"if {condition}:\n"):
                code.append("continue\n")
        return block

    def _conditions(self, code: CrashCodeBuilder) -> Iterator[str]:
        """Conditions under which ``task`` is not one of the tasks."""
        if self.names or self.patterns:
            code.append(
                'name = task.comm.string_().decode(errors="backslashreplace")\n'
            )
            tests = []
            if self.chosen:
                pids = [each.value for each in self.chosen if each.kind == "pid"]
                addresses = [each.value for each in self.chosen if each.kind != "pid"]
                if pids:
                    tests.append(f"task.pid.value_() not in {pids}")
                if addresses:
                    tests.append(f"task.value_() not in {addresses}")
            if self.names:
                tests.append(f"name not in {self.names}")
            for pattern in self.patterns:
                code.add_import("re")
                tests.append(f"not re.search({pattern!r}, name)")
            yield " and ".join(tests)
        if self.leaders:
            code.add_from_import("drgn.helpers.linux.sched", "thread_group_leader")
            yield "not thread_group_leader(task)"
        if self.kernel or self.user:
            code.add_from_import("drgn.helpers.linux.kthread", "task_is_kthread")
            yield f"{'not ' if self.kernel else ''}task_is_kthread(task)"
        if self.active:
            code.add_from_import("drgn.helpers.linux.sched", "task_on_cpu")
            yield "not task_on_cpu(task)"
        if self.state is not None:
            code.add_from_import("drgn.helpers.linux.sched", "task_state_to_char")
            yield f"task_state_to_char(task) != {self.state!r}"
        if self.policies is not None:
            yield f"task.policy.value_() not in {sorted(self.policies)}"


def parse_policies(text: str) -> frozenset[int]:
    """Parse scheduling policies, names or numbers with commas between.

    Raises ValueError for what is neither.
    """
    policies = set()
    for word in unquote_shell_word(text).split(","):
        name = word.strip()
        policy = POLICIES.get(name.upper())
        if policy is None:
            if not name.isdecimal():
                raise ValueError(f"invalid scheduling policy: {name}")
            policy = int(name)
        policies.add(policy)
    return frozenset(policies)
