"""The interactive prompt: banner, history, completion, display."""

from __future__ import annotations

import builtins
import code
import os
import sys
from collections.abc import Callable
from typing import Any

import drgn
from drgn import Program
from drgn.display import displayhook
from drgn.namespace import DRGN_NAMES, LazyGlobals, helper_packages

_HISTORY_LENGTH = 1000


def version_header() -> str:
    """One line that says which pydrgn and which Python this is."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"pydrgn {drgn.__version__} (using Python {python})"


def _banner(prog: Program) -> str:
    names = [name for name in DRGN_NAMES if not name.startswith(("search", "s"))]
    names += [name for name in DRGN_NAMES if name not in names]
    lines = [
        "For help, type help(drgn).",
        ">>> import drgn",
        f">>> from drgn import {', '.join(names)}",
    ]
    lines += [f">>> from {package} import *" for package in helper_packages(prog)]
    return "\n".join(lines)


def _history_path() -> str:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "drgn", "history")


class _History:
    """Readline's history, read from and written to the user's state directory."""

    def __init__(self) -> None:
        self.path = _history_path()

    def load(self) -> None:
        import readline

        readline.clear_history()
        try:
            readline.read_history_file(self.path)
        except OSError:
            pass

    def save(self) -> None:
        import readline

        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            readline.set_history_length(_HISTORY_LENGTH)
            readline.write_history_file(self.path)
        except OSError as error:
            print(
                f"could not write history to {self.path}: {error.strerror}",
                file=sys.stderr,
            )


def _completer(names: dict[str, Any]) -> Callable[[str, int], str | None]:
    from rlcompleter import Completer

    class NamesCompleter(Completer):
        def global_matches(self, text: str) -> list[str]:
            matches = super().global_matches(text)
            if isinstance(names, LazyGlobals):
                # Lazy names are offered as calls without importing them: nearly
                # all helpers are functions.
                known = {match.rstrip("( ") for match in matches}
                lazy = names.names() - known
                matches += sorted(name for name in lazy if name.startswith(text))
            return matches

    return NamesCompleter(names).complete


def _setup_readline(names: dict[str, Any]) -> _History | None:
    try:
        import readline
    except ImportError:
        return None
    readline.set_completer(_completer(names))
    readline.parse_and_bind("tab: complete")
    history = _History()
    history.load()
    return history


def run_interactive(
    prog: Program,
    banner_func: Callable[[str], str] | None = None,
    globals_func: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    quiet: bool = False,
) -> None:
    """Run the prompt on ``prog`` until the user leaves it.

    ``banner_func`` takes the default banner and returns another,
    ``globals_func`` does the same with the globals. ``quiet`` has no effect.
    Readline's history, completer and TAB binding are not restored; the default
    program and ``sys.displayhook`` are.
    """
    names: dict[str, Any] = LazyGlobals(prog)
    if globals_func is not None:
        names = globals_func(names)
    banner = _banner(prog)
    if banner_func is not None:
        banner = banner_func(banner)

    try:
        old_default: Program | None = drgn.get_default_prog()
    except drgn.NoDefaultProgramError:
        old_default = None
    old_displayhook = sys.displayhook
    history = _setup_readline(names)
    try:
        sys.displayhook = displayhook
        drgn.set_default_prog(prog)
        _Console(prog, names).interact(banner=banner, exitmsg="")
    finally:
        drgn.set_default_prog(old_default)
        sys.displayhook = old_displayhook
        if history is not None:
            history.save()
        if hasattr(builtins, "_"):
            del builtins._


class _Console(code.InteractiveConsole):
    """A console that runs ``%name`` lines as commands and the rest as Python."""

    def __init__(self, prog: Program, names: dict[str, Any]) -> None:
        super().__init__(locals=names, filename="<console>")
        self._prog = prog

    def runsource(
        self, source: str, filename: str = "<input>", symbol: str = "single"
    ) -> bool:
        if not source.lstrip().startswith("%"):
            return super().runsource(source, filename, symbol)
        import drgn.commands.builtin
        from drgn.commands import run_command

        names: Any = self.locals
        try:
            run_command(self._prog, source.lstrip()[1:], globals=names)
        except (drgn.commands.CommandError, SyntaxError) as error:
            print(f"drgn: {error}", file=sys.stderr)
        except Exception:
            self.showtraceback()
        return False
