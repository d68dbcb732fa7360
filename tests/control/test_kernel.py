"""A kernel in QEMU, and its dumps: one script in GDB and with a GDB outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import keeper
from lab.keeper import SharedGuest
from lab.manifest import Lab

from .saying import said, say

TESTS = Path(__file__).parents[1]
CASES = TESTS / "oracle" / "cases"
_NAMES = f"""
import sys
if "gdb" in sys.modules:
    import gdb
sys.path.append({str(TESTS)!r})
from lab.monitor import Monitor
from drgn import FaultError
line = getattr(gdb, "execute", gdb)
"""


Run = Callable[..., str]


@pytest.fixture
def run(host: Run) -> Run:
    """``run(text, *files)`` -> what a script prints over what GDB has opened."""
    return lambda text, *files: host(_NAMES + text, *files)


def standalone(lab: Lab, dump: Path, case: str) -> str:
    modules = [word for path in lab.module_files() for word in ("-s", str(path))]
    return subprocess.run(
        [sys.executable, "-m", "drgn", "-q", "-c", dump, "-s", lab.vmlinux, *modules,
         CASES / f"{case}.py"],
        env={**os.environ, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("case", ["session", "stacks", "crash"])
def test_a_dump_as_standalone(lab: Lab, run: Run, case: str) -> None:
    dump = lab.dump("panic.elf")
    code = f'print("-" * 9); exec(open({str(CASES / f"{case}.py")!r}).read())'
    out = run(code, lab.vmlinux, dump)
    assert out.split("-" * 9 + "\n")[1] == standalone(lab, dump, case)


def test_processors_of_a_dump(lab: Lab, run: Run) -> None:
    out = run(
        say("""
say(prog.flags, prog.core_dump_path)
for number in 1, 2:
    line(f"thread {number}")
    say([frame.name for frame in prog.stack_trace()].count("panic"))
try:
    prog.write(prog["init_task"].address_, b"")
except Exception as error:
    say(type(error).__name__, error)
"""),
        lab.vmlinux,
        lab.dump("panic.elf"),
    )
    lines = said(out)
    dump = lab.dump("panic.elf")
    assert lines[0] == f"ProgramFlags.IS_LINUX_KERNEL {dump}"
    assert sorted(lines[1:3]) == ["0", "1"]  # Any of the two may have panicked.
    assert lines[3:] == ["UnsupportedOperation core dump is read-only"]


def test_dump_of_another_kernel(labs: list[Lab], run: Run) -> None:
    if len(labs) < 2:
        pytest.skip("one kernel lab alone")
    out = run(
        say("""
try:
    prog["init_task"]
except LookupError as error:
    say(error)
"""),
        labs[0].vmlinux,
        labs[1].dump("panic.elf"),
    )
    (line,) = said(out)
    assert f"is of another kernel than {labs[1].dump('panic.elf')}: " in line


@pytest.fixture
def guest(lab: Lab, shared_guest: Callable[[Lab], SharedGuest]) -> SharedGuest:
    return shared_guest(lab)


def test_a_guest_as_its_dump(
    lab: Lab, guest: SharedGuest, run: Run, tmp_path: Path
) -> None:
    dump = tmp_path / "guest.elf"
    names = "session", "stacks", "module_debug", "helpers_tasks"
    cases = [str(CASES / f"{name}.py") for name in names]
    script = f"""
print(prog.type("struct list_head"))
line("target remote {guest.gdb_socket}")
with Monitor.connect({guest.qmp_socket!r}) as monitor:
    from pathlib import Path
    monitor.dump(Path({str(dump)!r}))
for case in {cases!r}:
    print("-" * 9)
    exec(open(case).read())
"""
    with guest.lock():
        out = run(script, lab.vmlinux)
    types, *shown = out.split("-" * 9 + "\n")
    assert types.startswith("struct list_head {\n")
    for name, text in zip(names, shown, strict=True):
        assert text == standalone(lab, dump, name), name


@pytest.mark.parametrize("physical", [True, False])
def test_running_and_writing(
    lab: Lab, guest: SharedGuest, run: Run, physical: bool
) -> None:
    script = say(f"""
