# The session of upstream's first page, as a script.
from drgn.helpers.linux import (
    for_each_task,
    path_lookup,
    task_state_to_char,
)


def show(value):
    print(repr(value))
    print(value)


show(prog.type("struct list_head"))
show(prog.variable("jiffies_64"))
show(prog["jiffies_64"])
print(hex(prog["jiffies_64"].address_))
show(prog["jiffies_64"].type_)
show(prog["jiffies_64"] + 1)
show(prog["init_task"].comm)
show(prog["init_task"].comm[0])
print(prog["init_task"])
for task in for_each_task(prog):
    if task_state_to_char(task) == "R":
        print(task.comm)
show(path_lookup(prog, "/etc/hosts").dentry.d_name.name)
show(path_lookup(prog, "/etc/hosts"))
