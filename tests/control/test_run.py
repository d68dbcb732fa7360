"""Breakpoints, steps and stops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .saying import said, say

Run = Callable[..., str]


def test_callback_gets_the_frame(run: Run) -> None:
    out = run(
        say("""
def called(frame):
    say(frame.name, frame["a"], frame["b"], counter)
    if frame["b"] == 1:
        counter.write_(1000)
    return frame["b"] == 3

counter = prog["counter"]
added = prog.breakpoint("add", called)
say(added, prog.breakpoints() == [added], len(added.addresses))
stop = prog.resume()
say(stop.reason.name, stop.breakpoints == (added,), stop.tid in
    [thread.tid for thread in prog.threads()])
say(prog.stack_trace()[0]["b"], added.hits)
added.delete()
say(added, added.is_set, added.enabled, prog.breakpoints())
say(prog.resume())
""")
    )
    assert said(out) == [
        "<Breakpoint 'add', hits=0> True 1",
        "add (int)42 (int)0 (int)7",
        "add (int)42 (int)1 (int)42",
        "add (int)42 (int)2 (int)43",
        "add (int)42 (int)3 (int)44",
        "BREAKPOINT True True",
        "(int)3 4",
        "<Breakpoint 'add', hits=4, deleted> False False []",
        "Stop(StopReason.EXITED, exit_code=3)",
    ]


def test_places(run: Run) -> None:
    out = run(
        say("""
add = prog["add"]
name = prog.source_location(add.address_)[0].filename
line = prog.source_location(add.address_)[0].line
prologue = prog.breakpoint("add").addresses[0]
for place in (add, prog["operation"], f"{name}:{line + 1}", "add+4", add.address_,
              prog.symbol("add"), hex(add.address_)):
    found = prog.breakpoint(place)
    say([address - add.address_ for address in found.addresses])
say(prologue - add.address_)
for place in ("nope", f"{name}:9999", "nope.c:1", -1, None, "", "nope+1", 1.5):
    try:
        say(prog.breakpoint(place))
    except Exception as error:
        say(type(error).__name__)
later = prog.breakpoint("nope", pending=True)
say(later, later.addresses)
""")
    )
    lines = said(out)
    prologue = lines[7]
    assert lines[:7] == [
        f"[{prologue}]", "[0]", f"[{prologue}]", "[4]", "[0]", "[0]", "[0]"
    ]  # fmt: skip
    assert lines[8:] == [
        "LookupError", "LookupError", "LookupError", "OverflowError", "TypeError",
        "ValueError", "LookupError", "TypeError", "<Breakpoint 'nope', hits=0> ()",
    ]  # fmt: skip


def test_conditions_and_temporary_breakpoints(run: Run) -> None:
    out = run(
        say("""
odd = prog.breakpoint("add", lambda frame: say(frame["b"]), condition="b % 2 == 1")
last = prog.breakpoint("add", condition="b == 4", temporary=True)
off = prog.breakpoint("add", lambda frame: say("never"))
off.enabled = False
stop = prog.resume()
say(stop.breakpoints == (last,), prog.stack_trace()[0]["b"], last.is_set)
say(odd.hits, last.hits, off.hits, off.enabled, off.is_set)
""")
    )
    assert said(out) == ["(int)1", "(int)3", "True (int)4 False", "2 1 0 False True"]


def test_after_the_end(run: Run) -> None:
    """Scripts have the program that GDB has then."""
    out = run(
        say("""
before = prog
try:
    prog.finish()
except ValueError as error:
    say(error)
say(prog.resume())
say(prog is before, prog["counter"])
for action in prog.resume, lambda: prog["counter"].write_(3):
    try:
        action()
    except Exception as error:
        say(error)
""")
    )
    assert said(out) == [
        '"finish" not meaningful in the outermost frame',
        "Stop(StopReason.EXITED, exit_code=3)",
        "False (int)7",
        "program that was not started cannot be run or stopped",
        "program that was not started is read-only",
    ]


def test_steps(run: Run) -> None:
    out = run(
        say("""
def where():
    frame = prog.stack_trace()[0]
    return frame.name, frame.source().line - start

start = prog.stack_trace()[0].source().line
say(prog.next(2).reason.name, *where())
say(prog.step().reason.name, where()[0])
say(prog.stack_trace()[0]["b"], [f.name for f in prog.stack_trace()][:2])
done = prog.finish()
say(done.reason.name, done.value, where()[0])
pc = prog.stack_trace()[0].pc
prog.step_instruction()
say(prog.stack_trace()[0].pc > pc)
stop = prog.run_to("nothing") if False else prog.run_to("add")
say(stop.reason.name, prog.stack_trace()[0]["b"], prog.breakpoints())
prog.next_instruction(2)
say(where()[0])
for count in (0, -1):
    try:
        prog.step(count)
    except ValueError as error:
        say(error)
