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
    Architecture,
    FaultError,
    MissingDebugInfoError,
    Object,
    Platform,
    Program,
    SourceLocation,
    StackFrame,
    StackTrace,
    TypeMember,
)

from .conftest import MakeCore, OpenCore

SOURCE = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <string.h>
#include <unistd.h>

struct point { int x, y; };
int global = 3;
static volatile int sink;
volatile int wait_here;
static void (*volatile nothing)(void);

__attribute__((noipa)) static void ready(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

__attribute__((noipa)) static int leaf(struct point p, int n, double d)
{
    static int kept = 7;
    int local = n * 2;
    {
        int inner = local + kept;
        sink = inner;
        ready();
        sink = inner;
    }
    return local + p.y + (int)d;
}

static inline __attribute__((always_inline)) int inlined(int a)
{
    struct point p = { a + 1, a + 2 };
    int z = a * 3;
    int result = leaf(p, z, 2.5);
    return result + z;
}

__attribute__((noipa)) static int caller(int argc)
{
    return inlined(argc + global) + argc;
}

__attribute__((noipa)) static int recurse(int n)
{
    volatile int here = n;
    if (n)
        return recurse(n - 1) + here;
    ready();
    return here;
}

static void handler(int number)
{
    sink = number;
    ready();
}

__attribute__((noipa)) static long callback(void *p)
{
    ready();
    return 1;
}

static int jit(void)
{
    // push rbp; mov rbp, rsp; sub rsp, 16; call rdi; leave; ret
    static const unsigned char code[] =
        "\x55\x48\x89\xe5\x48\x83\xec\x10\xff\xd7\xc9\xc3";
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    return ((long (*)(void *))page)((void *)callback);
}

static void *thread(void *argument)
{
    return (void *)(long)caller((long)argument);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? atoi(argv[2]) : 0;
    pthread_t other;
    if (!strcmp(what, "recurse"))
        return recurse(number);
    if (!strcmp(what, "signal")) {
        signal(SIGUSR1, handler);
        raise(SIGUSR1);
    }
    if (!strcmp(what, "null"))
        nothing();
    if (!strcmp(what, "jit"))
        return jit();
    if (!strcmp(what, "thread")) {
        pthread_create(&other, 0, thread, (void *)41L);
        pthread_join(other, 0);
    }
    return caller(argc);
}
"""
FLAGS = {
    "O0": ("-g", "-O0"),
    "O2": ("-g", "-O2"),
    "O2-dwarf4": ("-g", "-O2", "-gdwarf-4"),
    "debug-frame": ("-g", "-O2", "-fno-asynchronous-unwind-tables"),
    "frame-pointers": (
        *("-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables"),
        "-fno-unwind-tables",
    ),
    "clang": ("-g", "-O1"),
}


@pytest.fixture(scope="session")
def program(compile_c: Any) -> Callable[[str], Path]:
    def program(flags: str = "O0") -> Path:
        compiler = "clang" if flags == "clang" else "gcc"
        path: Path = compile_c(
            SOURCE, *FLAGS[flags], compiler=compiler, libraries=["-lpthread"]
        )
        return path

    return program


ShowStacks = Callable[..., Program]


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


def frame_named(trace: StackTrace, name: str) -> StackFrame:
    (frame,) = [frame for frame in trace if frame.name == name]
    return frame


def names(trace: StackTrace) -> list[str]:
    return [frame.name for frame in trace]


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


PT_REGS = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss"


def pt_regs(prog: Program, **values: int) -> Object:
    word = prog.int_type("unsigned long", 8, False)
    fields = PT_REGS.split()
    members = [TypeMember(word, name, 64 * i) for i, name in enumerate(fields)]
    struct = prog.struct_type("pt_regs", 8 * len(fields), members)
    return Object(prog, struct, value=values)


def test_pt_regs() -> None:
    prog = Program(Platform(Architecture.X86_64))
    regs = pt_regs(prog, **{n: i + 1 for i, n in enumerate(PT_REGS.split())})
    (frame,) = prog.stack_trace(regs)
    assert str(frame) == "#0 at 0x11"
    assert frame.interrupted
    assert frame.registers() == {
        "rax": 11, "rdx": 13, "rcx": 12, "rbx": 6, "rsi": 14, "rdi": 15, "rbp": 5,
        "rsp": 20, "r8": 10, "r9": 9, "r10": 8, "r11": 7, "r12": 4, "r13": 3, "r14": 2,
        "r15": 1, "rip": 17, "rflags": 19, "cs": 18, "ss": 21,
    }  # fmt: skip
    typedef = prog.typedef_type("regs_t", regs.type_)
    assert len(prog.stack_trace(Object(prog, typedef, value=regs.value_()))) == 1
    pointer = prog.pointer_type(regs.type_)
    with pytest.raises(FaultError):
        prog.stack_trace(Object(prog, pointer, value=0x1000))
    image = regs.to_bytes_()
    prog.add_memory_segment(0x1000, len(image), lambda a, n, o, p: image[o : o + n])
    (frame,) = prog.stack_trace(Object(prog, pointer, value=0x1000))
    assert frame.pc == 17
    (frame,) = prog.stack_trace(Object(prog, regs.type_, address=0x1000))
    assert frame.pc == 17
    short = prog.struct_type("pt_regs", 8, [])
    with pytest.raises(ValueError, match="registers are truncated"):
        prog.stack_trace(Object(prog, short, value={}))


@pytest.mark.parametrize(
    ("arch", "name"),
    [
        (Architecture.I386, "i386"),
        (Architecture.RISCV64, "RISC-V 64"),
        (Architecture.S390, "s390"),
        (Architecture.LOONGARCH64, "LoongArch64"),
    ],
)
def test_other_architectures(arch: Architecture, name: str) -> None:
    prog = Program(Platform(arch))
    with pytest.raises(
        NotImplementedError,
        match=f"pt_regs stack unwinding is not supported for {name} architecture",
    ):
        prog.stack_trace(pt_regs(prog))


def test_walks_the_stack_from_pt_regs(dumped: ShowStacks) -> None:
    prog = dumped("O2")
    trace = prog.main_thread().stack_trace()
    values = {
        name.removeprefix("r") if name[1:2].isalpha() else name: value
        for name, value in trace[0].registers().items()
    }
    fields = set(PT_REGS.split())
    regs = pt_regs(prog, **{n: v for n, v in values.items() if n in fields})
    assert str(prog.stack_trace(regs)) == str(trace)


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


def test_source_locations(dumped: ShowStacks) -> None:
    prog = dumped("O2")
    pc = frame_named(prog.main_thread().stack_trace(), "caller").pc - 1
    locations = prog.source_location(pc)
    assert len(locations) == 2
    assert locations.prog is prog
    assert [location.name() for location in locations] == ["inlined", "caller"]
    assert str(locations) == f"#0  {locations[0]}\n#1  {locations[1]}"
    assert str(locations[0]).startswith("inlined at ")
    source = SOURCE.splitlines()
    assert "leaf(p, z" in source[locations[0].line - 1]
    assert "inlined(argc" in source[locations[-1].line - 1]
    start = prog.symbol("caller").address
    for text in (
        hex(start), "caller", f" 0X{start:x} + 0", "caller+0x0", f"{start - 16:#x}+16",
    ):  # fmt: skip
        assert str(prog.source_location(text)) == str(prog.source_location(start))
    with pytest.raises(IndexError, match="source location list index out of range"):
        locations[2]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "expected symbol name or address"),
        ("  ", ValueError, "expected symbol name or address"),
        ("+1", ValueError, "expected symbol name$"),
        ("main+", ValueError, "expected symbol offset"),
        ("main+x", ValueError, "expected symbol offset"),
        ("main+0x", ValueError, "expected symbol offset"),
        ("main+-5", ValueError, "expected symbol offset"),
        ("main+1+2", ValueError, "unexpected input after symbol offset"),
        ("main+5x", ValueError, "unexpected input after symbol offset"),
        ("main 5", ValueError, "unexpected input after symbol name or address"),
        ("12", LookupError, "could not find symbol with name '12'"),
        ("no_such", LookupError, "could not find symbol with name 'no_such'"),
        ("0x0", LookupError, "source code location not found"),
        ("main+0xffffffff", LookupError, "source code location not found"),
        ("0x10000000000000000", OverflowError, "address out of range"),
        ("main+18446744073709551616", OverflowError, "symbol offset out of range"),
        (-1, OverflowError, "can't convert negative int to unsigned"),
        (2**64, OverflowError, "int too big to convert"),
        (1.5, TypeError, "'float' object cannot be interpreted as an integer"),
    ],
)
def test_bad_source_locations(
    dumped: ShowStacks, text: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dumped("O0").source_location(text)


def test_source_location_text() -> None:
    location = SourceLocation("a.c", 1, 2)
    assert tuple(location) == ("a.c", 1, 2)
    assert repr(location) == "SourceLocation(filename='a.c', line=1, column=2)"
    assert location == SourceLocation(filename="a.c", line=1, column=2)
    assert location.name() is None
    assert str(location) == "??? at a.c:1:2"
    assert str(SourceLocation("a.c", 1, 0, lambda: "f")) == "f at a.c:1"
    assert str(SourceLocation("", 1, 2, lambda: "f")) == "f at ??:?"
    with pytest.raises(AttributeError):
        location.line = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("pcs", "error", "message"),
    [
        (None, TypeError, "argument 1 must be a list"),
        (1, TypeError, "argument 1 must be a list"),
        (["x"], TypeError, "'str' object cannot be interpreted as an integer"),
        ([-1], OverflowError, "can't convert negative int to unsigned"),
        ([2**64], OverflowError, "int too big to convert"),
        ([1], ValueError, "cannot create stack trace without platform"),
    ],
)
def test_bad_program_counters(pcs, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Program().stack_trace_from_pcs(pcs)
