"""TAB at the prompts of GDB's own ``python-interactive``."""

from __future__ import annotations

from contextlib import ExitStack

import gdb


class InteractivePrompt:
    """``sys.ps1``, for whose text Python asks before it reads a line.

    From then on TAB completes Python, until GDB itself prompts again.
    """

    def __init__(self) -> None:
        self._meanwhile: ExitStack | None = None
        gdb.events.before_prompt.connect(self._leave)

    def __str__(self) -> str:
        if self._meanwhile is None:
            from .completion import completing
            from .prompt import main_completions

            self._meanwhile = ExitStack()
            self._meanwhile.enter_context(completing(main_completions))
        return ">>> "

    def _leave(self) -> None:
        if self._meanwhile is not None:
            self._meanwhile.close()
            self._meanwhile = None
