"""
CPU Scheduler
-------------

``drgn.helpers.linux.sched`` works with tasks, runqueues and task groups.
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import NULL, IntegerLike, Object, Program, cast, container_of
from drgn.helpers import ValidationError
from drgn.helpers.common.prog import takes_program_or_default
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu, per_cpu_ptr
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

__all__ = (
    "cfs_rq_for_each_entity",
    "cpu_curr",
    "cpu_rq",
    "get_task_state",
    "idle_task",
    "loadavg",
    "rq_for_each_fair_task",
    "rq_for_each_rt_task",
    "sched_entity_is_task",
    "sched_entity_to_task",
    "task_cpu",
    "task_group_name",
    "task_group_sched_entity",
    "task_on_cpu",
    "task_rq",
    "task_since_last_arrival_ns",
    "task_state_to_char",
    "task_thread_info",
    "thread_group_leader",
)


def task_thread_info(task: Object) -> Object:
    """Return the ``struct thread_info`` of a task.

    :param task: ``struct task_struct *``
    :return: ``struct thread_info *``

    >>> task_thread_info(find_task(prog, 1)).type_
    struct thread_info *
    """
    try:
        # CONFIG_THREAD_INFO_IN_TASK
        return task.thread_info.address_of_()
    except AttributeError:
        return cast("struct thread_info *", task.stack.read_())


def task_cpu(task: Object) -> int:
    """Return the number of the CPU that a task runs on or last ran on.

    :param task: ``struct task_struct *``

    >>> task_cpu(idle_task(prog, 1))
    1
    """
    try:
        # In task_struct if CONFIG_THREAD_INFO_IN_TASK, until 5.16 (bcf9033e5449).
        return task.cpu.value_()
    except AttributeError:
        pass
    info = task_thread_info(task)
    try:
        return info.cpu.value_()
    except AttributeError:
        return 0  # !CONFIG_SMP


def task_on_cpu(task: Object) -> bool:
    """Return whether a task is running on a CPU right now.

    :param task: ``struct task_struct *``

    >>> task_on_cpu(find_task(prog, 2))
    False
    """
    try:
        return bool(task.on_cpu)
    except AttributeError:
        if task.prog_.type("struct task_struct").has_member("on_cpu"):
            raise  # It is no task.
        # !CONFIG_SMP
        return cpu_curr(task.prog_, 0).value_() == task.value_()


@takes_program_or_default
def cpu_rq(prog: Program, cpu: IntegerLike) -> Object:
    """Return the runqueue of a CPU.

    :param cpu: CPU number.
    :return: ``struct rq *``

    >>> cpu_rq(prog, 1).cpu
    (int)1
    """
    return per_cpu(prog["runqueues"], cpu).address_of_()


def task_rq(task: Object) -> Object:
    """Return the runqueue that a task is on.

    :param task: ``struct task_struct *``
    :return: ``struct rq *``

    >>> task_rq(find_task(prog, 2)).type_
    struct rq *
    """
    return cpu_rq(task.prog_, task_cpu(task))


@takes_program_or_default
def cpu_curr(prog: Program, cpu: IntegerLike) -> Object:
    """Return the task that runs on a CPU.

    >>> cpu_curr(1).comm
    (char [16])"spin-user"

    :param cpu: CPU number.
    :return: ``struct task_struct *``
    """
    return cpu_rq(prog, cpu).curr.read_()


@takes_program_or_default
def idle_task(prog: Program, cpu: IntegerLike) -> Object:
    """Return the idle thread (PID 0) of a CPU.

    >>> idle_task(0).comm
    (char [16])"swapper/0"

    :param cpu: CPU number.
    :return: ``struct task_struct *``
    """
    return cpu_rq(prog, cpu).idle.read_()


# include/linux/sched.h: bits of a task's state that are not in task_state_array.
_TASK_INTERRUPTIBLE = 0x1
_TASK_UNINTERRUPTIBLE = 0x2
_OLD_TASK_PARKED = 0x200
_TASK_NOLOAD = 0x400
_TASK_IDLE = _TASK_UNINTERRUPTIBLE | _TASK_NOLOAD
_TASK_RTLOCK_WAIT = 0x1000
_TASK_FROZEN = 0x8000


def task_state_to_char(task: Object) -> str:
    """Return the state of a task as :manpage:`ps(1)` writes it, e.g., ``'R'``.

    :param task: ``struct task_struct *``

    >>> task_state_to_char(find_task(prog, 1))
    'S'
    """
    return get_task_state(task)[0]


def get_task_state(task: Object) -> str:
    """Return the state of a task as a letter and a name, e.g., ``'R (running)'``.

    :param task: ``struct task_struct *``

    >>> get_task_state(find_task(prog, 1))
    'S (sleeping)'
    """
    names = _task_state_names(task.prog_)
    try:
        state: int = task.member_("__state").value_()
    except LookupError:
        # Before 5.14 (2f064a59a11f).
        state = task.state.value_()
    # Like get_task_state() in fs/proc/array.c: a state's name is at the number of
    # its highest bit, plus one.
    idle = names[-1].startswith("I")
    if idle and state & _TASK_IDLE == _TASK_IDLE:
        # Since 4.14 (06eb61844d84).
        return names[-1]
    if idle and state & (_TASK_RTLOCK_WAIT | _TASK_FROZEN):
        state = _TASK_UNINTERRUPTIBLE
    if not idle and state == _OLD_TASK_PARKED:
        # Since 4.14 (8ef9925b02c2), there is a name for it.
        state = _TASK_INTERRUPTIBLE
    reported = (1 << len(names) - 1 - idle) - 1
    return names[((state | task.exit_state.value_()) & reported).bit_length()]


def _task_state_names(prog: Program) -> tuple[str, ...]:
    names: tuple[str, ...] | None = prog.cache.get(_task_state_names)
    if names is None:
        names = tuple(name.string_().decode() for name in prog["task_state_array"])
        prog.cache[_task_state_names] = names
    return names


@takes_program_or_default
def loadavg(prog: Program) -> tuple[float, float, float]:
    """Return the load averages over 1, 5 and 15 minutes.

    >>> loadavg(prog)
    (1.28564453125, 0.279296875, 0.09130859375)
    """
    # Fixed point with FSHIFT = 11 bits (include/linux/sched/loadavg.h).
    # Of old compilers, what headers declare has no length.
    loads = prog["avenrun"]
    one, five, fifteen = (loads[i].value_() / (1 << 11) for i in range(3))
    return one, five, fifteen


def thread_group_leader(task: Object) -> bool:
    """Return whether a task leads its thread group, i.e., is its first thread.

    :param task: ``struct task_struct *``

    >>> thread_group_leader(find_task(prog, 1))
    True
    """
    return task.exit_signal.value_() >= 0


def task_since_last_arrival_ns(task: Object) -> int:
    """Return how long ago a task was last put on a CPU, by its runqueue's clock.

    That is about how long the task has been running, queued or blocked, but a
    runqueue's clock may lag behind on a CPU that is idle or runs one task for long.

    This needs ``CONFIG_SCHEDSTATS`` or ``CONFIG_TASK_DELAY_ACCT``.

    :param task: ``struct task_struct *``
    :return: Nanoseconds.

    >>> task_since_last_arrival_ns(find_task(prog, 1)) < 20_000_000_000
    True
    """
    arrival = task.sched_info.last_arrival.value_()
    return max(task_rq(task).clock.value_() - arrival, 0)


def task_group_name(tg: Object) -> bytes:
    """Return the name of a task group.

    :param tg: ``struct task_group *``
    :return: Name of its cgroup, or ``b""`` if it belongs to none.

    >>> task_group_name(prog["root_task_group"].address_of_())
    b'/'
    """
    from drgn.helpers.linux.cgroup import cgroup_name

    prog = tg.prog_
    if not prog.type("struct task_group").has_member("css"):
        return b""  # !CONFIG_CGROUP_SCHED
    cgroup = tg.css.cgroup.read_()
    return cgroup_name(cgroup) if cgroup else b""


def task_group_sched_entity(tg: Object, cpu: IntegerLike) -> Object:
    """Return the scheduling entity that stands for a task group on a CPU.

    :param tg: ``struct task_group *``
    :param cpu: CPU number.
    :return: ``struct sched_entity *``, ``NULL`` for the root task group.

    >>> task_group_sched_entity(prog["root_task_group"].address_of_(), 0)
    (struct sched_entity *)0x0
    """
    try:
        return tg.se[cpu].read_()
    except AttributeError:
        pass
    # In Linux 7, each CPU has it beside its struct cfs_rq; the root's is unused.
    prog = tg.prog_
    if not tg.parent:
        return NULL(prog, "struct sched_entity *")
    cfs_rq = per_cpu_ptr(tg.cfs_rq, cpu)
    state = container_of(cfs_rq, "struct cfs_tg_state", "cfs_rq")
    return state.se.address_of_()


def sched_entity_is_task(se: Object) -> bool:
    """Return whether a scheduling entity is a task rather than a task group.

    :param se: ``struct sched_entity *``

    >>> sched_entity_is_task(find_task(prog, 1).se.address_of_())
    True
    """
    try:
        return not se.my_q
    except AttributeError:
        return True  # !CONFIG_FAIR_GROUP_SCHED


def sched_entity_to_task(se: Object) -> Object:
    """Return the task of a scheduling entity; see :func:`sched_entity_is_task()`.

    :param se: ``struct sched_entity *``
    :return: ``struct task_struct *``

    >>> sched_entity_to_task(find_task(prog, 1).se.address_of_()).comm
    (char [16])"init"
    """
    return container_of(se, "struct task_struct", "se")


def cfs_rq_for_each_entity(
    cfs_rq: Object,
) -> Iterator[tuple[Object, int, bool, bool]]:
    """Iterate over what is on a fair runqueue and on those of the groups on it.

    A task group comes before what it contains.

    :param cfs_rq: ``struct cfs_rq *``
    :return: Iterator of (``struct sched_entity *``, depth beneath *cfs_rq*, whether
        it is the current entity of its runqueue, whether it is a task) tuples.

    >>> entities = cfs_rq_for_each_entity(cpu_rq(prog, 0).cfs.address_of_())
    >>> tasks = [se for se, *_ in entities if sched_entity_is_task(se)]
    >>> [sched_entity_to_task(se).comm.string_() for se in tasks]
    [b'spin-kernel']
    """
    if hasattr(cfs_rq, "h_curr"):
        # In Linux 7.3, all tasks are on the CPU's own runqueue.
        yield from _flat_entities(cfs_rq.read_())
    else:
        yield from _entities(cfs_rq, 0)


def _queued(cfs_rq: Object) -> Iterator[tuple[Object, bool]]:
    """What is on a runqueue itself, and whether it is its current entity."""
    # The current entity is not in the tree.
    current = cfs_rq.curr.read_()
    if current:
        yield current, True
    timeline = cfs_rq.tasks_timeline
    try:
        root = timeline.rb_root
    except AttributeError:
        # Before 4.14 (bfb068892d30), there is no struct rb_root_cached.
        root = timeline
    for se in rbtree_inorder_for_each_entry(
        "struct sched_entity", root.address_of_(), "run_node"
    ):
        yield se, False


def _entities(cfs_rq: Object, depth: int) -> Iterator[tuple[Object, int, bool, bool]]:
    for se, is_current in _queued(cfs_rq):
        yield from _entity(se, depth, is_current)


def _entity(
    se: Object, depth: int, is_current: bool
) -> Iterator[tuple[Object, int, bool, bool]]:
    is_task = sched_entity_is_task(se)
    yield se, depth, is_current, is_task
    if not is_task:
        yield from _entities(se.my_q, depth + 1)


def _flat_entities(
    cfs_rq: Object,
) -> Iterator[tuple[Object, int, bool, bool]]:
    """The entities of tasks, beneath those of the groups that they belong to."""
    # By the address of the struct cfs_rq that they belong to.
    entities: dict[int, dict[int, Object]] = {}
    for task, _ in _queued(cfs_rq.rq.cfs):
        se, seen = task, set[int]()
        while se and se.value_() not in seen:
            seen.add(se.value_())
            entities.setdefault(se.cfs_rq.value_(), {}).setdefault(se.value_(), se)
            se = se.parent.read_()

    def show(
        cfs_rq: Object, above: tuple[int, ...]
    ) -> Iterator[tuple[Object, int, bool, bool]]:
        address = cfs_rq.value_()
        if address in above:
            raise ValidationError(f"task group is beneath itself: {address:#x}")
        current = cfs_rq.h_curr.value_()
        for se in entities.get(address, {}).values():
            is_task = sched_entity_is_task(se)
            yield se, len(above), se.value_() == current, is_task
            if not is_task:
                yield from show(se.my_q.read_(), (*above, address))

    yield from show(cfs_rq, ())


def rq_for_each_fair_task(rq: Object) -> Iterator[Object]:
    """Iterate over the tasks of the fair class (CFS or EEVDF) on a runqueue.

    :param rq: ``struct rq *``
    :return: Iterator of ``struct task_struct *`` objects.

    >>> [task.comm.string_() for task in rq_for_each_fair_task(cpu_rq(prog, 1))]
    [b'spin-user']
    """
    try:
        tasks = rq.cfs_tasks
    except AttributeError:
        # !CONFIG_SMP
        return (
            sched_entity_to_task(se)
            for se, _, _, is_task in cfs_rq_for_each_entity(rq.cfs.address_of_())
            if is_task
        )
    return list_for_each_entry(
        "struct task_struct", tasks.address_of_(), "se.group_node"
    )


def rq_for_each_rt_task(rq: Object) -> Iterator[Object]:
    """Iterate over the tasks of the real-time class on a runqueue.

    :param rq: ``struct rq *``
    :return: Iterator of ``struct task_struct *`` objects.

    >>> list(rq_for_each_rt_task(cpu_rq(prog, 0)))
    []
    """
    yield from _rt_tasks(rq.rt)


def _rt_tasks(rt_rq: Object) -> Iterator[Object]:
    for queue in rt_rq.active.queue:
        for se in list_for_each_entry(
            "struct sched_rt_entity", queue.address_of_(), "run_list"
        ):
            group_rq = None
            try:
                group_rq = se.my_q.read_()  # CONFIG_RT_GROUP_SCHED
            except AttributeError:
                pass
            if group_rq:
                yield from _rt_tasks(group_rq)
            else:
                yield container_of(se, "struct task_struct", "rt")
