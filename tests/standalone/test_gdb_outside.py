"""``drgn --gdb``: the command line, GDB's own lines, and a GDB that is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal

PROGRAM = """
#include <unistd.h>
int counter = 7;
char pages[1 << 16];
int step(void) { return ++counter; }
int main(int argc, char **argv)
{
    while (argc > 1)
        usleep(1000);
    step();
    return 3;
}
"""

#: The process of GDB, as a script sees it.
GDB_PID = (
    "import os\n"
    "children = open(f'/proc/self/task/{os.getpid()}/children').read().split()\n"
    "pid = int(children[0])\n"
)

Drgn = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def program(compile_c: Callable[..., Path]) -> Path:
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    return compile_c(PROGRAM, "-g", "-O0")


def drgn(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drgn", *map(str, args)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "DEBUGINFOD_URLS": "", **environment},
        timeout=120,
    )


def test_code(program: Path) -> None:
    code = "print(prog['counter'], prog.flags.value)"
    result = drgn("-e", code, "--gdb", "-nx", program)
    assert (result.stdout, result.returncode) == ("(int)7 0\n", 0)


def test_core(program: Path, tmp_path: Path) -> None:
    core = tmp_path / "core"
    subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "break step", "-ex", "run"]
        + ["-ex", f"generate-core-file {core}", program],
        check=True,
        capture_output=True,
        timeout=120,
    )
    code = "print(prog.core_dump_path, prog.main_thread().name, prog['counter'])"
    result = drgn("-q", "-e", code, "--gdb", "-nx", program, core)
    assert result.stdout == f"{core} {program.name[:16]} (int)7\n"


def test_script_and_its_arguments(program: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nprint(sys.argv[1:], __file__, prog['counter'])\nsys.exit(5)\n"
    )
    result = drgn("-q", "--gdb", "-nx", program, "--", script, "a", "--gdb")
    assert result.stdout == f"['a', '--gdb'] {script} (int)7\n"
    assert (result.stderr, result.returncode) == ("", 5)


def test_option_behind_a_script_is_the_scripts(tmp_path: Path, program: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:], prog.flags.name)\n")
    pid = str(os.getpid())
    result = drgn("-q", "-p", pid, script, "--gdb")
    assert result.stdout == "['--gdb'] IS_LIVE|IS_LOCAL\n"


def test_lines_of_gdb_and_the_program_that_they_run(program: Path) -> None:
    code = """
gdb("break step")
gdb("run")
print(prog.flags.name, prog.stack_trace()[1].name)
gdb("print counter + 1")
from drgn.commands import run_command
run_command(prog, "gdb print counter | 8", globals=globals())
try:
    gdb("nonsense")
except ValueError as error:
    print(error)
gdb("continue")
print(prog.flags.value, prog["counter"])
"""
    result = drgn("-q", "-e", code, "--gdb", "-nx", program)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "IS_LIVE|IS_LOCAL main" in lines
    assert "$1 = 8" in lines
    assert "$2 = 15" in lines
    assert 'Undefined command: "nonsense".  Try "help"' in lines
    assert lines[-1] == "0 (int)7"


def test_line_that_fails_after_it_has_ended_the_program(program: Path) -> None:
    code = """
gdb("start")
running = prog
try:
    gdb("attach 4194304")
except ValueError as error:
    print(error)
print(prog is running, prog["counter"])
"""
    result = drgn("-q", "-e", code, "--gdb", "-nx", program)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == [
        "ptrace: No such process",
        "False (int)7",
    ]


#: A GDB that says late that the program runs, as it may when the machine is busy.
LATE_GDB = """#!/bin/sh
exec {gdb} "$@" | while IFS= read -r line; do
    case $line in '*running'*) sleep 0.3 ;; esac
    printf '%s\\n' "$line"
done
"""


def test_waits_for_a_program_that_gdb_says_late_to_run(
    program: Path, tmp_path: Path
) -> None:
    late = tmp_path / "gdb"
    late.write_text(LATE_GDB.format(gdb=shutil.which("gdb")))
    late.chmod(0o755)
    code = """
gdb("break step")
gdb("run")
gdb("continue")
print(prog.flags.value, prog["counter"])
"""
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = drgn("-q", "-e", code, "--gdb", "-nx", program, PATH=path)
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout.splitlines()[-1] == "0 (int)7"


#: All that it says of a run comes when that has stopped.
FAST_GDB = """#!/bin/sh
exec {gdb} "$@" | while IFS= read -r line; do
    case $line in *'^running'*) held=1 ;; esac
    if [ $held ]; then
        said="$said$line
"
        case $line in '*stopped'*) printf '%s' "$said"; held= said= ;; esac
    else
        printf '%s\\n' "$line"
    fi
