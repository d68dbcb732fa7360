"""drgn's prompt on GDB's terminal, and completion."""

from __future__ import annotations

from collections.abc import Sequence
from rlcompleter import Completer

from drgn.commands.console import CommandConsole, print_error

from .session import command_completions, displayed, is_command, names, run_line


class _Console(CommandConsole):
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
    with displayed():
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
    # The whole of what is completed may be longer than what GDB takes for a word.
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    expression = text[start:]
    skipped = len(expression) - len(word)
    if "." in expression:
        matches = Completer(namespace).attr_matches(expression)
    else:
        matches = [name for name in namespace.names() if name.startswith(expression)]
    found += [match[skipped:].rstrip("()") for match in matches]
    return sorted(set(found))
