"""``help``, ``drgn``, ``exit`` and ``q``: the session itself."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from typing import Any

from drgn import Program
from drgn.commands import Command, CommandNotFoundError, ParsedCommand, argument
from drgn.commands.python import parse_python, run_python

from ._define import (
    CRASH_COMMAND_NAMESPACE,
    crash_command,
    crash_custom_command,
    crash_raw_command,
)
from ._namespace import LeavePrompt, Unpaged


@crash_command(
    description="show what commands there are, or how one is used",
    usage="**help** [*command* ...]",
    arguments=(
        argument(
            "command",
            nargs="*",
            help="name of a command; ``all`` stands for each that there is",
        ),
    ),
)
def _crash_cmd_help(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    names = args.command
    if not names:
        _print_names(CRASH_COMMAND_NAMESPACE.names())
        print('\nFor a command\'s arguments and options, run "help <command>".')
        return
    if names == ["all"]:
        names = CRASH_COMMAND_NAMESPACE.names()
    for i, each in enumerate(names):
        if i:
            print()
        try:
            command = CRASH_COMMAND_NAMESPACE.lookup(prog, each)
        except CommandNotFoundError:
            print(f"No command named {each!r}")
            continue
        _print_help(each, command)


def _print_names(names: list[str]) -> None:
    """Print names in columns, sorted downwards."""
    width = max(map(len, names)) + 2
    columns = max(shutil.get_terminal_size((80, 24)).columns // (width + 6), 1)
    height = -(-len(names) // columns)
    print("Commands:")
    for row in range(height):
        line = "".join(name.ljust(width + 6) for name in names[row::height])
        print(line.rstrip())


def _print_help(name: str, command: Command[object]) -> None:
    print(f"NAME\n  {name} - {command.description()}\n")
    print(f"SYNOPSIS\n  {command.format_usage()}\n")
    print(f"DESCRIPTION\n{command.format_help(indent='  ')}")


def _parse_drgn(source: str) -> ParsedCommand[str]:
    return parse_python(source) if source.strip() else Unpaged("")


@crash_custom_command(
    description="run Python code, or a prompt for it",
    usage="**drgn** [*code*]",
    long_description="With code, run it, up to the first redirection or pipe.\n"
    "Without, open drgn's prompt; its end leads back here.",
    parse=_parse_drgn,
)
def _crash_cmd_drgn(
    prog: Program, name: str, args: str, *, globals: dict[str, Any], **kwargs: Any
) -> None:
    if args:
        run_python(args, globals)
        return
    from rlcompleter import Completer

    from drgn.commands.console import CommandConsole, banner, completing
    from drgn.hosts.display import displayhook

    old = sys.displayhook
    sys.displayhook = displayhook
    try:
        with completing(Completer(globals).complete, delimiters=None):
            console = CommandConsole(prog, globals, "<console>")
            console.interact(banner=banner(prog), exitmsg="")
    finally:
        sys.displayhook = old


@crash_raw_command(
    name="!",
    description="run a shell command",
    usage="**!** *command*",
    long_description="The rest of the line is the shell's; the name may follow at once"
    " (``!date``).",
    parse=Unpaged,
)
def _crash_cmd_shell(prog: Program, name: str, args: str, **kwargs: Any) -> int:
    sys.stdout.flush()
    return subprocess.call(["sh", "-c", "--", args])


def _exit(prog: Program, name: str, args: argparse.Namespace, **kwargs: Any) -> None:
    raise LeavePrompt


for _name in ("exit", "q"):
    crash_command(
        name=_name,
        description="leave this prompt",
        usage=f"**{_name}**",
        long_description="Back to the prompt that this one was opened at, if there"
        " is one.",
    )(_exit)
