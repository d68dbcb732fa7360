"""Commands by name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol, TypeVar

from drgn import Program
from drgn.plugins import is_wanted

from .errors import CommandNotFoundError, errors_of
from .shell import ParsedCommand, shell_output, split_command

T = TypeVar("T")

#: Commands whose arguments are files, as a rule.
_WITH_FILES = ("sh", "source")


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

    def arrange(
        self, parser: argparse.ArgumentParser, args: Sequence[str]
    ) -> Sequence[str]:
        """The words of a command in the order in which its parser wants them."""
        return args

    def complete(self, prog: Program, line: str) -> list[str]:
        """What may stand in place of the last word of a line that is being typed.

        That is the name of a command, after ``help`` too, the name of a file where
        there must be one, or what a command's own ``complete(prog, line)`` returns for
        the line after its name.
        """
        name, space, rest = line.lstrip().partition(" ")
        if not space:
            return sorted(
                each for each, _ in self.enabled(prog) if each.startswith(name)
            )
        before, _, word = rest.rpartition(" ")
        wants_file = name in _WITH_FILES or before.rstrip().endswith((">", "<"))
        if wants_file and not word.startswith("-"):
            from .completion import file_completions

            return file_completions(word)
        if name == "help":
            return self.complete(prog, rest)
        try:
            complete = getattr(self.lookup(prog, name), "complete", None)
        except CommandNotFoundError:
            return []
        return complete(prog, rest) if complete is not None else []

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
        in place of its being raised, or both if the command and its pipeline fail,
        which is an ExceptionGroup otherwise. Returns what the command returns.
        """
        if globals is None:
            globals = sys._getframe(1).f_globals
        try:
            name, found, rest = self._find(prog, command)
            parsed = found.parse(rest)
            with self._output(prog, parsed):
                return found.run(prog, name, parsed.args, globals=globals)
        except Exception as error:
            if onerror is None:
                raise
            for one in errors_of(error):
                onerror(one)
            return None

    def _find(self, prog: Program, line: str) -> tuple[str, Command[Any], str]:
        """The name that a line begins with, its command, and the rest of the line."""
        name, rest = split_command(line)
        return name, self.lookup(prog, name), rest

    def _output(
        self, prog: Program, parsed: ParsedCommand[Any]
    ) -> AbstractContextManager[None]:
        """Where what a command prints goes."""
        return shell_output(parsed)


class LazyCommandNamespace(CommandNamespace):
    """Commands whose modules are imported when they are first asked for.

    ``modules`` are the full names of the modules by the names of the commands which
    they register when they are imported.
    """

    def __init__(self, modules: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._modules = dict(modules)

    def register(self, name: str, command: Command[Any]) -> None:
        self._modules.pop(name, None)
        super().register(name, command)

    def lookup(self, prog: Program, name: str) -> Command[object]:
        if name in self._modules:
            import_module(self._modules[name])
        return super().lookup(prog, name)

    def enabled(self, prog: Program) -> Iterable[tuple[str, Command[object]]]:
        for module in sorted(set(self._modules.values())):
            import_module(module)
        return super().enabled(prog)


def _builtin_commands() -> Iterator[tuple[str, str]]:
    """The commands that come along and are wanted, with their modules."""
    if is_wanted("builtin_commands"):
        for name in ("help", "py", "sh", "source"):
            yield name, "drgn.commands._builtin"
    if is_wanted("crash_commands"):
        yield "crash", "drgn.commands.crash_command"


DEFAULT_COMMAND_NAMESPACE: CommandNamespace = LazyCommandNamespace(
    dict(_builtin_commands())
)
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
