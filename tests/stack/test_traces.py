"""Stacks of processes: frames, registers, source, variables."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drgn import (
    AbsenceReason,
    MissingDebugInfoError,
    Object,
    Program,
    StackFrame,
    StackTrace,
)

from .conftest import MakeCore, OpenCore, ShowStacks
from .stacked import FLAGS, SOURCE, frame_named, names

SHOW = """
import json
def attempt(function):
    try:
        return function()
    except LookupError as error:
        return str(error)
stacks = {}
for thread in prog.threads():
    trace = thread.stack_trace()
    stacks[thread.tid] = [str(trace)] + [
        [
            str(frame), frame.name, frame.function_name, frame.is_inline,
            frame.interrupted, attempt(lambda: frame.pc), frame.sp,
            frame.registers(), frame.locals(), attempt(lambda: str(frame.source())),
            attempt(lambda: frame.symbol().name),
        ]
        for frame in trace
    ]
"""


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("what", ["thread", "signal", "jit"])
def test_same_as_upstream(
    what: str,
    flags: str,
    program: Callable[[str], Path],
    make_core: MakeCore,
    dumped: ShowStacks,
    oracle: Path,
    tmp_path: Path,
) -> None:
    script = tmp_path / "show.py"
    script.write_text(SHOW + "print(json.dumps(stacks))")
    core = make_core(program(flags), what)
    output = subprocess.run(
        [oracle, "-q", "-c", core, "-s", program(flags), script],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    variables: dict[str, Any] = {"prog": dumped(flags, what)}
    exec(SHOW, variables)
    ours = json.loads(json.dumps(variables["stacks"]))
    assert len(ours) == (2 if what == "thread" else 1)
    assert ours == json.loads(output)


@pytest.mark.parametrize("flags", ["O0", "O2", "O2-dwarf4", "debug-frame"])
def test_variables(dumped: ShowStacks, flags: str) -> None:
    trace = dumped(flags).main_thread().stack_trace()
    leaf = frame_named(trace, "leaf")
    assert leaf["local"].value_() == 24
    assert leaf["inner"].value_() == 31
    if flags == "O0":
        assert leaf["p"].y.value_() == 6
        assert leaf["kept"].value_() == 7
        assert leaf["local"].address_ is not None
    inlined = frame_named(trace, "inlined")
    assert inlined.is_inline
    if flags == "O0":
        assert inlined["a"].value_() == 4
    assert inlined["z"].value_() == 12
    assert inlined["result"].absent_ == (flags != "O0")
    caller = frame_named(trace, "caller")
    assert caller["argc"].value_() == 1
    assert (inlined.pc, inlined.registers()) == (caller.pc, caller.registers())
    assert caller["global"].value_() == 3
    assert "leaf" in caller
    assert caller["leaf"].address_ == dumped(flags).symbol("leaf").address
    for missing in ("inner", "no_such_name"):
        assert missing not in caller
        with pytest.raises(KeyError, match=missing):
            caller[missing]
    with pytest.raises(TypeError, match="'_drgn.StackFrame' object is not iterable"):
        list(caller)


def test_optimized_out(dumped: ShowStacks) -> None:
    trace = dumped("O2").main_thread().stack_trace()
    result = frame_named(trace, "inlined")["result"]
    assert result.absence_reason_ is AbsenceReason.OPTIMIZED_OUT
    assert str(result) == "(int)<optimized out>"


ENTRY_VALUES = r"""
#include <stdio.h>
#include <unistd.h>

volatile int sink;

