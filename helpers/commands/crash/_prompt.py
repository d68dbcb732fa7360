"""The prompt at which commands stand alone: ``%crash``, ``drgn-crash``."""

from __future__ import annotations

import logging
import sys
from typing import Any

from drgn import Program
from drgn.commands import CommandNotFoundError
from drgn.commands.console import completing, print_error, read_line

from ._define import CRASH_COMMAND_NAMESPACE
from ._namespace import LeavePrompt

PROMPT = "%crash> "


def run_prompt(prog: Program, globals: dict[str, Any]) -> None:
    """Say what the program is, and run commands until the user leaves.

    Raises BrokenPipeError if nobody reads standard output any longer.
    """
    _greet(prog, globals)
    with completing(_Completer(prog), " \t\n|<>"):
        while True:
            try:
                line = read_line(PROMPT)
            except EOFError:
                print()
                return
            except KeyboardInterrupt:
                print()
                continue
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                CRASH_COMMAND_NAMESPACE.run(prog, line, globals=globals)
            except LeavePrompt:
                return
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)
            except BrokenPipeError:
                raise  # Nobody reads the output.
            except Exception as error:
                print_error(error, "drgn: crash")


def _greet(prog: Program, globals: dict[str, Any]) -> None:
    from ._context import default_context, task_context

    logger = logging.getLogger("drgn")
    task = None
    try:
        kind, _ = default_context(prog)[1]
        task = task_context(prog)
    except Exception as error:
        # As without debug info: what needs no task may work nevertheless.
        logger.warning("no task to begin with: %s", error)
    else:
        if kind == "cpu":
            logger.warning("panic task not found")
    try:
        sys_command = CRASH_COMMAND_NAMESPACE.lookup(prog, "sys")
    except CommandNotFoundError:
        return
    try:
        sys_command.run(prog, "sys", [], globals=globals)
        if task is not None:
            from .set import print_task
            from .sys import TITLE_WIDTH

            print_task(task, TITLE_WIDTH)
    except BrokenPipeError:
        raise
    except Exception as error:
        print_error(error, "drgn: crash")


class _Completer:
    """What readline asks: the n-th word that may stand at the cursor."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._found: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        import readline

        if not state:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            self._found = CRASH_COMMAND_NAMESPACE.complete(self._prog, line)
        return self._found[state] if state < len(self._found) else None
