"""Each command of crash prints in GDB what it prints standalone, of the same dump."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lab.dumps import open_dump
from lab.manifest import Lab

from drgn.commands import run_command
from drgn.commands.crash import CRASH_COMMAND_NAMESPACE

LINES = (
    "set 1", "ascii 62696c2f", "bpf", "bt 1 2", "bt -a", "btop 1000 2000", "dev",
    "eval (1 << 40)", "files 1", "foreach user-1000 vm", "fuser /init", "ipcs",
    "irq -u", "kmem -i", "list -H super_blocks", "log -T", "mach", "mod",
    "mount", "net", "p jiffies", "ps -k", "pte 8000000000000025", "ptob 10",
    "ptov 1000 2000", "rd -S init_task 8", "runq", "search -s init_task -l 64 0",
    "sig -g 1", "struct list_head modules", "swap", "sym schedule", "sys",
    "task -R pid,comm 1 2", "timer", "union sigval.sival_int init_task",
    "tree -t x -r pid_namespace.idr.idr_rt init_pid_ns", "vm 1", "vtop -c 1 400000",
    "waitq kauditd_wait", "whatis list_head", "*list_head.next modules",
    "help ps", "sys --drgn", "!echo shown",
)  # fmt: skip
#: They leave the prompt, which is none of GDB's.
PROMPT = {"drgn", "exit", "q"}


def test_same_as_standalone(kernel_gdb: Any, lab: Lab, tmp_path: Path) -> None:
    prog = open_dump(lab, "panic.elf")
    prog.load_debug_info(lab.module_files())
    names = {name for name, _ in CRASH_COMMAND_NAMESPACE.enabled(prog)}
    assert names == PROMPT.union(*(re.findall(r"^[*!]|^\w+", each) for each in LINES))
    result = kernel_gdb(
        lab.vmlinux,
        *(f"drgn crash {line} > {tmp_path}/{i}.gdb" for i, line in enumerate(LINES)),
        core=lab.dump("panic.elf"),
    )
    assert "Error" not in result.err
    for i, line in enumerate(LINES):
        run_command(prog, f"crash {line} > {tmp_path}/{i}.alone")
        shown, alone = (tmp_path / f"{i}.{host}" for host in ("gdb", "alone"))
        assert shown.read_text() == alone.read_text() != "", line
