"""A guest in GDB from its first instruction on, booted again, and lost; sourced in GDB.

What is seen goes to $VISIT/facts.json.
"""

# ruff: noqa: F821 (prog comes from drgn.py)
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import gdb

sys.path.append(os.environ["VISIT_TESTS"])
from lab.monitor import Monitor

ROUNDS = 200
facts: dict[str, object] = {}


def run(command: str) -> str:
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return f"error: {error}\n"


def monitor(*commands: str, wait: float = 0) -> subprocess.Popen[bytes]:
    """Give commands to the guest's monitor, from another process."""
    code = (
        "import sys, time; sys.path.append(sys.argv[1]);"
        "from lab.monitor import Monitor; time.sleep(float(sys.argv[3]));"
        "m = Monitor.connect(sys.argv[2]);"
        "[m.execute(command) for command in sys.argv[4:]]"
    )
    argv = [os.environ["VISIT_TESTS"], os.environ["VISIT_QMP"], str(wait), *commands]
    return subprocess.Popen([os.environ["VISIT_PYTHON"], "-c", code, *argv])


def go_on() -> None:
    with monitor("stop", wait=0.5):
        gdb.execute("continue", to_string=True)


def boot() -> tuple[list[str], int]:
    """Let it run until the kernel is found; the errors before, and the offset."""
    errors = {}
    for _ in range(ROUNDS):
        shown = run('drgn prog["init_task"].comm')
        if "swapper" in shown:
            text = prog["VMCOREINFO"].string_().decode()
            return list(errors), int(text.split("KERNELOFFSET=")[1].split()[0], 16)
        errors[shown] = None
        go_on()
    return list(errors), 0


gdb.execute(f"target remote {os.environ['VISIT_GDB']}", to_string=True)
facts["first instruction"] = [
    run('drgn prog["init_task"]'),
    run("drgn-symbols"),
    run("drgn prog.read(0xfffffff0, 4)"),
]
errors, offset = boot()
facts["boot"] = [errors, offset]
first = prog
address = prog["init_task"].address_

# A breakpoint by name, though GDB's own symbols are elsewhere.
there = prog.breakpoint("schedule")
facts["breakpoint"] = [
    str(prog.resume().reason),
    hex(prog.stack_trace()[0].pc),
    hex(prog.symbol("schedule").address),
    there.hits,
    run("drgn frame").split(" in ")[-1].split()[0],
]
there.delete()

# Modules that are loaded while it runs.
count = number = len(list(prog.modules()))
for _ in range(ROUNDS):
    if number > count:
        break
    go_on()
    number = len(list(prog.modules()))
facts["modules"] = [count, number]

with Monitor.connect(os.environ["VISIT_QMP"]) as client:
    client.execute("set-action", reboot="reset")
    client.execute("system_reset")
# GDB looks at the instruction that it believes the guest to be at.
gdb.execute("maintenance flush register-cache", to_string=True)
gdb.execute("stepi", to_string=True)
facts["reset"] = [prog is first, run('drgn prog["init_task"].comm')]
errors, offset = boot()
facts["again"] = [offset, prog is first, prog["init_task"].comm.string_().decode()]

# It ends in the middle of a loop.
with monitor("quit", wait=0.2):
    facts["lost"] = run(
        "drgn while True: prog.read(prog['init_task'].address_, 1 << 16)"
    )
facts["alive"] = [run("print 1 + 1"), run('drgn prog.type("struct list_head")')]
facts["old"] = []
try:
    first.read(address, 8)
except Exception as error:
    facts["old"].append(f"{type(error).__name__}: {error}")
(Path(os.environ["VISIT"]) / "facts.json").write_text(json.dumps(facts))
