"""Processes that come, go and multiply: remotes, forks, runs, debug files, non-stop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FORKS = """
#include <sys/wait.h>
#include <unistd.h>
int generation = 1;
volatile int seen;
static int work(int n) { generation = 100 + n; return n; }
int main(int argc, char **argv)
{
    if (argc > 1) {
        seen = work(9);
        return 5;
    }
    if (!fork()) {
        seen = work(3);
        execl(argv[0], argv[0], "again", (char *)0);
    }
    wait(0);
    seen = work(1);
    return 0;
}
"""
THREADS = """
#include <pthread.h>
#include <unistd.h>
volatile int spins;
int fixed = 6;
static void *spin(void *unused) { for (;;) { spins++; usleep(1000); } return unused; }
static void here(void) {}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, spin, 0);
    usleep(20000);
    here();
    pause();
    return 0;
}
"""


@pytest.fixture(scope="module")
def forks(compile_c: Callable[..., Path]) -> Path:
    return compile_c(FORKS)


def _after(out: str) -> list[str]:
    """What is printed after a line of dashes."""
    return out.partition("--\n")[2].splitlines()


def _ours(out: str) -> list[str]:
    """What "drgn" printed: GDB's own words do not begin so."""
    pattern = re.compile(r"\((int|char|struct|enum)\b|Stop\(|called|'|True|False")
    return [line for line in _after(out) if pattern.match(line)]


