# Run by scripts/demo --kernel on a dump of the lab's guest.
from drgn.helpers.linux import (
    for_each_mount,
    for_each_task,
    inode_path,
    mount_dst,
    mount_fstype,
    mount_src,
    path_lookup,
    task_state_to_char,
)

print(prog["UTS_RELEASE"].string_().decode())
print("jiffies", prog["jiffies_64"].value_())
print(prog["init_task"].comm)

print("\nRunning tasks:")
for task in for_each_task(prog):
    if task_state_to_char(task) == "R":
        print(task.pid.value_(), task.comm.string_().decode())

print("\nMounts:")
for mount in for_each_mount(prog):
    words = mount_src(mount), mount_dst(mount), mount_fstype(mount)
    print(" ", b" ".join(words).decode())

hosts = path_lookup(prog, "/etc/hosts")
print("\n/etc/hosts is", hosts.dentry.d_inode.format_(dereference=False))
print("of", hosts.dentry.d_inode.i_size.value_(), "bytes")

print("\nA task that waits for its disk:")
for task in for_each_task(prog):
    if task.comm.string_() == b"blocked-read":
        trace = prog.stack_trace(task)
        print(trace)
        for frame in trace:
            if frame.name == "folio_wait_bit_common":
                path = inode_path(frame["folio"].mapping.host).decode()
                print(f"It reads {path}, as {frame.name}'s local variable says.")