""")
    )
    assert said(out) == [
        "STEP main 3",
        "STEP add",
        "(int)0 ['add', 'main']",
        "STEP (int)42 main",
        "True",
        "BREAKPOINT (int)1 []",
        "add",
        "count must be positive",
        "count must be positive",
    ]


def test_libraries_come_and_go(host: Run, compile_c: Callable[..., Path]) -> None:
    """Another may come to where one was, and callbacks see the one that is there."""
    libraries = [
        compile_c(
            f"{text} int made_value(void) {{ return made_number; }}",
            "-g", "-O0", "-shared", "-fPIC", suffix=".so",
        )
        for text in (
            "struct mine { int a; } mine = { 1 }; int made_number = 77;",
            "struct mine { long z; int a; } mine = { 5, 6 }; char pad[10000];"
            " int made_number = 88;",
        )
    ]  # fmt: skip
    paths = ", ".join(f'"{path}"' for path in libraries)
    program = compile_c(
        f"""
        #include <dlfcn.h>
        static void unloaded(void) {{}}
        int main(void)
        {{
            const char *paths[] = {{ {paths} }};
            for (int i = 0; i < 2; i++) {{
                void *library = dlopen(paths[i], RTLD_NOW);
                ((int (*)(void))dlsym(library, "made_value"))();
                dlclose(library);
                unloaded();
            }}
            return 0;
        }}
        """
    )
    out = host(
        say("""
def called(frame):
    say(frame.name, prog["made_number"], prog["mine"].a, prog["mine"].type_.size)

def gone(frame):
    say([name for name in ("made_number", "mine") if name in prog])

prog.breakpoint("made_value", called, pending=True)
prog.breakpoint("unloaded", gone)
stop = prog.resume()
say(stop, [each.hits for each in prog.breakpoints()])
"""),
        program,
        commands=("break main", "run", "delete"),
    )
    assert said(out) == [
        "made_value (int)77 (int)1 4",
        "[]",
        "made_value (int)88 (int)6 16",
        "[]",
        "Stop(StopReason.EXITED, exit_code=0) [2, 2]",
    ]


def test_watchpoints_and_catchpoints(run: Run) -> None:
    out = run(
        say("""
try:
    from gdb import execute
except ImportError:
    execute = gdb

execute("watch counter")
say(prog.resume().reason, prog["counter"])
execute("delete")
execute("catch syscall exit_group")
say(prog.resume().reason, prog["counter"])
""")
    )
    assert said(out) == [
        "StopReason.BREAKPOINT (int)42",
        "StopReason.BREAKPOINT (int)0",
    ]


FORK = """
#include <sys/wait.h>
#include <unistd.h>
int total_work = 1;
static int work(int n) { return total_work += n; }
int main(void)
{
    if (!fork())
        return work(3);
    wait(0);
    return work(10);
}
"""


def test_child_is_followed(host: Run, compile_c: Callable[..., Path]) -> None:
    out = host(
        say("""
parent = prog
prog.breakpoint("work", lambda frame: say(frame["n"], prog is parent) or True)
stop = prog.resume()
is_main = stop.tid == prog.main_thread().tid
say(stop.reason.name, is_main, prog["total_work"], prog is parent)
try:
    say(parent["total_work"].read_())
except Exception as error:
    say(type(error).__name__)
say(prog.finish().value, prog["total_work"])
say(prog.resume())
"""),
        compile_c(FORK),
        commands=("set follow-fork-mode child", "break main", "run", "delete"),
    )
    assert said(out) == [
        "(int)3 False",
        "BREAKPOINT True (int)1 False",
        "FaultError",
        "(int)4 (int)4",
        "Stop(StopReason.EXITED, exit_code=4)",
    ]


def test_breakpoints_outlive_the_process(host: Run, program: Path) -> None:
    """Their callbacks are called, whatever runs the program."""
    out = host(
        say("""
try:
    from gdb import execute
except ImportError:
    execute = gdb

added = prog.breakpoint("add", lambda frame: say(frame["b"]) or frame["b"] == 1)
for _ in range(2):
    execute("run")
    say("stopped", prog["counter"], added.hits, prog.breakpoints() == [added])
