"""What a target that can be run tells and is told: stops, steps, breakpoints."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..program import Program
    from ..stack.frame import StackFrame

    Callback = Callable[[StackFrame], object]


class StopReason(enum.Enum):
    """Why a program does not run any more."""

    BREAKPOINT = "breakpoint"
    """A breakpoint, or a watchpoint or catchpoint of GDB's own."""
    STEP = "step"
    """A step, or the call that was to be finished, is done."""
    SIGNAL = "signal"
    """The program got a signal; that of Ctrl-C is SIGINT."""
    EXITED = "exited"
    """The program has ended, and with it this Program's memory and threads."""
    OTHER = "other"


class Stop(NamedTuple):
    """Why and where a program stopped."""

    reason: StopReason
    tid: int | None = None
    """The thread that stopped, None if the program has ended."""
    breakpoints: tuple[Breakpoint, ...] = ()
    """The breakpoints that stopped it, of those set by `Program.breakpoint`."""
    signal: str | None = None
    """The name of the signal, as ``SIGSEGV``."""
    exit_code: int | None = None
    """The exit status; None if the program was killed."""
    value: Object | None = None
    """What the function returned that `Program.finish` ran to the end of."""

    def __repr__(self) -> str:
        known = [
            f"{name}={value!r}"
            for name, value in self._asdict().items()
            if value not in (self.reason, None, ())
        ]
        return f"Stop({', '.join([str(self.reason), *known])})"


class Step(enum.Enum):
    """How far to go."""

    LINE = "line"
    """To another source line, into calls."""
    OVER = "line over calls"
    INSTRUCTION = "instruction"
    INSTRUCTION_OVER = "instruction over calls"


class Place(NamedTuple):
    """Where a breakpoint is to be: an address, or a function or line by name."""

    address: int | None = None
    function: str | None = None
    filename: str | None = None
    line: int | None = None


class SetBreakpoint(Protocol):
    """A breakpoint as the target knows it."""

    enabled: bool

    @property
    def is_set(self) -> bool:
        """Whether it still is there: it may be deleted behind our back."""

    @property
    def addresses(self) -> Sequence[int]:
        """Where it is; nothing while no code for it is loaded."""

    def delete(self) -> None: ...


class Breakpoint:
    """A place at which the program stops, or a function of the user's is called.

    `Program.breakpoint` makes it. ``callback(frame)`` is called with the frame there
    each time; the program stops if that returns something true and goes on otherwise,
    as with the ``stop`` method of GDB's breakpoints. What it raises stops the program,
    too. Without a callback the program stops. ``hits`` counts how many times the place
    was reached with the condition true.
    """

    location: object
    """As given to `Program.breakpoint`."""
    callback: Callback | None
    condition: str | None
    """An expression in the program's language; where it is false nothing happens."""
    temporary: bool
    """Whether it is deleted when it first stops the program."""
    hits: int

    def __init__(
        self,
        location: object,
        place: Place,
        callback: Callback | None,
        condition: str | None,
        temporary: bool,
    ) -> None:
        self.location = location
        self.place = place
        self.callback = callback
        self.condition = condition
        self.temporary = temporary
        self.hits = 0
        self._set: SetBreakpoint | None = None

    def __repr__(self) -> str:
        state = "" if self.is_set else ", deleted"
        return f"<Breakpoint {self.location!r}, hits={self.hits}{state}>"

    @property
    def is_set(self) -> bool:
        """Whether it is there: not deleted, by whomever."""
        return self._set is not None and self._set.is_set

    @property
    def addresses(self) -> Sequence[int]:
        """Where it is; nothing while no code for it is loaded."""
        return self._set.addresses if self._set is not None and self.is_set else ()

    @property
    def enabled(self) -> bool:
        """Whether the program stops there; can be assigned to."""
        return self._set is not None and self.is_set and self._set.enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        if self._set is None or not self.is_set:
            raise ValueError("breakpoint was deleted")
        self._set.enabled = bool(enabled)

    def delete(self) -> None:
        """Remove it; harmless if it is gone."""
        if self._set is not None and self.is_set:
            self._set.delete()
        self._set = None

    def hit(self, prog: Program) -> bool:
        """For targets: it was reached, is the program to stop?"""
        prog._memory.invalidate()
        self.hits += 1
        if self.callback is None:
            return True
        return bool(self.callback(prog._innermost_frame()))