@contextmanager
def _server(*options: str) -> Iterator[tuple[int, int]]:
    """The port and the number of a gdbserver that waits."""
    if shutil.which("gdbserver") is None:
        pytest.skip("no gdbserver")
    with subprocess.Popen(
        ["gdbserver", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    ) as child:  # fmt: skip
        assert child.stderr is not None
        try:
            while "Listening" not in (line := child.stderr.readline()):
                assert line
            yield int(line.split()[-1]), child.pid
        finally:
            child.kill()


@pytest.fixture
def server(list_program: Path) -> Iterator[tuple[int, int]]:
    """The port and the number of a gdbserver that waits with the program."""
    with _server("--once", "127.0.0.1:0", str(list_program)) as found:
        yield found


@pytest.fixture
def server_without_program() -> Iterator[int]:
    """The port of a gdbserver that starts what it is told to start."""
    with _server("--multi", "127.0.0.1:0") as (port, _):
        yield port


def test_remote(gdb: Any, list_program: Path, server: tuple[int, int]) -> None:
    result = gdb(
        "set sysroot /",
        f"target remote 127.0.0.1:{server[0]}",
        "break main",
        "continue",
        "echo --\\n",
        'drgn prog["counter"]',
        'drgn prog["first"].next.name',
        'drgn prog["counter"].write_(9)',
        'drgn prog["counter"]',
        "drgn prog.breakpoint('add', lambda frame: print('called', frame['a']))",
        "drgn prog.call('add', 1, 2)",
        "drgn stack_trace()[0].name",
        "drgn prog.resume()",
        'drgn prog["counter"]',
        program=list_program,
    )
    assert _ours(result.out) == [
        "(int)7", '(char [8])"two"', "(int)9", "called (int)1", "(int)3", "'main'",
        "called (int)42", "Stop(StopReason.EXITED, exit_code=0)", "(int)7",
    ]  # fmt: skip


def test_stub_that_tells_no_process(
    gdb: Any, list_program: Path, server: tuple[int, int]
) -> None:
    """GDB gives it a number of its own, as for QEMU's and OpenOCD's stubs."""
    result = gdb(
        "set sysroot /",
        "set remote multiprocess-feature-packet off",
        f"target remote 127.0.0.1:{server[0]}",
        "break add",
        "continue",
        "echo --\\n",
        "drgn prog.main_thread().stack_trace()[1].name",
        "drgn prog.main_thread().tid == gdb.selected_inferior().pid",
        program=list_program,
    )
    assert _ours(result.out) == ["'main'", "False"]


def test_remote_that_disconnects(
    gdb: Any, list_program: Path, server: tuple[int, int]
) -> None:
    port, pid = server
    result = gdb(
        "set sysroot /",
        f"target remote 127.0.0.1:{port}",
        "break main",
        "continue",
        "echo --\\n",
        'python counter = prog["counter"]',
        "drgn counter",
        f"shell kill -9 {pid}",
        "drgn prog.read(counter.address_ + (1 << 20), 4)",
        "drgn prog.resume()",
        "drgn counter.value_()",
        'drgn prog["counter"]',
        "output 1 + 1",
        program=list_program,
    )
    assert _ours(result.out) == ["(int)7", "(int)7"]
    assert result.out.endswith("2")
    errors = [line for line in result.err.splitlines() if line.startswith("_drgn.")]
    assert [line.partition(":")[0] for line in errors] == [
        "_drgn.FaultError", "_drgn.UnsupportedOperation", "_drgn.FaultError",
    ]  # fmt: skip
    assert "Traceback" not in result.err


def test_extended_remote_runs_again(
    gdb: Any, list_program: Path, server_without_program: int
) -> None:
    result = gdb(
        "set sysroot /",
        f"target extended-remote 127.0.0.1:{server_without_program}",
        f"set remote exec-file {list_program}",
        "break add",
        "run",
        "echo --\\n",
        'drgn prog["counter"].write_(8)',
        'drgn prog["counter"]',
        "kill",
        'drgn prog["counter"]',
        "run",
        'drgn prog["counter"], frame.name',
        "kill",
        "monitor exit",
        program=list_program,
    )
    assert _ours(result.out) == ["(int)8", "(int)7"]
    assert any("'add'" in line for line in _after(result.out))


def test_child_is_followed_through_exec(gdb: Any, forks: Path) -> None:
    result = gdb(
        "set follow-fork-mode child",
        "break work",
        "run",
        "echo --\\n",
        'drgn prog["generation"]',
        'drgn frame["n"]',
        "drgn prog.finish().value",
        'drgn prog["generation"]',
        "continue",
        'drgn prog["generation"]',
        'drgn frame["n"]',
        "drgn prog.finish().value",
        'drgn prog["generation"]',
        "drgn prog.resume()",
        program=forks,
    )
    assert _ours(result.out) == [
        "(int)1", "(int)3", "(int)3", "(int)103",
        "(int)1", "(int)9", "(int)9", "(int)109",
        "Stop(StopReason.EXITED, exit_code=5)",
    ]  # fmt: skip


def test_parent_and_child(gdb: Any, forks: Path) -> None:
    result = gdb(
        "set detach-on-fork off",
        "catch fork",
        "run",
        "next",
        "echo --\\n",
        "python parent = prog",
        'drgn prog["generation"].write_(55)',
        "inferior 2",
        "drgn prog is parent",
        'drgn prog["generation"]',
        'drgn parent["generation"]',
        "drgn parent.call('work', 1)",
        "inferior 1",
        'drgn prog["generation"]',
        "drgn prog is parent",
        "kill inferiors 1 2",
        program=forks,
    )
    assert _ours(result.out) == ["False", "(int)1", "(int)55", "(int)55", "True"]
    assert "ValueError: this program is not GDB's current inferior" in result.err


def test_breakpoints_outlive_the_process(gdb: Any, list_program: Path) -> None:
    """Set before it runs, they get the frames of each run."""
    result = gdb(
        "echo --\\n",
        "drgn b = prog.breakpoint('add', lambda f: print('called', f.name, f['a']))",
        "run",
        "run",
        "drgn b.hits == 2, prog.breakpoints() == [b]",
        "delete",
        "drgn b.is_set, prog.breakpoints()",
        program=list_program,
    )
    lines = [line for line in _after(result.out) if not line.startswith("[")]
    assert [line for line in lines if line.startswith(("called", "("))] == [
        "called add (int)42", "called add (int)42", "(True, True)", "(False, [])",
    ]  # fmt: skip
    assert "Error" not in result.err


def test_another_program_after_a_process(
    gdb: Any, list_program: Path, compile_c: Callable[..., Path]
) -> None:
    other = compile_c("int other = 5; int main(void) { return other; }")
    result = gdb(
        "break add",
        "run",
        "kill",
        "echo --\\n",
        'drgn prog["first"].value',
        f"file {other}",
        'drgn prog["other"]',
        'drgn prog.symbol(prog["other"].address_).name',
        "drgn hex(prog.symbol('other').address) == gdb.execute("
        "'output/x (long)&other', to_string=True)",
        program=list_program,
    )
    assert _ours(result.out) == ["(int)1", "(int)5", "'other'", "True"]


def test_one_thread_runs_on(gdb: Any, compile_c: Callable[..., Path]) -> None:
    program = compile_c(THREADS, "-g", "-O0", "-pthread")
    result = gdb(
        "set non-stop on",
        "break here",
        "run",
        "echo --\\n",
        "drgn stack_trace()[1].name",
        'drgn prog["fixed"]',
        # Memory that changes is not remembered.
        'python old = prog["spins"].value_()',
        "shell sleep 0.2",
        'drgn prog["spins"].value_() > old',
        "drgn [t for t in prog.threads() if t.tid != prog.main_thread().tid][0]"
        ".stack_trace()",
        "drgn prog.main_thread().stack_trace()[0].name",
        "kill",
        program=program,
    )
    assert _ours(result.out) == ["'main'", "(int)6", "True", "'here'"]
    assert re.search(r"ValueError: thread \d+ is running: interrupt it", result.err)


def _stripped(program: Path, directory: Path) -> tuple[Path, Path]:
    """A program without debug information, and a file that has it."""
    stripped, debug = directory / "program", directory / "program.debug"
    run = subprocess.run
    run(["objcopy", "--only-keep-debug", program, debug], check=True)
    run(["objcopy", "--strip-debug", program, stripped], check=True)
    return stripped, debug


def test_debug_link(gdb: Any, list_program: Path, tmp_path: Path) -> None:
    stripped, debug = _stripped(list_program, tmp_path)
    subprocess.run(
        ["objcopy", f"--add-gnu-debuglink={debug.name}", stripped],
        check=True, cwd=tmp_path,
    )  # fmt: skip
    (tmp_path / ".debug").mkdir()
    debug.rename(tmp_path / ".debug" / debug.name)
    result = gdb(
        'drgn prog["first"].next.name', "break add", "run", "echo --\\n",
        'drgn frame["a"]', 'drgn prog["counter"]', program=stripped,
    )  # fmt: skip
    assert result.lines[0] == '(char [8])"two"'
    assert _after(result.out) == ["(int)42", "(int)7"]


def test_build_id_directory(
    gdb: Any, compile_c: Callable[..., Path], tmp_path: Path
) -> None:
    program = compile_c(
        "int counter = 12; int main(void) { return 0; }", "-g", "-Wl,--build-id"
    )
    stripped, debug = _stripped(program, tmp_path)
    notes = subprocess.check_output(["readelf", "-n", stripped], text=True)
    found = re.search(r"Build ID: (\w\w)(\w+)", notes)
    assert found
    place = tmp_path / "debug" / ".build-id" / found[1] / f"{found[2]}.debug"
    place.parent.mkdir(parents=True)
    debug.rename(place)
    core = tmp_path / "core"
    setting = f"set debug-file-directory {tmp_path}/debug"
    result = gdb(
        setting,
        f"file {stripped}",
        'drgn prog["counter"]',
        "break main",
        "run",
        'drgn prog["counter"]',
        f"generate-core-file {core}",
        "kill",
        f"core-file {core}",
        'drgn prog["counter"]',
    )
    assert result.lines.count("(int)12") == 3
    assert os.path.exists(core)