"""),
        program,
        commands=("set confirm off",),
    )
    assert said(out) == [
        "(int)0", "(int)1", "stopped (int)42 2 True",
        "(int)0", "(int)1", "stopped (int)42 4 True",
    ]  # fmt: skip


RETURNS = """
namespace inner { struct Pair { int x, y; long sum(int more) { return x + y + more; }
    int &second() { return y; } Pair &self() { return *this; } };
    char tag(int) { return 'A'; } }
double sum(int) { return 2.5; }
double tag(double value) { return value * 2; }
int tag(const char *) { return 77; }
long double wide() { return 1.5L; }
inner::Pair pair = { 1, 2 };
inner::Pair copied() { return pair; }
int main()
{
    pair.second();
    pair.self();
    wide();
    copied();
    return sum(1) + pair.sum(4) + inner::tag(1) + tag(1.25) + tag("x");
}
"""


def test_finished_functions(host: Run, compile_c: Callable[..., Path]) -> None:
    """What they return is of their type, whatever else has the name."""
    out = host(
        say("""
for name in "second", "self", "wide", "copied", "sum", "tag":
    prog.breakpoint(name)
addresses = prog["pair"].y.address_, prog["pair"].address_
while prog.resume().breakpoints:
    value = prog.finish().value
    if value is None:
        say(value)
    elif value.type_.type_name().endswith("*"):
        say(value.type_.type_name(), value.value_() in addresses)
    else:
        say(value.type_.type_name(), value.value_())
"""),
        compile_c(RETURNS, "-g", "-O0", "-xc++", compiler="g++"),
        commands=("set language c++", "break main", "run", "delete"),
    )
    assert said(out) == [
        "int * True",
        "Pair * True",
        "None",
        "Pair {'x': 1, 'y': 2}",
        "double 2.5",
        "long 7",
        "char 65",
        "double 2.5",
        "int 77",
    ]


def test_callbacks_may_fail(run: Run) -> None:
    """The program stops, and who runs it gets the exception."""
    out = run(
        say("""
def failing(frame):
    raise KeyError("mine")

def running(frame):
    prog.resume()

for callback in (failing, running, lambda frame: prog.call("nothing")):
    bad = prog.breakpoint("add", callback)
    try:
        prog.resume()
    except Exception as error:
        say(type(error).__name__, error)
    say(prog.stack_trace()[0]["b"])
    bad.delete()
bad = prog.breakpoint("add", condition="nope == 1")
try:
    prog.resume()
except Exception as error:
    say(type(error).__name__, error)
say(prog.stack_trace()[0]["b"])
def once(frame):
    bad.delete()
bad.callback, bad.condition = once, None
say(prog.resume(), bad.is_set)
""")
    )
    assert said(out) == [
        "KeyError 'mine'",
        "(int)0",
        "ValueError the program cannot be run by a breakpoint's callback",
        "(int)1",
        "ValueError the program cannot be run by a breakpoint's callback",
        "(int)2",
        'ValueError No symbol "nope" in current context',
        "(int)3",
        "Stop(StopReason.EXITED, exit_code=3) False",
    ]


def test_signals(run: Run) -> None:
    out = run(
        say("""
crash = prog["crash"].address_
prog.breakpoint("add", lambda frame: True)
prog.resume()
prog["operation"].write_(0)
try:
    from gdb import execute as tell_gdb
except ImportError:
    tell_gdb = gdb
tell_gdb("set var $pc = crash")
old = prog
stop = prog.resume()
say(stop.reason.name, stop.signal, prog.stack_trace()[0].name)
say(prog.resume())
try:
    old.resume()
except Exception as error:
    say(type(error).__name__, error)
""")
    )
    assert said(out) == [
        "SIGNAL SIGSEGV crash",
        "Stop(StopReason.EXITED)",
        "ValueError this program is not GDB's current inferior",
    ]


def test_scripts_of_scripts_see_the_current_program(
    host: Run, program: Path, tmp_path: Path
) -> None:
    inner = tmp_path / "inner.py"
    inner.write_text("""
same = prog
line("start")
say(prog is same, prog["counter"], drgn.get_default_prog() is prog)
mine = prog = drgn.Program()
line("kill")
say(prog is mine)
prog = same
""")
    out = host(
        say(f"""
import sys
import drgn
if "gdb" in sys.modules:
    import gdb
line = getattr(gdb, "execute", gdb)
line("set confirm off")
before = prog
drgn.execscript({str(inner)!r})
line("start")
say(prog is same, prog is before, prog["counter"])
line("kill")
"""),
        program,
    )
    assert said(out) == ["False (int)7 True", "True", "False False (int)7"]
