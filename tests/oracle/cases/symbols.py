# Symbols, functions, constants, special objects, per-CPU variables, modules.
from drgn.helpers.linux import per_cpu

for name in (
    "UTS_RELEASE",
    "PAGE_SIZE",
    "PAGE_SHIFT",
    "PAGE_MASK",
    "vmemmap",
    "jiffies",
):
    print(name, repr(prog[name]))
print(prog["VMCOREINFO"].string_()[:100])
for name in ("schedule", "init_task", "vfs_read", "_stext"):
    symbol = prog.symbol(name)
    print(symbol)
    print(prog.symbol(symbol.address + 1).name)
for name in ("schedule", "vfs_read", "wake_up_process"):
    function = prog.function(name)
    print(function.type_, hex(function.address_))
    print(prog.source_location(function.address_ + 1))
print(prog.constant("PIDTYPE_PGID"), repr(prog["ZONE_NORMAL"]))
for cpu in range(2):
    print(
        per_cpu(prog["runqueues"], cpu).nr_running,
        hex(per_cpu(prog["runqueues"], cpu).address_),
    )
for module in sorted(prog.modules(), key=lambda module: module.name):
    ranges = module.address_ranges or ()
    print(module.name, type(module).__name__)
    print([(hex(start), hex(end)) for start, end in ranges])
    print((module.build_id or b"").hex(), module.debug_file_status)
