"""Core dumps of small programs, made by gdb."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drgn import MissingDebugInfoError, Program

from .stacked import FLAGS, SOURCE

MakeCore = Callable[..., Path]
OpenCore = Callable[..., Program]
ShowStacks = Callable[..., Program]

READY = "ready\n"
"""What a program prints when its threads are where they should be dumped."""


def gdb(*arguments: str | Path) -> None:
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    subprocess.run(
        ["gdb", "-nx", "-batch", *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture(scope="session")
def make_core(tmp_path_factory: pytest.TempPathFactory) -> MakeCore:
    """``make_core(program, *arguments)`` -> core dump of it when it printed READY."""
    directory = tmp_path_factory.mktemp("cores")
    made: dict[tuple[str, ...], Path] = {}

    def make_core(program: Path, *arguments: str) -> Path:
        key = (str(program), *arguments)
        if key not in made:
            core = directory / f"{program.name}-{len(made)}.core"
            with subprocess.Popen(
                [program, *arguments], stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                try:
                    assert process.stdout.readline() == READY
                    gdb("-p", str(process.pid), "-ex", f"generate-core-file {core}")
                finally:
                    process.kill()
            made[key] = core
        return made[key]

    return make_core


@pytest.fixture(scope="session")
def crash_core(tmp_path_factory: pytest.TempPathFactory) -> MakeCore:
    """``crash_core(program, *arguments)`` -> core dump of where it got a signal."""
    directory = tmp_path_factory.mktemp("crashes")

    def crash_core(program: Path, *arguments: str) -> Path:
        core = directory / f"{program.name}-{'-'.join(arguments)}.core"
        if not core.exists():
            gdb("-ex", "run", "-ex", f"generate-core-file {core}", "--args", program,
                *arguments)  # fmt: skip
        return core

    return crash_core


@pytest.fixture(scope="session")
def open_core() -> OpenCore:
    """``open_core(core, program)`` -> a Program with what debug info there is."""

    def open_core(core: Path, *programs: Path) -> Program:
        prog = Program()
        prog.set_core_dump(core)
        try:
            prog.load_debug_info(programs, default=True)
        except MissingDebugInfoError:
            pass  # The C library's.
        return prog

    return open_core


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Callable[..., int]:
    """``running(program, *arguments)`` -> PID of it, when it printed READY."""

    def running(program: Path, *arguments: str) -> int:
        process = subprocess.Popen(
            [program, *arguments], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None

        def stop() -> None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()

        request.addfinalizer(stop)
        assert process.stdout.readline() == READY
        return process.pid

    return running


@pytest.fixture(scope="session")
def program(compile_c: Any) -> Callable[[str], Path]:
    def program(flags: str = "O0") -> Path:
        compiler = "clang" if flags == "clang" else "gcc"
        path: Path = compile_c(
            SOURCE, *FLAGS[flags], compiler=compiler, libraries=["-lpthread"]
        )
        return path

    return program


@pytest.fixture(scope="session")
def dumped(
    program: Callable[[str], Path], make_core: MakeCore, open_core: OpenCore
) -> ShowStacks:
    """``dumped(flags, *arguments)`` -> Program of a core dump."""
    opened: dict[tuple[str, ...], Program] = {}

    def dumped(flags: str, *arguments: str) -> Program:
        key = (flags, *arguments)
        if key not in opened:
            path = program(flags)
            opened[key] = open_core(make_core(path, *arguments), path)
        return opened[key]

    return dumped
