"""The prompt in IPython, where that is installed.

Lines that begin with ``%`` and the name of a command run the command, all others are
IPython's: its own magics, its history and its completion.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

from drgn import Program
from drgn.commands import (
    DEFAULT_COMMAND_NAMESPACE,
    CommandNotFoundError,
    run_command,
)
from drgn.commands.console import print_error
from drgn.hosts.display import displayed, shown_types
from drgn.hosts.namespace import LazyGlobals
from drgn.hosts.tracebacks import end_at_user


def is_wanted() -> bool:
    """Whether the prompt is to be IPython's.

    It is on a terminal where IPython is installed, unless ``PYDRGN_PROMPT`` is
    ``python``.
    """
    return (
        os.environ.get("PYDRGN_PROMPT", "ipython") != "python"
        and sys.stdin.isatty()
        and sys.stdout.isatty()
        and importlib.util.find_spec("IPython") is not None
    )


def interact(prog: Program, names: dict[str, Any], banner: str) -> None:
    """Run IPython on a namespace until the user leaves it."""
    ipapp: Any = importlib.import_module("IPython.terminal.ipapp")
    config: Any = importlib.import_module("traitlets.config").Config()
    config.TerminalInteractiveShell.banner1 = banner + "\n"
    config.TerminalInteractiveShell.confirm_exit = False
    if hasattr(ipapp.TerminalInteractiveShell, "enable_tip"):
        # Tips are of IPython alone, and have letters that not every locale has.
        config.TerminalInteractiveShell.enable_tip = False
    app = ipapp.TerminalIPythonApp.instance(user_ns=names, config=config)
    shell = None
    try:
        # The user's profile applies, but the command line was drgn's.
        app.initialize([])
        shell = app.shell
        _teach(shell, prog, names)
        app.start()
    finally:
        if shell is not None:
            shell.clear_instance()
        app.clear_instance()


def _teach(shell: Any, prog: Program, names: dict[str, Any]) -> None:
    """Tell a shell of commands, of values that are shown as text, and of lazy names."""

    def run(line: str) -> None:
        run_command(prog, line, globals=names, onerror=print_error)

    def commands(lines: list[str]) -> list[str]:
        line = lines[0].strip() if lines else ""
        if len(lines) != 1 or not _is_command(prog, line):
            return lines
        return [f"get_ipython().run_drgn_command({line[1:]!r})\n"]

    shell.run_drgn_command = run
    shell.input_transformers_cleanup.append(commands)

    show_traceback = shell.showtraceback

    def show_user_traceback(*args: Any, **options: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            end_at_user(error)
        show_traceback(*args, **options)

    shell.showtraceback = show_user_traceback

    formatter = shell.display_formatter.formatters["text/plain"]

    def show(value: Any, printer: Any, cycle: bool) -> None:
        printer.text(displayed(value))

    def learn_types() -> None:
        for shown in shown_types():
            formatter.for_type(shown, show)

    # The user may decorate more classes with display_str().
    learn_types()
    shell.events.register("pre_run_cell", lambda info: learn_types())

    def complete(completer: Any, text: str) -> list[str]:
        if "." in text:
            return []
        known = names.names() if isinstance(names, LazyGlobals) else names
        return sorted(name for name in known if name.startswith(text))

    shell.set_custom_completer(complete)


def _is_command(prog: Program, line: str) -> bool:
    name = line[1:].partition(" ")[0]
    if not line.startswith("%") or not name.isidentifier():
        return False
    try:
        DEFAULT_COMMAND_NAMESPACE.lookup(prog, name)
    except CommandNotFoundError:
        return False
    return True
