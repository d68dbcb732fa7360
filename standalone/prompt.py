"""The interactive prompt: banner, history, completion, display."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import drgn
from drgn import Program
from drgn.hosts.display import displayhook
from drgn.hosts.namespace import LazyGlobals, default_globals
from drgn.version import DISTRIBUTION

_HISTORY_LENGTH = 1000


def version_header() -> str:
    """One line that says which drgn this is, in upstream's form."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"drgn {drgn.__version__} (using Python {python}, pydrgn {DISTRIBUTION})"


def _history_path() -> str:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "drgn", "history")


def _completer(
    prog: Program, names: dict[str, Any]
) -> Callable[[str, int], str | None]:
    from rlcompleter import Completer

    from drgn.commands import DEFAULT_COMMAND_NAMESPACE
    from drgn.commands.completion import python_completions

    def line_before() -> str:
        import readline

        return readline.get_line_buffer()[: readline.get_endidx()].lstrip()

    class LineCompleter(Completer):
        """Completes commands and Python by the whole line before the cursor."""

        def complete(self, text: str, state: int) -> str | None:
            line = line_before()
            if not line.startswith("%") or line[1:].partition(" ")[0] == "py":
                return super().complete(text, state)
            if not state:
                word = line[1:].rpartition(" ")[2]
                # What readline takes for a word may be a part of it: "-" parts them.
                begun = len(word) - len(text)
                found = DEFAULT_COMMAND_NAMESPACE.complete(prog, line[1:])
                self.matches = [each[begun:] for each in found if each.startswith(word)]
            return self.matches[state] if state < len(self.matches) else None

        def global_matches(self, text: str) -> list[str]:
            found = python_completions(line_before(), names)
            return [match for match in found if match.startswith(text)]

        attr_matches = global_matches

    return LineCompleter(names).complete


@contextmanager
def keeping_history() -> Iterator[None]:
    """Have the lines of earlier sessions meanwhile, and keep those of this one.

    They are in a file in the user's state directory.
    """
    try:
        import readline
    except ImportError:
        yield
        return
    path = _history_path()
    readline.clear_history()
    try:
        readline.read_history_file(path)
    except OSError:
        pass
    try:
        yield
    finally:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            readline.set_history_length(_HISTORY_LENGTH)
            readline.write_history_file(path)
        except OSError as error:
            print(
                f"could not write history to {path}: {error.strerror}", file=sys.stderr
            )


def run_interactive(
    prog: Program,
    banner_func: Callable[[str], str] | None = None,
    globals_func: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    quiet: bool = False,
) -> None:
    """Run the prompt on ``prog`` until the user leaves it.

    It is IPython's on a terminal where IPython is installed, unless the environment
    variable ``PYDRGN_PROMPT`` is ``python``.

    ``banner_func`` takes the default banner and returns another,
    ``globals_func`` does the same with the globals. ``quiet`` has no effect.
    Modules are imported from the working directory too. Readline's history and TAB
    binding are not restored; its completer, the default program, ``sys.displayhook``
    and ``sys.path`` are.
    """
    # Not at the start of every drgn, of which most run no prompt.
    from drgn.commands.console import banner as default_banner

    from . import ipython_prompt

    names: dict[str, Any]
    if globals_func is None:
        names = LazyGlobals(prog)
    else:
        # Who gets them may copy them.
        names = globals_func(default_globals(prog))
    banner = default_banner(prog)
    if banner_func is not None:
        banner = banner_func(banner)

    try:
        old_default: Program | None = drgn.get_default_prog()
    except drgn.NoDefaultProgramError:
        old_default = None
    old_path = list(sys.path)
    try:
        drgn.set_default_prog(prog)
        sys.path.insert(0, "")
        if ipython_prompt.is_wanted():
            ipython_prompt.interact(prog, names, banner)
        else:
            interact(prog, names, banner)
    finally:
        drgn.set_default_prog(old_default)
        sys.path[:] = old_path


def interact(prog: Program, names: dict[str, Any], banner: str) -> None:
    """Run the plain prompt, on whatever names there are."""
    from drgn.commands.console import CommandConsole, completing

    old_displayhook = sys.displayhook
    with keeping_history(), completing(_completer(prog, names), delimiters=None):
        try:
            sys.displayhook = displayhook
            console = CommandConsole(prog, names, "<console>")
            console.interact(banner=banner, exitmsg="")
        finally:
            sys.displayhook = old_displayhook
            if hasattr(builtins, "_"):
                del builtins._
