# The crash commands about memory: rd, search, list, tree, vtop, ptov.
from drgn import FaultError
from drgn.commands import CommandError, run_command
from drgn.helpers.linux.mm import follow_phys
from drgn.helpers.linux.pid import find_task


def run(line):
    print("%", line, flush=True)
    try:
        result = run_command(prog, f"crash {line}")
    except (
        CommandError,
        LookupError,
        ValueError,
        TypeError,
        SyntaxError,
        OverflowError,
    ):
        print("an error", flush=True)
    except (FaultError, OSError):
        print("a fault", flush=True)
    else:
        if result is not None:
            print("returned", result.type_.type_name(), flush=True)


init = find_task(prog, 1).value_()
init_comm = find_task(prog, 1).comm.address_
kthreadd = find_task(prog, 2).value_()
init_task = prog["init_task"].address_of_().value_()
mm = find_task(prog, 1).mm
modules = [prog["modules"].next.value_(), prog["modules"].next.next.next.value_()]
banner = prog["linux_banner"].address_
stack = prog["init_task"].stack.value_()
idr = prog["init_pid_ns"].idr.address_of_().value_()

# Upstream searches kdump files no further than their direct map, and reads physical
# memory of them as virtual.
physical = follow_phys(prog["init_mm"].address_of_(), init).value_()

