"""What ``ps`` shows of tasks with its options, apart from its table."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from drgn import FaultError, Object, Program
from drgn.helpers.common.format import CellFormat, escape_ascii_string, print_table
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import cmdline, environ
from drgn.helpers.linux.pid import for_each_task_in_group
from drgn.helpers.linux.resource import task_rlimits
from drgn.helpers.linux.sched import (
    task_cpu,
    task_since_last_arrival_ns,
    task_state_to_char,
)
from drgn.helpers.linux.timekeeping import ktime_get_coarse_ns

from ._code import CrashCodeBuilder
from ._cpuspec import parse_cpuspec
from ._task_rows import task_state
from ._tasks import task_line, task_line_code
from ._time import days_and_milliseconds, uptime

# A chain of parents is not longer, or it is a cycle.
_MOST_PARENTS = 1000


def _apart(
    show: Callable[[Program, Object], None],
) -> Callable[[Program, argparse.Namespace, Iterable[Object]], None]:
    """Make a view of what shows a task: each after an empty line."""

    def view(prog: Program, args: argparse.Namespace, tasks: Iterable[Object]) -> None:
        separator = ""
        for task in tasks:
            print(end=separator)
            show(prog, task)
            separator = "\n"

    return view


def _parents(prog: Program, task: Object) -> None:
    chain = [task]
    while len(chain) < _MOST_PARENTS:
        parent = chain[-1].parent.read_()
        if not parent or parent == chain[-1]:
            break
        chain.append(parent)
    for depth, each in enumerate(reversed(chain)):
        print(" " * depth + task_line(each))


def _children(prog: Program, task: Object) -> None:
    print(task_line(task))
    children = list(
        list_for_each_entry(
            "struct task_struct", task.children.address_of_(), "sibling"
        )
    )
    for child in children:
        print(f"  {task_line(child)}")
    if not children:
        print("  (no children)")


def _threads(prog: Program, task: Object) -> None:
    print(task_line(task))
    threads = list(for_each_task_in_group(task))
    for thread in threads:
        print(f"  {task_line(thread)}")
    if not threads:
        print("  (no threads)")


def _times(prog: Program, task: Object) -> None:
    start: int = task.start_time.value_()
    running = max(ktime_get_coarse_ns(prog).value_() - start, 0)
    print(task_line(task))
    print(f"    RUN TIME: {uptime(running // 10**9)}")
    print(f"  START TIME: {start}")
    print(f"       UTIME: {task.utime.value_()}")
    print(f"       STIME: {task.stime.value_()}")


def _arguments(prog: Program, task: Object) -> None:
    print(task_line(task))
    if not task.mm:
        print("  (no mm)")
        return
    print(f"ARG: {_strings(cmdline, task, ' ')}")
    print(f"ENV: {_strings(environ, task, chr(10) + ' ' * 5)}")


def _strings(
    read: Callable[[Object], list[bytes] | None], task: Object, separator: str
) -> str:
    try:
        strings = read(task) or ()
    except FaultError:
        return "(not in memory)"
    return separator.join(escape_ascii_string(string) for string in strings)


def _limits(prog: Program, task: Object) -> None:
    def text(limit: int | None) -> CellFormat:
        return CellFormat("(unlimited)" if limit is None else limit, "^")

    rows: list[list[Any]] = [
        [
            CellFormat("RLIMIT", ">"),
            CellFormat("CURRENT", "^"),
            CellFormat("MAXIMUM", "^"),
        ]
    ]
    for name, limit in task_rlimits(task).items():
        # The longest name is indented by two.
        rows.append([f"  {name:>10}", text(limit.cur), text(limit.max)])
    print(task_line(task))
    print_table(rows)


def _summary(prog: Program, args: argparse.Namespace, tasks: Iterable[Object]) -> None:
    for state, count in Counter(map(task_state, tasks)).items():
        print(f"  {state}: {count}")


def _by_arrival(
    text: Callable[[Object], str],
) -> Callable[[Program, argparse.Namespace, Iterable[Object]], None]:
    """Make a view of tasks in the order of when they were last put on a CPU."""

    def show(tasks: Iterable[Object], title: str = "") -> None:
        def arrival(task: Object) -> tuple[int, int, str, int]:
            # Those that arrived at once have upstream's order.
            when = task.sched_info.last_arrival.value_()
            return when, task_cpu(task), task_state_to_char(task), task.value_()

        order = sorted(tasks, key=arrival, reverse=True)
        lines = [(text(task), task) for task in order]
        width = max((len(when) for when, _ in lines), default=0)
        print(end=title)
        for when, task in lines:
            state = task_state_to_char(task)
            print(f"[{when:>{width}}] [{state}]  {task_line(task)}")

    def view(prog: Program, args: argparse.Namespace, tasks: Iterable[Object]) -> None:
        tasks = list(tasks)
        if args.cpus is None:
            show(tasks)
            return
        separator = ""
        for cpu in sorted(parse_cpuspec(args.cpus).resolve(prog)):
            on_cpu = (task for task in tasks if task_cpu(task) == cpu)
            show(on_cpu, f"{separator}CPU: {cpu}\n")
            separator = "\n"

    return view


def _arrival(task: Object) -> str:
    return str(task.sched_info.last_arrival.value_())


def _elapsed(task: Object) -> str:
    return days_and_milliseconds(task_since_last_arrival_ns(task))


VIEWS: dict[str, Callable[[Program, argparse.Namespace, Iterable[Object]], None]] = {
    "parents": _apart(_parents),
    "children": _apart(_children),
    "threads": _apart(_threads),
    "times": _apart(_times),
    "arguments": _apart(_arguments),
    "limits": _apart(_limits),
    "summary": _summary,
    "arrival": _by_arrival(_arrival),
    "elapsed": _by_arrival(_elapsed),
}


def _parents_code(code: CrashCodeBuilder) -> None:
    code.append("parents = []\nparent = task\n")
    with code.begin_block("while parent != parent.parent:\n"):
        code.append("parent = parent.parent\nparents.append(parent)\n")


def _children_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.list", "list_for_each_entry")
    code.append(
        "children = list(\n"
        "    list_for_each_entry(\n"
        '        "struct task_struct", task.children.address_of_(), "sibling"\n'
        "    )\n"
        ")\n"
    )


def _threads_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.pid", "for_each_task_in_group")
    code.append("threads = list(for_each_task_in_group(task))\n")


def _times_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.timekeeping", "ktime_get_coarse_ns")
    code.append(
        "start_time = task.start_time\n"
        "run_time = ktime_get_coarse_ns() - start_time\n"
        "utime = task.utime\n"
        "stime = task.stime\n"
    )


def _arguments_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.mm", "cmdline", "environ")
    code.append("arguments = cmdline(task)\nenvironment = environ(task)\n")


def _limits_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.resource", "task_rlimits")
    code.append("limits = task_rlimits(task)\n")


def _state_code(code: CrashCodeBuilder) -> None:
    code.add_from_import("drgn.helpers.linux.sched", "task_state_to_char")
    code.append("state = task_state_to_char(task)\n")


def _arrival_code(code: CrashCodeBuilder) -> None:
    _state_code(code)
    code.append("last_arrival = task.sched_info.last_arrival\n")


def _elapsed_code(code: CrashCodeBuilder) -> None:
    _state_code(code)
    code.add_from_import("drgn.helpers.linux.sched", "task_since_last_arrival_ns")
    code.append("elapsed_ns = task_since_last_arrival_ns(task)\n")


def _with_line(
    append: Callable[[CrashCodeBuilder], None],
) -> Callable[[CrashCodeBuilder], None]:
    def code(builder: CrashCodeBuilder) -> None:
        task_line_code(builder)
        append(builder)

    return code


CODE: dict[str, Callable[[CrashCodeBuilder], None]] = {
    "parents": _with_line(_parents_code),
    "children": _with_line(_children_code),
    "threads": _with_line(_threads_code),
    "times": _with_line(_times_code),
    "arguments": _with_line(_arguments_code),
    "limits": _with_line(_limits_code),
    "summary": _state_code,
    "arrival": _with_line(_arrival_code),
    "elapsed": _with_line(_elapsed_code),
}
