# Values of parameters and locals in every kernel frame that has some.
from drgn import FaultError
from drgn.helpers.linux import for_each_task, task_state_to_char

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
        try:
            if frame.pc < 1 << 63:
                break
        except LookupError:
            break
        for name in frame.locals():
            variable = frame[name]
            try:
                # No strings: on kdump files upstream reads a user's pointers through
                # the page table that some processor happened to have loaded.
                text = variable.format_(
                    dereference=False, symbolize=False, string=False
                )
            except FaultError as error:
                text = f"cannot be read: {error.address:#x}"
            print(frame.name, name, variable.type_.type_name(), repr(text))