run("set 1")
for line in f"""\
rd jiffies
rd init_task 8
rd {init_task:x} 5
rd -8 linux_banner 40
rd -16 linux_banner 20
rd -32 linux_banner 10
rd -64 linux_banner 5
rd -x linux_banner 4
rd -d init_task 8
rd -D init_task 8
rd -d -32 init_task 5
rd -D -32 init_task 5
rd -d -16 init_task 20
rd -D -8 init_task 20
rd -d -8 linux_banner 20
rd -s init_task 300
rd -S init_task 300
rd -SS init_task 300
rd -S {init:x} 200
rd -s -x init_task 8
rd -s -32 init_task 4
rd -N linux_banner 4
rd -N -32 linux_banner 5
rd -N -16 linux_banner 10
rd -N -8 linux_banner 10
rd -N -d -32 linux_banner 5
rd -R linux_banner 4
rd -R -32 linux_banner 6
rd -o 8 linux_banner 2
rd -o 10 linux_banner 2
rd -o 0x10 linux_banner
rd -e {init_task + 0x20:x} init_task
rd -e {init_task + 0x25:x} init_task
rd -e {init_task + 3:x} init_task
rd -32 -e {init_task:x} init_task
rd -e {init_task - 1:x} init_task
rd -e {init_task + 0x20:x} init_task 2
rd -R -e {init_task + 0x20:x} init_task
rd -a linux_banner
rd -a linux_banner 100
rd -a linux_banner 10
rd -a -x linux_banner 20
rd -a -e {banner + 32:x} linux_banner
rd -a init_task 40
rd -a 400000 4
rd 400000 4
rd -u 400000 4
rd -32 400000 5
rd init_task 0
rd {init_task + 1:x} 4
rd schedule 4
rd 0
rd deadbeef 4
rd nothing
rd init_task x
rd -8 -16 init_task
rd -r /dev/null init_task 64
rd -r /dev/null -e {init_task + 16:x} init_task
rd -r /nothing/raw init_task 64
rd -r /dev/null -32 init_task 4
rd
search -p -s {physical:x} -l 8192 init_task
search -p -s {physical:x} -e {physical + 8192:x} {init_task:x} {kthreadd:x}
search -m fff -s {init:x} -l 8192 {init_task:x}
search -s {init:x} -l 8192 init_task
search -s {init:x} -e {init + 8192:x} init_task {kthreadd:x}
search -s {init:x} -l 0x2000 -x 1 init_task
search -s {init:x} -l 8192 -x 3 -w ffff8
search -s {init:x} -l 4096 -w 0
search -s {init:x} -l 512 -h 0
search -s {init:x} -l 8192 -x 2 -h 696e
search -s {init_comm:x} -l 56 -c init
search -s {init:x} -l 8192 -x 0 init_task
search -c -m ff x
search -c -x 1 x
search -e {init:x} -l 5 5
search -t -s init_task init_task
search -w 123456789
search -h 12345
search nothing
search -s nothing 5
search
list modules
list -H modules
list -H modules -o module.list -s module.name
list -H modules -l module.list -s module.name,state
list -H modules -l 8 -s module.name
list -H modules -o 8 -S module.name
list -H modules -s module.name
list -H modules -l module.list -s module
list -H modules -s module.nothing
list -r -H modules
list -r modules
list -r -o module.list -s module.name {modules[0] - 8:x}
list 8 modules
list modules 8
list module.list modules
list -o 8 modules
list -o module.list -H modules -e {modules[1]:x}
list -H modules -e {modules[1]:x}
list -e {modules[1]:x} modules
list -o task_struct.tasks init_task
list -o task_struct.tasks -s task_struct.pid init_task
list -h {init:x} -o task_struct.tasks -s task_struct.pid,comm
list -r -h {init:x} -o task_struct.tasks
list -h {init:x} -o task_struct.tasks -e {kthreadd:x}
list -O task_struct.children -h init_task -o task_struct.sibling
list -O task_struct.children -h init_task -l task_struct.sibling -s task_struct.pid
list -r -O task_struct.children -h init_task -o task_struct.sibling -s task_struct.pid
list -x -s task_struct.pid,flags -h {init:x} -o task_struct.tasks
list -d -s task_struct.pid,flags -h {init:x} -o task_struct.tasks
list deadbeef
list 0
list nothing
list fff modules
list -o nothing.x init_task
list -s nothing.x init_task
list -h -H modules
list -O 8 modules
list -l 8 modules
list -o 8 -l 8 -s module.name -H modules
list init_task.tasks
list
tree -t x {idr:x}
tree -t ra {idr:x}
tree -t xarray -s pid.level,count {idr:x}
tree -t radix -s pid.level {idr:x}
tree -t x -r pid_namespace.idr.idr_rt init_pid_ns
tree -t x -r 0 -x -s pid {idr:x}
tree -t m -r mm_struct.mm_mt {mm.value_():x}
tree -t maple -r mm_struct.mm_mt -x -s vm_area_struct.vm_start,vm_end {mm.value_():x}
tree -t maple -l {idr:x}
tree -t x -o 8 {idr:x}
tree -t r {idr:x}
tree -t q {idr:x}
tree -s nothing.x {idr:x}
tree nothing
tree deadbeef
tree -t m deadbeef
tree
vtop {init:x} {init_task:x} 400000 0
vtop -u 400000
vtop -k 400000 {init:x}
vtop -c 2 400000
vtop -c {init:x} 400000
vtop ffffea0000000000 deadbeefdeadbeef
vtop nothing
vtop
ptov 1000 2000
ptov 1000:a
ptov 1000:0,1
ptov 0x1000: 2000
ptov nothing
ptov
btop 1000 2fff 0x3000
btop nothing
ptob 1 0x10 a ffffffffffffffff
ptob nothing
""".splitlines():
    run(line)

# A red-black tree that every kernel has in one form or another.
if "vmap_area_root" in prog:
    root = "vmap_area_root"
else:  # Linux 6.9 has several.
    root = f"{prog['vmap_nodes'][0].busy.root.address_of_().value_():x}"
for line in f"""\
tree {root}
tree -l {root}
tree -o 16 {root}
tree -o vmap_area.rb_node {root}
tree -o vmap_area.rb_node -s vmap_area.va_start,va_end {root}
tree -l -o vmap_area.rb_node -S vmap_area.va_start -x {root}
tree -t rb -o vmap_area.rb_node -s vmap_area.va_start -d {root}
tree -s vmap_area.nothing {root}
""".splitlines():
    run(line)
