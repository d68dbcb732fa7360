"""Who waits for what, and who runs: as the guest arranged it and printed it."""

from __future__ import annotations

import re

from guest_facts import facts_of, has_orc, inode_at, task_of, times_tasks
from lab.manifest import Lab

from drgn import Object, Program, cast
from drgn.helpers.linux import (
    LinuxKernelStack,
    StackSegment,
    cfs_rq_for_each_entity,
    completion_done,
    completion_for_each_task,
    cpu_curr,
    cpu_rq,
    decode_sigaction_flags,
    decode_sigaction_flags_value,
    fget,
    for_each_file,
    for_each_mount,
    for_each_online_cpu,
    for_each_task,
    get_task_state,
    idle_task,
    kernel_stack_trace,
    kthread_data,
    list_for_each_entry,
    loadavg,
    mutex_owner,
    rbtree_inorder_for_each_entry,
    rq_for_each_fair_task,
    rq_for_each_rt_task,
    rwsem_locked,
    rwsem_owner,
    sched_entity_is_task,
    sched_entity_to_task,
    sigpending_for_each,
    swait_active,
    swait_for_each_task,
    task_cpu,
    task_is_kthread,
    task_on_cpu,
    task_rq,
    task_since_last_arrival_ns,
    task_thread_info,
    thread_group_leader,
    to_kthread,
    waitqueue_active,
    waitqueue_for_each_entry,
    waitqueue_for_each_task,
)


def test_owner_of_a_mutex(live: Program, each_lab: Lab) -> None:
    holder = task_of(live, each_lab, "mutex-holder")
    pipes = [
        cast("struct pipe_inode_info *", file.private_data)
        for _, file in for_each_file(holder)
        if file and file.f_inode.i_sb.s_type.name.string_() == b"pipefs"
    ]
    owners = {mutex_owner(pipe.mutex.address_of_()).value_() for pipe in pipes}
    # One pipe is locked, and the other (of the workload) is not.
    assert owners == {0, holder.value_()}
    locked = next(pipe for pipe in pipes if mutex_owner(pipe.mutex.address_of_()))
    waiting = [
        waiter.task.comm.string_()
        for waiter in waiters_of(locked.mutex, "struct mutex_waiter")
    ]
    assert waiting == [b"mutex-waiter", b"mutex-second"]
    for name in ("mutex-waiter", "mutex-second"):
        assert get_task_state(task_of(live, each_lab, name)) == "D (disk sleep)" or (
            get_task_state(task_of(live, each_lab, name)).startswith("D")
        )


def rt_mutex_of(lock: Object) -> Object | None:
    """What a mutex or semaphore is made of if the kernel is PREEMPT_RT."""
    if hasattr(lock, "rwbase"):
        return lock.rwbase.rtmutex
    # Before 5.15, the patches called it otherwise.
    name = next((n for n in ("rtmutex", "lock") if hasattr(lock, n)), None)
    return None if name is None else lock.member_(name)


def waiters_of(lock: Object, type: str) -> list[Object]:
    if (rt_mutex := rt_mutex_of(lock)) is not None:
        type = "struct rt_mutex_waiter"
        # Before 6.5 (ddc4d9d3b47b), the node was a member of the waiter itself.
        nested = lock.prog_.type(type).has_member("tree")
        root = rt_mutex.waiters.rb_root.address_of_()
        member = "tree.entry" if nested else "tree_entry"
        return list(rbtree_inorder_for_each_entry(type, root, member))
    try:
        head = lock.wait_list.address_of_()
    except AttributeError:
        # Since Linux 7, the waiters are a ring without a head.
        first = lock.first_waiter.read_()
        others = list_for_each_entry(type, first.list.address_of_(), "list")
        return [first, *others]
    return list(list_for_each_entry(type, head, "list"))


