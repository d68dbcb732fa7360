"""drgn's prompt on GDB's terminal, and completion."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Sequence
from rlcompleter import Completer
from typing import Any

import __main__
from drgn.commands.console import CommandConsole, print_error

from .completion import completing
from .session import Names, command_completions, displayed, is_command, names, run_line


class _Console(CommandConsole):
    def raw_input(self, prompt: object = "") -> str:
        # Not the text of sys.ps1, see interactive.py.
        return super().raw_input("... " if self.buffer else ">>> ")

    def runsource(
        self, source: str, filename: str = "<input>", symbol: str = "single"
    ) -> bool:
        names()
        return super().runsource(source, filename, symbol)

    def run_command(self, line: str) -> None:
        try:
            run_line(f"%{line}")
        except Exception as error:
            print_error(error)


def interact() -> None:
    """Run the prompt until the user leaves it with Ctrl-D or exit()."""
    session = names()
    console = _Console(session["prog"], session, "<drgn>")
    with displayed(), completing(_prompt_completions):
        try:
            console.interact(banner="", exitmsg="")
        except SystemExit:
            pass


def completions(text: str, word: str) -> Sequence[str]:
    """What may stand in place of ``word``, the last of ``text``, after ``drgn``."""
    namespace = names()
    found = command_completions(text, word, namespace)
    if found and " " in text.strip():
        return found  # Of a command's own commands, and nothing else.
    name, space, _ = text.lstrip().partition(" ")
    is_run = name.startswith("%") or (space and is_command(text, namespace))
    if is_run and name.removeprefix("%") != "py":
        return found  # No Python.
    return sorted({*found, *_name_completions(text, word, namespace)})


def _prompt_completions(line: str, word: str) -> Sequence[str]:
    """What may stand in place of ``word``, the last of a line at the prompt."""
    namespace = names()
    if line.lstrip().startswith("%"):
        return command_completions(line, word, namespace)
    return _python_completions(word, namespace, namespace.names)


def main_completions(line: str, word: str) -> Sequence[str]:
    """As above, at the prompt of GDB's python-interactive."""
    namespace = vars(__main__)
    return _python_completions(word, namespace, namespace.keys)


def _python_completions(
    word: str, namespace: dict[str, Any], names: Callable[[], Collection[str]]
) -> Sequence[str]:
    """What may stand in place of Python's ``word``; of none, indentation."""
    if not word:
        return ["    "]
    return sorted(set(_matches(word, namespace, names())))


def _name_completions(text: str, word: str, namespace: Names) -> list[str]:
    # The whole of what is completed may be longer than what GDB takes for a word.
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    expression = text[start:]
    skipped = len(expression) - len(word)
    matches = _matches(expression, namespace, namespace.names())
    return [match[skipped:] for match in matches]


def _matches(
    expression: str, namespace: dict[str, Any], names: Collection[str]
) -> list[str]:
    """What begins with an expression: a name, or an attribute of what names are of."""
    if "." in expression:
        found: list[str] = Completer(namespace).attr_matches(expression)
    else:
        known = {*names, *(name for name in dir(builtins) if name[0] != "_")}
        found = [name for name in known if name.startswith(expression)]
    return [match.rstrip("()") for match in found]
