"""drgn-crash and the prompt of the crash commands, on a terminal and in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab.manifest import Lab
from terminal import Terminal

PROGRAM = Path(sys.executable).parent / "drgn-crash"


def drgn_crash(*args: object, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, args)],
        capture_output=True, text=True, input=input, timeout=120,
    )  # fmt: skip


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Run a program on a terminal of 9 lines, without a home."""
    environment = {**os.environ, "COLUMNS": "80", "LINES": "9"}
    # Where not even root can make a folder.
    environment["HOME"] = environment["XDG_STATE_HOME"] = "/dev/null/home"
    opened = []

    def terminal(*argv: object, term: str = "xterm") -> Terminal:
        words = [str(word) for word in argv]
        opened.append(Terminal(words, {**environment, "TERM": term}))
        return opened[-1]

    yield terminal
    for each in opened:
        each.close()


@pytest.mark.parametrize("swapped", [False, True])
def test_commands_from_a_pipe(lab: Lab, swapped: bool) -> None:
    files = [lab.vmlinux, lab.dump("panic.elf")]
    if swapped:
        files.reverse()
    result = drgn_crash(
        *files,
        input="p init_task.pid\n\n# nothing\nnothing\nstruct list_head 0\n"
        "set 2 | head -1\n!echo hello\ndrgn 6 * 7\nexit\np jiffies\n",
    )
    assert result.returncode == 0
    lines = [line.removeprefix("%crash> ") for line in result.stdout.splitlines()]
    lines = [line.replace("%crash> ", "") for line in lines]
    # It begins with the system, and with the task that panicked.
    first = lines.index("         PID: 1")
    assert lines[first - 1].startswith("       PANIC: ")
    assert lines[first + 1] == '     COMMAND: "init"'
    assert lines[first + 4] == "       STATE: R (running) (PANIC)"
    assert "init_task.pid = (pid_t)0" in lines
    assert lines[lines.index("    PID: 2") :][:3] == ["    PID: 2", "hello", "42"]
    assert not any("jiffies" in line for line in lines)
    errors = [line for line in result.stderr.splitlines() if "warning" not in line]
    assert errors == [
        "drgn: crash: nothing: command not found",
        "drgn: crash: error: address is not mapped: 0x0",
    ]


def test_files_that_are_none(lab: Lab, tmp_path: Path) -> None:
    result = drgn_crash(tmp_path / "no")
    assert result.returncode == 1
    message = f"[Errno 2] No such file or directory: '{tmp_path}/no'\n"
    assert result.stderr == message
    result = drgn_crash(lab.vmlinux, lab.vmlinux)
    assert result.returncode == 1
    assert result.stderr.startswith("error: more than one vmlinux: ")
    result = drgn_crash("a", "b", "c")
    assert result.returncode == 2
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    result = drgn_crash(empty, lab.dump("panic.elf"), input="sym schedule\nexit\n")
    assert "Traceback" not in result.stderr


def test_prompt_on_a_terminal(lab: Lab, terminal: Callable[..., Terminal]) -> None:
    crash = terminal(PROGRAM, lab.vmlinux, lab.dump("panic.elf"))
    crash.until("%crash> ")
    # Long output goes through a pager, and its end is not the prompt's.
    crash.write("struct task_struct init_task\n")
    crash.until(".thread_info")
    crash.write("q")
    crash.until("%crash> ")
    # The end of a short one is not asked about, by neither pager.
    crash.write("set scroll more\n")
    crash.until("scroll: on")
    crash.until("%crash> ")
    crash.write("set scroll off\n")
    crash.until("scroll: off")
    crash.until("%crash> ")
    # A name is completed, and the line thrown away.
    crash.write("wha\t")
    crash.until("whatis")
    crash.write("\x15")
    crash.write("p init_task.pid\n")
    crash.until("init_task.pid = (pid_t)0")
    crash.until("%crash> ")
    crash.write("drgn\n")
    crash.until(">>> ")
    crash.write("40 + 2\n")
    crash.until("42")
    crash.until(">>> ")
    crash.write("\x04")
    crash.until("%crash> ")
    # Its completion is this prompt's again. (And who reads the prompt is there by now.)
    crash.write("wha\t")
    crash.until("whatis")
    crash.write("\x15")
    crash.write("q\n")
    assert crash.status() == 0


def test_dumb_terminals_have_no_pager(
    lab: Lab, terminal: Callable[..., Terminal]
) -> None:
    crash = terminal(PROGRAM, lab.vmlinux, lab.dump("panic.elf"), term="dumb")
    crash.until("%crash> ")
    crash.write("struct list_head\n")
    assert "not fully functional" not in crash.until("%crash> ")
    crash.write("struct task_struct init_task\n")
    crash.until(".comm = ")
    crash.until("%crash> ")
    crash.write("q\n")
    assert crash.status() == 0


def test_prompt_within_drgn(lab: Lab, terminal: Callable[..., Terminal]) -> None:
    drgn = terminal(sys.executable, "-m", "drgn", "-q", "-c", lab.dump("panic.elf"),
                    "-s", lab.vmlinux)  # fmt: skip
    drgn.until(">>> ")
    drgn.write("%crash struct list_head deadbeef0000\n")
    drgn.until("drgn: error: address is not mapped: 0xdeadbeef0000")
    drgn.until(">>> ")
    for typed, completed in (
        ("%crash bt --d\t", "%crash bt --drgn"),
        ("%crash bt -\t\t", "-drgn"),
    ):
        drgn.write(typed)
        drgn.until(completed)
        drgn.write("\x15\n")
        drgn.until(">>> ")
    drgn.write("%crash\n")
    drgn.until("%crash> ")
    drgn.write("exit\n")
    drgn.until(">>> ")
    drgn.write("6 * 7\n")
    drgn.until("42")
    drgn.until(">>> ")
    drgn.write("exit()\n")
    assert drgn.status() == 0


def test_output_that_cannot_be_written(lab: Lab) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [PROGRAM, lab.vmlinux, lab.dump("panic.elf")],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
            text=True, timeout=120,
        )  # fmt: skip
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[-1] == "error: [Errno 28] No space left on device"
    assert "Traceback (most recent call last):" not in lines


def test_output_that_nobody_reads_any_longer(lab: Lab) -> None:
    with subprocess.Popen(
        [PROGRAM, lab.vmlinux, lab.dump("panic.elf")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("kmem -p\n" * 2)
        process.stdin.close()
        assert "KERNEL:" in process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=120) == 1
    assert "Broken pipe" not in errors
    assert "Traceback" not in errors
