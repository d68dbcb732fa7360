"""A kernel's dump that GDB opens as a core file of vmlinux."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from lab.manifest import Lab

CASES = Path(__file__).parents[1] / "oracle" / "cases"
NOT_FOUND = "_drgn.ObjectNotFoundError"


@pytest.mark.parametrize("dump", ["live.elf", "panic.elf"])
def test_same_as_standalone(kernel_gdb: Any, lab: Lab, dump: str) -> None:
    names = ["session", "stacks", *(["crash"] if dump == "panic.elf" else [])]
    cases = [CASES / f"{name}.py" for name in names]
    commands = [
        part
        for case in cases
        for part in (f"drgn-script {quote(str(case))}", "echo --\\n")
    ]
    result = kernel_gdb(lab.vmlinux, "echo --\\n", *commands, core=lab.dump(dump))
    assert result.err.count("Error") == 0, result.err
    shown = result.out.split("--\n")[1:]
    modules = [word for path in lab.module_files() for word in ("-s", path)]
    for case, text in zip(cases, shown, strict=False):
        standalone = subprocess.run(
            [sys.executable, "-m", "drgn", "-q", "-c", lab.dump(dump),
             "-s", lab.vmlinux, *modules, case],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert text == standalone.stdout


def test_processors(kernel_gdb: Any, lab: Lab) -> None:
    result = kernel_gdb(
        lab.vmlinux,
        "echo --\\n",
        "drgn prog.flags",
        "python print(prog.core_dump_path)",
        "drgn prog.stack_trace()[0].pc == int(gdb.newest_frame().pc())",
        "drgn [frame.name for frame in prog.stack_trace()].count('panic')",
        "thread 2",
        "drgn prog.stack_trace()[0].pc == int(gdb.newest_frame().pc())",
        "drgn [frame.name for frame in prog.stack_trace()].count('panic')",
        "drgn prog.crashed_thread().tid",
        "drgn prog.write(0, b'')",
        core=lab.dump("panic.elf"),
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert lines[:2] == [
        "<ProgramFlags.IS_LINUX_KERNEL: 1>",
        str(lab.dump("panic.elf")),
    ]
    assert lines[2] == lines[-3] == "True"
    # Any of the two may be the one that panicked.
    assert {lines[3], lines[-2]} == {"0", "1"}
    assert lines[-1].isdigit()
    assert "UnsupportedOperation: core dump is read-only" in result.err


def test_values_that_gdb_cannot_read(kernel_gdb: Any, lab: Lab) -> None:
    # QEMU's dumps have no virtual addresses by which GDB could.
    result = kernel_gdb(
        lab.vmlinux,
        "echo --\\n",
        'print $drgn("find_task(prog, 1).pid")',
        'print $drgn("find_task(prog, 1).comm")',
        "print $drgn(\"prog['init_task']\").pid",
        'print $drgn("find_task(prog, 1)")->pid',
        core=lab.dump("panic.elf"),
    )
    pid, comm, idle = result.out.split("--\n")[1].splitlines()
    assert (pid, idle) == ("$1 = 1", "$3 = 0")
    # What another name has left behind the zero varies.
    assert re.match(r"""\$2 = "init(\\000|", '\\000' <repeats )""", comm)
    assert "Cannot access memory at address" in result.err


def test_symbols(kernel_gdb: Any, lab: Lab) -> None:
    result = kernel_gdb(
        lab.vmlinux,
        "drgn-symbols",
        "echo --\\n",
        "info symbol $drgn(\"prog.symbol('schedule').address\")",
        "info symbol $drgn(\"prog.symbol('loop_queue_rq').address\")",
        "output/x (long)&runqueues",
        "echo \\n",
        "drgn print(hex(prog.symbol('runqueues').address))",
        core=lab.dump("live.elf"),
    )
    vmlinux, module, theirs, ours = result.out.split("--\n")[1].splitlines()
    assert theirs == ours
    if not lab.module_files():  # GDB does not name the file where there is one alone.
        assert vmlinux == "schedule in section .text"
        assert module == "loop_queue_rq in section .text"
        return
    assert vmlinux.startswith("schedule in section .text of ")
    assert module.startswith("loop_queue_rq in section .text of ")
    assert module.endswith("/loop.ko")


def test_another_vmlinux(kernel_gdb: Any, labs: list[Lab]) -> None:
    if len(labs) < 2:
        pytest.skip("one kernel lab alone")
    dumped, other = labs[:2]
    result = kernel_gdb(
        other.vmlinux,
        'drgn prog["init_task"]',
        "drgn-symbols",
        core=dumped.dump("live.elf"),
    )
    errors = [line for line in result.err.splitlines() if "another kernel" in line]
    assert len(errors) == 2
    assert errors[0].startswith(f"{NOT_FOUND}: {other.vmlinux} is of another kernel")
    assert f'"Linux version {other.kernel} (' in errors[0]
    assert "moved" not in result.out


def test_no_vmcoreinfo(kernel_gdb: Any, lab: Lab, tmp_path: Path) -> None:
    dump = tmp_path / "vmcore"
    with open(lab.dump("live.elf"), "rb") as file:
        start = file.read(1 << 20)
    assert b"VMCOREINFO\0" in start
    dump.write_bytes(start.replace(b"VMCOREINFO\0", b"NOTHING...\0"))
    result = kernel_gdb(lab.vmlinux, 'drgn prog["init_task"]', "print 1 + 1", core=dump)
    assert f"{NOT_FOUND}: {dump}: dump has no VMCOREINFO\n" in result.err
    assert "$1 = 2\n" in result.out
