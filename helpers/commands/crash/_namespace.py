"""The namespace: how a line finds its command, and where its output goes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from drgn import Object, Program
from drgn.commands import (
    Command,
    CommandError,
    CommandNotFoundError,
    ParsedCommand,
)
from drgn.commands.namespace import LazyCommandNamespace
from drgn.commands.shell import shell_output

from ._pager import scrolling

T = TypeVar("T")

_NEGATIVE = re.compile(r"-(?:0[xX])?[0-9a-fA-F]*[0-9][0-9a-fA-F]*")
_NAME = re.compile(r"[A-Za-z_]\w*")


class LeavePrompt(Exception):
    """Raised by the commands that end the prompt."""


class Unpaged(ParsedCommand[T]):
    """A line whose output never goes through a pager, since it talks to the user."""


class CrashCommandNamespace(LazyCommandNamespace):
    """Commands, and names of structures and unions or typedefs, which show those."""

    def __init__(
        self,
        modules: Mapping[str, str],
        argparse_types: Sequence[tuple[str, Callable[[str], Any]]],
    ) -> None:
        super().__init__(
            modules, func_name_prefix="_crash_cmd_", argparse_types=argparse_types
        )

    def names(self) -> list[str]:
        """The names of all commands, without importing them."""
        return sorted([*self._modules, *self._commands])

    def complete(self, prog: Program, line: str) -> list[str]:
        if " " in line.lstrip():
            return super().complete(prog, line)
        return [name for name in self.names() if name.startswith(line.lstrip())]

    def arrange(
        self, parser: argparse.ArgumentParser, args: Sequence[str]
    ) -> Sequence[str]:
        """Move options before the other arguments, between which they may stand."""
        options: list[str] = []
        others: list[str] = []
        known = parser._option_string_actions
        rest = list(args)
        while rest:
            word = rest.pop(0)
            if word == "--":
                return [*options, word, *others, *rest]
            action = known.get(word)
            if action is None:
                # Joined options (-xd, -c3) keep their values themselves.
                joined = known.get(word[:2]) if word[:1] == "-" else None
                (others if joined is None else options).append(word)
                continue
            options.append(word)
            if action.nargs is None or isinstance(action.nargs, int):
                count = 1 if action.nargs is None else action.nargs
                if count == 1 and rest and _NEGATIVE.fullmatch(rest[0]):
                    options[-1] += rest.pop(0)  # Apart, it would pass for an option.
                    continue
                options += rest[:count]
                del rest[:count]
            else:
                return args  # How many values it has, only argparse can tell.
        return [*options, *others]

    def _find(self, prog: Program, line: str) -> tuple[str, Command[Any], str]:
        line = line.lstrip()
        if line.startswith(("*", "!")):
            return line[0], self.lookup(prog, line[0]), line[1:]
        try:
            return super()._find(prog, line)
        except CommandNotFoundError as error:
            name = _NAME.match(error.name)
            if name is None or not _is_type(prog, name[0]):
                raise
            return "*", self.lookup(prog, "*"), line

    def _output(
        self, prog: Program, parsed: ParsedCommand[Any]
    ) -> AbstractContextManager[None]:
        redirected = any(each.fd == 1 for each in parsed.redirections)
        elsewhere = parsed.pipeline is not None or redirected
        if elsewhere or isinstance(parsed, Unpaged):
            return _output_of(shell_output(parsed))
        return _output_of(shell_output(parsed), scrolling(prog))


@contextmanager
def _output_of(*where: AbstractContextManager[None]) -> Iterator[None]:
    """Have a command print there, and end in an error of commands."""
    with ExitStack() as stack:
        for each in where:
            stack.enter_context(each)
        try:
            yield
        except AttributeError as error:
            # Of debug info that is damaged, or of a kernel that nobody knew.
            if isinstance(error.obj, Object):
                raise CommandError(str(error)) from error
            raise


def _is_type(prog: Program, name: str) -> bool:
    from ._members import find_type

    try:
        find_type(prog, name)
    except LookupError:
        return False
    return True
