"""The same scripts on the same memory give the same text.

In three hosts: standalone, in GDB, and standalone with a GDB outside.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
CPP_SCRIPTS = sorted((Path(__file__).parent / "cpp_scripts").glob("*.py"))

LIBRARY = """
struct shared { int number; const char *text; struct shared *self; };
struct shared library_data = { 77, "in the library", &library_data };
static int library_secret = 5;
int library_function(int n) { return n + library_secret + library_data.number; }
"""
PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <wchar.h>
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
struct packed {
    unsigned a : 1, b : 7;
    signed c : 5;
    unsigned long d : 40;
    _Bool e : 1;
    enum color f : 2;
} packed = { 1, 100, -16, 0xfedcba9876, 1, GREEN };
union nested {
    struct { unsigned char low, high; };
    struct { int first; union { long whole; char bytes[8]; } second; } deep;
    unsigned short both;
} nested = { .deep = { 0x12345678, { 0x4142434445464748 } } };
int table[300][7];
struct node nodes[50];
long double precise = 0.1L;
const char *text = "first line\\nsecond \\"line\\"";
char letters[] = { 'a', 0, 'b', '\\t', 127, -1 };
char unended[4] = { 'f', 'u', 'l', 'l' };
wchar_t wide[] = L"wide";
static int twice(int x) { return 2 * x; }
static int negated(int x) { return -x; }
int (*operations[3])(int) = { twice, negated };
struct handler { const char *name; int (*run)(int); void *data; };
struct handler handler = { "negated", negated, &handler };
extern int library_function(int);
static volatile int used;
static inline __attribute__((always_inline)) int inlined(int x)
{
    int inner = x * 3;
    used = inner;
    return inner;
}
static pthread_barrier_t barrier;
static int ids[2] = { 1, 2 };
static int work(int n, const struct node *node)
{
    double half = n / 2.0;
    int (*operation)(int) = operations[n - 1];
    struct packed mine = packed;
    mine.b = n;
    used = inlined(n) + operation(n) + mine.b;
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
    for (int i = 0; i < 300; i++)
        for (int j = 0; j < 7; j++)
            table[i][j] = i * j;
    for (int i = 0; i < 50; i++)
        nodes[i] = (struct node){ i, i ? nodes + i - 1 : 0, "node", i };
    used = library_function(1);
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


CPP_PROGRAM = """
#include <unistd.h>
#include <cstdio>
namespace shapes {
enum class Kind : unsigned char { None, Round = 7 };
struct Base { int id; virtual ~Base() {} virtual int area() const { return 0; } };
struct Named { const char *name; };
class Circle : public Base, public Named {
public:
    Circle(int id, int radius) : radius(radius) { this->id = id; name = "circle"; }
    int area() const override { return 3 * radius * radius; }
    static int count;
    Kind kind = Kind::Round;
private:
    int radius;
};
int Circle::count = 1;
namespace deep { long value = 99; }
}
template <typename T, int N> struct Ring {
    T items[N];
    unsigned next = 0;
    Ring *link = nullptr;
    void add(const T &item) { items[next++ % N] = item; }
};
shapes::Circle circle(5, 2);
Ring<long, 4> ring;
Ring<shapes::Circle *, 2> circles;
shapes::Base &reference = circle;
int shapes::Base::*member = &shapes::Base::id;
template <typename T> static T wait_with(const T &value, shapes::Circle &shape)
{
    T copy = value;
    const auto &alias = copy;
    for (auto lambda = [&] { return alias + shape.id; };;) {
        if (lambda() == 0)
            return copy;
        std::puts("ready");
        std::fflush(stdout);
        for (;;)
            pause();
    }
}
int main()
{
    ring.add(11);
    ring.add(22);
    ring.link = &ring;
    circles.add(&circle);
    return wait_with<long>(33, circle);
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


Compile = Callable[..., Path]


@pytest.fixture(scope="module")
def program(compile_c: Compile) -> Path:
    library = compile_c(LIBRARY, "-g", "-O0", "-shared", "-fPIC", suffix=".so")
    return compile_c(PROGRAM, "-g", "-O0", "-pthread", libraries=[str(library)])


@pytest.fixture(scope="module")
def cpp_program(compile_c: Compile) -> Path:
    return compile_c(CPP_PROGRAM, "-g", "-O0", "-xc++", compiler="g++")


@contextmanager
def _running(program: Path) -> Iterator[int]:
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            yield child.pid
        finally:
            child.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def process(program: Path) -> Iterator[int]:
    with _running(program) as pid:
        yield pid


@pytest.fixture(scope="module")
def cpp_process(cpp_program: Path) -> Iterator[int]:
    with _running(cpp_program) as pid:
        yield pid


def _dumped(gdb: str, process: int, directory: Path) -> Path:
    path = directory / "core"
    _run(gdb, "-nx", "-batch", "-p", process, "-ex", f"generate-core-file {path}")
    return path


@pytest.fixture(scope="module")
def core(
    gdb_with_python: str, process: int, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return _dumped(gdb_with_python, process, tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def cpp_core(
    gdb_with_python: str, cpp_process: int, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return _dumped(gdb_with_python, cpp_process, tmp_path_factory.mktemp("hosts"))


def _in_gdb(gdb: str, script: Path, *argv: str | Path | int) -> str:
    out = _run(
        gdb, "-nx", "-batch", *argv, "-ex", f"source {ROOT}/gdb_bridge/drgn.py",
        "-ex", "echo <<<\\n", "-ex", f"drgn-script {quote(str(script))}",
        "-ex", "echo >>>\\n",
    )  # fmt: skip
    return out.split("<<<\n")[1].split(">>>\n")[0]


def _with_gdb(script: Path, *argv: str | Path | int) -> str:
    """Standalone, with a GDB outside."""
    return _run(sys.executable, "-m", "drgn", "--gdb", "-nx", *argv, "--", script)


def _ids(scripts: list[Path]) -> pytest.MarkDecorator:
    ids = [script.stem for script in scripts]
    return pytest.mark.parametrize("script", scripts, ids=ids)


def _same_of_core(gdb: str, script: Path, program: Path, core: Path) -> None:
    standalone = _run(sys.executable, "-m", "drgn", "-q", "-c", core, script)
    assert standalone
    assert _in_gdb(gdb, script, program, core) == standalone
    assert _with_gdb(script, program, core) == standalone


def _same_of_process(gdb: str, script: Path, process: int) -> None:
    standalone = _run(sys.executable, "-m", "drgn", "-q", "-p", process, script)
    assert standalone
    assert _in_gdb(gdb, script, "-p", process) == standalone
    assert _with_gdb(script, "-p", process) == standalone


@_ids(SCRIPTS)
def test_core(script: Path, gdb_with_python: str, program: Path, core: Path) -> None:
    _same_of_core(gdb_with_python, script, program, core)


@_ids(SCRIPTS)
def test_process(script: Path, gdb_with_python: str, process: int) -> None:
    _same_of_process(gdb_with_python, script, process)


@_ids(CPP_SCRIPTS)
def test_cpp_core(
    script: Path, gdb_with_python: str, cpp_program: Path, cpp_core: Path
) -> None:
    _same_of_core(gdb_with_python, script, cpp_program, cpp_core)


@_ids(CPP_SCRIPTS)
def test_cpp_process(script: Path, gdb_with_python: str, cpp_process: int) -> None:
    _same_of_process(gdb_with_python, script, cpp_process)
