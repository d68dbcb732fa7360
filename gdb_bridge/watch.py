"""Listening, while the program runs, to how it stops."""

from __future__ import annotations

from typing import Any

import gdb


class Watch:
    """Listens, while the program runs, to why it stops."""

    current: Watch | None = None
    error: BaseException | None = None
    """Of a callback, which has stopped the program."""

    def __init__(self) -> None:
        self.event: Any = None
        """GDB's, of the stop; None if it has told of none."""

    def __enter__(self) -> Watch:
        gdb.events.stop.connect(self._stopped)
        gdb.events.exited.connect(self._stopped)
        Watch.current = self
        return self

    def __exit__(self, *_exception: object) -> None:
        Watch.current = None
        gdb.events.stop.disconnect(self._stopped)
        gdb.events.exited.disconnect(self._stopped)

    def _stopped(self, event: Any) -> None:
        self.event = event


def callback_failed(error: BaseException) -> None:
    """Tell who runs the program of an exception in a breakpoint's callback."""
    if Watch.current is not None:
        Watch.current.error = error
    else:
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        gdb.write(f"{name}: {error}\n", gdb.STDERR)
