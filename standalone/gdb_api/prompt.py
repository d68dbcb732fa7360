"""``%gdb LINE`` at the prompt, and files of GDB's commands on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from drgn import Program
from drgn.commands import DEFAULT_COMMAND_NAMESPACE
from drgn.commands.shell import ParsedCommand
from drgn.hosts.namespace import LazyGlobals

from . import scripts
from .command import completions
from .errors import GdbError, error
from .execute import run_shown
from .session import current


class GdbLine:
    """The prompt's command that runs a line of GDB's."""

    def description(self) -> str:
        """One line that says what the command does."""
        return "run a GDB command without GDB"

    def format_usage(self) -> str:
        """How the command is called."""
        return "gdb [command]"

    def format_help(self, *, indent: str = "") -> str:
        """The help text, each line after ``indent``."""
        lines = (
            "usage: gdb [command]",
            "",
            "Run a command of GDB's on the program: print, x, ptype, bt, info, source.",
            "Without a command, read commands until quit. `gdb help` lists them.",
        )
        return "".join(f"{indent}{line}\n" for line in lines)

    def enabled(self, prog: Program) -> bool:
        """Of every program."""
        return True

    def parse(self, source: str, /) -> ParsedCommand[str]:
        """The line as it is."""
        return ParsedCommand(source)

    def run(
        self, prog: Program, name: str, args: str, /, *, globals: dict[str, Any]
    ) -> None:
        """Run the line; how it failed is printed as GDB does."""
        session = current()
        session.names = globals
        line = args.strip()
        if line:
            _run(line)
            return
        while True:
            try:
                line = _read("(gdb) ")
            except EOFError:
                print()
                return
            if line.strip() in ("quit", "q", "exit"):
                return
            _run(line)

    def complete(self, prog: Program, line: str) -> list[str]:
        """What may stand in place of the last word of a line."""
        return list(completions(current().root, line))


def _read(prompt: str) -> str:
    from drgn.commands.console import read_line

    return read_line(prompt)


def _run(line: str) -> None:
    """Run a line, with the lines of the block that it begins."""
    if scripts.block_kind(line.strip()):
        try:
            scripts.run(_block(line), True)
        except (error, GdbError) as reason:
            print(str(reason).rstrip("\n"), file=sys.stderr)
        return
    run_shown(current(), line)


def _block(line: str) -> Iterator[str]:
    """A line and what is typed behind it, until its block ends."""
    yield line
    depth = 1
    while depth:
        try:
            line = _read(">" + " " * depth)
        except EOFError:
            return
        word = line.strip()
        depth += (1 if scripts.block_kind(word) else 0) - (word == "end")
        yield line


def register() -> None:
    """Let the prompt have ``%gdb``."""
    DEFAULT_COMMAND_NAMESPACE.register("gdb", GdbLine())


def run_file(prog: Program, path: str) -> bool:
    """Run a file of GDB's commands; whether it went well."""
    session = current()
    session.names = LazyGlobals(prog)
    return run_shown(session, f"source {path}")
