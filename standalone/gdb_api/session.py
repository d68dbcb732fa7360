"""What one GDB session knows: the program, what is selected, variables, settings.

Everything else in this package asks :func:`current` for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import drgn
from drgn import Program, StackFrame, StackTrace, Thread

from .errors import error
from .settings import Settings

Value = Any


class Session:
    """A program as a GDB session sees it."""

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self.settings = Settings()
        self.convenience: dict[str, Value] = {}
        """``$name``, without the dollar."""
        self.history: list[Value] = []
        """``$1`` is the first of them."""
        self.functions: dict[str, Any] = {}
        """``$name(...)``: objects with an ``invoke()``."""
        self.commands: dict[str, Any] = {}
        """Commands that scripts made, by whole names ("prefix name")."""
        self.pretty_printers: list[Any] = []
        self.last_address: int | None = None
        """Where ``x`` goes on."""
        self._out: list[list[str]] = []
        self._thread: Thread | None = None
        self._thread_known = False
        self._trace: StackTrace | None = None
        self._level = 0

    # What is printed.

    def write(self, text: str) -> None:
        """Print text: to whoever captures it, or to standard output."""
        if self._out:
            self._out[-1].append(text)
        else:
            sys.stdout.write(text)

    def flush(self) -> None:
        """Have what was printed seen."""
        if not self._out:
            sys.stdout.flush()

    @contextmanager
    def capturing(self) -> Iterator[list[str]]:
        """Have what is printed meanwhile in a list of strings."""
        parts: list[str] = []
        self._out.append(parts)
        try:
            yield parts
        finally:
            self._out.remove(parts)

    # Values.

    def record(self, value: Value) -> int:
        """Put a value in the history; its number there."""
        self.history.append(value)
        return len(self.history)

    def history_value(self, number: int) -> Value:
        """``$number``; from the end if it is not positive, as ``$$n`` is."""
        size = len(self.history)
        index = number if number > 0 else size + number
        if not self.history and number <= 0:
            raise error("History is empty.")
        if not 0 < index <= size:
            raise error(f"History has not yet reached ${index}.")
        return self.history[index - 1]

    # What is selected.

    def threads(self) -> list[Thread]:
        """The program's threads, in GDB's order."""
        return list(self.prog.threads())

    def thread(self) -> Thread | None:
        """The selected thread: first that which crashed, or the main one."""
        if not self._thread_known:
            self._thread_known = True
            for choose in self.prog.crashed_thread, self.prog.main_thread:
                try:
                    self._thread = choose()
                    break
                except (ValueError, LookupError, OSError):
                    continue
        return self._thread

    def select_thread(self, thread: Thread | None) -> None:
        """Select a thread and its innermost frame."""
        self._thread, self._thread_known = thread, True
        self._trace, self._level = None, 0

    def trace(self) -> StackTrace:
        """The stack of the selected thread."""
        if self._trace is None:
            thread = self.thread()
            if thread is None:
                raise error("No stack.")
            try:
                self._trace = thread.stack_trace()
            except (ValueError, LookupError, drgn.FaultError) as reason:
                raise error(f"No stack: {reason}") from None
        return self._trace

    def level(self) -> int:
        """Which frame of the stack is selected."""
        return self._level

    def select_level(self, level: int) -> None:
        """Select a frame of the selected thread's stack."""
        if not 0 <= level < len(self.trace()):
            raise error(f"No frame at level {level}.")
        self._level = level

    def frame(self) -> StackFrame:
        """The selected frame. Raises ``gdb.error`` if there is none."""
        trace = self.trace()
        if not trace:
            raise error("No stack.")
        return trace[self._level]

    def has_stack(self) -> bool:
        """Whether there is a frame to select."""
        try:
            return len(self.trace()) > 0
        except error:
            return False


_current: Session | None = None
_make: Callable[[Program], Session] = Session


def current() -> Session:
    """The session of the default program; a new one if that is another now."""
    global _current
    prog = drgn.get_default_prog()
    if _current is None or _current.prog is not prog:
        _current = _make(prog)
    return _current
