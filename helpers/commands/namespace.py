"""Commands by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from drgn import Program

from .errors import CommandNotFoundError
from .shell import ParsedCommand, shell_output, split_command

T = TypeVar("T")


class Command(Protocol[T]):
    """What a command must be able to do.

    ``command()``, ``custom_command()`` and ``raw_command()`` make one from a
    function; this is for those that need more.
    """

    def description(self) -> str:
        """One line that says what the command does."""
        ...

    def format_usage(self) -> str:
        """How the command is called."""
        ...

    def format_help(self, *, indent: str = "") -> str:
        """The help text, each line after ``indent``."""
        ...

    def enabled(self, prog: Program) -> bool:
        """Whether the command makes sense for a program."""
        ...

    def parse(self, source: str, /) -> ParsedCommand[T]:
        """Take apart the text after the command's name."""
        ...

    def run(
        self, prog: Program, name: str, args: T, /, *, globals: dict[str, Any]
    ) -> Any:
        """Run the command as ``name``; more keyword arguments may come."""
        ...


class CommandNamespace:
    """A set of commands.

    ``func_name_prefix`` is what the names of functions that become commands
    begin with, ``argparse_types`` are names for the ``type`` of arguments.
    """

    def __init__(
        self,
        *,
        func_name_prefix: str = "_cmd_",
        argparse_types: Sequence[tuple[str, Callable[[str], Any]]] = (),
    ) -> None:
        self.func_name_prefix = func_name_prefix
        self.argparse_types = tuple(argparse_types)
        self._commands: dict[str, Command[Any]] = {}

    def register(self, name: str, command: Command[Any]) -> None:
        """Add a command; a later one replaces an earlier one of its name."""
        self._commands[name] = command

    def lookup(self, prog: Program, name: str) -> Command[object]:
        """The command ``name``; CommandNotFoundError if ``prog`` has none."""
        command = self._commands.get(name)
        if command is None or not command.enabled(prog):
            raise CommandNotFoundError(name)
        return command

    def enabled(self, prog: Program) -> Iterable[tuple[str, Command[object]]]:
        """The names and commands that ``prog`` has."""
        for name, command in self._commands.items():
            if command.enabled(prog):
                yield name, command

    def run(
        self,
        prog: Program,
        command: str,
        *,
        globals: dict[str, Any] | None = None,
        onerror: Callable[[Exception], None] | None = None,
    ) -> Any:
        """Run a line: a command's name, its arguments, redirections, pipes.

        ``globals`` are by default the caller's. ``onerror`` is given an exception
        in place of its being raised. Returns what the command returns.
        """
        if globals is None:
            globals = sys._getframe(1).f_globals
        try:
            name, rest = split_command(command)
            found = self.lookup(prog, name)
            parsed = found.parse(rest)
            with shell_output(parsed):
                return found.run(prog, name, parsed.args, globals=globals)
        except Exception as error:
            if onerror is None:
                raise
            onerror(error)
            return None


DEFAULT_COMMAND_NAMESPACE = CommandNamespace()
"""The commands of the prompt (``%name``) and of GDB (``drgn name``)."""


def run_command(
    prog: Program,
    command: str,
    *,
    globals: dict[str, Any] | None = None,
    onerror: Callable[[Exception], None] | None = None,
) -> Any:
    """``CommandNamespace.run()`` of the default namespace."""
    if globals is None:
        globals = sys._getframe(1).f_globals
    return DEFAULT_COMMAND_NAMESPACE.run(
        prog, command, globals=globals, onerror=onerror
    )
