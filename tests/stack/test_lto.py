"""Frames of programs that were optimized at link time.

There gcc says where code and variables are in a unit of its own, and what they are in
the units of the sources.
"""

from __future__ import annotations

from typing import Any

import pytest

from drgn import AbsenceReason, StackFrame

from .conftest import MakeCore, OpenCore

SOURCE = r"""
#include <stdio.h>
#include <unistd.h>

static int gone = 5;
static const int folded = 9;
enum color { RED = 3 };

static int helper(int a)
{
    volatile int local = a * gone + folded;
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
    return local + RED;
}

int main(int argc, char **argv)
{
    return helper(argc + 5);
}
"""


@pytest.fixture(scope="session")
def inlined(compile_c: Any, make_core: MakeCore, open_core: OpenCore) -> StackFrame:
    """The call of ``helper()``."""
    program = compile_c(SOURCE, "-g", "-O2", "-flto")
    prog = open_core(make_core(program), program)
    trace = prog.main_thread().stack_trace()
    (frame,) = [frame for frame in trace if frame.name == "helper"]
    assert frame.is_inline
    return frame


def test_locals(inlined: StackFrame) -> None:
    assert sorted(inlined.locals()) == ["a", "local"]
    # gcc 14 has no more use for it, nor does it say what it was.
    assert inlined["a"].absent_ or inlined["a"].value_() == 6
    assert inlined["local"].value_() == 39


def test_what_its_source_has(inlined: StackFrame) -> None:
    assert inlined["gone"].absence_reason_ == AbsenceReason.OPTIMIZED_OUT
    assert inlined["gone"].type_.type_name() == "int"
    assert inlined["folded"].value_() == 9
    assert str(inlined["RED"]) == "(enum color)RED"
    assert inlined["helper"].absent_


def test_what_is_elsewhere(inlined: StackFrame) -> None:
    assert "argc" not in inlined
    with pytest.raises(KeyError, match="nowhere"):
        inlined["nowhere"]
