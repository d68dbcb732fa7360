"""The shell syntax of commands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from drgn import Program
from drgn.commands import (
    CommandArgumentError,
    CommandExitStatusError,
    ParsedCommand,
    ShellRedirection,
    parse_shell_command,
    run_command,
    unquote_shell_word,
)
from drgn.commands.console import print_error

OUT = ShellRedirection(1, ">", "f")


@pytest.mark.parametrize(
    ("source", "args", "redirections", "pipeline"),
    [
        ("", [], [], None),
        ("  a  b ", ["a", "b"], [], None),
        ("a\nb", ["a", "b"], [], None),
        ('a \'b c\' "d\\"e"', ["a", "b c", 'd"e'], [], None),
        ("a\\ b", ["a b"], [], None),
        ("a '' b", ["a", "", "b"], [], None),
        ("a $x {y} * !z ~/w", ["a", "$x", "{y}", "*", "!z", "~/w"], [], None),
        ("a #c d", ["a"], [], None),
        ("a | b | c", ["a"], [], "b | c"),
        ("a|b", ["a"], [], "b"),
        ("a | b \t", ["a"], [], "b"),
        ("a || b", ["a"], [], "| b"),
        ("| cat", [], [], "cat"),
        ("a > f", ["a"], [OUT], None),
        ("a>f b", ["a", "b"], [OUT], None),
        ("a >>f", ["a"], [ShellRedirection(1, ">>", "f")], None),
        ("a 2>f", ["a"], [ShellRedirection(2, ">", "f")], None),
        ("a 2 >f", ["a", "2"], [OUT], None),
        ("a2>f", ["a2"], [OUT], None),
        ("a <f", ["a"], [ShellRedirection(0, "<", "f")], None),
        ("a >'b c' d", ["a", "d"], [ShellRedirection(1, ">", "b c")], None),
        ("a >\\ f", ["a"], [ShellRedirection(1, ">", " f")], None),
        ("a '>' f", ["a", ">", "f"], [], None),
        (
            "a >f <g | cat",
            ["a"],
            [OUT, ShellRedirection(0, "<", "g")],
            "cat",
        ),
    ],
)
def test_parse(
    source: str,
    args: list[str],
    redirections: list[ShellRedirection],
    pipeline: str | None,
) -> None:
    expected = ParsedCommand(args, redirections, pipeline)
    assert parse_shell_command(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a |", "unexpected end of input"),
        ("a > ", "unexpected end of input"),
        ("'open", 'unexpected "\'"'),
        ('a "b', "unexpected '\"'"),
        ("a \\", "unexpected '\\\\'"),
        ("a \\\nb", "unexpected '\\\\'"),
        ("a ; b", "unexpected ';'"),
        ("a && b", "unexpected '&'"),
        ("a 2>&1", "unexpected '&'"),
        ("a `x`", "unexpected '`'"),
        ("a (b)", "unexpected '('"),
        ("a >|f", "unexpected '|'"),
        ("a <>f", "unexpected '>'"),
        ("a <<f", "unexpected '<'"),
        ("a >1>f", "unexpected '1>'"),
        ("a > 2> f", "unexpected '2>'"),
        ("a >#f", "unexpected end of input"),
    ],
)
def test_syntax_error(source: str, message: str) -> None:
    with pytest.raises(SyntaxError) as info:
        parse_shell_command(source)
    assert str(info.value) == message


def test_parsed_commands_are_frozen_data() -> None:
    parsed = parse_shell_command("a | b")
    changed = dataclasses.replace(parsed, args="x")
    assert changed == ParsedCommand("x", [], "b")
    assert hash(ParsedCommand("x")) == hash(ParsedCommand("x", (), None))
    with pytest.raises(dataclasses.FrozenInstanceError):
        parsed.pipeline = None  # type: ignore[misc]


def test_keep_quotes() -> None:
    assert parse_shell_command("a 'b c' d\\ e", False).args == ["a", "'b c'", "d\\ e"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("f'o'o\\ bar", "foo bar"),
        ('"a$b"', "a$b"),
        ('"a\\n"', "a\\n"),
        ('"\\$\\`\\"\\\\"', '$`"\\'),
        ("'a", "'a"),
        ('"a', '"a'),
        ("a\\", "a\\"),
        ("a\\\nb", "a\\\nb"),
    ],
)
def test_unquote(word: str, expected: str) -> None:
    assert unquote_shell_word(word) == expected


def test_redirections(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import drgn.commands._builtin  # noqa: F401

    prog = Program()
    run_command(prog, f"py print(1) > {tmp_path}/out")
    run_command(prog, f"py print(2) >> {tmp_path}/out")
    assert run_command(prog, "sh echo 3; exit 7") == 7
    assert (tmp_path / "out").read_text() == "1\n2\n"
    run_command(prog, f"py import sys; print(sys.stdin.read()) < {tmp_path}/out")
    assert capfd.readouterr().out == "3\n1\n2\n\n"
    with pytest.raises(FileNotFoundError):
        run_command(prog, f"py print(1) > {tmp_path}/none/out")


@pytest.mark.parametrize(
    ("redirection", "what"),
    [
        ("3>", "output fd 3"),
        ("99>>", "output fd 99"),
        ("0>", "output fd 0"),
        ("1<", "input fd 1"),
        ("2<", "input fd 2"),
        ("3<", "input fd 3"),
    ],
)
def test_redirections_of_other_files(redirection: str, what: str) -> None:
    with pytest.raises(NotImplementedError, match=f"^redirecting {what} is not supp"):
        run_command(Program(), f"py print(1) {redirection} /dev/null")


def test_pipeline(capfd: pytest.CaptureFixture[str]) -> None:
    import drgn.commands._builtin  # noqa: F401

    prog = Program()
    run_command(prog, "py print('hi') | tr h j | cat")
    assert capfd.readouterr().out == "ji\n"
    # The reader goes before all is written: no error.
    run_command(prog, "py for i in range(200000): print(i) | head -n 1")
    assert capfd.readouterr().out == "0\n"
    with pytest.raises(CommandExitStatusError) as info:
        run_command(prog, "py print(1) | exit 4")
    assert str(info.value) == "'exit 4' exited with status 4"
    assert (info.value.command, info.value.exit_status) == ("exit 4", 4)


def test_commands_that_fail_with_their_pipeline(
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    prog = Program()
    missing = tmp_path / "missing" / "file"
    for line, kind in (
        (f"py print(1) > {missing} | exit 3", FileNotFoundError),
        (f"source {missing} | exit 3", FileNotFoundError),
        ("source | exit 3", CommandArgumentError),
    ):
        with pytest.raises(ExceptionGroup) as info:
            run_command(prog, line)
        assert info.value.message == "errors while running command"
        first, second = info.value.exceptions
        assert type(first) is kind
        assert str(second) == "'exit 3' exited with status 3"
        seen: list[Exception] = []
        assert run_command(prog, line, onerror=seen.append) is None
        assert list(map(repr, seen)) == [repr(first), repr(second)]
        capfd.readouterr()
        print_error(info.value)
        assert len(capfd.readouterr().err.splitlines()) == 2
    script = tmp_path / "script.py"
    script.write_text(f"print(1)\nopen({str(missing)!r})\n")
    for _ in range(5):
        # Whether or not the reader is still there.
        with pytest.raises(FileNotFoundError):
            run_command(prog, f"source {script} | true")
