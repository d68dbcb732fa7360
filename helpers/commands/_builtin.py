"""The commands that every program has."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from drgn import Program, execscript

from .arguments import argument
from .define import command, custom_command, raw_command
from .namespace import DEFAULT_COMMAND_NAMESPACE
from .python import parse_python, run_python


@raw_command(
    description="execute a shell command",
    usage="**sh** [*command*]",
    long_description="With a command, run it by ``sh -c``; without one, run an"
    " interactive shell.\nThe result is the exit status.",
)
def _cmd_sh(prog: Program, name: str, args: str, **kwargs: Any) -> int:
    sys.stdout.flush()
    import subprocess

    return subprocess.call(["sh", "-c", "--", args] if args else ["sh", "-i"])


@custom_command(
    description="execute a python statement and allow shell redirection",
    usage="**py** *code*",
    long_description="Run Python code and send its output through redirections"
    " and pipes.\n\n"
    "The code ends at the first ``|``, ``<`` or ``>`` that has valid Python code"
    " before it,\nso put operators of Python itself into parentheses:\n"
    "``%py (flags | MASK) | grep 1``.",
    parse=parse_python,
)
def _cmd_py(
    prog: Program, name: str, args: str, *, globals: dict[str, Any], **kwargs: Any
) -> None:
    run_python(args, globals)


@command(
    description="run a drgn script",
    usage="**source** *script* ...",
    long_description="Run a script in the current environment: it sees the globals"
    " that are defined, and\nwhat it defines is added to them.",
    arguments=(
        argument("script", help="script file path"),
        argument(
            "args",
            nargs=argparse.REMAINDER,
            help="arguments to pass to the script",
        ),
    ),
)
def _cmd_source(
    prog: Program,
    name: str,
    args: argparse.Namespace,
    *,
    globals: dict[str, Any],
    **kwargs: Any,
) -> None:
    execscript(args.script, *args.args, globals=globals)


@command(
    description="list the commands, or show how one is used",
    arguments=(argument("command", nargs="?", help="name of a command"),),
)
def _cmd_help(
    prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
) -> None:
    if args.command is None:
        found = sorted(
            DEFAULT_COMMAND_NAMESPACE.enabled(prog), key=lambda entry: entry[0]
        )
        width = max(len(command_name) for command_name, _ in found)
        for command_name, each in found:
            print(f"{command_name:{width}}  {each.description()}")
        return
    each = DEFAULT_COMMAND_NAMESPACE.lookup(prog, args.command)
    print(f"usage: {each.format_usage()}")
    print(f"\n{each.description()}\n")
    print(each.format_help())