done
"""


def test_program_that_stops_at_once(program: Path, tmp_path: Path) -> None:
    """Breakpoints' callbacks are called though it is not seen to run."""
    fast = tmp_path / "gdb"
    fast.write_text(FAST_GDB.format(gdb=shutil.which("gdb")))
    fast.chmod(0o755)
    code = """
prog.breakpoint("main", lambda frame: print("called") or True)
gdb("run")
gdb("print step()")
print(prog.flags.value, prog["counter"])
gdb("continue")
print(prog.flags.value, prog["counter"])
"""
    path = f"{tmp_path}:{os.environ['PATH']}"
    result = drgn("-q", "-e", code, "--gdb", "-nx", program, PATH=path)
    assert (result.stderr, result.returncode) == ("", 0)
    lines = result.stdout.splitlines()
    assert "called" in lines
    assert [line for line in lines if "(int)" in line] == ["6 (int)8", "0 (int)7"]


def test_program_of_a_running_process_prompts_nothing(program: Path) -> None:
    with subprocess.Popen([program, "forever"]) as child:
        try:
            code = (
                "print(prog.main_thread().tid, prog['counter'])\n"
                "prog['counter'].write_(41)\n"
                "print(prog.call('step'), prog['counter'])\n"
            )
            result = drgn("-q", "-e", code, "--gdb", "-nx", "-p", str(child.pid))
        finally:
            child.kill()
    assert result.stdout == f"{child.pid} (int)7\n(int)42 (int)42\n"


def test_ctrl_c_stops_what_gdb_runs(program: Path) -> None:
    """A program that a line of GDB's or a resume() runs, and a line that takes long."""
    environment = {
        **os.environ,
        "DEBUGINFOD_URLS": "",
        "TERM": "dumb",
        "PYDRGN_PROMPT": "python",
    }
    argv = [sys.executable, "-m", "drgn", "-q", "--gdb", "-nx", str(program)]
    terminal = Terminal(argv, environment)
    try:
        terminal.until("common import *\r\n>>> ")
        for line, begun, stopped in (
            ("%gdb run forever", "Starting program", "#0  "),
            ("%gdb continue", "%gdb continue\r\n", "#0  "),
            ("prog.resume()", "prog.resume()\r\n", "signal='SIGINT'"),
        ):
            terminal.write(f"{line}\n")
            terminal.until(begun)
            time.sleep(1)  # until it is in its loop
            terminal.write("\x03")
            assert stopped in terminal.until("\n>>> ")
        line = "%gdb python import time; time.sleep(1000)"
        terminal.write(f"{line}\n")
        terminal.until(f"{line}\r\n")
        time.sleep(0.5)
        terminal.write("\x03")
        terminal.until("KeyboardInterrupt\r\n>>> ")
        terminal.write("prog['counter']\n")
        terminal.until("(int)7")
    finally:
        terminal.close()


READER = """
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[80] = "";
    printf("%s on %d%d%d\\n", argv[1], isatty(0), isatty(1), isatty(2));
    fgets(line, sizeof(line), stdin);
    printf("read %s", line);
    return 0;
}
"""


def test_program_that_uses_the_terminal(compile_c: Callable[..., Path]) -> None:
    environment = {**os.environ, "DEBUGINFOD_URLS": "", "TERM": "dumb"}
    argv = [sys.executable, "-m", "drgn", "-q", "--gdb", "-nx", "--args"]
    terminal = Terminal([*argv, str(compile_c(READER)), "$HOME 'b"], environment)
    try:
        terminal.until("common import *\r\n>>> ")
        terminal.write("%gdb run\n")
        started = terminal.until("$HOME 'b on 111\r\n")
        assert "controlling terminal" not in started
        terminal.write("a line\n")
        assert "read a line" in terminal.until(">>> ")
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_of_a_drgn_that_is_ended(
    program: Path, number: signal.Signals
) -> None:
    """GDB, which listens to nobody while its line runs the program, ends too."""
    environment = {
        **os.environ,
        "DEBUGINFOD_URLS": "",
        "TERM": "dumb",
        "PYDRGN_PROMPT": "python",
    }
    argv = [sys.executable, "-m", "drgn", "-q", "--gdb", "-nx", str(program)]
    terminal = Terminal(argv, environment)
    try:
        terminal.until("common import *\r\n>>> ")
        children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children")
        gdb = int(children.read_text().split()[0])
        terminal.write("%gdb run forever\n")
        terminal.until("Starting program")
        time.sleep(1)  # until GDB has started it
        ran = Path(f"/proc/{gdb}/task/{gdb}/children").read_text().split()
        os.kill(terminal.pid, number)
        assert terminal.status() == 128 + number
        assert ran and not any(Path(f"/proc/{pid}/exe").exists() for pid in ran)
        assert not Path(f"/proc/{gdb}/exe").exists()
    finally:
        terminal.close()


