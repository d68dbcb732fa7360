"""GDB's breakpoints that call functions of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import gdb

from drgn import Program
from drgn.hosts.gdb_process import in_one_line
from drgn.target import Breakpoint, Place

from .watch import callback_failed

_in_callback = False


class GdbBreakpoint(gdb.Breakpoint):  # type: ignore[misc]
    """A breakpoint of GDB's that belongs to one of a Program."""

    def __init__(self, breakpoint: Breakpoint, current: Callable[[], Program]) -> None:
        self.breakpoint = breakpoint
        self._current = current
        self.stopped = False
        super().__init__(**_explicit(breakpoint.place), temporary=breakpoint.temporary)

    def stop(self) -> bool:
        """Whether the program is to stop here; GDB asks."""
        self.stopped = self._reached()
        return self.stopped

    def _reached(self) -> bool:
        try:
            with _callback():
                condition = self.breakpoint.condition
                if condition is not None and not _is_true(condition):
                    return False
                return self.breakpoint.hit(self._current())
        except BaseException as error:
            callback_failed(error)
            return True


def _is_true(condition: str) -> bool:
    try:
        return bool(gdb.parse_and_eval(condition))
    except gdb.error as error:
        raise ValueError(in_one_line(error)) from None


class End(gdb.FinishBreakpoint):  # type: ignore[misc]
    """Where a call returns to."""

    reached = False

    def __init__(self, frame: gdb.Frame) -> None:
        super().__init__(frame, internal=True)
        self.silent = True

    def stop(self) -> bool:
        self.reached = True
        return True


class _Handle:
    """How a Breakpoint sees GDB's."""

    def __init__(self, known: GdbBreakpoint) -> None:
        self._known = known

    @property
    def is_set(self) -> bool:
        return bool(self._known.is_valid())

    @property
    def enabled(self) -> bool:
        return bool(self._known.enabled)

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._known.enabled = enabled

    @property
    def addresses(self) -> Sequence[int]:
        # Since GDB 13.
        return tuple(place.address for place in getattr(self._known, "locations", ()))

    def delete(self) -> None:
        if not _in_callback:
            self._known.delete()
            return
        # GDB still looks at it.
        self._known.enabled = False
        gdb.post_event(self._delete)

    def _delete(self) -> None:
        if self._known.is_valid():
            self._known.delete()


_made: list[GdbBreakpoint] = []


def set_breakpoint(
    breakpoint: Breakpoint, pending: bool, current: Callable[[], Program]
) -> _Handle:
    """See `Target.set_breakpoint`; callbacks are given the ``current()`` program."""
    if _in_callback:
        raise ValueError("a breakpoint's callback cannot set breakpoints")
    made = _quietly_made(partial(GdbBreakpoint, breakpoint, current))
    if made.pending and not pending:
        made.delete()
        raise LookupError(f"there is no code at {breakpoint.location!r}")
    _made.append(made)
    return _Handle(made)


_next: Callable[[], GdbBreakpoint] | None = None


def _quietly_made(make: Callable[[], GdbBreakpoint]) -> GdbBreakpoint:
    """A breakpoint, of which GDB says nothing to the user."""
    global _next
    _next = make
    try:
        # The one way to keep what GDB prints from the user.
        gdb.execute(f"python import {__name__}; {__name__}.make_next()", to_string=True)
    except gdb.error as error:
        raise LookupError(in_one_line(error)) from None
    finally:
        _next = None
    return _made.pop()


def make_next() -> None:
    """For `_quietly_made` alone."""
    assert _next is not None
    _made.append(_next())


def all_breakpoints() -> list[Breakpoint]:
    """Those that still are set."""
    _made[:] = [known for known in _made if known.is_valid()]
    return [known.breakpoint for known in _made]


@contextmanager
def silent() -> Iterator[None]:
    """Let GDB not tell the user where the program stops.

    Before GDB 14 only our breakpoints can be silenced.
    """
    try:
        suppressed = gdb.parameter("suppress-cli-notifications")
    except RuntimeError:
        with _ours_silent():
            yield
        return
    gdb.execute("set suppress-cli-notifications on", to_string=True)
    try:
        yield
    finally:
        if not suppressed:
            gdb.execute("set suppress-cli-notifications off", to_string=True)


@contextmanager
def _ours_silent() -> Iterator[None]:
    talking = [known for known in _made if known.is_valid() and not known.silent]
    for known in talking:
        known.silent = True
    try:
        yield
    finally:
        for known in talking:
            if known.is_valid():
                known.silent = False


def ours(breakpoints: Iterable[Any]) -> Iterator[Breakpoint]:
    """Those of a Program that want to stop, of all of GDB's at a place."""
    for known in breakpoints:
        if isinstance(known, GdbBreakpoint) and known.stopped:
            yield known.breakpoint


def _explicit(place: Place) -> dict[str, Any]:
    """A location as GDB's constructor wants it."""
    if place.address is not None:
        return {"spec": f"*{place.address:#x}"}
    named: dict[str, Any] = {}
    if place.filename is not None:
        named["source"] = place.filename
    if place.function is not None:
        named["function"] = place.function
    if place.line is not None:
        named["line"] = place.line
    return named


def check_no_callback() -> None:
    """Raise ValueError in a callback, where GDB cannot run the program."""
    if _in_callback:
        raise ValueError("the program cannot be run by a breakpoint's callback")


@contextmanager
def _callback() -> Iterator[None]:
    global _in_callback
    _in_callback = True
    try:
        yield
    finally:
        _in_callback = False
