# What would change the kernel, of which a dump has none that runs.
from drgn.helpers.experimental.kmodify import (
    call_function,
    call_functions,
    pass_pointer,
    write_memory,
    write_object,
)

jiffies, mm = prog["jiffies"], prog["init_task"].mm
for attempt in (
    lambda: call_function(prog, "ksys_sync"),
    lambda: call_function(prog, "nope", 1),
    lambda: call_functions(prog, []),
    lambda: call_functions(prog, [("ksys_sync",)]),
    lambda: call_functions(prog, ["ksys_sync"]),
    lambda: write_memory(prog, jiffies.address_, b"x"),
    lambda: write_memory(prog, 0, b""),
    lambda: write_memory(prog, -1, b"x"),
    lambda: write_object(jiffies, 1),
    lambda: write_object(jiffies.read_(), 1),
    lambda: write_object(jiffies, 1, dereference=True),
    lambda: write_object(mm, 1),
    lambda: write_object(mm, 1, dereference=False),
    lambda: write_object(prog["init_task"].in_execve, 1),
):
    try:
        print(attempt())
    except Exception as error:
        print(type(error).__name__, error)
print(pass_pointer(5), pass_pointer(b"text").object)
