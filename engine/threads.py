"""Threads of a process and tasks of a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .objects.object import Object
    from .program import Program
    from .stack.trace import StackTrace
    from .targets.base import TargetThread


class Thread:
    """A thread in a program."""

    __slots__ = ("_name", "_object", "_prog", "_target_thread", "_tid")

    def __init__(
        self,
        prog: Program,
        tid: int,
        name: str | None = None,
        object: Object | None = None,
        target_thread: TargetThread | None = None,
    ) -> None:
        self._prog = prog
        self._tid = tid
        self._name = name
        self._object = object
        self._target_thread = target_thread

    @property
    def tid(self) -> int:
        """The thread ID."""
        return self._tid

    @property
    def name(self) -> str | None:
        """The name (``comm``), None if it is not known."""
        return self._name

    @property
    def object(self) -> Object:
        """``struct task_struct *`` of a kernel's task; ValueError for others."""
        if self._object is None:
            raise ValueError(
                "thread object is currently only defined for the Linux kernel"
            )
        return self._object

    def stack_trace(self) -> StackTrace:
        """The stack of this thread."""
        from .stack import api

        return api.stack_trace(self._prog, self)


def threads(prog: Program) -> Iterator[Thread]:
    """All threads."""
    raise NotImplementedError


def thread(prog: Program, tid: int) -> Thread:
    """The thread with an ID; LookupError if there is none."""
    raise NotImplementedError


def main_thread(prog: Program) -> Thread:
    """The main thread of a process."""
    raise NotImplementedError


def crashed_thread(prog: Program) -> Thread:
    """The thread that made the program crash."""
    raise NotImplementedError
