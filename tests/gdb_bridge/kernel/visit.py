"""What a test session does in GDB with a guest; GDB sources this.

The steps write what they see to files in $VISIT, which the tests compare afterwards.
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

from drgn.gdb_bridge.stub import Stub

HERE = Path(os.environ["VISIT"])
CASES = sorted(Path(os.environ["VISIT_CASES"]).glob("*.py"))
# They look at a dump's crash, at modules that are loaded by hand, or put other memory
# over the target's.
NOT_HERE = ("crash", "types", "commands_overlaid")
CASES = [case for case in CASES if case.stem not in NOT_HERE]
PYTHON = os.environ["VISIT_PYTHON"]
facts: dict[str, object] = {}


def run(command: str) -> str:
    """What a command of GDB prints, its error included."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return f"error: {error}\n"


def dump(name: str) -> None:
    with Monitor.connect(os.environ["VISIT_QMP"]) as monitor:
        monitor.dump(HERE / name)


def scripts(name: str, cases: list[Path]) -> None:
    """Run scripts of the oracle, and dump the memory that they have seen."""
    directory = HERE / name
    directory.mkdir()
    dump(f"{name}.elf")
    for case in cases:
        (directory / case.stem).write_text(run(f"drgn-script {case}"))


def connect() -> None:
    gdb.execute(f"target remote {os.environ['VISIT_GDB']}", to_string=True)


def go_on() -> None:
    """Let the guest run for a moment."""
    stop = (
        "import sys, time; sys.path.append(sys.argv[1]);"
        "from lab.monitor import Monitor; time.sleep(0.2);"
        "Monitor.connect(sys.argv[2]).execute('stop')"
    )
    argv = [PYTHON, "-c", stop, os.environ["VISIT_TESTS"], os.environ["VISIT_QMP"]]
    with subprocess.Popen(argv):
        gdb.execute("continue", to_string=True)


def control_registers() -> dict[str, int]:
    frame = gdb.newest_frame()
    return {
        name: int(frame.read_register(name)) & 2**64 - 1
        for name in ("cs", "cr3", "cr4")
    }


# Before there is a guest there are types, at least.
facts["static"] = run('drgn prog.type("struct list_head")')

connect()
facts["flags"] = prog.flags.value
facts["offset"] = prog["VMCOREINFO"].string_().decode()
facts["tasks"] = len(list(prog.threads()))
scripts("first", CASES)
facts["physical mode"] = run("maintenance packet qqemu.PhyMemMode").split()[-1]
facts["physical"] = [
    prog.read(prog["init_task"].address_, 16).hex(),
    prog.read(prog.translate(prog["init_task"].address_), 16, physical=True).hex(),
]
facts["beyond memory"] = run("drgn prog.read(1 << 40, 8, physical=True)")
facts["not mapped"] = run("drgn prog.read(0, 8)")
facts["selected"] = [
    prog.stack_trace()[0].pc == int(gdb.newest_frame().pc()),
    run("drgn frame").split()[1],
]
facts["crash commands"] = [
    run("drgn crash p init_task.pid"),
    run("drgn crash nothing"),
    run("complete drgn crash stru"),
    run("complete drgn cra"),
]
session = next(case for case in CASES if case.stem == "session")
(HERE / "qemu").write_text(
    subprocess.run(
        [PYTHON, "-m", "drgn", "-q", "--qemu", os.environ["VISIT_QMP"],
         "-s", gdb.current_progspace().filename, session],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    ).stdout
)  # fmt: skip

# Writing, to what nobody needs.
hostname = prog["init_uts_ns"].name.domainname
before = hostname.string_()
hostname.write_(b"written")
facts["written"] = [
    prog["init_uts_ns"].name.domainname.string_().decode(),
    prog.read(prog.translate(hostname.address_), 7, physical=True).decode(),
]
hostname.write_(before)

# The guest goes on, until a processor is in user mode.
same = prog
facts["jiffies"] = [prog["jiffies_64"].value_()]
for _ in range(100):
    go_on()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        if control_registers()["cs"] & 3:
            break
    else:
        continue
    break
facts["user mode"] = control_registers()
facts["jiffies"].append(prog["jiffies_64"].value_())
facts["same program"] = prog is same
scripts("user", [case for case in CASES if case.stem in ("session", "stacks")])

# GDB's own symbols, while its own unwinder knows nothing.
(HERE / "bt before").write_text(run("thread apply all bt 3"))

# Another connection, through which physical memory cannot be read.
gdb.execute("disconnect", to_string=True)
facts["disconnected"] = [prog is same, run('drgn prog.type("struct list_head")')]
ask = Stub.packet
Stub.packet = lambda self, packet: b""
connect()
facts["virtual"] = {"cs": []}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    facts["virtual"]["cs"].append(control_registers()["cs"])
facts["virtual"]["comm"] = run('drgn prog["init_task"].comm')
if "swapper" in facts["virtual"]["comm"]:
    facts["virtual"]["physical"] = prog.read(
        prog.translate(prog["init_task"].address_), 16, physical=True
    ).hex()
    scripts("virtual", [case for case in CASES if case.stem in ("session", "stacks")])
gdb.execute("disconnect", to_string=True)
Stub.packet = ask

# GDB's own symbols.
connect()
facts["symbols"] = run("drgn-symbols")
facts["symbols again"] = run("drgn-symbols")
facts["same address"] = [
    int(gdb.parse_and_eval("&init_task")) == prog["init_task"].address_,
    run("print init_task.comm"),
    run("info symbol loop_queue_rq"),
    run("output/x (long)&loop_queue_rq"),
    hex(prog.symbol("loop_queue_rq").address),
]
(HERE / "facts.json").write_text(json.dumps(facts))
