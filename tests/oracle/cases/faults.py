# Bad addresses and bad names: the same errors.
from drgn import FaultError, Object


def attempt(function):
    try:
        print(function())
    except FaultError as error:
        # The message is libkdumpfile's on a kdump file.
        print(type(error).__name__, hex(error.address))
    except Exception as error:
        print(type(error).__name__, error)


attempt(lambda: prog["no_such_variable"])
attempt(lambda: prog.variable("no_such_variable", "sched/core.c"))
attempt(lambda: prog.function("init_task"))
attempt(lambda: prog.read(0xFFFFFFFFFFFFF000, 8))
attempt(lambda: prog.read_u64(0xFFFFC8FFFFFFFFF8))
attempt(lambda: Object(prog, "struct list_head", address=0xFFFFC80000000000))
attempt(lambda: prog["init_task"].no_such_member)
attempt(lambda: prog["init_task"].comm[16])
attempt(lambda: prog["init_task"].comm.string_())
attempt(lambda: prog["jiffies_64"].next)
attempt(lambda: prog["init_task"] + 1)
attempt(lambda: prog["jiffies_64"] / 0)
attempt(lambda: prog.stack_trace(4194304 - 1))
attempt(lambda: prog.symbol(1))
attempt(lambda: prog.symbol("no_such_symbol"))
