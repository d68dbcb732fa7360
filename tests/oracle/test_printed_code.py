"""What ``--drgn`` prints runs under upstream's wheel too, and finds the same there."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import Program
from drgn.commands import run_command
from oracle import runner
from oracle.runner import Allowance

#: Not search, which on kdump files upstream's does not do of the kernel's own memory;
#: not sym -n, as upstream has an absolute symbol where it was linked; not kmem -p,
#: which takes long.
LINES = (
    "ascii 62696c2f", "bpf", "bpf -m 1 -p 1", "bpf -s -d -m 1", "bpf -s -x -p 1",
    "bt 1 2", "bt -a", "bt -c 0 -d", "bt -F -l 2", "bt -f -V 2", "bt -p",
    "btop 1000 2000", "dev", "dev -D", "dev -d", "dev -i", "dev -p",
    "eval (1 << 40)", "eval -b 5", "eval -l 5 * 1k", "files 1", "files -c 1",
    "files -R dev 1", "foreach user vm", "foreach D files", "foreach active bt -f",
    "foreach 'user-.*' init sig", "foreach user ps -s", "fuser /init", "ipcs",
    "ipcs -m -n 1", "ipcs -q -s", "irq", "irq -a", "irq -b", "irq -d",
    "irq -s -c 0", "irq -u", "kmem -V", "kmem -f", "kmem -g 1000",
    "kmem -h", "kmem -i", "kmem -m flags,_refcount", "kmem -n", "kmem -o",
    "kmem -s", "kmem -s -I dentry", "kmem -v", "kmem -z", "list -H modules",
    "list -H modules -o 8 -s module.name", "list -h modules -o 8",
    "list -H modules -o module.list -s module.name", "list -o 8 modules",
    "list -H super_blocks -o super_block.s_list -s super_block.s_id -r",
    "list -H -x modules -s module.list -o 8", "list -l 8 -s module.name -H modules",
    "list -O task_struct.children -h init_task -o task_struct.sibling",
    "list -d -o list_head.prev modules", "log -T", "log -t", "log", "mach", "mod",
    "mod -t", "mount", "mount -n 1", "net", "net -a", "p -d jiffies", "p -x jiffies",
    "p jiffies", "p runqueues.curr.comm:a", "ps", "ps -A", "ps -G -t", "ps -H",
    "ps -S", "ps -a 1", "ps -c 1", "ps -g 1", "ps -k", "ps -l", "ps -l -C 0", "ps -m 1",
    "ps -p 1", "ps -r 1", "ps -s", "ps -u", "ps -y FIFO", "ps 'work.*' init 1",
    "pte 8000000000000025", "ptob 10", "ptov 1000 2000", "rd -8 linux_banner 8",
    "rd -16 linux_banner 4", "rd -64 linux_banner 4", "rd -D linux_banner 4",
    "rd -R -N -32 linux_banner 4", "rd -SS init_task 4", "rd -S init_task 4",
    "rd -a linux_banner", "rd -d -u 400000 4", "rd -o 8 linux_banner 4",
    "rd -p 1000 4", "rd -r /dev/null linux_banner 64", "rd -s init_task 8",
    "rd -x linux_banner 4", "runq", "runq -T", "runq -g", "runq -m", "runq -t -c 0",
    "set -c 0", "set -p", "set 1", "sig -g 1", "sig -l", "sig -s 800",
    "struct list_head", "struct list_head modules 2",
    "struct -c 2 -x list_head modules", "struct -d list_head modules",
    "struct -l 8 list_head modules",
    "struct rq.nr_running,curr runqueues:a", "struct task_struct.comm[0],pid init_task",
    "swap", "sym -q schedule_timeo", "sym schedule", "sys",
    "task -R pid,comm 1 2", "task -d 1", "task -x 1", "task 1", "timer",
    "timer -r -C 0", "tree -t x -r pid_namespace.idr.idr_rt init_pid_ns",
    "tree -d -t ra -r pid_namespace.idr.idr_rt -s pid.level init_pid_ns",
    "tree -x -t ra -r pid_namespace.idr.idr_rt -s pid.level init_pid_ns",
    "union sigval modules",
    "union -c 2 -x sigval modules", "union -d sigval modules",
    "union -l 8 sigval modules", "union sigval.sival_int init_task", "vm 1",
    "vtop -c 1 400000", "vtop -k ffff888000000000", "vtop -u 400000",
    "waitq kauditd_wait", "whatis list_head", "*list_head.next modules",
    "* -c 2 -x list_head modules", "* -d list_head modules",
    "* -l 8 list_head modules",
)  # fmt: skip

MOUNT_POINTS = Allowance(
    runner.NAMESPACE_FILES.why,
    lambda lines: [line for line in lines if not line.startswith("dirname = ")],
)

#: Runs the code of each line, and shows what it leaves in variables.
SCRIPT = """\
import builtins
import datetime

from drgn import Object, Type, TypeKind

SHOWN = (Object, Type, bool, bytes, datetime.datetime, float, int, str)


def shown(value):
    if isinstance(value, (list, tuple)):
        return builtins.type(value) in (list, tuple) and all(map(shown, value))
    return value is None or isinstance(value, SHOWN)


def text(value):
    # Whether a helper yields a pointer or where it lies is its own.
    if isinstance(value, Object) and value.type_.kind == TypeKind.POINTER:
        value = value.read_()
    return repr(value)[:4000]


for line, code in CODE:
    print("%", line, flush=True)
    names = {"prog": prog}
    exec(compile(code, line, "exec"), names)
    for name, value in sorted(names.items()):
        if name not in ("__builtins__", "prog") and shown(value):
            print(name, "=", text(value))
"""


def _code(prog: Program, line: str) -> str:
    command, _, rest = line.partition(" ")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        run_command(prog, f"crash {command} --drgn {rest}", globals={"prog": prog})
    return output.getvalue()


@pytest.mark.usefixtures("oracle")
def test_printed_code(each_lab: Lab, tmp_path: Path) -> None:
    # Upstream takes the physical addresses of QEMU's ELF dumps for virtual ones.
    dump = "panic.kdump.zlib"
    prog = open_dump(each_lab, dump)
    code = [(line, _code(prog, line)) for line in LINES]
    script = tmp_path / "script.py"
    script.write_text(f"CODE = {code!r}\n{SCRIPT}")
    arguments = ["-q", "-c", each_lab.dump(dump), "-s", each_lab.vmlinux, script]
    comparison = runner.compare(
        runner.upstream(*arguments), runner.ours(*arguments), [MOUNT_POINTS]
    )
    if not comparison.same:
        pytest.fail(comparison.report(), pytrace=False)
    assert sum(not line.startswith("% ") for line in comparison.ours.output) > 300
