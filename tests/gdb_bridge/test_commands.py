"""The commands drgn and drgn-script, and the function $drgn()."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_statements_and_expressions(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "drgn x = 5",
        "drgn x + 1",
        "drgn None",
        'drgn for i in range(2): print(i, prog["counter"])',
        "python y = 3",
        "drgn y",
        'python print(prog["counter"])',
        "drgn sizeof(prog.type('struct node'))",
        "drgn 1 +",
        "drgn prog['nothing']",
        "drgn 1 / 0",
        program=list_program,
    )
    assert result.lines == ["6", "0 (int)7", "1 (int)7", "3", "(int)7", "32"]
    assert result.err.splitlines() == [
        "SyntaxError: invalid syntax",
        "_drgn.ObjectNotFoundError: could not find 'nothing'",
        "ZeroDivisionError: division by zero",
    ]


def test_marked_command_comes_first(gdb: Any) -> None:
    assert gdb("drgn %sh echo hello").out == "hello\n"


def test_registered_commands(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "drgn sh echo hello",
        "drgn %sh echo again",
        "drgn py prog['counter'] | tr 7 8",
        "drgn sh = 5",
        "drgn sh",
        "drgn %nothing",
        program=list_program,
    )
    assert result.lines == [
        "hello", "again", "Object(prog, 'int', address=0x4040)".replace(
            "0x4040", result.lines[2].rpartition("=")[2].rstrip(")")
        ), "5",
    ]  # fmt: skip
    assert result.err.splitlines()[-1].endswith("nothing: command not found")


def test_value_history(gdb: Any, list_program: Path) -> None:
    result = gdb(
        'drgn prog["first"]',
        "output $.next->value",
        "echo \\n",
        "drgn gdb.parse_and_eval('origin')",
        "output $.y",
        "echo \\n",
        'print $drgn("Object(prog, prog.void_type())")',
        program=list_program,
    )
    assert result.lines[-4:] == ["2", "{x = 1.5, y = -2.5}", "-2.5", "$3 = void"]


def test_what_is_absent_is_shown(gdb: Any, list_program: Path) -> None:
    """It has no place in the history, and is no error."""
    result = gdb(
        'drgn Object(prog, "int")',
        'drgn Object(prog, prog.type("struct node"))',
        'drgn Object(prog, prog.function("add").type_)',
        'print $drgn("Object(prog, prog.function(\\"add\\").type_)")',
        "print 1",
        program=list_program,
    )
    assert result.lines == [
        "(int)<absent>",
        "(struct node)<absent>",
        "(int (int a, int b))<absent>",
        "$1 = 1",
    ]
    assert result.err == "_drgn.ObjectAbsentError: function has no address\n"


def test_script(gdb: Any, list_program: Path, tmp_path: Path) -> None:
    script = tmp_path / "walk.py"
    script.write_text(
        "import sys\n"
        "import beside\n"
        "print(sys.argv[1:], __name__, beside.here)\n"
        'node = prog["first"].address_of_()\n'
        "while node:\n"
        "    print(node.value.value_(), node.name.string_().decode())\n"
        "    node = node.next\n"
        "if sys.argv[1:]:\n"
        "    sys.exit(sys.argv[1])\n"
        "missing\n"
    )
    (tmp_path / "beside.py").write_text("here = 1\n")
    result = gdb(
        f"drgn-script {script}",
        f"drgn-script {script} 'a b' c",
        f"drgn-script {tmp_path}/no.py",
        "drgn-script",
        "python import sys; print(sys.argv, 'node' in globals(), __name__)",
        program=list_program,
    )
    nodes = ["1 one", "2 two", "3 three"]
    assert result.lines[:4] == ["[] __main__ 1", *nodes]
    assert result.lines[4:8] == ["['a b', 'c'] __main__ 1", *nodes]
    assert result.lines[8].endswith("False __main__")
    assert result.err.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{script}", line 10, in <module>',
        "    missing",
        "NameError: name 'missing' is not defined",
        "a b",
        f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/no.py'",
        "drgn-script: which file?",
    ]


def test_tracebacks_of_scripts(
    gdb: Any, gdb_variables: dict[str, str], list_program: Path, tmp_path: Path
) -> None:
    fault = tmp_path / "fault.py"
    fault.write_text(
        "try:\n    prog['first'].nothing\nexcept AttributeError:\n    prog.read(0, 4)\n"
    )
    syntax = tmp_path / "syntax.py"
    syntax.write_text("x = 1\nx =\n")
    result = gdb(
        f"drgn-script {fault}",
        f"drgn-script {syntax}",
        "drgn-script ~/syntax.py",
        program=list_program,
        environment={**gdb_variables, "HOME": str(tmp_path)},
    )
    lines = [line for line in result.err.splitlines() if set(line) - set(" ^~")]
    broken = [f'  File "{syntax}", line 2', "    x =", "SyntaxError: invalid syntax"]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{fault}", line 2, in <module>',
        "    prog['first'].nothing",
        "AttributeError: 'struct node' has no member 'nothing'",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        f'  File "{fault}", line 4, in <module>',
        "    prog.read(0, 4)",
        "_drgn.FaultError: could not find memory segment: 0x0",
        *broken,
        *broken,
    ]


def test_function(gdb: Any, list_program: Path) -> None:
    result = gdb(
        'output $drgn("1 + 1")',
        "echo \\n",
        'output $drgn("prog[\\"counter\\"]") + 1',
        "echo \\n",
        'output *$drgn("prog[\\"first\\"]").next',
        "echo \\n",
        'break *$drgn("prog.symbol(\\"add\\").address")',
        "run",
        "output $_exitcode",
        "echo \\n",
        'output $drgn("frame.name")',
        'output $drgn("nothing")',
        'output $drgn("prog")',
        'output $drgn("1 << 80")',
        'output $drgn("prog[\\"first\\"].next[1 << 40]").value',
        program=list_program,
    )
    assert result.lines[:2] == ["2", "8"]
    assert "value = 2," in result.lines[2]
    assert "Breakpoint 1, " in result.out
    assert result.lines[-1] == '"add"'
    assert result.err.splitlines()[-4:-1] == [
        "NameError: name 'nothing' is not defined",
        "ValueError: GDB has no values of type Program",
        "ValueError: 0x100000000000000000000 is too large for a value of GDB",
    ]
    assert result.err.splitlines()[-1].startswith("Cannot access memory at address")


def test_function_of_strings(gdb: Any, list_program: Path) -> None:
    arguments = ["\"'abc'\"", "\"b'abc'\"", "\"''\"", "\"b''\"", "", '"1", "2"', "5"]
    result = gdb(
        *[f"print $drgn({text})" for text in arguments],
        program=list_program,
    )
    assert result.lines == ['$1 = "abc"', '$2 = "abc"', '$3 = ""', '$4 = ""']
    assert result.err.splitlines() == ["$drgn() takes one string, an expression"] * 3


def test_frames(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "break add",
        "run",
        "echo --\\n",
        "drgn frame.name, frame['a'].value_(), frame.locals()",
        "up",
        "drgn frame.name, frame['local'].value_(), frame.locals()",
        "drgn [f.name for f in stack_trace()][:2]",
        "drgn stack_trace()[0].pc == prog.stack_trace()[0].pc",
        program=list_program,
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert lines[0] == "('add', 42, ['a', 'b', 'sum'])"
    assert lines[-3:] == [
        "('main', 42, ['local', 'on_stack'])",
        "['add', 'main']",
        "True",
    ]


TAIL_CALLS = """
volatile int x;
__attribute__((noipa)) int deep(int a) { x = a; return a + x; }
__attribute__((noipa)) int tail(int c) { x = 1; return deep(c * 2); }
__attribute__((noipa)) int mid(int z) { return tail(z) * 2; }
int main(int argc, char **argv) { return mid(argc) + 1; }
"""


def test_frames_after_tail_calls(gdb: Any, compile_c: Callable[..., Path]) -> None:
    """GDB shows frames that tail calls have replaced."""
    result = gdb(
        "break deep",
        "run",
        "echo --\\n",
        *["drgn print('>', frame.name)", "up"] * 3,
        "drgn print('>', frame.name)",
        program=compile_c(TAIL_CALLS, "-g", "-O2"),
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert [line for line in lines if line.startswith(">")] == [
        "> deep", "> mid", "> main",
    ]  # fmt: skip
    assert lines[1].startswith("#1 ") and " in tail (" in lines[1]
    assert result.err.splitlines()[-1] == (
        "LookupError: frame 1 ended in a jump: it is no more"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prog.stack_trace_f", {"prog.stack_trace_from_pcs"}),
        ("prog['counter'] + container", {"prog['counter'] + container_of"}),
        ("fram", {"frame"}),
        ("sourc", {"source", "source_location"}),
        ("cast(prog.typ", {"cast(prog.type", "cast(prog.typedef_type"}),
    ],
)
def test_completion(gdb: Any, text: str, expected: set[str]) -> None:
    result = gdb(f"complete drgn {text}")
    assert set(result.lines) == {f"drgn {line}" for line in expected}


def test_comment(gdb: Any) -> None:
    result = gdb("drgn # nothing", "drgn 1 # something")
    assert result.lines == ["1"]
    assert result.err == ""


def test_completion_is_asked_where_words_begin(gdb: Any) -> None:
    """As GDB 14 and newer do, before each completion."""
    result = gdb(
        "python from drgn.gdb_bridge.commands import DrgnCommand",
        "python print(DrgnCommand().complete('fram', None))",
        "complete drgn fram",
    )
    assert result.lines == ["[]", "drgn frame"]


COMMAND_COMPLETIONS = [
    ("drgn sourc", ["drgn source", "drgn source_location"]),
    ("drgn %sourc", ["drgn %source"]),
    ("drgn help so", ["drgn help source"]),
    ("drgn %help s", ["drgn %help sh", "drgn %help source"]),
    ("drgn sh container_", []),  # no file
    ("drgn py container_", ["drgn py container_of"]),
    ("drgn optional --f", ["drgn optional --first"]),
    ("drgn optional ", ["drgn optional one", "drgn optional two"]),
]


def test_completion_of_commands(gdb: Any, tmp_path: Path) -> None:
    script = tmp_path / "optional.py"
    script.write_text(
        "from drgn.commands import argument, command\n"
        "@command(description='with options', arguments=(\n"
        "    argument('--first', help='x'), argument('--second', help='x'),\n"
        "    argument('what', choices=['one', 'two'], nargs='?')))\n"
        "def _cmd_optional(prog, name, args, **kwargs):\n"
        "    print(args.first, args.what)\n"
    )
    commands = []
    for text, _ in COMMAND_COMPLETIONS:
        commands += [f"complete {text}", "echo --\\n"]
    result = gdb(
        f"drgn-script {script}",
        *commands,
        "drgn optional --first 3 two",
        "drgn help optional",
    )
    *completed, rest = result.out.split("--\n", len(COMMAND_COMPLETIONS))
    for (text, expected), out in zip(COMMAND_COMPLETIONS, completed, strict=True):
        assert out.splitlines() == expected, text
    assert rest.startswith("3 two\nusage: optional")
    assert "--second" in rest


def test_help(gdb: Any) -> None:
    result = gdb("help drgn", "help drgn-script", "help function drgn")
    assert "Usage: drgn" in result.out
    assert '"drgn help" lists the commands' in result.out
    assert "Usage: drgn-script FILE" in result.out
    assert "$drgn(" in result.out
