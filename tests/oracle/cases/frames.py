# Every kernel frame of every task: registers, source, symbols, names of locals.
from drgn.helpers.linux import for_each_task, task_state_to_char


def attempt(function):
    try:
        return function()
    except LookupError as error:
        return type(error).__name__


for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    if task_state_to_char(task) in "ZX":
        continue  # The kernel may have freed its stack.
    try:
        trace = prog.stack_trace(task)
    except ValueError:
        continue
    print("task", task.pid.value_())
    if trace[0].name.startswith("asm_"):
        # Just interrupted: which registers are the same still, neither program knows.
        continue
    for frame in trace:
        pc = attempt(lambda frame=frame: frame.pc)
        if isinstance(pc, int) and pc < 1 << 63:
            break  # the user's frames are not the kernel's to tell
        print(
            frame.name,
            hex(pc) if isinstance(pc, int) else pc,
            attempt(lambda frame=frame: hex(frame.sp)),
            frame.interrupted,
            frame.is_inline,
            attempt(frame.source),
            attempt(lambda frame=frame: frame.symbol().name),
        )
        print("  registers", {n: hex(v) for n, v in sorted(frame.registers().items())})
        print("  locals", frame.locals())
