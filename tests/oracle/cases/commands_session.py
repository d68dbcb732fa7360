# The crash commands about symbols, numbers and the session: sym, eval, ascii, set.
from drgn.commands import CommandError, run_command
from drgn.helpers.linux.pid import find_task


def run(line):
    print("%", line, flush=True)
    try:
        result = run_command(prog, f"crash {line}")
    except (CommandError, LookupError, ValueError, ZeroDivisionError, SyntaxError):
        print("an error", flush=True)
    else:
        if result is not None:
            print("returned", result.type_.type_name(), flush=True)


init_task = prog["init_task"].address_of_().value_()
schedule = prog.symbol("schedule").address
init = find_task(prog, 1).value_()
for line in f"""\
sym -l | grep -Ev '__init_scratch_end|__brk_limit| _end$'
sym jiffies
sym schedule
sym schedule jiffies nothing_at_all
sym {init_task:x} 0x{init_task + 0x10:x}
sym {schedule + 8:x}
sym -p schedule
sym -n schedule
sym -p -n schedule jiffies
sym -n {schedule + 8:x}
sym -q jiffies
sym -q jiffies64 -q sys_call_table
sym -q .LC
sym -q nothing_at_all
sym jiffie
sym 1234
sym 4000
sym -l schedule
sym -l -q x
sym
eval 10
eval ff
eval 0xff
eval 10K
eval 2g
eval 10m + 1k
eval (10 + 5)
eval 10 - 20
eval ~0
eval -1
eval - 1
eval -5k
eval ~ff
eval --5
eval ~-5
eval (1 << 12)
eval (1<<3) | grep hex
eval 5 + 5 | grep dec
eval 1 << 12
eval (0xf0 | 0xf)
eval (1 >> 2)
eval (1 << 64)
eval (1 << 63)
eval (1 << -1)
eval 7 % 3
eval 7 / 2
eval -7 / 2
eval 7 / 0
eval 7 * 6
eval 5 & 3
eval 5 ^ 3
eval 10--5
eval 10 -5
eval 10-5k
eval 10 + 10 + 10
eval -b ff
eval -b 0
eval -lb 10 - 11
eval -b -1
eval dg
eval 010
eval 1536
eval 3g
eval a0000
eval 0
eval jiffies
eval 10kk
eval 5~3
eval 10 5
eval (5
eval ()
eval
ascii 41
ascii 4142434445464748 0a0b 0x41 ff00417f 0 7f20
ascii zz
set 1
set
set 0x{init_task:x}
set {init:x}
set -c 0
set -c 1
set 2 | head -2
set radix
set radix 16
set radix hex
set radix dec
set radix 10
set radix 12
set scroll foo
set 1 2
set 99999
set ffffffffabc
set init
set -c a
set -p 1
set a
exit 1
drgn 6 * 7
drgn prog["init_task"].pid
drgn print(prog["init_task"].comm) | cat
""".splitlines():
    run(line)
# Of a kernel that runs on, upstream knows no context until one is chosen.
if prog["panic_cpu"].counter >= 0:
    for line in ("set -p", "set -c 0", "set", "struct rq.cpu runqueues:"):
        run(line)
