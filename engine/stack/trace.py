"""A stack trace, as users see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..closed import AbstractApiClass, closed, make, not_constructible
from .frame import StackFrame
from .source import item

if TYPE_CHECKING:
    from ..program import Program
    from .unwind import Frame


@closed
@not_constructible
class StackTrace(Sequence[StackFrame], metaclass=AbstractApiClass):
    """The frames of a thread's stack, from the innermost one."""

    __slots__ = ("_calls", "_frames", "_prog")

    _prog: Program
    _frames: list[Frame]
    _calls: list[tuple[int, int]] | None

    def __init__(self, prog: Program, frames: list[Frame]) -> None:
        self._prog = prog
        self._frames = frames
        self._calls = None

    @property
    def prog(self) -> Program:
        """The program that this trace is from."""
        return self._prog

    def _places(self) -> list[tuple[int, int]]:
        """(index of the frame in memory, index of the call in its code) of each."""
        if self._calls is None:
            self._calls = [
                (i, j)
                for i, frame in enumerate(self._frames)
                for j in range(1 if frame.code is None else len(frame.code.calls))
            ]
        return self._calls

    def __len__(self) -> int:
        return len(self._places())

    def __getitem__(self, index: SupportsIndex) -> StackFrame:  # type: ignore[override]
        return self._frame(item(range(len(self)), index, "stack frame"))

    def __iter__(self) -> Iterator[StackFrame]:
        return map(self._frame, range(len(self)))

    def _frame(self, number: int) -> StackFrame:
        index, call = self._places()[number]
        return make(StackFrame, self, number, index, call)

    def __str__(self) -> str:
        return "\n".join(frame._line() for frame in self)

    def __repr__(self) -> str:
        return object.__repr__(self)

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text("..." if cycle else str(self))
