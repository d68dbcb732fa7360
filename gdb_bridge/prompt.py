"""drgn's prompt on GDB's terminal, and completion."""

from __future__ import annotations

import code
import sys
from collections.abc import Sequence
from rlcompleter import Completer

from .session import command_names, displayed, names, run_line


class _Console(code.InteractiveConsole):
    def raw_input(self, prompt: str = "") -> str:
        # Of GDB's own streams input() would not know that they are a terminal, for
        # which Python uses GDB's readline.
        old = sys.stdin, sys.stdout
        if sys.__stdin__ is not None and sys.__stdout__ is not None:
            sys.stdout.flush()
            sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__
        try:
            return input(prompt)
        finally:
            sys.stdin, sys.stdout = old

    def runsource(
        self, source: str, filename: str = "<input>", symbol: str = "single"
    ) -> bool:
        names()
        if not source.lstrip().startswith("%"):
            return super().runsource(source, filename, symbol)
        from drgn.commands import CommandError

        try:
            run_line(source.strip())
        except (CommandError, SyntaxError) as error:
            print(f"drgn: {error}", file=sys.stderr)
        except Exception:
            self.showtraceback()
        return False


def interact() -> None:
    """Run the prompt until the user leaves it with Ctrl-D or exit()."""
    console = _Console(names(), "<drgn>")
    with displayed():
        try:
            console.interact(banner="", exitmsg="")
        except SystemExit:
            pass


def completions(text: str, word: str) -> Sequence[str]:
    """What may stand in place of ``word``, the last of ``text``, after ``drgn``."""
    namespace = names()
    found = []
    if text.strip() == word:
        found += [name for name in command_names(namespace) if name.startswith(word)]
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
