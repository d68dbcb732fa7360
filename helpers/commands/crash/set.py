"""``set``: the context of the session, and how it prints."""

from __future__ import annotations

import argparse
from typing import Any

from drgn import FaultError, Object, Program
from drgn.commands import (
    CommandArgumentError,
    CommandError,
    argument,
    drgn_argument,
    mutually_exclusive_group,
)
from drgn.helpers.common.format import double_quote_ascii_string
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.panic import panic_task
from drgn.helpers.linux.sched import (
    cpu_curr,
    get_task_state,
    task_cpu,
    task_on_cpu,
    task_thread_info,
)

from ._code import CrashCodeBuilder
from ._context import (
    context_origin,
    default_context,
    find_pid_or_task,
    set_context,
    task_context,
)
from ._define import crash_command, pid_or_task
from ._output import print_lines, radix
from ._pager import chosen_pager, pager_command, scrolls


@crash_command(
    description="choose the context, or an option of the session",
    usage="**set** [*pid* | *task* | **-p** | **-c** *CPU* | *option* [*value*]]"
    " [**--drgn**]",
    long_description="The context is the task that commands are about which are given"
    " none. Without\narguments, it is shown.\n\n"
    "With the name of an option, its value is shown, or set to the one that"
    " follows:\n\n"
    "  scroll on|off     whether long output goes through a pager\n"
    "  scroll less|more  the pager\n"
    "  radix 10|16       the base that integers are shown in",
    arguments=(
        mutually_exclusive_group(
            argument(
                "pid_or_task_or_option",
                metavar="pid|task|option",
                nargs="*",
                default=[],
                help="decimal PID, hexadecimal address of a task_struct, or an option"
                " and its value",
            ),
            argument("-c", dest="cpu", type=int, metavar="CPU",
                     help="the task that runs on this CPU"),
            argument("-p", dest="panic", action="store_true",
                     help="the task that panicked; in a live kernel, drgn's own"),
        ),
        drgn_argument,
    ),
)  # fmt: skip
def _crash_cmd_set(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> Object | None:
    words = args.pid_or_task_or_option
    if words and words[0] in _OPTIONS:
        if args.drgn:
            raise CommandError("an option of this session has no code that does it")
        _check_count(words, 2)
        _OPTIONS[words[0]](prog, *words[1:])
        return None
    _check_count(words, 1)
    chosen = _chosen(prog, words[0] if words else None, args)
    if args.drgn:
        _print_code(prog, chosen)
        return None
    if chosen is not None:
        set_context(prog, *chosen)
    task = task_context(prog)
    print_task(task)
    return task


def _check_count(words: list[str], most: int) -> None:
    if len(words) > most:
        extra = " ".join(words[most:])
        raise CommandArgumentError(f"set: error: unrecognized arguments: {extra}")


def _chosen(
    prog: Program, word: str | None, args: argparse.Namespace
) -> tuple[Object, tuple[str, int | None]] | None:
    """The task that the arguments choose and its origin, None if they do not."""
    if args.panic:
        return default_context(prog)
    if args.cpu is not None:
        if args.cpu not in set(for_each_possible_cpu(prog)):
            raise ValueError(f"invalid CPUs: {args.cpu}")
        return cpu_curr(prog, args.cpu), ("cpu", args.cpu)
    if word is None:
        return None
    try:
        task = pid_or_task(word)
    except ValueError:
        raise CommandArgumentError(
            f"set: error: not a pid, task, or option: {word!r}"
        ) from None
    return find_pid_or_task(prog, task), (task.kind, task.value)


def _has_panicked(task: Object) -> bool:
    try:
        return bool(task == panic_task(task.prog_))
    except (FaultError, LookupError, ValueError):
        return False  # A dump may lack the memory of the CPU that panicked.


def print_task(task: Object, width: int = 7) -> None:
    """Print which task the context is, with titles that end at a column."""
    address = f"{task.value_():x}"
    info = f"{task_thread_info(task).value_():x}"
    state = get_task_state(task)
    if _has_panicked(task):
        state += " (PANIC)"
    elif task_on_cpu(task):
        state += " (ACTIVE)"
    lines = [
        ("PID", str(task.pid.value_())),
        ("COMMAND", double_quote_ascii_string(task.comm.string_())),
        ("TASK", f"{address}  [THREAD_INFO: {info}]"),
        ("CPU", str(task_cpu(task))),
        ("STATE", state),
    ]
    print_lines(lines, width)


def _print_code(
    prog: Program, chosen: tuple[Object, tuple[str, int | None]] | None
) -> None:
    code = CrashCodeBuilder(prog)
    origin = context_origin(prog) if chosen is None else chosen[1]
    code.append_origin(origin)
    code.add_from_import("drgn.helpers.linux.panic", "panic_task")
    code.add_from_import(
        "drgn.helpers.linux.sched",
        "get_task_state", "task_cpu", "task_on_cpu", "task_thread_info",
    )  # fmt: skip
    code.append(
        "pid = task.pid\n"
        "command = task.comm\n"
        "thread_info = task_thread_info(task)\n"
        "cpu = task_cpu(task)\n"
        "state = get_task_state(task)\n"
        "panicked = task == panic_task()\n"
        "active = task_on_cpu(task)\n"
    )
    code.print()


def _radix(prog: Program, value: str | None = None) -> None:
    if value is not None:
        base = {"10": 10, "dec": 10, "decimal": 10, "16": 16, "hex": 16}.get(value)
        if base is None:
            raise CommandArgumentError(f"set: error: radix is 10 or 16, not {value!r}")
        prog.config["crash_radix"] = base
    base = radix(prog)
    print(f"output radix: {base} ({'hex' if base == 16 else 'decimal'})")


def _scroll(prog: Program, value: str | None = None) -> None:
    if value in ("on", "off"):
        prog.config["crash_scroll"] = value == "on"
    elif value in ("less", "more"):
        command = pager_command(value)
        if command is None:
            raise CommandError(f"the pager {value} is not installed")
        prog.config["crash_pager"] = command
    elif value is not None:
        raise CommandArgumentError(
            f"set: error: scroll is on, off, less or more, not {value!r}"
        )
    state = "on" if scrolls(prog) else "off"
    print(f"scroll: {state} ({chosen_pager(prog) or 'no pager is installed'})")


_OPTIONS = {"radix": _radix, "scroll": _scroll}
