"""The namespace: how a line finds its command, and where its output goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from drgn import Program
from drgn.commands import (
    Command,
    CommandNotFoundError,
    ParsedCommand,
)
from drgn.commands.namespace import LazyCommandNamespace
from drgn.commands.shell import shell_output

from ._pager import scrolling

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_]\w*")


class Unpaged(ParsedCommand[T]):
    """A line whose output never goes through a pager, since it talks to the user."""


class CrashCommandNamespace(LazyCommandNamespace):
    """Commands, and names of structures and unions, which show those."""

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
            return shell_output(parsed)
        return _both(shell_output(parsed), scrolling(prog))


@contextmanager
def _both(
    outer: AbstractContextManager[None], inner: AbstractContextManager[None]
) -> Iterator[None]:
    with outer, inner:
        yield


def _is_type(prog: Program, name: str) -> bool:
    for kind in ("struct", "union"):
        try:
            prog.type(f"{kind} {name}")
        except LookupError:
            continue
        return True
    return False
