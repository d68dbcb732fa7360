# What no guest of the lab shows, put over its memory: pending signals, real-time tasks,
# groups of tasks, timers of other clocks, long times, taints, odd names.
import contextlib
import io
import itertools

from drgn import offsetof
from drgn.commands import run_command
from drgn.helpers.linux import (
    cfs_rq_for_each_entity,
    cpu_rq,
    css_for_each_descendant_pre,
    find_task,
    follow_phys,
    for_each_module,
    for_each_task,
    per_cpu,
    task_cpu,
)

FREE = 0xFFFFA00000000000


def run(line):
    print("%", line, flush=True)
    run_command(prog, f"crash {line}")


def put(address, data):
    def read(at, size, offset, physical):
        return data[at - address : at - address + size]

    prog.add_memory_segment(address, len(data), read, False)


def put_word(address, value):
    put(address, value.to_bytes(8, "little"))


def put_list(head, nodes):
    ring = [head, *nodes]
    for i, node in enumerate(ring):
        put_word(node, ring[(i + 1) % len(ring)])
        put_word(node + 8, ring[i - 1])


# What it prints is not compared: upstream leaves out the state without a panic.
with contextlib.redirect_stdout(io.StringIO()):
    run("set 1")
init = find_task(prog, 1)
kthreadd = find_task(prog, 2)

# Two queued signals.
sigqueue = prog.type("struct sigqueue")
link, number = offsetof(sigqueue, "list"), offsetof(sigqueue, "info.si_signo")
queued = bytearray(2 * sigqueue.size)
queued[number : number + 4] = (10).to_bytes(4, "little")
queued[sigqueue.size + number : sigqueue.size + number + 4] = (40).to_bytes(4, "little")
head = init.pending.list.address_
addresses = [head, FREE + link, FREE + sigqueue.size + link]
for i in (1, 2):
    at = addresses[i] - FREE
    queued[at : at + 8] = addresses[(i + 1) % 3].to_bytes(8, "little")
    queued[at + 8 : at + 16] = addresses[i - 1].to_bytes(8, "little")
put(FREE, bytes(queued))
put_word(head, addresses[1])
put_word(init.pending.signal.address_, 1 << 9 | 1 << 39)
put_word(init.blocked.address_, 0x20003)
# Handlers of programs at low and high addresses.
put_word(init.sighand.action[2].sa.sa_handler.address_, 0x564F14987450)
put_word(init.sighand.action[3].sa.sa_handler.address_, 0x401000)
run("sig 1")
run("sig -g 1")

# Two real-time tasks on a runqueue, of different priorities.
rq = cpu_rq(prog, 0)
migration = next(t for t in for_each_task(prog) if t.comm.string_() == b"migration/0")
queue = rq.rt.active.queue
put_list(queue[5].address_, [migration.rt.run_list.address_])
put_list(queue[90].address_, [kthreadd.rt.run_list.address_])
run("runq -c 0")

# A group of tasks within another.
entities = [se for se, _, _, _ in cfs_rq_for_each_entity(rq.cfs.address_of_())]
other = cpu_rq(prog, 1).cfs
if len(entities) > 1 and not hasattr(rq.cfs, "h_curr"):
    # Since 7.3, the entities of groups are not on the queue.
    group = prog.type("struct task_group")
    copy = bytearray(prog.read(prog["root_task_group"].address_, group.size))
    root = prog["cgrp_dfl_root"].cgrp.self.address_of_()
    *_, css = css_for_each_descendant_pre(root)
    at = offsetof(group, "css.cgroup")
    copy[at : at + 8] = css.cgroup.value_().to_bytes(8, "little")
    put(FREE + 0x10000, bytes(copy))
    put_word(other.tg.address_, FREE + 0x10000)
    put_word(entities[1].my_q.address_, other.address_)
    run("runq -c 0")
    run("runq -g -c 0")

# Timers of the same tree on all clocks; none on a wheel.
clocks = per_cpu(prog["hrtimer_bases"], 1).clock_base
first = clocks[0].active.rb_root.rb_root.rb_node
for clock in list(clocks)[1:]:
    put_word(clock.active.rb_root.rb_root.rb_node.address_, first.value_())
run("timer -r")
for vector in per_cpu(prog["timer_bases"], 1)[0].vectors:
    put_word(vector.first.address_, 0)
run("timer")

# Times of days, in the past of what a runqueue's clock says, and a taint.
cpu = task_cpu(init)
if hasattr(init.sched_info, "last_arrival"):  # CONFIG_SCHED_INFO
    put_word(init.sched_info.last_arrival.address_, 0)
clock = (2 * 86400 + 3 * 3600 + 245) * 10**9 + 6000000
put_word(cpu_rq(prog, cpu).clock.address_, clock)
run("runq -T")
run("runq -T -c 0")
run("runq -m")
if "panic" not in (prog.core_dump_path or ""):
    run("ps -m 1")
for module in itertools.islice(for_each_module(prog), 1):
    put_word(module.taints.address_, 0x1001)
run("mod -t")

put(init.comm.address_, b'a"b\\\x01\xff c\0')
run("ps 1")
run("ps -p 1")

# Arguments with a backslash, a tab and no ASCII.
words = b"a\\b\t\xe9"
start = follow_phys(init.mm, init.mm.arg_start).value_()
prog.add_memory_segment(start, len(words), lambda a, n, o, p: words[o : o + n], True)
run("ps -a 1")
