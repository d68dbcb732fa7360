"""The part of a Program that knows its threads and their stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, SupportsIndex

from ..arguments import uint64

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..stack.frame import StackFrame
    from ..stack.source import SourceLocationList
    from ..stack.trace import StackTrace
    from ..threads import Thread
    from .program import Program


class ThreadAccess:
    """Threads of a process or tasks of a kernel, and their stacks."""

    __slots__ = ()

    def threads(self: Program) -> Iterator[Thread]:
        """Iterate over all threads."""
        from .. import threads

        return threads.threads(self)

    def thread(self: Program, tid: SupportsIndex) -> Thread:
        """The thread with an ID; LookupError if there is none."""
        from .. import threads

        return threads.thread(self, uint64(tid))

    def main_thread(self: Program) -> Thread:
        """The main thread of a process."""
        from .. import threads

        return threads.main_thread(self)

    def crashed_thread(self: Program) -> Thread:
        """The thread that made the program crash."""
        from .. import threads

        return threads.crashed_thread(self)

    def stack_trace(
        self: Program, thread: Thread | Object | SupportsIndex | None = None
    ) -> StackTrace:
        """The stack of a thread ID, a ``struct task_struct *`` or a ``pt_regs``.

        None is the thread that is selected in the debugger that this runs in, the
        processor where that debugs a kernel.
        """
        from ..stack import api

        if thread is None:
            return api.selected_stack_trace(self)
        return api.stack_trace(self, thread)

    def _innermost_frame(self: Program) -> StackFrame:
        """The frame in which the selected thread is.

        The trace that it belongs to has no more than its caller, whose registers tell
        what was passed.
        """
        from ..stack import api

        return api.selected_stack_trace(self, 2)[0]

    def stack_trace_from_pcs(self: Program, pcs: Sequence[SupportsIndex]) -> StackTrace:
        """A trace of the given program counters, inline frames included."""
        from ..stack import api

        return api.stack_trace_from_pcs(self, pcs)

    def source_location(
        self: Program, address: SupportsIndex | str, /
    ) -> SourceLocationList:
        """Where the code at an address, or at ``symbol+0x10``, comes from."""
        from ..stack import api

        return api.source_location(self, address)
