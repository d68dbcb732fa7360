"""The default program, and programs opened by one function."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

import drgn
from drgn import (
    Architecture,
    NoDefaultProgramError,
    Platform,
    Program,
    ProgramFlags,
    get_default_prog,
    program_from_pid,
    set_default_prog,
)


@pytest.fixture(autouse=True)
def no_default() -> Iterator[None]:
    set_default_prog(None)
    yield
    set_default_prog(None)


def test_default_program_of_a_thread() -> None:
    with pytest.raises(NoDefaultProgramError, match="^no default program$"):
        get_default_prog()
    prog = Program(Platform(Architecture.X86_64))
    set_default_prog(prog)
    assert get_default_prog() is prog
    assert drgn.sizeof("int") == 4
    seen: list[bool] = []

    def other() -> None:
        try:
            get_default_prog()
        except NoDefaultProgramError:
            seen.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [True]
    with pytest.raises(TypeError):
        set_default_prog(1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "function", ["search_memory", "search_memory_u16", "source_location", "sizeof"]
)
def test_functions_need_a_program(function: str) -> None:
    with pytest.raises(NoDefaultProgramError):
        getattr(drgn, function)("int")


def test_what_is_missing_is_no_error() -> None:
    # The vDSO of this process has no debugging information.
    prog = program_from_pid(os.getpid())
    assert prog.flags == ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
    assert prog.main_module().name == os.path.realpath(f"/proc/{os.getpid()}/exe")
