"""The namespace of the crash commands: finding, completing, leaving, contexts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.manifest import Lab

from drgn import Architecture, FaultError, Object, Platform, Program
from drgn.commands import (
    DEFAULT_COMMAND_NAMESPACE,
    CommandArgumentError,
    CommandError,
    CommandNotFoundError,
    run_command,
)
from drgn.commands.crash import CRASH_COMMAND_NAMESPACE
from drgn.commands.crash._address import parse_hex
from drgn.commands.crash._cpuspec import Cpuspec, parse_cpuspec
from drgn.commands.crash._define import pid_or_task
from drgn.commands.crash._members import member_variable, parse_type_spec
from drgn.commands.crash._table import MODULES


@pytest.fixture(scope="module")
def kernel(lab: Lab) -> Iterator[Program]:
    prog = Program()
    prog.set_core_dump(lab.dump("panic.elf"))
    prog.load_debug_info([lab.vmlinux])
    yield prog


@pytest.fixture
def prog(kernel: Program) -> Program:
    """The dump of a panic, with the configuration that a session begins with."""
    kernel.config.clear()
    return kernel


def test_table_names_the_modules_that_register_commands(prog: Program) -> None:
    assert sorted(MODULES) == list(MODULES)
    for name in MODULES:
        command = CRASH_COMMAND_NAMESPACE.lookup(prog, name)
        assert command.description() and command.format_usage(), name
    found = {name for name, _ in CRASH_COMMAND_NAMESPACE.enabled(prog)}
    assert found == set(MODULES)
    assert CRASH_COMMAND_NAMESPACE.names() == sorted(MODULES)


def test_nothing_is_imported_before_it_is_used() -> None:
    code = (
        "import sys; import drgn.commands, drgn; "
        "from drgn.commands import DEFAULT_COMMAND_NAMESPACE as names; "
        "prog = drgn.Program(); list(names.enabled(prog)); "
        "print([name for name in sys.modules if 'commands.crash.' in name]); "
        "from drgn.commands.crash import CRASH_COMMAND_NAMESPACE as crash; "
        "crash.names(); print('drgn.commands.crash.sym' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.stdout == "[]\nFalse\n", result.stderr


def test_only_kernels_have_it() -> None:
    prog = Program(Platform(Architecture.X86_64))
    with pytest.raises(CommandNotFoundError):
        run_command(prog, "crash sym schedule")


def test_completion(prog: Program) -> None:
    complete = DEFAULT_COMMAND_NAMESPACE.complete
    assert complete(prog, "cra") == ["crash"]
    assert complete(prog, "crash uni") == ["union"]
    assert complete(prog, "crash s") == [name for name in MODULES if name[0] == "s"]
    assert complete(prog, "crash nothing ") == complete(prog, "no") == []


def test_names_of_types_are_commands(
    prog: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(prog, "crash struct list_head")
    expected = capsys.readouterr().out
    assert expected.endswith("}\nSIZE: 16\n")
    for line in ("*list_head", "* list_head", "list_head", "  list_head"):
        run_command(prog, f"crash {line}")
        assert capsys.readouterr().out == expected
    run_command(prog, "crash atomic_t")
    assert capsys.readouterr().out.startswith("typedef struct {\n")
    run_command(prog, "crash atomic_t.counter jiffies")
    assert capsys.readouterr().out.startswith("counter = (int)")
    with pytest.raises(CommandNotFoundError, match="^pid_t: command not found$"):
        run_command(prog, "crash pid_t")
    with pytest.raises(CommandNotFoundError, match="^no_such_type: command not found$"):
        run_command(prog, "crash no_such_type")


def test_there_is_no_prompt_to_leave(prog: Program) -> None:
    for line in ("crash q", "crash exit"):
        assert run_command(prog, line) is None


def test_shell(prog: Program, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(prog, "crash !echo $((6 * 7)) | cat; exit 3") == 3
    run_command(prog, "crash sym schedule | wc -l")
    assert capfd.readouterr().out == "42\n1\n"


def test_context_of_a_panic(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    task = run_command(prog, "crash set")
    assert task.value_() == prog.crashed_thread().object.value_()
    out = capsys.readouterr().out
    assert f"   TASK: {task.value_():x}  " in out
    assert out.endswith("  STATE: R (running) (PANIC)\n")


def test_context_stays(prog: Program) -> None:
    first = run_command(prog, "crash set 2")
    assert first.comm.string_() == b"kthreadd"
    assert run_command(prog, "crash set") == first
    assert run_command(prog, f"crash set {first.value_():x}") == first
    assert run_command(prog, "crash set -c 1").pid != 2
    assert run_command(prog, "crash set -p").value_() != first.value_()


def test_context_of_a_dump_without_a_panic(lab: Lab) -> None:
    prog = Program()
    prog.set_core_dump(lab.dump("live.elf"))
    prog.load_debug_info([lab.vmlinux])
    task = run_command(prog, "crash set")
    assert task == run_command(prog, "crash set -c 0")


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("set 99999", LookupError, "no such process with PID 99999"),
        ("set ffffffffabc", LookupError, "invalid task_struct: 0xffffffffabc"),
        (
            "set ffff888000000000",
            LookupError,
            "invalid task_struct: 0xffff888000000000",
        ),
        ("set -c 7", ValueError, "invalid CPUs: 7"),
        ("set init", CommandArgumentError, "not a pid, task, or option: 'init'"),
        ("files -d 0 1", CommandArgumentError, "task: not allowed with argument -d"),
        ("files -p 0 -d 0", CommandArgumentError, "-d: not allowed with argument -p"),
        ("files -p 0 -c", CommandArgumentError, "-c/-R not allowed with -d/-p"),
        ("set 1 2", CommandArgumentError, "unrecognized arguments: 2"),
        ("set radix 12", CommandArgumentError, "radix is 10 or 16"),
        ("set scroll x", CommandArgumentError, "scroll is on, off, less or more"),
        ("set radix --drgn", CommandError, "has no code"),
        ("task -R 1", CommandArgumentError, "argument -R: invalid member name: 1"),
        ("struct nothing", LookupError, "there is no struct nothing"),
        ("struct list_head,next", ValueError, "not a type name with members"),
        ("struct list_head.nothing", LookupError, "has no member 'nothing'"),
        ("struct list_head nothing", LookupError, "nothing"),
        ("struct list_head 0", FaultError, "0x0"),
        ("struct rq runqueues:9", ValueError, "invalid CPUs: 9"),
        ("struct rq runqueues:x", ValueError, "invalid cpuspec: x"),
        ("struct -l x.y list_head 0", LookupError, "there is no struct or union x"),
        ("struct -c 2 list_head", CommandError, "a count needs an address"),
    ],
)
def test_errors(prog: Program, line: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run_command(prog, f"crash {line}")


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ("cat", " -e"),  # util-linux's, since 2.38
        ("! [ $# = 1 ] && cat", ""),  # an older one's, busybox's
    ],
)
def test_more_ends_where_the_text_ends(
    prog: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    more: str,
    options: str,
) -> None:
    pager = tmp_path / "more"
    pager.write_text(f"#!/bin/sh\n{more}\n")
    pager.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setitem(prog.config, "crash_pager", None)  # to be as it was
    run_command(prog, "crash set scroll more")
    assert capsys.readouterr().out == f"scroll: on ({pager}{options})\n"


def test_members_that_debug_info_lacks(prog: Program) -> None:
    namespace = prog.struct_type("uts_namespace", 4, ())
    damaged = Object(prog, namespace, address=prog["init_uts_ns"].address_)
    enabled = prog.enabled_object_finders()
    prog.register_object_finder(
        "damaged",
        lambda prog, name, *_: damaged if name == "init_uts_ns" else None,
        enable_index=0,
    )
    try:
        with pytest.raises(
            CommandError, match="^'struct uts_namespace' has no member 'name'$"
        ):
            run_command(prog, "crash sys")
    finally:
        prog.set_enabled_object_finders(enabled)


def test_radix(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    line = "crash struct task_struct.flags init_task"
    run_command(prog, line)
    decimal = capsys.readouterr().out
    run_command(prog, "crash set radix 16")
    assert capsys.readouterr().out == "output radix: 16 (hex)\n"
    run_command(prog, line)
    hexadecimal = capsys.readouterr().out
    assert hexadecimal.startswith("flags = (unsigned int)0x")
    run_command(prog, f"{line} -d")
    assert capsys.readouterr().out == decimal
    number = int(hexadecimal.rpartition(")")[2], 16)
    assert number == int(decimal.rpartition(")")[2])


def test_conventions() -> None:
    assert pid_or_task("10") == ("pid", 10)
    assert pid_or_task("ff10") == ("task", 0xFF10)
    assert pid_or_task("0x10") == ("task", 0x10)
    assert parse_cpuspec("") == Cpuspec("current")
    assert parse_cpuspec("a") == parse_cpuspec("all") == Cpuspec("all")
    assert parse_cpuspec("1,3-5,4") == Cpuspec("explicit", (1, 3, 4, 5))
    for wrong in ("x", "1-", "3-1", "1,,2", "0-99999999999"):
        with pytest.raises(ValueError):
            parse_cpuspec(wrong)
    assert parse_hex("ff") == parse_hex("0xFF") == 255
    assert parse_hex("init_task") is None
    assert parse_type_spec("a") == ("a", ())
    assert parse_type_spec("a.b.c,d[3].e") == ("a", ("b.c", "d[3].e"))
    assert member_variable("a.b[2].c") == "a_b_2_c"


def test_help(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(prog, "crash help")
    listed = capsys.readouterr().out.split()
    assert set(MODULES) <= set(listed)
    run_command(prog, "crash help struct nothing")
    out = capsys.readouterr().out
    assert out.startswith("NAME\n  struct - ")
    assert "\nSYNOPSIS\n  struct [-l OFFSET]" in out
    assert out.endswith("\nNo command named 'nothing'\n")
