# What tasks have: groups, limits, signals, timers, queues that they wait in.
from drgn import container_of
from drgn.helpers.linux import (
    cgroup_name,
    cgroup_path,
    css_for_each_descendant_pre,
    decode_sigaction_flags,
    decode_sigset,
    decode_sysv_shm_flags,
    find_pid,
    find_sysv_msg_queue,
    find_sysv_sem_array,
    find_sysv_shm,
    find_user,
    for_each_online_cpu,
    for_each_pid,
    for_each_sysv_msg_queue,
    for_each_sysv_sem_array,
    for_each_sysv_shm,
    for_each_task,
    for_each_user,
    get_task_state,
    hrtimer_clock_base_for_each,
    kthread_data,
    loadavg,
    mutex_owner,
    per_cpu,
    pid_task,
    rq_for_each_fair_task,
    rq_for_each_rt_task,
    rwsem_locked,
    rwsem_owner,
    sigaction_flags,
    signal_names,
    signal_numbers,
    sigpending_for_each,
    sigset_to_hex,
    task_group_name,
    task_is_kthread,
    task_on_cpu,
    task_rlimits,
    task_since_last_arrival_ns,
    timer_base_for_each,
    timer_base_names,
    to_kthread,
    waitqueue_active,
    waitqueue_for_each_task,
)

print(loadavg(prog), dict(signal_names(prog)), dict(sigaction_flags(prog)))
print({number: list(names) for number, names in signal_numbers(prog).items()})
for task in for_each_task(prog):
    print(task.pid.value_(), get_task_state(task), task_on_cpu(task))
    print(task_since_last_arrival_ns(task), task_group_name(task.sched_task_group))
    print(cgroup_path(task.cgroups.dfl_cgrp), cgroup_name(task.cgroups.dfl_cgrp))
    if task_is_kthread(task):
        print(hex(to_kthread(task).value_()))
        if to_kthread(task):
            print(hex(kthread_data(task).value_()))
        continue
    print({name: tuple(limit) for name, limit in task_rlimits(task).items()})
    print(sigset_to_hex(task.blocked), decode_sigset(task.pending.signal))
    for signal, action in enumerate(task.sighand.action, 1):
        if action.sa.sa_flags:
            print(signal, action.sa.sa_handler, decode_sigaction_flags(action.sa))
    print([q.info.si_signo for q in sigpending_for_each(task.pending.address_of_())])
    queue = task.signal.wait_chldexit.address_of_()
    print(waitqueue_active(queue), [t.pid for t in waitqueue_for_each_task(queue)])
    # Upstream does not know those of PREEMPT_RT.
    # Renamed in 5.8.
    name = "mmap_lock" if hasattr(task.mm, "mmap_lock") else "mmap_sem"
    if task.mm and hasattr(task.mm.member_(name), "count"):
        lock = task.mm.member_(name).address_of_()
        print(rwsem_locked(lock).name, hex(rwsem_owner(lock).value_()))
    if hasattr(task.signal.cred_guard_mutex, "owner"):
        print(hex(mutex_owner(task.signal.cred_guard_mutex.address_of_()).value_()))

for pid in sorted(for_each_pid(prog), key=lambda pid: pid.numbers[0].nr.value_()):
    task = pid_task(pid, prog["PIDTYPE_PID"])
    print(pid.numbers[0].nr, task.comm if task else None)
print(hex(find_pid(prog, 1).value_()), find_pid(prog, 99999))
for user in sorted(for_each_user(prog), key=lambda user: user.uid.val.value_()):
    print(user.uid, hex(find_user(prog, user.uid).value_()))
root = prog["cgrp_dfl_root"].cgrp.self.address_of_()
for css in css_for_each_descendant_pre(root):
    print(cgroup_path(container_of(css, "struct cgroup", "self")))

for cpu in for_each_online_cpu(prog):
    rq = per_cpu(prog["runqueues"], cpu).address_of_()
    print(cpu, [task.comm for task in rq_for_each_fair_task(rq)])
    print(cpu, [task.comm for task in rq_for_each_rt_task(rq)])
    bases = per_cpu(prog["timer_bases"], cpu)
    for name, base in zip(timer_base_names(prog), bases, strict=True):
        for timer in timer_base_for_each(base.address_of_()):
            print(cpu, name, timer.expires, timer.function)
    for base in per_cpu(prog["hrtimer_bases"], cpu).clock_base:
        for hrtimer in hrtimer_clock_base_for_each(base.address_of_()):
            print(cpu, base.index, hrtimer.node.expires, hrtimer.function)

for each, find, perm in (
    (for_each_sysv_msg_queue, find_sysv_msg_queue, "q_perm"),
    (for_each_sysv_sem_array, find_sysv_sem_array, "sem_perm"),
    (for_each_sysv_shm, find_sysv_shm, "shm_perm"),
):
    print(find(prog, 4096))
    for found in each(prog):
        id = found.member_(perm).id.value_()
        print(id, hex(found.value_()), hex(find(prog, id).value_()))
        if perm == "shm_perm":
            print(repr(decode_sysv_shm_flags(found)))
