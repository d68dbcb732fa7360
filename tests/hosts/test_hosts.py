"""The same scripts on the same memory, standalone and in GDB: the same text."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))

PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
struct node { int value; struct node *next; char name[8]; unsigned small : 3; };
struct node third = { 3, 0, "three", 1 };
struct node second = { 2, &third, "two", 2 };
struct node first = { 1, &second, "one", 3 };
int counter = 7;
enum color { RED, GREEN } color = GREEN;
typedef struct { double x, y; } point;
point origin = { 1.5, -2.5 };
union shape { int i; float f; } shape = { 0x40490fdb };
const char *const names[] = { "a", "b", "c" };
int numbers[4] = { 1, 1, 2, 3 };
unsigned char flags[3] = { 1, 0, 255 };
char needle[] = "a needle in the data";
unsigned long magic = 0x1122334455667788;
static pthread_barrier_t barrier;
static int ids[2] = { 1, 2 };
static int work(int n, const struct node *node)
{
    double half = n / 2.0;
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    return n + (int)half + node->value;
}
static void *run(void *id) { return (void *)(long)work(*(int *)id, &first); }
int main(void)
{
    size_t count = 2;
    pthread_t threads[2];
    pthread_barrier_init(&barrier, 0, count + 1);
    for (size_t i = 0; i < count; i++)
        pthread_create(threads + i, 0, run, ids + i);
    pthread_barrier_wait(&barrier);
    usleep(100000);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


def _environment() -> dict[str, str]:
    return {
        "PYDRGN_SITE": sysconfig.get_path("purelib"),
        **os.environ,
        "DEBUGINFOD_URLS": "",
        "COLUMNS": "80",
    }


def _run(*argv: str | Path | int) -> str:
    result = subprocess.run(
        [str(argument) for argument in argv],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Error" not in result.stderr, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def gdb_with_python() -> str:
    found = shutil.which("gdb")
    if found is None:
        pytest.skip("no gdb")
    version = "python import sys; print(sys.version_info[:2])"
    if _run(found, "-nx", "-batch", "-ex", version).strip() != str(
        tuple(sys.version_info[:2])
    ):
        pytest.skip("GDB has another Python than the tests")
    return found


@pytest.fixture(scope="module")
def program(compile_c: Callable[..., Path]) -> Path:
    return compile_c(PROGRAM, "-g", "-O0", "-pthread")


@pytest.fixture(scope="module")
def process(program: Path) -> Iterator[int]:
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            yield child.pid
        finally:
            child.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def core(
    gdb_with_python: str, process: int, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("hosts") / "core"
    _run(
        gdb_with_python, "-nx", "-batch", "-p", process,
        "-ex", f"generate-core-file {path}",
    )  # fmt: skip
    return path


def _in_gdb(gdb: str, script: Path, *argv: str | Path | int) -> str:
    out = _run(
        gdb, "-nx", "-batch", *argv, "-ex", f"source {ROOT}/gdb_bridge/drgn.py",
        "-ex", "echo <<<\\n", "-ex", f"drgn-script {script}", "-ex", "echo >>>\\n",
    )  # fmt: skip
    return out.split("<<<\n")[1].split(">>>\n")[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_core(script: Path, gdb_with_python: str, program: Path, core: Path) -> None:
    standalone = _run(sys.executable, "-m", "drgn", "-q", "-c", core, script)
    assert standalone
    assert _in_gdb(gdb_with_python, script, program, core) == standalone


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_process(script: Path, gdb_with_python: str, process: int) -> None:
    standalone = _run(sys.executable, "-m", "drgn", "-q", "-p", process, script)
    assert standalone
    assert _in_gdb(gdb_with_python, script, "-p", process) == standalone
