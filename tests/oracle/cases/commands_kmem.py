# The crash command kmem: all options but those that print every page, and addresses.
from drgn.commands import CommandError, run_command
from drgn.helpers.linux import (
    find_slab_cache,
    find_task,
    for_each_file,
    for_each_module,
    for_each_vmap_area,
    idle_task,
    page_to_virt,
    per_cpu_ptr,
    pfn_to_page,
    slab_cache_for_each_allocated_object,
    virt_to_page,
)


def run(line):
    print("%", line, flush=True)
    try:
        run_command(prog, f"crash {line}")
    except (CommandError, LookupError, ValueError) as error:
        print(type(error).__name__, error, flush=True)


for option in ["-i", "-f", "-F", "-n", "-z", "-o", "-h", "-v", "-V", "-s", "-g"]:
    if option == "-i" and "NR_SWAPCACHE" not in prog:
        continue  # upstream wants the length of an array that has none
    run(f"kmem {option}")
run("kmem -g ffff")
run("kmem -g 0x17ffffc0010200")
run("kmem -g 0")
run("kmem -s dentry")
run("kmem -s dentry filp nosuch")
run("kmem -s dentry -I dentry")
run("kmem -s -I dentry,filp,nosuch")
run("kmem -s dentry,filp")
run("kmem -s nosuch")

for line in (
    "",
    "nosuch",
    "-I dentry",
    "-i -s",
    "-i 5",
    "-F ffff888000000000",
    "-V ffff888000000000",
    "-n ffff888000000000",
    "-z ffff888000000000",
    "-o ffff888000000000",
    "-h ffff888000000000",
    "-g -- ffff888000000000",
    "-v xyz",
    "-g xyz",
    "-m foo",
    "-m",
):
    run(f"kmem {line}")

init = find_task(prog, 1)
file = next(file for _, file in for_each_file(init) if file)
page = pfn_to_page(prog, 0x1234)
areas = list(for_each_vmap_area(prog))
addresses = [
    init.value_(),
    init.value_() + 8,
    init.stack.value_() + 0x1000,
    init.mm.value_(),
    init.fs.root.dentry.value_(),
    init.mm.arg_start.value_(),
    idle_task(prog, 1).value_(),
    idle_task(prog, 0).stack.value_() + 0x100,
    file.value_(),
    file.value_() + 0x33,
    page.value_(),
    page.value_() + 8,
    page_to_virt(page).value_(),
    virt_to_page(prog, init).value_(),
    areas[0].va_start.value_(),
    areas[-1].va_start.value_() + 0x1000,
    areas[len(areas) // 2].va_end.value_(),
    next(iter(for_each_module(prog))).value_(),
    prog["init_task"].address_,
    prog.symbol("schedule").address + 4,
    per_cpu_ptr(prog["runqueues"].address_of_(), 1).value_(),
    0x1000000,
    0xDEADBEEF00000000,
    0xFFFFFFFFFFFFFFFF,
    5,
    0,
]
for name in ("kmalloc-32", "kmalloc-4k", "task_struct", "vm_area_struct"):
    cache = find_slab_cache(prog, name)
    if cache is None:
        continue  # "kmalloc-4k" is "kmalloc-4096" before 4.21.
    objects = list(slab_cache_for_each_allocated_object(cache, "void"))
    known = {each.value_() for each in objects}
    addresses += [objects[0].value_(), objects[-1].value_() + 1]
    size = cache.size.value_()
    # Free objects; not what is left over behind the last one, which upstream takes for
    # an object too.
    if 4096 % size == 0:
        addresses += [a + size for a in sorted(known) if a + size not in known][:3]
for address in addresses:
    run(f"kmem {address:x}")
    for option in ("-v", "-p", "-s", "-m flags"):
        run(f"kmem {option} {address:x}")
two = f"{addresses[0]:x} {addresses[4]:x}"
for option in ("", "-v", "-p", "-s", "-m flags,_refcount", "-s dentry"):
    run(f"kmem {option} {two}")