def test_owners_of_semaphores(live: Program, each_lab: Lab) -> None:
    for name, how in (("write-holder", "WRITE_LOCKED"), ("read-holder", "READ_LOCKED")):
        facts = facts_of(each_lab, name)
        inode = inode_at(live, facts["path"])
        assert inode.i_ino.value_() == int(facts["inode"])
        sem = inode.i_rwsem.address_of_()
        assert rwsem_locked(sem).name == how
        waiter = name.replace("holder", "waiter")
        waiting = [
            entry.task.comm.string_().decode()
            for entry in waiters_of(sem, "struct rwsem_waiter")
        ]
        if how == "READ_LOCKED" and rt_mutex_of(sem) is not None:
            # A writer has the mutex, and waits for the readers to go.
            assert (waiting, rwsem_owner(sem)) == ([], task_of(live, each_lab, waiter))
        else:
            assert waiting == [waiter]
            assert rwsem_owner(sem) == task_of(live, each_lab, name)
    free = inode_at(live, "/tree").i_rwsem.address_of_()
    assert rwsem_locked(free).name == "UNLOCKED"


def test_frozen_filesystem(live: Program, each_lab: Lab) -> None:
    path = each_lab.task("freezer")["path"]
    (mount,) = for_each_mount(live, dst=path)
    frozen = task_of(live, each_lab, "frozen")
    assert get_task_state(frozen).startswith("D")
    names = [frame.name for frame in live.stack_trace(frozen)]
    assert "percpu_rwsem_wait" in names or "__percpu_down_read" in names
    sems = mount.mnt.mnt_sb.s_writers.rw_sem
    if hasattr(sems[0], "waiters"):
        waiting = [
            cast("struct task_struct *", entry.private).value_()
            for sem in sems
            for entry in waitqueue_for_each_entry(sem.waiters.address_of_())
        ]
    else:  # before 5.7 (7f26482a872c)
        waiting = [
            waiter.task.value_()
            for sem in sems
            for waiter in list_for_each_entry(
                "struct rwsem_waiter", sem.rw_sem.wait_list.address_of_(), "list"
            )
        ]
    assert waiting == [frozen.value_()]


def test_completions(live: Program, each_lab: Lab) -> None:
    parent = task_of(live, each_lab, "vfork-parent")
    (child,) = (t for t in for_each_task(live) if t.comm.string_() == b"vfork-child")
    assert child.real_parent.value_() == parent.value_()
    done = child.vfork_done
    assert not completion_done(done)
    assert [t.value_() for t in completion_for_each_task(done)] == [parent.value_()]


def test_wait_queues(live: Program, each_lab: Lab) -> None:
    reader = task_of(live, each_lab, "wait-pipe")
    empty = int(each_lab.task("wait-pipe")["fds"].split()[2])
    pipe = cast("struct pipe_inode_info *", fget(reader, empty).private_data)
    queue = (
        pipe.rd_wait if pipe.type_.type.has_member("rd_wait") else pipe.wait
    ).address_of_()
    assert waitqueue_active(queue)
    assert [t.value_() for t in waitqueue_for_each_task(queue)] == [reader.value_()]
    assert len(list(waitqueue_for_each_entry(queue))) == 1
    if not hasattr(pipe, "wr_wait"):
        return  # before 5.5 (0ddad21d3e99)
    nobody = pipe.wr_wait.address_of_()
    assert not waitqueue_active(nobody) and not list(waitqueue_for_each_task(nobody))


def test_simple_wait_queues(live: Program) -> None:
    queue = live["rcu_state"].gp_wq.address_of_()
    waiting = [t.comm.string_() for t in swait_for_each_task(queue)]
    # The grace-period thread is the only one that ever waits there.
    assert waiting in ([], [live["rcu_state"].gp_kthread.comm.string_()])
    assert swait_active(queue) == bool(waiting)


def test_pending_signals(live: Program, each_lab: Lab) -> None:
    facts = each_lab.task("pending-signals")
    task = task_of(live, each_lab, "pending-signals")
    for pending, key in (
        (task.signal.shared_pending, "shared"),
        (task.pending, "private"),
    ):
        queue = sigpending_for_each(pending.address_of_())
        assert [q.info.si_signo.value_() for q in queue] == [
            int(number) for number in facts[key].split()
        ]
    action = task.sighand.action[12 - 1].sa  # SIGUSR2
    assert action.sa_handler.value_() == int(facts["handler"], 16)
    text = decode_sigaction_flags(action)
    assert set(text.split("|")) == {
        "SA_SIGINFO", "SA_RESTORER", "SA_RESTART", "SA_NODEFER"
    }  # fmt: skip
    assert decode_sigaction_flags_value(live, action.sa_flags) == text


