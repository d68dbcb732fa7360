"""``ps``: which tasks there are."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from drgn import Object, Program
from drgn.commands import (
    CommandArgumentError,
    ParsedCommand,
    argument,
    drgn_argument,
    mutually_exclusive_group,
    parse_shell_command,
)
from drgn.helpers.common.format import CellFormat, escape_ascii_string, print_table
from drgn.helpers.linux.mm import totalram_pages

from ._code import CrashCodeBuilder
from ._cpuspec import parse_cpuspec
from ._define import crash_custom_command
from ._ps_views import CODE, VIEWS
from ._task_command import TASK_COMMANDS, TaskCommand
from ._task_rows import kernel_stack_pointers, task_rows
from ._task_selection import POLICIES, TaskSelection, parse_policies


def _view(option: str, name: str, help: str) -> argument:
    return argument(option, dest="view", action="store_const", const=name, help=help)


_POLICY_NAMES = ", ".join(f"{name} ({number})" for name, number in POLICIES.items())

_LEADERS = argument(
    "-G",
    dest="leaders",
    action="store_true",
    help="only the leader of each thread group",
)
_POLICY = argument(
    "-y",
    dest="policies",
    metavar="POLICY",
    help="only tasks with one of these scheduling policies, names or numbers with"
    f" commas between: {_POLICY_NAMES}",
)
_HOW = (
    mutually_exclusive_group(
        _view("-s", "stack", "show kernel stack pointers in place of addresses"),
        _view("-p", "parents", "show each task's parent, its parent and so on"),
        _view("-c", "children", "show the children of each task"),
        _view("-t", "times", "show when each task started and what time it took"),
        _view(
            "-l",
            "arrival",
            "show when each task was last put on a CPU, the latest first",
        ),
        _view(
            "-m",
            "elapsed",
            "show how long ago each task was last put on a CPU, the latest first, as"
            " days hours:minutes:seconds.milliseconds",
        ),
        _view("-a", "arguments", "show the command line and the environment"),
        _view("-g", "threads", "show the threads of each thread group"),
        _view("-r", "limits", "show resource limits"),
        _view("-S", "summary", "show how many tasks are in each state"),
    ),
    argument(
        "-C",
        dest="cpus",
        metavar="CPU",
        help="with -l and -m, only tasks of these CPUs (``0,3-4``, ``a`` for all), by"
        " CPU",
    ),
    argument(
        "-H", dest="header", action="store_false", help="no line of column titles"
    ),
    drgn_argument,
)


def _show(prog: Program, args: argparse.Namespace, tasks: Iterable[Object]) -> None:
    """Show the tasks that ``foreach`` chose."""
    _check(args)
    _print(prog, args, list(tasks))


def _check(args: argparse.Namespace) -> None:
    if args.cpus is not None and args.view not in ("arrival", "elapsed"):
        raise CommandArgumentError("-C can only be used with -l or -m")


def _print(prog: Program, args: argparse.Namespace, tasks: list[Object]) -> None:
    if args.view in VIEWS:
        VIEWS[args.view](prog, args, tasks)
    else:
        _print_table(prog, args, tasks)


def _print_table(prog: Program, args: argparse.Namespace, tasks: list[Object]) -> None:
    total = totalram_pages(prog)
    kilobytes: int = prog["PAGE_SIZE"].value_() // 1024
    rows: list[list[Any]] = []
    stacks = args.view == "stack"
    if args.header:
        rows.append(
            [
                "",
                *(CellFormat(title, ">") for title in ("PID", "PPID", "CPU")),
                CellFormat("KSTACKP" if stacks else "TASK", "^"),
                "ST",
                *(CellFormat(title, ">") for title in ("%MEM", "VSZ", "RSS")),
                "COMM",
            ]
        )
    read = task_rows(prog, tasks)
    addresses = [row.address for row in read]
    if stacks:
        addresses = kernel_stack_pointers(prog, tasks)
    for row, address in zip(read, addresses, strict=True):
        name = escape_ascii_string(row.comm, escape_backslash=True)
        rows.append(
            [
                ">" if row.is_active else "",
                row.pid,
                row.ppid,
                row.cpu,
                CellFormat(address, "^x"),
                row.state,
                CellFormat(f"{100 * row.rss / total:.1f}", ">"),
                row.vsize // 1024,
                row.rss * kilobytes,
                f"[{name}]" if row.is_kthread else name,
            ]
        )
    print_table(rows)


def _code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    if args.cpus is not None:
        cpus = sorted(parse_cpuspec(args.cpus).resolve(code.program))
        code.add_from_import("drgn.helpers.linux.sched", "task_cpu")
        with code.begin_block(f"if task_cpu(task) not in {cpus}:\n"):
            code.append("continue\n")
    if args.view in CODE:
        CODE[args.view](code)
        return
    code.add_from_import("drgn.helpers.linux.mm", "task_rss", "task_vsize")
    code.add_from_import("drgn.helpers.linux.mm", "totalram_pages")
    code.add_from_import(
        "drgn.helpers.linux.sched", "task_cpu", "task_on_cpu", "task_state_to_char"
    )
    code.append(
        "pid = task.pid\n"
        "ppid = task.parent.pid\n"
        "cpu = task_cpu(task)\n"
        "active = task_on_cpu(task)\n"
        "state = task_state_to_char(task)\n"
        "rss = task_rss(task).total\n"
        "memory_percent = 100 * rss / totalram_pages()\n"
        "vsize = task_vsize(task)\n"
        "command = task.comm\n"
    )
    if args.view == "stack":
        code.add_from_import("drgn", "FaultError")
        code.append(
            """\
