"""What ``ps`` shows of tasks, read a column at a time: there may be many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import drgn
from drgn import FaultError, Object, Program, offsetof, sizeof
from drgn.helpers.common.type import typeof_member
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.mm import task_rss
from drgn.helpers.linux.sched import task_cpu, task_on_cpu, task_state_to_char

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PF_KTHREAD = 0x200000  # include/linux/sched.h


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
    """Read what there is to show of tasks. What cannot be read is zero."""
    if not tasks:
        return []
    paths = ["pid", "parent->pid", "flags", "mm->total_vm", "comm"]
    read = drgn.columns(tasks, *paths)
    pid, ppid, flags, pages, comm = (read[path].filled(0).tolist() for path in paths)
    page_size: int = prog["PAGE_SIZE"].value_()
    return [
        TaskRow(
            task.value_(),
            pid[i],
            ppid[i],
            cpu,
            state,
            rss,
            pages[i] * page_size,
            comm[i].partition(b"\0")[0],  # What is behind it was another name's.
            bool(flags[i] & _PF_KTHREAD),
            active,
        )
        for i, (task, cpu, state, rss, active) in enumerate(
            zip(
                tasks,
                _cpus(prog, tasks),
                task_states(prog, tasks),
                _rss(prog, tasks),
                _active(prog, tasks),
                strict=True,
            )
        )
    ]


def _has(prog: Program, path: str) -> bool:
    try:
        typeof_member(prog.type("struct task_struct"), path)
    except LookupError:
        return False
    return True


def _cpus(prog: Program, tasks: Sequence[Object]) -> list[int]:
    # In task_struct if CONFIG_THREAD_INFO_IN_TASK, until 5.16 (bcf9033e5449).
    for path in ("cpu", "thread_info.cpu"):
        if _has(prog, path):
            cpus: list[int] = drgn.columns(tasks, path)[path].filled(0).tolist()
            return cpus
    return [task_cpu(task) for task in tasks]


def task_states(prog: Program, tasks: Sequence[Object]) -> list[str]:
    """The letters of tasks' states."""
    if not tasks:
        return []
    # Renamed in 5.14 (2f064a59a11f).
    state = "__state" if _has(prog, "__state") else "state"
    read = drgn.columns(tasks, state, "exit_state")
    keys = zip(*(each.filled(0).tolist() for each in read.values()), strict=True)
    letters: dict[tuple[int, int], str] = {}
    result = []
    for task, key in zip(tasks, keys, strict=True):
        letter = letters.get(key)
        if letter is None:
            letter = letters[key] = task_state_to_char(task)
        result.append(letter)
    return result


def _active(prog: Program, tasks: Sequence[Object]) -> list[bool]:
    if _has(prog, "on_cpu"):
        return [
            value != 0 for value in drgn.columns(tasks, "on_cpu")["on_cpu"].filled(0)
        ]
    return [task_on_cpu(task) for task in tasks]  # !CONFIG_SMP


def _rss(prog: Program, tasks: Sequence[Object]) -> list[int]:
    """The resident pages of tasks, which are those of their processes."""
    read = drgn.columns(tasks, "mm", "signal")
    mms, groups = (each.filled(0) for each in read.values())
    if _has_percpu_rss(prog):
        return _percpu_rss(prog, mms)
    known: dict[tuple[int, int], int] = {}
    result = []
    for task, *key in zip(tasks, mms.tolist(), groups.tolist(), strict=True):
        process = key[0], key[1]
        rss = known.get(process)
        if rss is None:
            rss = known[process] = _process_rss(task) if process[0] else 0
        result.append(rss)
    return result


def _process_rss(task: Object) -> int:
    try:
        return task_rss(task).total
    except FaultError:
        return 0


def _has_percpu_rss(prog: Program) -> bool:
    # Since 6.2 (f1a7941243c1).
    try:
        typeof_member(prog.type("struct mm_struct"), "rss_stat[0].counters")
    except (LookupError, TypeError):
        return False
    return True


def _percpu_rss(prog: Program, mms: NDArray[Any]) -> list[int]:
    import numpy as np

    distinct, positions = np.unique(mms, return_inverse=True)
    mm_type = prog.type("struct mm_struct")
    names = ("MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES")
    counters = [
        distinct + np.uint64(offsetof(mm_type, f"rss_stat[{prog[name].value_()}]"))
        for name in names
    ]
    # Shape (counters, address spaces).
    shape = len(names), len(distinct)
    read = drgn.columns(
        np.concatenate(counters),
        "count",
        "counters",
        type="struct percpu_counter",
        prog=prog,
    )
    totals = read["count"].filled(0).reshape(shape).sum(axis=0)
    pointers = read["counters"].filled(0)
    offsets = np.array(_percpu_offsets(prog), np.uint64)
    # Shape (CPUs, counters, address spaces).
    parts = prog.gather("s32", (pointers + offsets[:, None]).ravel()).filled(0)
    parts = parts.reshape(len(offsets), *shape)
    parts[:, pointers.reshape(shape) == 0] = 0
    totals += parts.sum(axis=(0, 1))
    result: list[int] = np.where(distinct != 0, totals, 0)[positions].tolist()
    return result


def _percpu_offsets(prog: Program) -> list[int]:
    try:
        offsets = prog["__per_cpu_offset"]
    except KeyError:
        return [0]  # !CONFIG_SMP
    return [offsets[cpu].value_() for cpu in for_each_online_cpu(prog)]


def kernel_stack_pointers(prog: Program, tasks: Sequence[Object]) -> list[int]:
    """The stack pointer of each task in the kernel, 0 where it is not known."""
    if not tasks:
        return []
    saved = _saved_stack_pointers(prog, tasks)
    active = _active(prog, tasks)
    return [
        sp if sp and not on_cpu else _top_of_trace(prog, task)
        for task, sp, on_cpu in zip(tasks, saved, active, strict=True)
    ]


def _saved_stack_pointers(prog: Program, tasks: Sequence[Object]) -> list[int]:
    """The stack pointers that x86's switch_to() saved, above what it pushed."""
    try:
        # Since 4.9 (0100301bfdf5).
        pushed = sizeof(prog.type("struct inactive_task_frame"))
    except LookupError:
        return [0] * len(tasks)
    pointers = drgn.columns(tasks, "thread.sp")["thread.sp"].filled(0).tolist()
    return [sp + pushed if sp else 0 for sp in pointers]


def _top_of_trace(prog: Program, task: Object) -> int:
    try:
        return prog.stack_trace(task)[0].sp
    except (FaultError, LookupError, ValueError):
        return 0
