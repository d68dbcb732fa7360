"""The commands that are there before any script."""

from __future__ import annotations

from . import (
    code_commands,
    data_commands,
    info_commands,
    list_command,
    stack_commands,
    support_commands,
)
from .command import Entry
from .errors import error

_ALIASES = {
    "p": "print",
    "inspect": "print",
    "call": "print",
    "i": "info",
    "inf": "info",
    "bt": "backtrace",
    "where": "backtrace",
    "f": "frame",
    "h": "help",
    "l": "list",
    "t": "thread",
    "o": "output",
    "py": "python",
    "so": "source",
    "s": "step",
    "n": "next",
    "c": "continue",
    "r": "run",
    "b": "break",
    "u": "until",
    "d": "delete",
    "e": "eval",
    "q": "quit",
    "dis": "disable",
    "k": "kill",
}
_NOT_RUN = (
    "advance",
    "attach",
    "continue",
    "detach",
    "finish",
    "handle",
    "jump",
    "kill",
    "next",
    "nexti",
    "return",
    "reverse-continue",
    "reverse-next",
    "reverse-step",
    "run",
    "signal",
    "start",
    "step",
    "stepi",
    "until",
)
_NO_BREAKPOINTS = (
    "awatch",
    "break",
    "catch",
    "clear",
    "condition",
    "delete",
    "disable",
    "enable",
    "hbreak",
    "ignore",
    "rbreak",
    "rwatch",
    "tbreak",
    "thbreak",
    "watch",
)
NO_BREAKPOINTS = "The program is not being run: there are no breakpoints."


def _not_run(arguments: str, from_tty: bool) -> None:
    raise error("The program is not being run.")


def _no_breakpoints(arguments: str, from_tty: bool) -> None:
    raise error(NO_BREAKPOINTS)


def commands() -> Entry:
    """The tree of the commands, a new one."""
    root = Entry("", children={}, aliases=dict(_ALIASES))
    for name in _NOT_RUN:
        root.add(name, _not_run, "Runs the program: nothing runs here.")
    for name in _NO_BREAKPOINTS:
        root.add(name, _no_breakpoints, "Is about breakpoints: nothing runs here.")
    code_commands.register(root)
    data_commands.register(root)
    stack_commands.register(root)
    info_commands.register(root)
    list_command.register(root)
    support_commands.register(root)
    return root
