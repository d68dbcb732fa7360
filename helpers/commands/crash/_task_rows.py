"""What ``ps`` shows of tasks. What cannot be read is zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from drgn import FaultError, Object, Program, sizeof
from drgn.helpers.linux.mm import task_rss
from drgn.helpers.linux.sched import task_cpu, task_on_cpu, task_state_to_char

_PF_KTHREAD = 0x200000  # include/linux/sched.h

T = TypeVar("T")


class TaskRow(NamedTuple):
    """A line of ``ps``; ``rss`` is in pages, ``vsize`` in bytes."""

    address: int
    pid: int
    ppid: int
    cpu: int
    state: str
    rss: int
    vsize: int
    comm: bytes
    is_kthread: bool
    is_active: bool


def task_rows(prog: Program, tasks: Sequence[Object]) -> list[TaskRow]:
    """Read what there is to show of tasks."""
    if not tasks:
        return []
    page_size: int = prog["PAGE_SIZE"].value_()
    rss_of = _rss()
    return [
        TaskRow(
            task.value_(),
            _read(_pid, task, 0),
            _read(_ppid, task, 0),
            _read(task_cpu, task, 0),
            task_state(task),
            rss_of(task),
            _read(_total_vm, task, 0) * page_size,
            _read(_comm, task, b""),
            bool(_read(_flags, task, 0) & _PF_KTHREAD),
            _read(task_on_cpu, task, False),
        )
        for task in tasks
    ]


def _read(what: Callable[[Object], T], task: Object, otherwise: T) -> T:
    try:
        return what(task)
    except FaultError:
        return otherwise


def _pid(task: Object) -> int:
    pid: int = task.pid.value_()
    return pid


def _ppid(task: Object) -> int:
    pid: int = task.parent.pid.value_()
    return pid


def _flags(task: Object) -> int:
    flags: int = task.flags.value_()
    return flags


def _comm(task: Object) -> bytes:
    comm: bytes = task.comm.string_()
    return comm


def _total_vm(task: Object) -> int:
    mm = task.mm.read_()
    return mm.total_vm.value_() if mm else 0


def task_state(task: Object) -> str:
    """The letter of a task's state; that of one that cannot be read is ``?``."""
    return _read(task_state_to_char, task, "?")


def _rss() -> Callable[[Object], int]:
    """A function that returns the resident pages of a task's process."""
    known: dict[tuple[int, int], int] = {}

    def process(task: Object) -> tuple[int, int]:
        return task.mm.value_(), task.signal.value_()

    def total(task: Object) -> int:
        return task_rss(task).total

    def rss_of(task: Object) -> int:
        key = _read(process, task, (0, 0))
        if key not in known:
            known[key] = _read(total, task, 0) if key[0] else 0
        return known[key]

    return rss_of


def kernel_stack_pointers(prog: Program, tasks: Sequence[Object]) -> list[int]:
    """The stack pointer of each task in the kernel, 0 where it is not known."""
    try:
        # Since 4.9 (0100301bfdf5).
        pushed = sizeof(prog.type("struct inactive_task_frame"))
    except LookupError:
        pushed = None
    return [_stack_pointer(prog, task, pushed) for task in tasks]


def _stack_pointer(prog: Program, task: Object, pushed: int | None) -> int:
    """What x86's switch_to() saved, above what it pushed; else that of the trace."""
    if pushed is not None and not _read(task_on_cpu, task, False):
        sp = _read(_saved_stack_pointer, task, 0)
        if sp:
            return sp + pushed
    try:
        return prog.stack_trace(task)[0].sp
    except (FaultError, LookupError, ValueError):
        return 0


def _saved_stack_pointer(task: Object) -> int:
    sp: int = task.thread.sp.value_()
    return sp
