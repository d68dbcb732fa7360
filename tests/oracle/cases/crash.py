# The thread that brought the kernel down, and the threads of the processors.
from drgn.helpers.linux import panic_message, panic_task

thread = prog.crashed_thread()
print(thread.tid, thread.name)
print(thread.stack_trace())
print(panic_task(prog).comm, panic_message(prog))