try:
    stack_pointer = prog.stack_trace(task)[0].sp
except (FaultError, LookupError, ValueError):
    stack_pointer = 0
"""
        )


def _print_code(
    prog: Program, args: argparse.Namespace, selection: TaskSelection
) -> None:
    code = CrashCodeBuilder(prog)
    summary = args.view == "summary"
    if summary:
        code.add_import("collections")
        code.append("counts = collections.Counter()\n")
    with selection.begin_code(code):
        _code(code, args)
        if summary:
            code.append("counts[state] += 1\n")
    code.print()


def _select(args: argparse.Namespace, selection: TaskSelection) -> None:
    """Choose what the options choose, for ``foreach`` too."""
    if args.leaders or args.view == "threads":
        selection.leaders = True
    if args.policies is not None:
        selection.policies = parse_policies(args.policies)


TASK_COMMANDS["ps"] = TaskCommand(
    (_LEADERS, _POLICY, *_HOW), _code, show_all=_show, select=_select
)


def _parse(source: str) -> ParsedCommand[list[str]]:
    # Quotes stay, since they make a regular expression of a name.
    parsed = parse_shell_command(source, unquote=False)
    return ParsedCommand(list(parsed.args), parsed.redirections, parsed.pipeline)


@crash_custom_command(
    description="process status information",
    long_description="List tasks: those on a CPU are marked with ``>``, kernel threads"
    " have their names in\nbrackets. %MEM is of all memory, VSZ and RSS are in KiB.",
    arguments=(
        mutually_exclusive_group(
            argument(
                "-k", dest="kernel", action="store_true", help="only kernel threads"
            ),
            argument("-u", dest="user", action="store_true", help="no kernel threads"),
        ),
        _LEADERS,
        _POLICY,
        argument("-A", dest="active", action="store_true", help="only tasks on a CPU"),
        *_HOW,
        argument(
            "tasks",
            metavar="pid|task|command",
            nargs="*",
            help="only tasks with this decimal process ID, hexadecimal address or"
            " name; after a ``\\`` it is a name whatever it looks like, and in single"
            " quotes (``'``) it is a regular expression",
        ),
    ),
    parse=_parse,
)
def _crash_cmd_ps(
    prog: Program,
    name: str,
    args: list[str],
    *,
    parser: argparse.ArgumentParser,
    **kwargs: Any,
) -> None:
    parsed = parser.parse_args(args)
    _check(parsed)
    selection = TaskSelection(
        kernel=parsed.kernel,
        user=parsed.user,
        active=parsed.active,
    )
    _select(parsed, selection)
    for word in parsed.tasks:
        selection.add(word)
    if parsed.drgn:
        _print_code(prog, parsed, selection)
        return
    tasks = list(selection.tasks(prog))
    if parsed.tasks:
        tasks.sort(key=lambda task: task.pid.value_())
    _print(prog, parsed, tasks)