__attribute__((noipa)) void ready(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

__attribute__((noipa)) int callee(int a, long b, int c)
{
    ready();
    sink = 2;
    return 0;
}

__attribute__((noipa)) int caller(int k, long m)
{
    int r = callee(k + 1, 1234, (int)m);
    sink = r + m;
    return r + k;
}

int main(int argc, char **argv)
{
    int (*volatile function)(int, long) = caller;
    return function(argc, 77) + argc;
}
"""


@pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
def test_entry_values(
    compile_c: Any, make_core: MakeCore, open_core: OpenCore, version: str
) -> None:
    """What the caller says that it passed, in registers that are gone since."""
    path = compile_c(ENTRY_VALUES, "-g", "-O2", version)
    trace = open_core(make_core(path), path).main_thread().stack_trace()
    callee, caller = frame_named(trace, "callee"), frame_named(trace, "caller")
    # gcc leaves nothing of them in the callee.
    assert not {"rdi", "rsi", "rdx"} & callee.registers().keys()
    assert callee["a"].value_() == 2
    assert callee["b"].value_() == 1234
    assert callee["c"].value_() == 77
    assert caller["k"].value_() == 1
    # The innermost frame's caller is all that there is to ask.
    alone = trace.prog.stack_trace_from_pcs([callee.pc])[0]
    assert alone["a"].absent_


def test_frame_pointers_lose_the_other_registers(dumped: ShowStacks) -> None:
    prog = dumped("frame-pointers")
    trace = prog.main_thread().stack_trace()
    # Without debug information, but symbols.
    assert names(trace)[-7:-2] != []
    caller = frame_named(trace, "caller")
    assert caller.function_name is None
    assert list(caller.registers()) == ["rbp", "rsp", "rip"]
    assert str(caller).startswith(
        f"#{names(trace).index('caller')} at {caller.pc:#x} ("
    )
    assert caller.locals() == []
    with pytest.raises(LookupError, match="source code location not available"):
        caller.source()
    with pytest.raises(LookupError, match="register value is not known"):
        caller.register("rbx")


def test_recursion_ends(dumped: ShowStacks) -> None:
    trace = dumped("O0", "recurse", "3000").main_thread().stack_trace()
    assert len(trace) == 1024
    lines = str(trace).splitlines()
    assert lines[9].startswith("#9  recurse (")
    assert lines[10].startswith("#10 recurse (")
    assert lines[1023].startswith("#1023 recurse (")
    here = [frame["here"].value_() for frame in trace if frame.name == "recurse"]
    assert here == list(range(len(here)))


def test_signal_frame(dumped: ShowStacks) -> None:
    trace = dumped("O0", "signal").main_thread().stack_trace()
    called = names(trace)
    handler = called.index("handler")
    assert called[handler - 1] == "ready"
    below = trace[handler + 2]
    assert below.interrupted
    assert {"rax", "rcx", "r11"} <= below.registers().keys()
    assert called[-5:-4] == ["main"] or "main" in called
    assert trace[handler]["number"].value_() == 10


def test_call_of_a_null_pointer(
    program: Callable[[str], Path], crash_core: MakeCore, open_core: OpenCore
) -> None:
    path = program("O2")
    trace = open_core(crash_core(path, "null"), path).crashed_thread().stack_trace()
    assert str(trace).splitlines()[0] == "#0  0x0"
    assert str(trace[0]) == "#0 at 0"
    main = trace[1]
    assert main.name == "main"
    assert not main.interrupted
    # The line of the call, not the one after it.
    source = SOURCE.splitlines()
    assert source[main.source().line - 1].strip() == "nothing();"
    assert main.register("rip") == main.pc
    assert main.sp == trace[0].sp + 8


def test_a_trace_is_a_sequence(dumped: ShowStacks) -> None:
    trace = dumped("O0").main_thread().stack_trace()
    assert trace.prog is dumped("O0")
    assert len(trace) == len(list(trace)) == len(str(trace).splitlines())
    assert str(trace[-1]) == str(list(trace)[-1])
    assert trace[0] != trace[0]
    for index in (len(trace), -len(trace) - 1):
        with pytest.raises(IndexError, match="stack frame index out of range"):
            trace[index]
    bad: Any
    for bad, kind in (("a", "str"), (1.0, "float"), (slice(2), "slice")):
        with pytest.raises(
            TypeError, match=f"sequence index must be integer, not '{kind}'"
        ):
            trace[bad]
    for cls in (StackTrace, StackFrame):
        with pytest.raises(TypeError, match="cannot create"):
            cls()


def test_pretty_printing(dumped: ShowStacks) -> None:
    class Printer:
        def __init__(self) -> None:
            self.shown: list[str] = []

        def text(self, text: str) -> None:
            self.shown.append(text)

    trace = dumped("O0").main_thread().stack_trace()
    printer = Printer()
    for value in (trace, trace[1]):
        value._repr_pretty_(printer, False)
        value._repr_pretty_(printer, True)
    assert printer.shown == [str(trace), "...", str(trace[1]), "..."]
    assert repr(trace).startswith("<") and "StackTrace" in repr(trace)


def test_last_frame_has_no_pc(dumped: ShowStacks) -> None:
    last = dumped("O0").main_thread().stack_trace()[-1]
    assert last.name == "???"
    assert str(last).endswith(" at ???")
    assert last.function_name is None
    assert last.locals() == []
    assert "main" not in last
    assert "rsp" in last.registers()
    for attempt, message in (
        (lambda: last.pc, "program counter is not known"),
        (last.symbol, "program counter is not known at stack frame"),
        (last.source, "source code location not available"),
    ):
        with pytest.raises(LookupError, match=f"^{message}$"):
            attempt()


def test_registers_by_name(dumped: ShowStacks) -> None:
    frame = dumped("O0").main_thread().stack_trace()[0]
    registers = frame.registers()
    platform = dumped("O0").platform
    assert platform is not None
    assert list(registers) == [r.names[0] for r in platform.registers]
    assert frame.register("rip") == frame.pc == registers["rip"]
    assert frame.register("rsp") == frame.sp
    assert frame.interrupted
    with pytest.raises(ValueError, match="unknown register 'eip'"):
        frame.register("eip")
    bad: Any = 1
    with pytest.raises(TypeError):
        frame.register(bad)


def test_from_pcs(dumped: ShowStacks) -> None:
    prog = dumped("O2")
    trace = prog.main_thread().stack_trace()
    pcs = [frame.pc for frame in trace if not frame.is_inline and frame.name != "???"]
    again = prog.stack_trace_from_pcs(pcs)
    # The innermost frame was interrupted, which return addresses are not.
    assert names(again)[1:] == names(trace)[1:-1]
    frame = frame_named(again, "caller")
    assert frame.pc == frame_named(trace, "caller").pc
    assert frame.registers() == {}
    assert not frame.interrupted
    assert frame["argc"].absent_
    with pytest.raises(LookupError, match="stack pointer is not known"):
        frame.sp  # noqa: B018
    assert str(prog.stack_trace_from_pcs([0])) == "#0  0x0"
    assert str(prog.stack_trace_from_pcs([])) == ""
    bad: Any
    for bad, error in (
        (5, TypeError), (None, TypeError), (["a"], TypeError), ([-1], OverflowError),
        ([2**64], OverflowError),
    ):  # fmt: skip
        with pytest.raises(error):
            prog.stack_trace_from_pcs(bad)


@pytest.mark.parametrize(
    ("thread", "error", "message"),
    [
        (4194304, LookupError, "^thread not found$"),
        (-1, OverflowError, "can't convert negative value to unsigned int"),
        (2**32, OverflowError, "Python int too large to convert to C uint32_t"),
        (2**64, OverflowError, "Python int too large to convert to C unsigned long"),
        ("x", TypeError, "'str' object cannot be interpreted as an integer"),
        (None, TypeError, "'NoneType' object cannot be interpreted as an integer"),
        (1.5, TypeError, "'float' object cannot be interpreted as an integer"),
    ],
)
def test_bad_threads(
    dumped: ShowStacks, thread: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dumped("O0").stack_trace(thread)


def test_objects_for_threads(dumped: ShowStacks) -> None:
    prog = dumped("O0")
    tid = prog.main_thread().tid
    number = Object(prog, "int", tid)
    assert str(prog.stack_trace(number)) == str(prog.stack_trace(tid))
    assert Program().stack_trace(number).prog is prog  # An object brings its own.
    for expression in ("struct point *", "double", "_Bool"):
        value = Object(prog, expression, 0)
        with pytest.raises(
            TypeError, match="^expected struct pt_regs, struct pt_regs \\*, or int$"
        ):
            prog.stack_trace(value)


def test_without_platform() -> None:
    prog = Program()
    with pytest.raises(ValueError, match="cannot unwind stack without platform"):
        prog.stack_trace(1)
    with pytest.raises(ValueError, match="cannot create stack trace without platform"):
        prog.stack_trace_from_pcs([1])
    with pytest.raises(LookupError, match="source code location not found"):
        prog.source_location(1)


def test_live_process(
    program: Callable[[str], Path], running: Callable[..., int]
) -> None:
    path = program("O0")
    pid = running(path, "thread")
    prog = Program()
    prog.set_pid(pid)
    try:
        prog.load_debug_info([path], default=True)
    except MissingDebugInfoError:
        pass
    try:
        traces = [thread.stack_trace() for thread in prog.threads()]
    except PermissionError as error:
        pytest.skip(f"ptrace is not allowed: {error}")
    (trace,) = [trace for trace in traces if "leaf" in names(trace)]
    assert frame_named(trace, "leaf")["local"].value_() == 2 * 3 * (41 + 3)
    assert "thread" in names(trace)
    # It goes on afterwards.
    state = Path(f"/proc/{pid}/status").read_text()
    assert "State:\tS" in state and "TracerPid:\t0" in state


def test_own_process() -> None:
    prog = Program()
    prog.set_pid(os.getpid())
    with pytest.raises(
        NotImplementedError,
        match="stack unwinding is not yet supported for live processes",
    ):
        prog.stack_trace(os.getpid())


@pytest.mark.parametrize(
    ("pcs", "error", "message"),
    [
        (None, TypeError, "argument 1 must be a list"),
        (1, TypeError, "argument 1 must be a list"),
        (Program(), TypeError, "argument 1 must be a list"),
        (["x"], TypeError, "'str' object cannot be interpreted as an integer"),
        ([-1], OverflowError, "can't convert negative int to unsigned"),
        ([2**64], OverflowError, "int too big to convert"),
        ([1], ValueError, "cannot create stack trace without platform"),
    ],
)
def test_bad_program_counters(pcs, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Program().stack_trace_from_pcs(pcs)
