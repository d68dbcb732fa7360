# Tasks through the helpers: names, states, parents, CPUs, files, memory.
from drgn.helpers.linux import (
    cmdline,
    cpu_curr,
    d_path,
    environ,
    for_each_file,
    for_each_online_cpu,
    for_each_task,
    for_each_vma,
    task_cpu,
    task_state_to_char,
)


def is_sampled(mm):
    """Whether NUMA balancing may have made pages PROT_NONE: upstream faults there."""
    if not hasattr(mm, "numa_scan_seq"):
        return False
    return bool(mm.numa_scan_seq or mm.numa_scan_offset)


for cpu in for_each_online_cpu(prog):
    print(cpu, cpu_curr(prog, cpu).comm)
for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    print(
        task.pid.value_(),
        task.comm,
        task_state_to_char(task),
        task_cpu(task),
        task.parent.pid.value_(),
    )
    if not task.mm:
        continue
    if not is_sampled(task.mm):
        print("  ", cmdline(task), len(environ(task) or []))
    for fd, file in for_each_file(task):
        if file:  # not a descriptor that accept() has only reserved
            print("  ", fd, d_path(file.f_path))
    for vma in for_each_vma(task.mm):
        print("  ", hex(vma.vm_start), hex(vma.vm_end), hex(vma.vm_flags))