def test_kernel_threads(live: Program, each_lab: Lab) -> None:
    kthreads = 0
    for task in for_each_task(live):
        path = each_lab.facts / f"proc/{task.pid.value_()}/cmdline"
        state = each_lab.facts / f"proc/{task.pid.value_()}/stat"
        if not path.exists() or not state.exists():
            continue
        # PF_KTHREAD, the tenth field of stat after the name.
        flags = int(state.read_text().rsplit(")", 1)[1].split()[6])
        assert task_is_kthread(task) == bool(flags & 0x200000)
        if flags & 0x200000:
            kthreads += 1
            to_kthread(task)
            if task.comm.string_() == b"kthreadd":
                continue
            kthread_data(task)
    assert kthreads > 30


def test_who_runs(live: Program, each_lab: Lab) -> None:
    spinner = task_of(live, each_lab, "spin-user")
    running = cpu_curr(live, 1)
    # Or another of those that the guest has started, as the shell that asked last.
    comm = each_lab.facts / f"proc/{running.pid.value_()}/comm"
    others = spinner, idle_task(live, 1)
    if not task_is_kthread(running) and running not in others:
        assert running.comm.string_() == comm.read_bytes().rstrip(b"\n")
    assert task_cpu(running) == 1 and task_on_cpu(running)
    rq = cpu_rq(live, 1)
    assert task_rq(spinner).value_() == rq.value_()
    assert spinner.value_() in {t.value_() for t in rq_for_each_fair_task(rq)}
    entities = list(cfs_rq_for_each_entity(rq.cfs.address_of_()))
    tasks = {
        sched_entity_to_task(entity).value_()
        for entity, *_ in entities
        if sched_entity_is_task(entity)
    }
    assert tasks == {t.value_() for t in rq_for_each_fair_task(rq)}
    for cpu in for_each_online_cpu(live):
        running = cpu_rq(live, cpu).rt.rt_nr_running.value_()
        assert len(list(rq_for_each_rt_task(cpu_rq(live, cpu)))) == running
    info = task_thread_info(spinner)
    assert info.type_.type_name() == "struct thread_info *"
    for task in for_each_task(live):
        pid = task.pid.value_()
        if (each_lab.facts / f"proc/{pid}").exists():
            assert thread_group_leader(task)
    (other,) = (t for t in for_each_task(live) if t.comm.string_() == b"one-way")
    assert not thread_group_leader(other)
    assert other.group_leader.comm.string_() == b"futexes"
    sleeping = task_of(live, each_lab, "wait-pipe")
    if times_tasks(live):
        assert task_since_last_arrival_ns(sleeping) > 0


def test_load(live: Program, each_lab: Lab) -> None:
    then = [float(number) for number in each_lab.fact("proc/loadavg").split()[:3]]
    now = loadavg(live)
    # The guest has been busier since, and the averages move slowly.
    assert all(b >= a - 0.3 for a, b in zip(then, now, strict=True))
    assert now[0] < 40


def test_parts_of_a_stack(live: Program, each_lab: Lab) -> None:
    task = task_of(live, each_lab, "mutex-holder")
    stack = kernel_stack_trace(live, task)
    assert isinstance(stack, LinuxKernelStack)
    assert all(isinstance(part, StackSegment) for part in stack.segments)
    # It waits in a page fault, in the middle of a system call.
    kinds = [part.kind.name for part in stack.segments]
    assert kinds == ["TASK", "TASK", "USER"][: 3 if has_orc(live) else 2]
    assert stack.segments[1][0].interrupted
    names = [frame.name for frame in stack]
    guest = re.findall(r"\] (\w+)\+", each_lab.fact(f"proc/{task.pid.value_()}/stack"))
    # Frames that are not inlined are those which the guest printed.
    assert next(name for name in names if name in guest) == guest[0]
    assert "handle_userfault" in names
    assert {"pipe_write", "anon_pipe_write"} & set(names)  # its name since 6.15
