"""The tasks of a kernel: all of them, one by PID, the one that a CPU runs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import BadDataError, FaultError
from ..flags import ProgramFlags
from ..objects.object import Object
from ..types.layout import offsetof

if TYPE_CHECKING:
    from ..program import Program


def _bytes_offset(prog: Program, type_name: str, member: str) -> int | None:
    """Offset of a member in bytes, None if the structure has none of that name."""
    type = prog.type(type_name)
    return offsetof(type, member) if type.has_member(member) else None


class _TaskLists:
    """The lists of ``init_task``: thread group leaders, and each one's threads."""

    __slots__ = ("_leaders", "_prog", "_signal", "_thread_head", "_threads")

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        task, signal = "struct task_struct", "struct signal_struct"
        leaders = _bytes_offset(prog, task, "tasks")
        threads = _bytes_offset(prog, task, "thread_node")
        thread_head = _bytes_offset(prog, signal, "thread_head")
        if threads is None or thread_head is None:
            # In older kernels, the threads are a ring without a head.
            threads, thread_head = _bytes_offset(prog, task, "thread_group"), None
        signal_member = _bytes_offset(prog, task, "signal")
        if leaders is None or threads is None or signal_member is None:
            raise LookupError("struct task_struct has no list of tasks")
        self._leaders = leaders
        self._threads = threads
        self._signal = signal_member
        self._thread_head = thread_head

    def _list(self, head: int, offset: int) -> list[int]:
        """The structures that ``head`` has in a list, by where the list is in them."""
        read = self._prog.read_word
        found: dict[int, None] = {}
        node = read(head)
        while node != head:
            if node in found:
                raise BadDataError(f"list of tasks at {head:#x} is a cycle without it")
            found[node] = None
            node = read(node)
        return [node - offset for node in found]

    def addresses(self) -> list[int]:
        """The addresses of all tasks but the idle ones."""
        init_task = self._prog["init_task"].address_
        assert init_task is not None
        tasks: list[int] = []
        for leader in self._list(init_task + self._leaders, self._leaders):
            if self._thread_head is None:
                tasks.append(leader)
                head = leader + self._threads
            else:
                signal = self._prog.read_word(leader + self._signal)
                head = signal + self._thread_head
            tasks += self._list(head, self._threads)
        return tasks


def _numbered_tasks(prog: Program) -> list[tuple[int, int]]:
    """PID and address of all tasks but the idle ones, ascending.

    They are remembered for a dump, whose tasks come and go no more.
    """
    kernel = prog._kernel
    assert kernel is not None
    if kernel.tasks is not None:
        return kernel.tasks
    prog.variable("init_task")  # Without it, that is what is missing.
    pid = _bytes_offset(prog, "struct task_struct", "pid")
    if pid is None:
        raise LookupError("struct task_struct has no member pid")
    tasks = [
        (prog.read_u32(address + pid), address)
        for address in _TaskLists(prog).addresses()
    ]
    tasks.sort()
    if not prog.flags & ProgramFlags.IS_LIVE:
        kernel.tasks = tasks
    return tasks


def all_tasks(prog: Program) -> Iterator[tuple[int, Object]]:
    """PID and ``struct task_struct *`` of all tasks but the idle ones, by PID.

    Raises FaultError or BadDataError if the lists of tasks are broken.
    """
    tasks = _numbered_tasks(prog)
    pointer = prog.type("struct task_struct *")
    for pid, address in tasks:
        yield pid, Object._val(pointer, address)


def find_task(prog: Program, pid: int) -> Object | None:
    """The ``struct task_struct *`` of a PID, None if there is none; errors as above."""
    tasks = _numbered_tasks(prog)
    i = bisect_left(tasks, (pid, 0))
    if i == len(tasks) or tasks[i][0] != pid:
        return None
    return Object._val(prog.type("struct task_struct *"), tasks[i][1])


def per_cpu_offset(prog: Program, cpu: int) -> int:
    """What a CPU adds to the addresses of per-CPU variables.

    Raises LookupError if there is no such CPU.
    """
    if "__per_cpu_offset" not in prog:
        return 0  # Not SMP.
    offsets = prog["__per_cpu_offset"]
    length = offsets.type_.length
    if cpu < 0 or (length is not None and cpu >= length):
        raise LookupError(f"there is no CPU {cpu}")
    value: int = offsets[cpu].value_()
    return value


def current_task(prog: Program, cpu: int) -> Object:
    """``struct task_struct *`` of the task that a CPU runs, idle ones included."""
    runqueues = prog["runqueues"]
    assert runqueues.address_ is not None
    address = runqueues.address_ + per_cpu_offset(prog, cpu)
    rq = Object(prog, runqueues.type_, address=address & (1 << 64) - 1)
    return rq.member_("curr").read_()


def task_cpu(prog: Program, task: Object) -> int:
    """The CPU that a task runs on or ran on last."""
    type = task.type_.unaliased().type
    if type.has_member("cpu"):
        # From 4.9 (c65eacbe290b) to 5.16 (bcf9033e5449).
        value: int = task.member_("cpu").value_()
        return value
    if type.has_member("thread_info"):
        info = task.member_("thread_info")
    else:
        info = Object(prog, "struct thread_info *", task.member_("stack").value_())
    try:
        value = info.member_("cpu").value_()
    except LookupError:
        return 0  # Not SMP.
    return value


def running_cpu(prog: Program, task: Object) -> int | None:
    """The CPU that runs a task, None if none does.

    A dump may lack the memory of CPUs: there the task's own word is taken.
    """
    says_so = task.type_.unaliased().type.has_member("on_cpu")  # SMP
    if says_so and not task.member_("on_cpu").value_():
        return None
    cpu = task_cpu(prog, task)
    try:
        while current_task(prog, cpu).value_() != task.value_():
            # In a running kernel it may have gone to another CPU in the meantime.
            before, cpu = cpu, task_cpu(prog, task)
            if cpu == before:
                return None
    except FaultError:
        if not says_so:
            raise
    return cpu


def crashed_cpu(prog: Program) -> int:
    """The CPU that panicked; LookupError if none did."""
    if "runqueues" not in prog:  # There is no debugging information.
        raise LookupError("could not find 'runqueues'")
    for name in ("panic_cpu", "crashing_cpu"):
        if name not in prog:
            continue
        value = prog[name]
        # panic_cpu is an atomic_t.
        cpu: int = (value.counter if name == "panic_cpu" else value).value_()
        if cpu < 0:
            raise LookupError(f"{name} is not set")
        return cpu
    raise LookupError("the kernel does not say which CPU panicked")
