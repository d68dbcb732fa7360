# The crash commands about devices, interrupts, IPC, mounts, networks, swap and BPF.
from drgn.commands import CommandError, run_command


def run(line):
    print("%", line, flush=True)
    try:
        run_command(prog, f"crash {line}")
    except (CommandError, LookupError, ValueError) as error:
        print(type(error).__name__, error, flush=True)


# Upstream has no context in dumps of kernels that did not panic until one is chosen.
for line in """\
set 1
dev
dev -i
dev -p
dev -d
dev -D
dev -d -i
dev foo
irq
irq -u
irq -d
irq -b
irq -a
irq -s
irq -s -c 0
irq -s -c 1
irq -s -c 0,1
irq -s -c 0-1
irq -s -c a
irq 0
irq 1 4
irq 20 1
irq 999 1 998
irq -c 0
irq -d -u
irq -s 4
irq x
ipcs
ipcs -m
ipcs -q
ipcs -s
ipcs -mqs
ipcs -n 1
ipcs -n 1 -m
ipcs 0
ipcs 0 999 1
ipcs -m 0 0
ipcs -q 0
ipcs -s 0
ipcs -m 999
ipcs -m ffff
ipcs ffff888000000000
mount
mount -n 1
mount foo
net
net -a
net foo
swap
swap foo
bpf
bpf -p 1
bpf -p 1 -s
bpf -p 1 -s -x
bpf -p 1 -s -d
bpf -m 1
bpf -m 1 -s
bpf -m 1 -s -x
bpf -p 99
bpf -m 99
bpf -p a
""".splitlines():
    # Of old compilers it has none, which upstream wants.
    if line == "irq -d" and prog["idt_table"].type_.length is None:
        continue
    run(line)
