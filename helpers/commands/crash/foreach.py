"""``foreach``: a command on many tasks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from drgn import Object, Program
from drgn.commands import (
    CommandArgumentError,
    ParsedCommand,
    argument,
    drgn_argument,
    parse_shell_command,
    unquote_shell_word,
)
from drgn.commands.arguments import make_parser

from ._code import CrashCodeBuilder
from ._define import CRASH_COMMAND_NAMESPACE, crash_custom_command
from ._task_command import TASK_COMMANDS, TaskCommand
from ._task_selection import TaskSelection
from ._tasks import task_line, task_line_code
from .set import print_task
from .translate import VTOP_ARGUMENTS, address_spaces, append_vtop, print_vtop


def _show_context(prog: Program, args: argparse.Namespace, task: Object) -> None:
    print(task_line(task))
    print_task(task)


def _context_code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    task_line_code(code)
    code.add_from_import(
        "drgn.helpers.linux.sched", "get_task_state", "task_thread_info"
    )
    code.append("thread_info = task_thread_info(task)\nstate = get_task_state(task)\n")


def _show_vtop(prog: Program, args: argparse.Namespace, task: Object) -> None:
    print(task_line(task))
    print_vtop(prog, args, task)


def _vtop_code(code: CrashCodeBuilder, args: argparse.Namespace) -> None:
    append_vtop(code, address_spaces(code.program, args))


# What these show of the context, of each task.
TASK_COMMANDS["set"] = TaskCommand((drgn_argument,), _context_code, _show_context)
TASK_COMMANDS["vtop"] = TaskCommand(VTOP_ARGUMENTS, _vtop_code, _show_vtop)

# What crash calls the states, which are the letters' names in its own ps. But for DE,
# which is the number of a task, too.
_STATES = {
    "RU": "R", "IN": "S", "UN": "D", "ST": "T", "TR": "t", "ZO": "Z", "PA": "P",
    "ID": "I",
}  # fmt: skip
_COMMANDS = ("bt", "files", "ps", "set", "sig", "task", "vm", "vtop")


@dataclass
class _Line:
    """The tasks, the command, its arguments, and whether its code is wanted."""

    words: list[str]
    command: str | None
    arguments: list[str]
    drgn: bool


def _parse(source: str) -> ParsedCommand[_Line]:
    # Quotes stay, since they make a regular expression of a name.
    parsed = parse_shell_command(source, unquote=False)
    words = list(parsed.args)
    drgn = False
    selection: list[str] = []
    command = None
    while words and command is None:
        word = words.pop(0)
        if word == "--drgn":
            drgn = True
        elif unquote_shell_word(word) in _COMMANDS and not word.startswith("\\"):
            command = unquote_shell_word(word)
        else:
            selection.append(word)
    arguments = [unquote_shell_word(word) for word in words]
    line = _Line(selection, command, arguments, drgn)
    return ParsedCommand(line, parsed.redirections, parsed.pipeline)


@crash_custom_command(
    description="run a command on many tasks",
    usage="**foreach** [**--drgn**] [*pid* | *task* | *name* ...]"
    " [**kernel** | **user** | **gleader**] [**active**] [*state*] *command*"
    " [*-option* ...]",
    long_description="Run a command on all tasks, or on those that match what stands"
    " before it.",
    arguments=(
        argument("pid", help="tasks with this decimal process ID"),
        argument("task", help="the task_struct at this hexadecimal address"),
        argument(
            "name",
            help="tasks with this name; after a ``\\`` it is a name whatever it looks"
            " like, and in single quotes (``'``) it is a regular expression",
        ),
        argument("kernel", help="kernel threads only"),
        argument("user", help="no kernel threads"),
        argument("gleader", help="thread group leaders only"),
        argument("active", help="tasks that are on a CPU only"),
        argument(
            "state",
            help="tasks in this state only (``R``, ``D``, ..., or ``RU``,"
            " ``UN``, ... as the crash utility calls them)",
        ),
        argument("command", help=f"one of {', '.join(_COMMANDS)}"),
        argument("-option", help="options of the command"),
        drgn_argument,
    ),
    parse=_parse,
)
def _crash_cmd_foreach(
    prog: Program,
    name: str,
    args: _Line,
    *,
    parser: argparse.ArgumentParser,
    **kwargs: Any,
) -> Any:
    """Return what the command returns of the last task."""
    if args.command is None:
        _fail("no command given")
    selection = _selection(prog, args.words)
    CRASH_COMMAND_NAMESPACE.lookup(prog, args.command)  # Imports its module.
    command = TASK_COMMANDS[args.command]
    command_parser = make_parser(
        f"foreach {args.command}",
        command.arguments,
        CRASH_COMMAND_NAMESPACE.argparse_types,
    )
    command_args = command_parser.parse_args(args.arguments)
    if command.select is not None:
        command.select(command_args, selection)
    if not (args.drgn or command_args.drgn):
        tasks = selection.tasks(prog)
        return command.run(prog, command_args, tasks, keep_going=True)
    code = CrashCodeBuilder(prog)
    with selection.begin_code(code):
        command.code(code, command_args)
    code.print()
    return None


def _fail(message: str) -> NoReturn:
    raise CommandArgumentError(f"foreach: error: {message}")


def _selection(prog: Program, words: Sequence[str]) -> TaskSelection:
    states = {name.string_()[:1].decode() for name in prog["task_state_array"]}
    selection = TaskSelection()
    for word in words:
        state = _STATES.get(word, word)
        if word == "kernel":
            selection.kernel = True
        elif word == "user":
            selection.user = True
        elif word == "gleader":
            # Kernel threads lead nothing.
            selection.leaders = selection.user = True
        elif word == "active":
            selection.active = True
        elif state in states:
            if selection.state is not None:
                _fail("only one task state allowed")
            selection.state = state
        else:
            selection.add(word)
    if selection.kernel and selection.user:
        _fail("kernel and user are mutually exclusive")
    return selection
