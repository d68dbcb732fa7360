# What words of stacks and of memory refer to.
from drgn.helpers.common.memory import (
    identify_address,
    identify_address_all,
    print_annotated_memory,
)
from drgn.helpers.common.stack import print_annotated_stack, print_registers
from drgn.helpers.common.type import enum_type_to_class, member_at_offset, typeof_member
from drgn.helpers.linux import (
    cpu_curr,
    find_task,
    for_each_mount,
    for_each_online_cpu,
    for_each_task,
    kernel_stack_trace,
    per_cpu,
)

for cpu in for_each_online_cpu(prog):
    task = cpu_curr(prog, cpu)
    for segment in kernel_stack_trace(prog, task).segments:
        if segment.kind.name != "USER":
            print(segment.kind.name, [frame.name for frame in segment])
    # What is known of the frames after it depends on where it was interrupted.
    frame = prog.stack_trace(task)[0]
    if frame.pc >> 63:  # not the user's
        print_registers(prog, frame.registers())
init = find_task(prog, 1)
kthreadd = find_task(prog, 2)
print(kernel_stack_trace(prog, kthreadd))
print_annotated_stack(prog.stack_trace(kthreadd))
for mount in for_each_mount(prog):
    print_annotated_memory(prog, mount, 64)
print_annotated_memory(prog, 0x1000, 32, physical=True)
cache = {}
for address in (
    init,
    init.comm.address_,
    init.stack,
    prog["init_task"].address_,
    prog.symbol("schedule").address + 5,
    per_cpu(prog["runqueues"], 0).address_,
    prog["vmemmap_base"],
    prog["init_mm"].pgd,
    0,
    0x400000,
):
    print(identify_address(prog, address, cache=cache))
    print([str(found) for found in identify_address_all(prog, address)])
for task in for_each_task(prog):
    print(identify_address(prog, task.files), identify_address(prog, task.thread.sp))

for offset in range(0, 512, 3):
    print(member_at_offset(prog.type("struct task_struct"), offset))
print(typeof_member(prog.type("struct task_struct"), "se.run_node.rb_left"))
print(list(enum_type_to_class(prog.type("enum pid_type"), "PidType", ("PIDTYPE_MAX",))))
