# Every kernel frame of every task: registers, source, symbols, names of locals.
from drgn.helpers.linux import for_each_task


def attempt(function):
    try:
        return function()
    except LookupError as error:
        return type(error).__name__


for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    try:
        trace = prog.stack_trace(task)
    except ValueError:
        continue
    print("task", task.pid.value_())
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
