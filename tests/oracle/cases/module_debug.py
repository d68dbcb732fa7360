# Modules with their debug info: places, symbols, variables, types, and stacks.
import contextlib
import io

from drgn import cast
from drgn.commands import run_command
from drgn.helpers.linux import (
    find_module,
    find_task,
    for_each_module,
    for_each_task,
    list_empty,
)

names = sorted(module.name.string_().decode() for module in for_each_module(prog))
for name in names:
    module = prog.module(name)
    print(name, type(module).__name__, module.debug_file_status)
    sections = module.section_addresses
    for section in sorted(sections):
        print("  ", section, hex(sections[section]))
    print("  ", find_module(prog, name).name)
print(prog["max_loop"])
print(list_empty(prog["fs_uuids"].address_of_()))
print(prog.type("struct btrfs_root"))
print(prog["btrfs_fs_type"].name)
# Upstream has no address of a function with a cold part, such as veth_xmit in 7.3.
for name in ("loop_queue_rq", "veth_open", "btrfs_sync_file"):
    function = prog.function(name)
    print(function.type_.type_name(), prog.symbol(function.address_))
    print(prog.source_location(function.address_ + 8))
for task in sorted(for_each_task(prog), key=lambda task: task.pid.value_()):
    if b"btrfs" in task.comm.string_() or b"loop" in task.comm.string_():
        print(task.pid, prog.stack_trace(task))

# As if a task slept in what is inlined into a function of a module.
start = prog.function("loop_queue_rq").address_
inlined = next(
    pc for pc in range(start, start + 4096) if len(prog.stack_trace_from_pcs([pc])) > 1
)
frame = cast("struct inactive_task_frame *", find_task(prog, 2).thread.sp)
place = frame.ret_addr.address_
words = [prog.read(place, 8), (inlined + 2).to_bytes(8, "little")]
prog.add_memory_segment(place, 8, lambda a, n, o, p: words[-1][o : o + n], False)
with contextlib.redirect_stdout(io.StringIO()) as output:
    run_command(prog, "crash bt 2")
# Beneath it the stack is another's.
print(*output.getvalue().splitlines()[:3], sep="\n")
# Who uses the program after this finds what was there.
prog.add_memory_segment(place, 8, lambda a, n, o, p: words[0][o : o + n], False)
