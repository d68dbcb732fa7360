"""A real GDB with drgn in it, and programs to debug."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"

LIST_PROGRAM = """
#include <stdio.h>
struct node { int value; struct node *next; char name[8]; unsigned small : 3; };
struct node third = { 3, 0, "three", 1 };
struct node second = { 2, &third, "two", 2 };
struct node first = { 1, &second, "one", 3 };
int counter = 7;
enum color { RED, GREEN } color = GREEN;
typedef struct { double x, y; } point;
point origin = { 1.5, -2.5 };
int (*printer)(const char *) = puts;
const volatile short fixed = -3;
static int add(int a, int b)
{
    int sum = a + b;
    counter = sum;
    return sum;
}
int main(void)
{
    int local = 42;
    struct node on_stack = first;
    add(local, 1);
    on_stack.value++;
    return 0;
}
"""


class GdbResult:
    """What GDB printed: ``lines`` of the commands, ``err`` with its own messages."""

    def __init__(self, out: str, err: str) -> None:
        self.out = out
        self.err = err
        self.lines = out.splitlines()


Gdb = Callable[..., GdbResult]


def gdb_environment() -> dict[str, str]:
    """An environment in which GDB finds the tests' own site-packages."""
    return {
        "PYDRGN_SITE": sysconfig.get_path("purelib"),
        **os.environ,
        "DEBUGINFOD_URLS": "",
    }


@pytest.fixture(scope="session")
def gdb_variables() -> dict[str, str]:
    """`gdb_environment()`."""
    return gdb_environment()


@pytest.fixture(scope="session")
def gdb_program() -> str:
    """The path of GDB; skips where it is missing or has another Python."""
    found = shutil.which("gdb")
    if found is None:
        pytest.skip("no gdb")
    expression = "import sys; print(sys.version_info[:2] == {})"
    result = subprocess.run(
        [
            found, "-nx", "-batch",
            "-ex", "python " + expression.format(tuple(sys.version_info[:2])),
        ],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if result.stdout.strip() != "True":
        pytest.skip("GDB has another Python than the tests")
    return found


@pytest.fixture(scope="session")
def gdb(gdb_program: str) -> Gdb:
    """``gdb(*commands, program=..., core=...)`` -> what GDB prints.

    drgn is sourced before, unless ``source`` is false.
    """

    def gdb(
        *commands: str,
        program: Path | None = None,
        core: Path | None = None,
        source: bool = True,
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> GdbResult:
        argv = [gdb_program, "-nx", "-batch"]
        for command in ([f"source {LOADER}"] if source else []) + list(commands):
            argv += ["-ex", command]
        argv += [str(path) for path in (program, core) if path is not None]
        result = subprocess.run(
            argv,
            env=environment or gdb_environment(),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return GdbResult(result.stdout, result.stderr)

    return gdb


@pytest.fixture(scope="session")
def list_program(compile_c: Callable[..., Path]) -> Path:
    """A list of three nodes, and a call of add(42, 1) from main()."""
    return compile_c(LIST_PROGRAM)


@pytest.fixture(scope="session")
def kernel_gdb(gdb_program: str) -> Gdb:
    """``kernel_gdb(vmlinux, *commands, core=..., variables=...)``: as ``gdb()``."""

    def kernel_gdb(
        vmlinux: Path,
        *commands: str,
        core: Path | None = None,
        variables: dict[str, str] | None = None,
        seconds: float = 300,
    ) -> GdbResult:
        # To find the language GDB would look through all of vmlinux.
        argv = [gdb_program, "-nx", "-batch", "-iex", "set language c"]
        for command in (f"source {LOADER}", *commands):
            argv += ["-ex", command]
        argv += [str(path) for path in (vmlinux, core) if path is not None]
        result = subprocess.run(
            argv,
            env=gdb_environment() | {"COLUMNS": "80"} | (variables or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        return GdbResult(result.stdout, result.stderr)

    return kernel_gdb