@pytest.mark.parametrize(
    "code", ["print(prog['counter'])", GDB_PID + "os.kill(pid, 9)"]
)
def test_everything_is_closed(program: Path, code: str) -> None:
    """What else is said is of GDB's own Python, and of GDB_PID."""
    result = drgn("-q", "-e", code, "--gdb", "-nx", program, PYTHONDEVMODE="1")
    assert "unclosed file <_io.Buffered" not in result.stderr
    assert result.returncode == 0


# What goes wrong.


def test_unreadable_memory_and_unknown_names(program: Path) -> None:
    code = """
for text in "prog.read(0x10, 4)", "prog['nope']", "prog.write(0x10, b'x')":
    try:
        eval(text)
    except Exception as error:
        print(type(error).__name__, error)
"""
    start = ["-ex", "break main", "-ex", "run"]
    result = drgn("-q", "-e", code, "--gdb", "-nx", *start, program)
    assert result.stdout.splitlines()[-3:] == [
        "FaultError could not read memory: 0x10",
        "ObjectNotFoundError could not find 'nope'",
        "FaultError could not write memory: 0x10",
    ]


def test_without_a_program() -> None:
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    code = "print(prog.platform, list(prog.threads()))"
    result = drgn("-q", "-e", code, "--gdb", "-nx")
    assert (result.stdout, result.stderr) == ("None []\n", "")


def test_without_gdb(tmp_path: Path) -> None:
    result = drgn("-e", "1", "--gdb", "-nx", PATH=str(tmp_path))
    assert result.stderr == "error: gdb: No such file or directory\n"
    assert result.returncode == 1


def test_gdb_that_cannot_start(program: Path) -> None:
    result = drgn("-q", "-e", "1", "--gdb", "--nonsense")
    assert result.stderr.splitlines()[-1] == "error: GDB has ended"
    assert result.returncode == 1


def test_gdb_is_killed_in_a_loop(program: Path) -> None:
    code = (
        GDB_PID
        + """
address = prog["pages"].address_
read = 0
try:
    for offset in range(0, 1 << 16, 4096):
        prog.read(address + offset, 4096)
        read += 1
        if offset == 4096:
            os.kill(pid, 9)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
except Exception as error:
    print(type(error).__name__, str(error).partition(":")[0])
    print(str(error).split(": ")[1])
print(prog["counter"].type_)
"""
    )
    start = ["-ex", "break main", "-ex", "run"]
    result = drgn("-q", "-e", code, "--gdb", "-nx", *start, program)
    assert result.stdout.splitlines()[-3:] == [
        "FaultError could not read memory",
        "GDB has ended",
        "int",
    ]
    assert (result.stderr, result.returncode) == ("", 0)


def test_gdb_is_killed_while_the_program_runs(program: Path) -> None:
    code = (
        GDB_PID
        + """
import threading
threading.Timer(1, os.kill, (pid, 9)).start()
try:
    prog.resume()
except Exception as error:
    print(type(error).__name__, error)
"""
    )
    start = ["-ex", "break main", "-ex", "run forever"]
    result = drgn("-q", "-e", code, "--gdb", "-nx", *start, program)
    assert result.stdout.splitlines()[-1] == "GdbLost GDB has ended"
    assert (result.stderr, result.returncode) == ("", 0)


def test_inferiors(program: Path, compile_c: Callable[..., Path]) -> None:
    """``prog`` is the inferior that is GDB's current one."""
    other = compile_c("int lone = 3; int main(void) { return lone; }", "-g", "-O0")
    code = f"""
def show(*values): print(">", *values)
first = prog
gdb("break step")
gdb("run")
show(prog["counter"], prog.stack_trace(prog.main_thread().tid)[0].name)
process = prog
gdb("add-inferior -exec {other}")
gdb("inferior 2")
show(prog["lone"], "counter" in prog, list(prog.threads()))
gdb("tbreak main")
gdb("run")
show([thread.tid for thread in prog.threads()] == [prog.main_thread().tid])
show(process.main_thread() if process is prog else "another")
for action in process.resume, lambda: process["counter"].read_():
    try:
        show(action())
    except Exception as error:
        show(error)
gdb("inferior 1")
show(prog["counter"], prog is first, "lone" in prog)
"""
    result = drgn("-q", "-e", code, "--gdb", "-nx", program)
    assert result.stderr == ""
    said = [line[2:] for line in result.stdout.splitlines() if line.startswith("> ")]
    address = said[5].partition(": 0x")[2]
    assert said == [
        "(int)7 step",
        "(int)3 False []",
        "True",
        "another",
        "this program is not GDB's current inferior",
        "could not read memory: the process is not GDB's current inferior:"
        f" 0x{address}",
        "(int)7 False False",
    ]
