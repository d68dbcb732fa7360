"""
Stack
-----

``drgn.helpers.linux.stack`` tells the parts of a kernel stack trace from one another.
"""

from __future__ import annotations

import contextlib
import enum
import operator
from collections.abc import Iterator, Sequence

from drgn import FaultError, IntegerLike, Object, Program, StackFrame, TypeKind
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux._cpu_stacks import exception_stacks, interrupt_stack
from drgn.helpers.linux.pid import find_task
from drgn.helpers.linux.sched import task_cpu

__all__ = ("LinuxKernelStack", "StackKind", "StackSegment", "kernel_stack_trace")


class StackKind(enum.Enum):
    """What a part of a stack trace was doing."""

    USER = 1
    TASK = 2
    IRQ = 3
    SOFTIRQ = 4
    NMI = 5
    EXCEPTION = 6
    UNKNOWN = 7


class StackSegment:
    """Frames of a stack trace that are on one stack."""

    __slots__ = ("frames", "kind")

    def __init__(self, kind: StackKind, frames: Sequence[StackFrame]) -> None:
        self.kind = kind
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: int) -> StackFrame:
        return self.frames[key]

    def __iter__(self) -> Iterator[StackFrame]:
        return iter(self.frames)

    def __repr__(self) -> str:
        return f"StackSegment(kind={self.kind!r}, frames={self.frames!r})"


class LinuxKernelStack:
    """A stack trace in parts, each of which interrupted the next.

    It can be iterated over and indexed like a :class:`~drgn.StackTrace`.
    """

    __slots__ = ("prog", "segments")

    def __init__(self, prog: Program, segments: Sequence[StackSegment]) -> None:
        self.prog = prog
        self.segments = segments

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    def __iter__(self) -> Iterator[StackFrame]:
        for segment in self.segments:
            yield from segment

    def __getitem__(self, index: int) -> StackFrame:
        return list(self)[index]

    def __repr__(self) -> str:
        return f"LinuxKernelStack(prog={self.prog!r}, segments={self.segments!r})"

    def __str__(self) -> str:
        lines: list[str] = []
        number = 0
        for segment in self.segments:
            for frame in segment:
                lines.append(f"#{number:<2} {_frame_text(frame)}")
                number += 1
            lines.append(f"  --- end {segment.kind.name} stack ---")
        return "\n".join(lines)


def _frame_text(frame: StackFrame) -> str:
    name = frame.name
    if name is None:
        return hex(frame.pc)
    try:
        filename, line, column = frame.source()
    except LookupError:
        return name
    return f"{name} ({filename}:{line}:{column})"


@takes_program_or_default
def kernel_stack_trace(
    prog: Program, task_arg: Object | IntegerLike
) -> LinuxKernelStack:
    """Unwind a task's stack and tell its parts from one another, as far as known.

    :param task_arg: ``struct task_struct *`` or PID.
    :raises LookupError: if there is no such task

    >>> print(kernel_stack_trace(prog, 1))
    #0  context_switch (kernel/sched/core.c:5257:2)
    #1  __schedule (kernel/sched/core.c:6584:8)
    ...
    """
    if isinstance(task_arg, Object) and task_arg.type_.kind == TypeKind.POINTER:
        task = task_arg
    else:
        task = find_task(prog, operator.index(task_arg))
    if not task:
        raise LookupError("task not found")
    stacks = _stacks(task)
    segments: list[StackSegment] = []
    frames: list[StackFrame] = []
    previous: StackFrame | None = None
    for frame in prog.stack_trace(task):
        kind = _kind(frame, stacks)
        # The entry code of an interrupt is on its way from the stack of what it
        # interrupted, but belongs to the interrupt.
        is_new = previous is None or kind is StackKind.USER or frame.interrupted
        # An exception in the kernel stays on the task's stack. (What is inlined in an
        # interrupted function was interrupted with it.)
        is_again = (
            frame.interrupted
            and kind is not StackKind.USER
            and not (previous is not None and previous.is_inline)
        )
        if is_new and (not segments or is_again or segments[-1].kind is not kind):
            frames = []
            segments.append(StackSegment(kind, frames))
        frames.append(frame)
        previous = frame
    return LinuxKernelStack(prog, segments)


def _is_user(frame: StackFrame) -> bool:
    if frame.pc >> 63:
        return False
    try:
        # With frame pointers, a kernel thread's trace ends in registers of zeros.
        return frame.register("cs") & 3 == 3
    except LookupError:
        return True


def _kind(frame: StackFrame, stacks: list[tuple[int, int, StackKind]]) -> StackKind:
    if _is_user(frame):
        return StackKind.USER
    try:
        sp = frame.sp
    except LookupError:
        return StackKind.UNKNOWN
    for start, end, kind in stacks:
        if start < sp <= end:
            return kind
    return StackKind.UNKNOWN


def _stacks(task: Object) -> list[tuple[int, int, StackKind]]:
    """Return the stacks that a task may be on: its own and those of its CPU.

    Of the CPU's those that the dump has, which may lack the memory of CPUs.
    """
    prog = task.prog_
    size: int = prog["THREAD_SIZE"].value_()
    start: int = task.stack.value_()
    stacks = [(start, start + size, StackKind.TASK)]
    with contextlib.suppress(FaultError):
        stacks += _stacks_of_cpu(prog, task_cpu(task))
    return stacks


def _stacks_of_cpu(prog: Program, cpu: int) -> Iterator[tuple[int, int, StackKind]]:
    interrupts = interrupt_stack(prog, cpu)
    if interrupts is not None:
        start, size = interrupts
        yield start, start + size, StackKind.IRQ
    for name, start, size in exception_stacks(prog, cpu):
        kind = StackKind.NMI if name == "NMI" else StackKind.EXCEPTION
        yield start, start + size, kind
