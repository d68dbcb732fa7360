# The file that a blocked task waits for, found through a local variable of its stack.
from drgn.helpers.linux import (
    find_task,
    for_each_task,
    inode_path,
    task_state_to_char,
)

for task in for_each_task(prog):
    if task.comm.string_() in (b"blocked-read", b"blocked-fault"):
        print(task.pid, task_state_to_char(task))
        if task_state_to_char(task) in "ZX":
            continue  # The kernel may have freed its stack.
        trace = prog.stack_trace(task.pid)
        print(trace)
        for index, frame in enumerate(trace):
            if frame.name == "folio_wait_bit_common":
                print(frame, trace[index])
                folio = frame["folio"]
                print(folio.type_, inode_path(folio.mapping.host))
                print(frame["bit_nr"], frame["behavior"], frame.locals())
        print(find_task(prog, task.pid) == task)
