"""The consoles of prompts: Python with ``%command`` lines, typed or edited."""

from __future__ import annotations

import builtins
import code
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drgn import Program
from drgn.hosts.namespace import DRGN_NAMES, helper_packages
from drgn.hosts.tracebacks import end_at_user

from .errors import CommandError, CommandNotFoundError, errors_of
from .namespace import DEFAULT_COMMAND_NAMESPACE, run_command

_PYTHON_DELIMITERS = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?"


def banner(prog: Program) -> str:
    """What a Python prompt begins with: the names that are there."""
    names = [name for name in DRGN_NAMES if not name.startswith(("search", "s"))]
    names += [name for name in DRGN_NAMES if name not in names]
    lines = [
        "For help, type help(drgn).",
        ">>> import drgn",
        f">>> from drgn import {', '.join(names)}",
    ]
    lines += [f">>> from {package} import *" for package in helper_packages(prog)]
    return "\n".join(lines)


def read_line(prompt: str) -> str:
    """``input()``, with line editing where the process has a terminal.

    A host may have put streams of its own in place of the terminal's, as GDB does, of
    which input() would not know that they are one. Raises EOFError at the end.
    """
    old = sys.stdin, sys.stdout
    if not hasattr(sys.stdout, "fileno") and sys.__stdin__ and sys.__stdout__:
        sys.stdout.flush()
        sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__
    try:
        return input(prompt)
    finally:
        sys.stdin, sys.stdout = old


def print_error(error: Exception, name: str = "drgn") -> None:
    """Say in a line on standard error how a command failed; in two if twice."""
    for one in errors_of(error):
        _print_error(one, name)


def _print_error(error: Exception, name: str) -> None:
    if isinstance(error, CommandError):
        text = str(error)
    elif isinstance(error, SyntaxError):
        text = f"syntax error: {error.msg}"
    else:
        # A KeyError's text is the repr() of its key.
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        text = f"error: {message}"
    print(f"{name}: {text}", file=sys.stderr)


class CommandConsole(code.InteractiveConsole):
    """A console that runs ``%name`` lines as commands and the rest as Python."""

    def __init__(self, prog: Program, names: dict[str, Any], filename: str) -> None:
        super().__init__(locals=names, filename=filename)
        self._prog = prog

    def raw_input(self, prompt: str = "") -> str:
        try:
            return read_line(prompt)
        except UnicodeDecodeError as error:
            print(f"error: {error}", file=sys.stderr)
            return ""

    def showtraceback(self) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            end_at_user(error)
        super().showtraceback()

    def runsource(
        self, source: str, filename: str = "<input>", symbol: str = "single"
    ) -> bool:
        if not source.lstrip().startswith("%"):
            return super().runsource(source, filename, symbol)
        self.run_command(source.strip().removeprefix("%"))
        return False

    def run_command(self, line: str) -> None:
        """Run a command; how it failed is printed, and its result is ``_``."""
        names: Any = self.locals
        result = run_command(self._prog, line, globals=names, onerror=self._print_error)
        if result is not None:
            builtins._ = result  # type: ignore[attr-defined]

    def _print_error(self, error: Exception) -> None:
        print_error(error)
        if isinstance(error, CommandNotFoundError):
            # Those of crash have a door of their own, which many come without.
            door = dict(DEFAULT_COMMAND_NAMESPACE.enabled(self._prog)).get("crash")
            if error.name in getattr(door, "names", tuple)():
                print(f"drgn: did you mean '%crash {error.name}'?", file=sys.stderr)


@contextmanager
def completing(complete: Any, delimiters: str | None) -> Iterator[None]:
    """Let Tab complete by ``complete(text, state)`` meanwhile, as readline has it.

    ``delimiters`` are the characters between words; None: those of Python.
    """
    try:
        import readline
        import rlcompleter  # noqa: F401 (it sets a completer when it is first imported)
    except ImportError:
        yield
        return
    old, old_delimiters = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(complete)
    readline.set_completer_delims(delimiters or _PYTHON_DELIMITERS)
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(old)
        readline.set_completer_delims(old_delimiters)
