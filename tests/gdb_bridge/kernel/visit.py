"""What a test session does in GDB with a guest; GDB sources this.

The steps write what they see to files in $VISIT, which the tests compare afterwards.
One that fails costs what it would have seen, and no other step's; after one that is too
slow another GDB goes on: an interrupted GDB, or numpy, would not be what it was.
"""

# ruff: noqa: F821 (prog comes from drgn.py)
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any

import gdb

sys.path.append(os.environ["VISIT_TESTS"])
from lab.monitor import Monitor

from drgn.gdb_bridge.stub import Stub
from drgn.helpers.linux.percpu import per_cpu

HERE = Path(os.environ["VISIT"])
CASES = [Path(case) for case in json.loads(os.environ["VISIT_CASES"])]
PYTHON = os.environ["VISIT_PYTHON"]
SECONDS = float(os.environ.get("VISIT_SECONDS", "600"))
"""How long a step may take; they take one or two, more than 120 on a busy machine."""
FACTS = HERE / "facts.json"
facts: dict[str, Any] = {"taken": [], "failed": {}, "done": False}


def step(function: Callable[[], None], name: str = "") -> None:
    """Take a step that no GDB has taken before; one that takes too long ends GDB."""
    name = name or function.__name__
    if name in facts["taken"]:
        return
    facts["taken"].append(name)
    facts["failed"][name] = "GDB was ended in it"
    keep_facts()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        function()
        del facts["failed"][name]
    except Exception:
        facts["failed"][name] = traceback.format_exc()
    signal.setitimer(signal.ITIMER_REAL, 0)
    keep_facts()


def keep_facts() -> None:
    partial = HERE / "facts.tmp"
    partial.write_text(json.dumps(facts))
    partial.rename(FACTS)


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
    (HERE / name).mkdir(exist_ok=True)
    step(lambda: dump(f"{name}.elf"), f"the dump {name}")
    for case in cases:
        step(lambda case=case: script(case, HERE / name), f"{name}/{case.stem}")


def script(case: Path, directory: Path) -> None:
    shown = gdb.execute(f"drgn-script {quote(str(case))}", to_string=True)
    (directory / case.stem).write_text(shown)


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


signal.signal(signal.SIGALRM, signal.SIG_DFL)
if FACTS.exists():
    facts = json.loads(FACTS.read_text())
TWO_CASES = [case for case in CASES if case.stem in ("session", "stacks")]


@step
def before_there_is_a_guest() -> None:
    facts["static"] = run('drgn prog.type("struct list_head")')


connect()


@step
def the_first_connection() -> None:
    facts["flags"] = prog.flags.value
    facts["offset"] = prog["VMCOREINFO"].string_().decode()


scripts("first", CASES)


@step
def memory() -> None:
    facts["physical mode"] = run("maintenance packet qqemu.PhyMemMode").split()[-1]
    facts["physical"] = [
        prog.read(prog["init_task"].address_, 16).hex(),
        prog.read(prog.translate(prog["init_task"].address_), 16, physical=True).hex(),
    ]
    facts["beyond memory"] = run("drgn prog.read(1 << 40, 8, physical=True)")
    facts["not mapped"] = run("drgn prog.read(0, 8)")


@step
def the_selected_processor() -> None:
    facts["selected"] = [
        prog.stack_trace()[0].pc == int(gdb.newest_frame().pc()),
        run("drgn frame").split()[1],
    ]


@step
def crash_commands() -> None:
    facts["crash commands"] = [
        run("drgn crash p init_task.pid"),
        run("drgn crash nothing"),
        run("complete drgn crash stru"),
        run("complete drgn cra"),
    ]


@step
def without_gdb() -> None:
    shown = subprocess.run(
        [PYTHON, "-m", "drgn", "-q", "--qemu", os.environ["VISIT_QMP"],
         "-s", gdb.current_progspace().filename, TWO_CASES[0]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    (HERE / "qemu").write_text(shown.stdout)


@step
def writing_to_what_nobody_needs() -> None:
    hostname = prog["init_uts_ns"].name.domainname
    before = hostname.string_()
    hostname.write_(b"written")
    facts["written"] = [
        prog["init_uts_ns"].name.domainname.string_().decode(),
        prog.read(prog.translate(hostname.address_), 7, physical=True).decode(),
    ]
    hostname.write_(before)


@step
def until_a_processor_is_in_user_mode() -> None:
    same = prog
    before = prog["jiffies_64"].value_()
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
    facts["jiffies"] = [before, prog["jiffies_64"].value_()]
    facts["same program"] = prog is same


scripts("user", TWO_CASES)

before = prog
gdb.execute("disconnect", to_string=True)


@step
def disconnected() -> None:
    facts["disconnected"] = [
        prog is before,
        run('drgn prog.type("struct list_head")'),
    ]


ask = Stub.packet
Stub.packet = lambda self, packet: b""
connect()


@step
def without_physical_memory() -> None:
    facts["virtual"] = prog.read(
        prog.translate(prog["init_task"].address_), 16, physical=True
    ).hex()


scripts("virtual", TWO_CASES)
gdb.execute("disconnect", to_string=True)
Stub.packet = ask
connect()


@step
def symbols_of_gdb_itself() -> None:
    facts["symbols"] = run("drgn-symbols")
    facts["symbols again"] = run("drgn-symbols")
    facts["same address"] = [
        int(gdb.parse_and_eval("&init_task")) == prog["init_task"].address_,
        run("print init_task.comm"),
        run("info symbol loop_queue_rq"),
        run("output/x (long)&loop_queue_rq"),
        hex(prog.symbol("loop_queue_rq").address),
        # As $lx_per_cpu() of the kernel's own scripts.
        run("output/x (long)&runqueues + __per_cpu_offset[1]"),
        hex(per_cpu(prog["runqueues"], 1).address_),
    ]


facts["done"] = True
keep_facts()
