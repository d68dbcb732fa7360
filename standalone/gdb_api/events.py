"""``gdb.events``: registries that callbacks are connected to.

Nothing runs here, so that of the events only new files of symbols come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Callback = Callable[[Any], object]


class EventRegistry:
    """The callbacks of one kind of event."""

    def __init__(self) -> None:
        self._callbacks: list[Callback] = []

    def connect(self, callback: Callback, /) -> None:
        """Have a callback called when the event comes."""
        if not callable(callback):
            raise RuntimeError("Function is not callable")
        self._callbacks.append(callback)

    def disconnect(self, callback: Callback, /) -> None:
        """Have a callback called no more."""
        if callback not in self._callbacks:
            raise RuntimeError("Callback not connected")
        self._callbacks.remove(callback)

    def emit(self, event: object) -> None:
        """Call the callbacks."""
        for callback in list(self._callbacks):
            callback(event)


before_prompt = EventRegistry()
breakpoint_created = EventRegistry()
breakpoint_deleted = EventRegistry()
breakpoint_modified = EventRegistry()
clear_objfiles = EventRegistry()
connection_removed = EventRegistry()
cont = EventRegistry()
exited = EventRegistry()
free_objfile = EventRegistry()
gdb_exiting = EventRegistry()
inferior_call = EventRegistry()
inferior_deleted = EventRegistry()
inferior_started = EventRegistry()
memory_changed = EventRegistry()
new_inferior = EventRegistry()
new_objfile = EventRegistry()
new_thread = EventRegistry()
register_changed = EventRegistry()
stop = EventRegistry()
