"""Threads as GDB numbers them: the tasks of a kernel, the threads of a process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import drgn
from drgn import Program, ProgramFlags

from ..gdb_api.kernel_threads import AnyThread, kernel_threads, thread_key

# Idle tasks have PID 0, which means any thread to GDB. No PID is as large as these.
_FIRST_IDLE = 0x40000000


class Threads:
    """The threads by the numbers that GDB gets, in the order in which it gets them."""

    def __init__(self, prog: Program) -> None:
        self._by_number: dict[int, AnyThread] = {}
        idle = _FIRST_IDLE
        for thread in _threads(prog):
            number = thread.tid
            if number <= 0 or number in self._by_number:
                number, idle = idle, idle + 1
            self._by_number[number] = thread
        self.first = crashed_number(prog, self._by_number)

    def numbers(self) -> Iterable[int]:
        """All of them."""
        return self._by_number

    def __contains__(self, number: int) -> bool:
        return number in self._by_number

    def description(self, number: int) -> str:
        """What ``info threads`` shows of one."""
        thread = self._by_number[number]
        name = thread.name or "?"
        return name if thread.tid == number else f"{name} ({thread.tid})"

    def registers(self, number: int) -> Mapping[str, int]:
        """The registers of the innermost frame; none if they are not known."""
        thread = self._by_number.get(number)
        if thread is None:
            return {}
        try:
            trace = thread.stack_trace()
        except (LookupError, ValueError, NotImplementedError, drgn.FaultError):
            return {}
        return trace[0].registers() if len(trace) else {}


def _threads(prog: Program) -> Iterable[AnyThread]:
    """The threads; none where a damaged dump does not tell them."""
    try:
        if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
            return kernel_threads(prog)
        return list(prog.threads())
    except (LookupError, ValueError, drgn.FaultError):
        return ()


def crashed_number(prog: Program, by_number: Mapping[int, AnyThread]) -> int:
    """The thread that crashed, else the first one; 0 without any."""
    try:
        crashed = thread_key(prog.crashed_thread())
    except (LookupError, ValueError, NotImplementedError, drgn.FaultError):
        return next(iter(by_number), 0)
    for number, thread in by_number.items():
        if thread_key(thread) == crashed:
            return number
    return next(iter(by_number), 0)
