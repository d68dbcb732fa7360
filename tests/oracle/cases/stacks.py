# The stack of every task, as it prints.
from drgn import FaultError
from drgn.helpers.linux import for_each_task, task_state_to_char

for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    comm = task.comm.string_().decode()
    print(task.pid.value_(), comm, task_state_to_char(task))
    try:
        print(prog.stack_trace(task))
    except FaultError as error:
        # The message is libkdumpfile's on a kdump file.
        print(type(error).__name__, hex(error.address))
    except Exception as error:
        print(type(error).__name__, error)
