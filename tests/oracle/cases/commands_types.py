# The crash commands about types and objects: struct, union, *, p, whatis.
from drgn.commands import CommandError, run_command


def run(line):
    print("%", line, flush=True)
    try:
        result = run_command(prog, f"crash {line}")
    except (CommandError, LookupError, ValueError, TypeError, SyntaxError):
        print("an error", flush=True)
    else:
        if result is not None:
            print("returned", result.type_.type_name(), flush=True)


task = prog["init_task"].address_of_().value_()
run("set 1")
for line in f"""\
struct list_head
struct task_struct
struct -x list_head
struct task_struct.comm,pid
struct task_struct.se.avg,comm[3],thread.tls_array[1].limit0
struct task_struct.sched_reset_on_fork,in_execve
struct bpf_insn.dst_reg,src_reg,imm
struct file_operations.read,open
struct sock.__sk_common.skc_daddr
struct page.lru
struct task_struct init_task
struct task_struct {task:x}
struct task_struct.comm 0x{task:x}
struct task_struct.comm,pid init_task
struct task_struct.comm,nothing init_task
struct task_struct.nothing
struct task_struct.tasks.next.next init_task
struct task_struct.se.load,se.run_node,comm[0],cpus_mask.bits[0] init_task
struct -x task_struct.pid,flags,comm[1] init_task
struct -d task_struct.pid,flags,comm[1] init_task
struct -x -d task_struct.flags init_task
struct -d -x task_struct.flags init_task
struct task_struct.flags init_task -x
struct list_head init_task 3
struct list_head init_task -3
struct list_head init_task 0
struct -c 2 list_head init_task
struct -c -2 list_head.next init_task
struct -c 2 list_head init_task 3
struct -l task_struct.tasks task_struct.pid init_task
struct -l 8 list_head init_task
struct -l 0x8 list_head init_task
struct -l 10 list_head init_task
struct -l task_struct.se.avg list_head init_task
struct -l task_struct list_head init_task
struct -l 8 list_head
struct -c 2 list_head
struct rq runqueues:0
struct rq.nr_running,cpu runqueues:a
struct rq.nr_running,cpu runqueues:all
struct rq.nr_running,cpu runqueues:
struct rq.nr_running,cpu runqueues:0-1
struct rq.nr_running,cpu runqueues:1,0
struct -c 2 rq.nr_running,cpu runqueues:0,1
struct -l 8 list_head runqueues:0,1
struct rq.cpu runqueues:9
struct rq.cpu runqueues:x
struct list_head nothing
struct nothing
struct sigval
struct pid_t
struct list_head,next
struct task_struct.
struct 123
struct
union sigval
union sigval.sival_int
union sigval init_task
union -x sigval.sival_int init_task
union list_head
*list_head
* list_head
*sigval
*task_struct.comm init_task
list_head
sigval.sival_int init_task
task_struct.pid,comm init_task
*nothing
nothing
p jiffies
p -x jiffies
p -d jiffies
p init_task
p init_task.comm
p init_task.tasks.next
p init_task.cpus_mask.bits[0]
p init_task.comm[0]
p init_task.mm
p init_task.nothing
p init_mm.pgd
p init_uts_ns.name
p __per_cpu_offset
p -x __per_cpu_offset
p cgroup_subsys
p saved_command_line
p schedule
p PIDTYPE_PID
p -x init_task.flags
p runqueues:0
p runqueues.nr_running:a
p runqueues.nr_running:
p current_task:0,1
p -x cpu_info.x86_cache_size:a
p cpu_info:1
p current_task:9
p nothing
p 1
p
whatis jiffies
whatis schedule
whatis list_head
whatis sigval
whatis pid_type
whatis PIDTYPE_PID
whatis pid_t
whatis pgd_t
whatis irq_handler_t
whatis init_task
whatis sys_call_table
whatis task_struct
whatis spinlock
whatis spinlock_t
whatis cgroup_subsys
whatis int
whatis unsigned
whatis void
whatis bool
whatis _printk
whatis "struct list_head"
whatis nothing
whatis 5
whatis
set radix 16
struct task_struct.flags,comm[0] init_task
p init_task.flags
p -d init_task.flags
set radix 10
""".splitlines():
    run(line)
