"""Cores of small programs, and the same commands in GDB and without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import drgn
from drgn.standalone.gdb_api import finder
from drgn.standalone.gdb_api.errors import GdbError, error
from drgn.standalone.gdb_api.execute import execute
from drgn.standalone.gdb_api.session import Session, current

from .programs import C_SOURCE, CPLUS_SOURCE

Core = tuple[Path, Path]
Run = Callable[[Sequence[str]], list[str]]
MARK = "--mark--"


def _core(program: Path, directory: Path) -> Core:
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    core = directory / f"{program.name}.core"
    _gdb("-ex", "run", "-ex", f"generate-core-file {core}", program)
    return program, core


def _gdb(*arguments: str | Path) -> str:
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *arguments],
        check=False,  # It is 1 where the last command failed.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="session")
def c_core(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Core:
    return _core(compile_c(C_SOURCE), tmp_path_factory.mktemp("gdb-c"))


@pytest.fixture(scope="session")
def optimized_core(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Core:
    program = compile_c(C_SOURCE, "-g", "-O2")
    return _core(program, tmp_path_factory.mktemp("gdb-optimized"))


@pytest.fixture(scope="session")
def cplus_core(
    compile_c: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Core:
    program = compile_c(CPLUS_SOURCE, "-g", "-O0", "-x", "c++", compiler="g++")
    return _core(program, tmp_path_factory.mktemp("gdb-cplus"))


def open_core(core: Core) -> drgn.Program:
    prog = drgn.Program()
    prog.set_core_dump(core[1])
    prog.load_debug_info([core[0]])
    return prog


@pytest.fixture
def session(c_core: Core) -> Iterator[Session]:
    """A session on the C program's core."""
    yield from _session(open_core(c_core))


@pytest.fixture
def optimized(optimized_core: Core) -> Iterator[Session]:
    """A session on the core of the C program, optimized."""
    yield from _session(open_core(optimized_core))


@pytest.fixture
def cplus(cplus_core: Core) -> Iterator[Session]:
    """A session on the C++ program's core."""
    yield from _session(open_core(cplus_core))


def _session(prog: drgn.Program) -> Iterator[Session]:
    finder.install()
    try:
        old: drgn.Program | None = drgn.get_default_prog()
    except drgn.NoDefaultProgramError:
        old = None
    drgn.set_default_prog(prog)
    try:
        yield current()
    finally:
        drgn.set_default_prog(old)
        forget_module()


def forget_module() -> None:
    """Leave no ``gdb`` to other tests."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "gdb"]:
        del sys.modules[name]
    sys.meta_path[:] = [
        each for each in sys.meta_path if not isinstance(each, finder.GdbFinder)
    ]
    vars(sys.modules["__main__"]).pop("gdb", None)


def ours(lines: Sequence[str]) -> list[str]:
    """What each line prints here, failures too."""
    found = []
    for line in lines:
        with current().capturing() as parts:
            try:
                execute(line)
            except (error, GdbError) as reason:
                parts.append(f"{reason}\n")
        found.append("".join(parts))
    return found


def theirs(core: Core, lines: Sequence[str]) -> list[str]:
    """What each line prints in GDB, failures too."""
    arguments: list[str | Path] = ["-iex", "set width 0", core[0], core[1]]
    for line in lines:
        arguments += ["-ex", f"echo {MARK}\\n", "-ex", line]
    return _gdb(*arguments).split(f"{MARK}\n")[1:]


def differences(core: Core, lines: Sequence[str]) -> str:
    """The lines that print something else here than in GDB, and what both print."""
    found = ""
    for line, mine, gdbs in zip(lines, ours(lines), theirs(core, lines), strict=True):
        if mine != gdbs:
            found += f"{line}\n  here: {mine!r}\n  GDB:  {gdbs!r}\n"
    return found
