"""The inferior as a program: memory, threads, modules, and nothing stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

THREADS = """
#include <pthread.h>
#include <unistd.h>
static pthread_barrier_t barrier;
int ids[2] = {1, 2};
int finished;
static int work(int n) { pthread_barrier_wait(&barrier); for (;;) pause(); return n; }
static void *run(void *p) { return (void *)(long)work(*(int *)p); }
static void here(void) { finished = 1; }
int main(void)
{
    pthread_t threads[2];
    pthread_barrier_init(&barrier, 0, 3);
    for (int i = 0; i < 2; i++)
        pthread_create(threads + i, 0, run, ids + i);
    pthread_barrier_wait(&barrier);
    here();
    return 0;
}
"""

WORKERS = (
    "drgn sorted(f['n'].value_() for t in prog.threads() for f in t.stack_trace()"
    " if f.name == 'work')"
)


@pytest.fixture(scope="module")
def threads(compile_c: Callable[..., Path]) -> Path:
    return compile_c(THREADS, "-g", "-O0", "-pthread")


@pytest.fixture(params=["-pie", "-no-pie", "-static"])
def linked(request: pytest.FixtureRequest, compile_c: Callable[..., Path]) -> Path:
    source = "int counter = 7; int *where = &counter; int main(void) { return 0; }"
    return compile_c(source, "-g", "-O0", request.param)


def test_before_while_and_after(gdb: Any, linked: Path) -> None:
    result = gdb(
        'drgn prog["counter"]',
        "break main",
        "run",
        "echo running\\n",
        'drgn prog["counter"]',
        'drgn prog["where"][0]',
        'drgn prog["where"].value_() == int(gdb.parse_and_eval("&counter"))',
        "continue",
        'drgn prog["counter"]',
        program=linked,
    )
    before, _, after = result.out.partition("running\n")
    assert before.startswith("(int)7\n")
    assert after.splitlines()[:3] == ["(int)7", "(int)7", "True"]
    assert after.endswith("(int)7\n")
    assert "Error" not in result.err


def test_nothing_is_stale(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "break main",
        "break add",
        "run",
        "echo --\\n",
        'python counter = prog["counter"]',
        "drgn counter.value_()",
        "set var counter = 99",
        "drgn counter.value_()",
        "python gdb.selected_inferior().write_memory(counter.address_, b'\\x05')",
        "drgn counter.value_()",
        "delete 2",
        "output add(2, 2)",
        "drgn counter.value_()",
        "next 3",
        "drgn counter.value_()",
        program=list_program,
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert [line for line in lines if line.lstrip("4").isdigit() or line == "44"] == [
        "7", "99", "5", "44", "43",
    ]  # fmt: skip


def test_program_follows_the_process(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "python static = prog; print(prog.flags.value)",
        "break add",
        "run",
        "echo --\\n",
        "python running = prog; print(prog is static, prog.flags.value)",
        'python counter = prog["counter"]; print(counter.value_())',
        "kill",
        "drgn prog is running",
        "drgn counter.value_()",
        'drgn prog["counter"]',
        program=list_program,
    )
    assert result.lines[0] == "0"
    after = result.out.split("--\n")[1].splitlines()
    assert after[:2] == ["False 6", "7"]
    assert after[-2:] == ["False", "(int)7"]
    assert "_drgn.FaultError: could not read memory: the process is gone: 0x" in (
        result.err
    )


def test_faults(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "break add",
        "run",
        "drgn prog.read(0, 2**62)",
        "drgn prog.read(prog['first'].address_, 1 << 40)",
        "drgn prog.read_u8(2**64 - 1)",
        program=list_program,
    )
    faults = [line for line in result.err.splitlines() if "FaultError" in line]
    assert faults[0] == "_drgn.FaultError: could not read memory: 0x0"
    # The page after the program's own.
    assert faults[1].endswith("000") and "0x5555" in faults[1]
    assert faults[2] == "_drgn.FaultError: could not read memory: 0xffffffffffffffff"


def test_search(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "break add",
        "run",
        "echo --\\n",
        "python addresses = list(prog.search_memory(b'three\\0'))",
        "python print(prog['third'].name.address_ in addresses)",
        program=list_program,
    )
    assert result.out.endswith("--\nTrue\n")


def test_threads(gdb: Any, threads: Path) -> None:
    result = gdb(
        "break here",
        "run",
        "thread 2",
        "up",
        "echo --\\n",
        "drgn len(list(prog.threads()))",
        WORKERS,
        "python print(gdb.selected_thread().num, gdb.selected_frame().level())",
        "drgn [t.tid for t in prog.threads()] =="
        " sorted(t.ptid[1] for t in gdb.selected_inferior().threads())",
        "drgn prog.main_thread().stack_trace()[0].name",
        "drgn prog.stack_trace()[0].pc == int(gdb.newest_frame().pc())",
        "drgn prog.thread(1)",
        program=threads,
    )
    assert result.out.split("--\n")[1].splitlines() == [
        "3", "[1, 2]", "2 1", "True", "'here'", "True",
    ]  # fmt: skip
    assert "LookupError: thread with ID 1 not found" in result.err


def test_core(gdb: Any, threads: Path, tmp_path: Path) -> None:
    core = tmp_path / "core"
    gdb("break here", "run", f"generate-core-file {core}", program=threads)
    result = gdb(
        "echo --\\n",
        "drgn prog.flags.value",
        'drgn prog["finished"]',
        WORKERS,
        "drgn prog.stack_trace()[0].name",
        "drgn prog.crashed_thread().stack_trace()[0].name",
        "drgn {m.name.rpartition('/')[2].partition('.')[0] for m in prog.modules()}"
        " >= {'libc', 'linux-vdso'}",
        "drgn prog.core_dump_path",
        # GDB writes names of 16 characters, Linux of 15.
        f"drgn prog.main_thread().name == {threads.name[:16]!r}",
        program=threads,
        core=core,
    )
    assert result.out.split("--\n")[1].splitlines() == [
        "0", "(int)0", "[1, 2]", "'here'", "'here'", "True",
        repr(str(core)), "True",
    ]  # fmt: skip


def test_what_a_core_leaves_out(gdb: Any, threads: Path, tmp_path: Path) -> None:
    """Code is not in a core: GDB has it from the file."""
    core = tmp_path / "core"
    code = "drgn prog.read(prog['here'].address_, 8).hex()"
    first = gdb(
        "break main", "run", "delete", "echo --\\n", code,
        f"generate-core-file {core}", program=threads,
    )  # fmt: skip
    result = gdb("echo --\\n", code, program=threads, core=core)
    expected = first.out.split("--\n")[1].splitlines()[0]
    assert result.out.split("--\n")[1].splitlines() == [expected]


def test_library_that_is_loaded_later(gdb: Any, compile_c: Callable[..., Path]) -> None:
    library = compile_c("int late = 11;", "-g", "-shared", "-fPIC", suffix=".so")
    program = compile_c(
        f"""
        #include <dlfcn.h>
        static void loaded(void) {{}}
        int main(void) {{ dlopen("{library}", RTLD_NOW); loaded(); return 0; }}
        """,
        "-g",
        "-O0",
    )
    result = gdb(
        "break main",
        "run",
        'drgn prog["late"]',
        "break loaded",
        "continue",
        'drgn prog["late"]',
        program=program,
    )
    assert "could not find 'late'" in result.err
    assert result.lines[-1] == "(int)11"


def test_exec(gdb: Any, compile_c: Callable[..., Path]) -> None:
    second = compile_c("int second = 2; int main(void) { return 0; }")
    first = compile_c(
        f"""
        #include <unistd.h>
        int first = 1;
        int main(void) {{ execl("{second}", "second", (char *)0); return 1; }}
        """
    )
    result = gdb(
        "break main",
        "run",
        'drgn prog["first"]',
        "continue",
        'drgn prog["second"]',
        'drgn prog["first"]',
        program=first,
    )
    assert "(int)1" in result.lines
    assert result.lines[-1] == "(int)2"
    assert "could not find 'first'" in result.err


def test_two_inferiors(gdb: Any, list_program: Path, threads: Path) -> None:
    result = gdb(
        "break add",
        "run",
        "python counter = prog['counter']",
        f"add-inferior -exec {threads}",
        "inferior 2",
        "break here",
        "run",
        "echo --\\n",
        "drgn prog['ids']",
        "drgn counter.value_()",
        "drgn prog['counter']",
        program=list_program,
    )
    assert result.out.split("--\n")[1] == "(int [2]){ 1, 2 }\n7\n"
    assert "could not find 'counter'" in result.err
