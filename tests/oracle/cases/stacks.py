# The stack of every task, as it prints.
from drgn.helpers.linux import for_each_task, task_state_to_char

for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    comm = task.comm.string_().decode()
    print(task.pid.value_(), comm, task_state_to_char(task))
    try:
        print(prog.stack_trace(task))
    except Exception as error:
        print(type(error).__name__, error)