from drgn.hosts.gdb_stub import GdbStub
if not {physical}:
    GdbStub.probe = lambda self: None
line("target remote {guest.gdb_socket}")
same = prog
calls = []
jiffies = prog["jiffies_64"].value_()
def called(frame):
    calls.append((frame.name, frame.pc in there.addresses))
    return len(calls) == 3
there = prog.breakpoint("schedule", called)
stop = prog.resume()
say(stop.reason, stop.breakpoints == (there,), there.hits, calls)
say(there.addresses[0] == prog.symbol("schedule").address == prog.stack_trace()[0].pc)
there.delete()
say(prog["jiffies_64"].value_() >= jiffies, prog is same)
pc = prog.stack_trace()[0].pc
for _ in range(3):  # QEMU may be called away before the instruction has run.
    step = prog.step_instruction()
    if prog.stack_trace()[0].pc != pc:
        break
say(step.reason, prog.stack_trace()[0].pc != pc)

hostname = prog["init_uts_ns"].name.domainname
before = hostname.string_()
hostname.write_(b"written")
say(hostname.string_(), prog.read(hostname.address_, 7))
say(prog.read(prog.translate(hostname.address_), 7, physical=True))
hostname.write_(before)
try:
    prog.read(0, 8)
except FaultError as error:
    say(hex(error.address))

line("disconnect")
say(prog is same, prog.type("struct list_head").size)
try:
    same.read(hostname.address_, 8)
except FaultError as error:
    say(error.message)
line("target remote {guest.gdb_socket}")
say(prog is same, prog["init_task"].comm.string_()[:7])
""")
    with guest.lock():
        out = run(script, lab.vmlinux)
    called = ("schedule", True)
    assert said(out) == [
        f"StopReason.BREAKPOINT True 3 {[called] * 3}",
        "True",
        "True True",
        "StopReason.STEP True",
        "b'written' b'written'",
        "b'written'",
        "0x0",
        "False 16",
        "could not read memory: the guest is gone",
        "False b'swapper'",
    ]


def test_a_running_guest(lab: Lab, guest: SharedGuest, run: Run) -> None:
    script = say(f"""
line("set mi-async on")
line("target remote {guest.gdb_socket}")
address = prog["init_task"].address_
prog.resume(wait=False)
try:
    prog.read(address, 8)
except FaultError as error:
    say(error.message)
with Monitor.connect({guest.qmp_socket!r}) as monitor:
    monitor.execute("stop")
""")
    with guest.lock():
        out = run(script, lab.vmlinux)
    assert said(out) == ["could not read memory: the guest is running"]


def test_first_instruction_and_loss(lab: Lab, run: Run, tmp_path: Path) -> None:
    with keeper.machine(lab, tmp_path, paused=True) as machine:
        out = run(
            say(f"""
line("target remote {machine.gdb_socket}")
old = prog
try:
    prog["init_task"]
except LookupError as error:
    say(error)
say(len(prog.read(0xFFFFFFF0, 4)))
with Monitor.connect({machine.qmp_socket!r}) as monitor:
    monitor.execute("quit")
try:
    while True:
        old.read(0xFFFF0000, 1 << 15)
        old.cache.clear()
        line("maintenance flush dcache")
except FaultError as error:
    say(error.message.partition(":")[0])
line("echo")
say(prog is old, prog.type("struct list_head").size)
"""),
            lab.vmlinux,
        )
    assert said(out) == [
        "no kernel is running yet: paging is off",
        "4",
        "could not read memory",
        "False 16",
    ]


def test_another_vmlinux(
    labs: list[Lab], shared_guest: Callable[[Lab], SharedGuest], run: Run
) -> None:
    if len(labs) < 2:
        pytest.skip("one kernel lab alone")
    guest = shared_guest(labs[0])
    with guest.lock():
        out = run(
            say(f"""
line("target remote {guest.gdb_socket}")
try:
    prog["init_task"]
except LookupError as error:
    say(error)
"""),
            labs[1].vmlinux,
        )
    (problem,) = said(out)
    for lab in labs[:2]:
        assert re.search(rf'"Linux version {re.escape(lab.kernel)} \(', problem)
