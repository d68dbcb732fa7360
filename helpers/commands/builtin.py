"""The commands that every program has."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

from drgn import Program, ProgramFlags, execscript

from .arguments import argument
from .define import command, custom_command, raw_command
from .errors import CommandArgumentError
from .namespace import DEFAULT_COMMAND_NAMESPACE
from .shell import ParsedCommand, parse_shell_command


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


def parse_python(source: str) -> ParsedCommand[str]:
    """Part Python code from the redirections and pipes after it.

    The code ends at the first operator that has valid Python before it.
    """
    import ast

    for match in re.finditer(r"[|<>]", source):
        code = source[: match.start()]
        # A file descriptor before the operator belongs to it.
        digits = re.search(r"(?<!\S)\d+$", code)
        end = digits.start() if digits and match[0] != "|" else match.start()
        code = source[:end].strip()
        try:
            ast.parse(code)
        except SyntaxError:
            continue
        if not code:
            raise CommandArgumentError("expected code")
        parsed = parse_shell_command(source[end:])
        if parsed.args:
            raise SyntaxError(f"unexpected {parsed.args[0]!r} after redirections")
        return ParsedCommand(code, parsed.redirections, parsed.pipeline)
    code = source.strip()
    if not code:
        raise CommandArgumentError("expected code")
    return ParsedCommand(code)


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


def run_python(source: str, globals: dict[str, Any]) -> None:
    """Run a statement as the prompt does; what it raises is printed."""
    try:
        exec(compile(source + "\n", "<input>", "single"), globals)
    except BrokenPipeError:
        raise  # Not the code's fault: who read its output has gone.
    except (Exception, KeyboardInterrupt) as error:
        # The frame of this function says nothing to the user.
        own = error.__traceback__
        error.__traceback__ = own.tb_next if own is not None else None
        import traceback

        from drgn.tracebacks import end_at_user

        end_at_user(error)

        traceback.print_exception(error)


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


class _CrashCommand:
    """Runs the commands of crash, which are imported when one is first run."""

    def description(self) -> str:
        return "run a command of the crash utility, or its prompt"

    def format_usage(self) -> str:
        return "crash [command]"

    def format_help(self, *, indent: str = "") -> str:
        lines = (
            "The commands of the crash utility, with its syntax and its output.",
            "",
            "With a command, run it, with its arguments, redirections and pipes."
            " Without",
            "one, open a prompt at which the commands stand alone.",
            "",
            "%crash help lists the commands.",
        )
        return "\n".join(f"{indent}{line}".rstrip() for line in lines)

    def enabled(self, prog: Program) -> bool:
        return bool(prog.flags & ProgramFlags.IS_LINUX_KERNEL)

    def parse(self, source: str, /) -> ParsedCommand[str]:
        return ParsedCommand(source)  # The command's own is the shell syntax.

    def run(
        self, prog: Program, name: str, args: str, /, *, globals: dict[str, Any]
    ) -> Any:
        from .crash import CRASH_COMMAND_NAMESPACE

        if args.strip():
            return CRASH_COMMAND_NAMESPACE.run(prog, args, globals=globals)
        from .crash._prompt import run_prompt

        return run_prompt(prog, globals)

    def complete(self, prog: Program, line: str) -> list[str]:
        from .crash import CRASH_COMMAND_NAMESPACE

        return CRASH_COMMAND_NAMESPACE.complete(prog, line)


DEFAULT_COMMAND_NAMESPACE.register("crash", _CrashCommand())
