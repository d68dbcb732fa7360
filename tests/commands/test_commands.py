"""Commands: registration, arguments, help, running."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

import pytest

import drgn.commands._builtin
from drgn import Architecture, Platform, Program
from drgn.commands import (
    DEFAULT_COMMAND_NAMESPACE,
    CommandArgumentError,
    CommandNamespace,
    CommandNotFoundError,
    DrgnCodeBuilder,
    argument,
    argument_group,
    command,
    custom_command,
    drgn_argument,
    mutually_exclusive_group,
    raw_command,
    run_command,
)

HELP = """\
Long text.

options:
  -x N, --ex N  an *x*
  -a            a
  -b
  --drgn        print how to do the equivalent operation using drgn APIs

grp:
  d

  name          name

the end"""
if sys.version_info >= (3, 13):
    # argparse says the value of an option once there.
    HELP = re.sub(r"(?m)^(  \S+)  ( +)", r"\1\2", HELP).replace("-x N,", "-x,")


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


@pytest.fixture
def commands() -> CommandNamespace:
    """A namespace with a command of each kind."""
    namespace = CommandNamespace(argparse_types=(("twice", lambda s: s * 2),))

    @command(
        description="frob it",
        long_description="Long\ntext.",
        epilog="the end",
        arguments=(
            argument("-x", "--ex", type="hexadecimal", metavar="N", help="an *x*"),
            argument_group(
                argument("name", nargs="?", type="decimal_or_hexadecimal", help="name"),
                title="grp",
                description="d",
            ),
            mutually_exclusive_group(
                argument("-a", action="store_true", help="a"),
                argument("-b", action="store_true"),
            ),
            drgn_argument,
        ),
        namespace=namespace,
    )
    def _cmd_frob(
        prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
    ) -> Any:
        return name, vars(args), sorted(kwargs)

    @command(
        description="d",
        arguments=[argument("x", type="twice")],
        namespace=namespace,
        enabled=lambda prog: prog.platform is not None,
    )
    def _cmd_twice(
        prog: Program, name: str, args: argparse.Namespace, **kwargs: Any
    ) -> Any:
        return args.x

    @raw_command(
        description="raw",
        usage="**raw** *X*",
        long_description="as it is",
        namespace=namespace,
    )
    def _cmd_raw(prog: Program, name: str, args: str, **kwargs: Any) -> Any:
        return args

    return namespace


@pytest.mark.parametrize(
    ("line", "ex", "name"),
    [
        ("frob", None, None),
        ("frob -x ff 10", 255, 10),
        ("frob 0x10", None, 16),
        ("  frob  ff", None, 255),
        ("'frob' '1'", None, 1),
    ],
)
def test_arguments(
    prog: Program, commands: CommandNamespace, line: str, ex: Any, name: Any
) -> None:
    expected = {"ex": ex, "name": name, "a": False, "b": False, "drgn": False}
    result = commands.run(prog, line)
    assert result == ("frob", expected, ["globals", "parser"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("frob -x zz", "argument -x/--ex: invalid 'hexadecimal' value: 'zz'"),
        ("frob -a -b", "argument -b: not allowed with argument -a"),
        ("frob --bad", "unrecognized arguments: --bad"),
    ],
)
def test_bad_arguments(
    prog: Program,
    commands: CommandNamespace,
    line: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandArgumentError) as info:
        commands.run(prog, line)
    assert str(info.value) == f"frob: error: {message}"
    usage = "usage: frob [-x N] [-a | -b] [--drgn] [name]\n"
    assert capsys.readouterr() == ("", usage)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ()),
        ((0,), ()),
        ((0, ""), ("",)),
        ((2, "m\n\n"), ("m",)),
        ((1, "m"), ("m",)),
    ],
)
def test_parsers_do_not_leave_the_program(
    prog: Program,
    commands: CommandNamespace,
    arguments: tuple[Any, ...],
    expected: tuple[str, ...],
) -> None:
    @command(name="leave", description="d", namespace=commands)
    def leave(*args: Any, parser: argparse.ArgumentParser, **kwargs: Any) -> None:
        parser.exit(*arguments)

    with pytest.raises(CommandArgumentError) as info:
        commands.run(prog, "leave")
    assert info.value.args == expected


def test_texts(prog: Program, commands: CommandNamespace) -> None:
    frob = commands.lookup(prog, "frob")
    assert frob.description() == "frob it"
    assert frob.format_usage() == "frob [-x N] [-a | -b] [--drgn] [name]"
    assert frob.format_help() == HELP
    indented = frob.format_help(indent="  ").splitlines()
    assert [line.removeprefix("  ") for line in indented] == HELP.splitlines()
    raw = commands.lookup(prog, "raw")
    assert (raw.format_usage(), raw.format_help()) == ("raw X", "as it is")


def test_texts_name_the_command(prog: Program, commands: CommandNamespace) -> None:
    @command(
        name="half",
        description="%(prog)s stays",
        usage="**%(prog)s** 50%%",
        long_description="%(prog)s is 50%%",
        epilog="50% without a name",
        arguments=(argument("x", help="%(prog)s 50%"),),
        namespace=commands,
    )
    def half(*args: Any, **kwargs: Any) -> None: ...

    found = commands.lookup(prog, "half")
    assert found.description() == "%(prog)s stays"
    assert found.format_usage() == "half 50%"
    assert found.format_help() == (
        "half is 50%\n\npositional arguments:\n  x  %(prog)s 50%\n\n50% without a name"
    )


def test_raw(prog: Program, commands: CommandNamespace) -> None:
    assert commands.run(prog, "raw  a | b > c ") == "a | b > c "


def test_own_types_and_enabled(prog: Program, commands: CommandNamespace) -> None:
    assert commands.run(prog, "twice ab") == "abab"
    assert [name for name, _ in commands.enabled(prog)] == ["frob", "twice", "raw"]
    assert [name for name, _ in commands.enabled(Program())] == ["frob", "raw"]
    with pytest.raises(CommandNotFoundError, match="^twice: command not found$"):
        commands.run(Program(), "twice ab")


def test_not_found(prog: Program, commands: CommandNamespace) -> None:
    with pytest.raises(CommandNotFoundError) as info:
        commands.run(prog, "nope x")
    assert (str(info.value), info.value.name) == ("nope: command not found", "nope")
    errors: list[Exception] = []
    assert commands.run(prog, "nope", onerror=errors.append) is None
    assert isinstance(errors[0], CommandNotFoundError)
    for line in ("", "  ", "(frob)"):
        with pytest.raises(SyntaxError, match="^expected command name$"):
            commands.run(prog, line)


def test_bad_definitions(commands: CommandNamespace) -> None:
    with pytest.raises(ValueError, match="'f' doesn't start with _cmd_"):

        @command(description="d", namespace=commands)
        def f() -> None: ...

    with pytest.raises(ValueError, match="'_cmd_' doesn't start with _cmd_"):

        @command(description="d", namespace=commands)
        def _cmd_() -> None: ...

    for arguments, message in (
        ([argument("-a"), argument("-a")], "conflicting option string: -a"),
        ([argument("x", type="none")], "'none' is not callable"),
    ):
        # What a wrong type raises is argparse's, which changed in Python 3.14.
        errors = ValueError, TypeError, argparse.ArgumentError
        with pytest.raises(errors, match=message):
            command(
                name="bad", description="d", arguments=arguments, namespace=commands
            )(lambda *args, **kwargs: None)
        assert "bad" not in dict(commands.enabled(Program()))

    with pytest.raises(TypeError, match="usage is mandatory"):
        custom_command(description="d", parse=lambda source: None)  # type: ignore[arg-type,return-value]


def test_builtin(prog: Program) -> None:
    names = [name for name, _ in DEFAULT_COMMAND_NAMESPACE.enabled(prog)]
    assert {"py", "sh", "source"} <= set(names)
    assert drgn.commands._builtin.__doc__


def test_py(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"x": 5}
    run_command(prog, "py x + 1", globals=names)
    run_command(prog, "py y = x * 2", globals=names)
    assert names["y"] == 10
    run_command(prog, "py print(1 if x > 3 else 0)", globals=names)
    assert capsys.readouterr().out == "6\n1\n"
    run_command(prog, "py 1/0", globals=names)
    assert capsys.readouterr().err == (
        "Traceback (most recent call last):\n"
        '  File "<input>", line 1, in <module>\n'
        "ZeroDivisionError: division by zero\n"
    )


@pytest.mark.parametrize("line", ["py", "py  ", "py | cat", "py > /dev/null"])
def test_py_without_code(prog: Program, line: str) -> None:
    with pytest.raises(CommandArgumentError, match="^expected code$"):
        run_command(prog, line)


def test_py_with_words_after_a_redirection(prog: Program) -> None:
    message = "^py does not support arguments after redirections$"
    with pytest.raises(SyntaxError, match=message):
        run_command(prog, "py 1 > /dev/null word")


def test_classes_are_of_the_package() -> None:
    assert repr(CommandNotFoundError) == (
        "<class 'drgn.commands.CommandNotFoundError'>"
    )


def test_source(prog: Program, tmp_path: Any) -> None:
    script = tmp_path / "s.py"
    script.write_text("import sys\nargs = sys.argv[1:]\nz = w + 1\n")
    names: dict[str, Any] = {"w": 1}
    run_command(prog, f"source {script} -a b", globals=names)
    assert (names["args"], names["z"]) == (["-a", "b"], 2)
    with pytest.raises(FileNotFoundError):
        run_command(prog, "source /no/such", globals=names)


def test_code_builder(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    code = DrgnCodeBuilder(prog)
    code.append("x = 1\n")
    code.add_import("sys")
    code.add_from_import("drgn.helpers", "b", "a")
    code.add_from_import("drgn", "cast")
    with code.begin_block("if x:\n", "else:\n    pass\n"):
        code.append("y = 2\n\nz = 3\n")
    with code.begin_retry_loop_if_live(3):
        code.append("q()\n")
    expected = (
        "import sys\n\nfrom drgn import cast\nfrom drgn.helpers import a, b\n\n\n"
        "x = 1\nif x:\n    y = 2\n\n    z = 3\nelse:\n    pass\nq()\n"
    )
    assert code.get() == expected
    code.print()
    assert capsys.readouterr().out == expected
    assert code.has_declaration("x")
    assert code.has_declaration("y")
    assert not code.has_declaration("q")
    code.begin_block("if 0:\n")
    with pytest.raises(AssertionError, match="a block is not ended"):
        code.get()
    code.append("pass\n")
    code.end_block()
    assert code.get() == expected + "if 0:\n    pass\n"
    with pytest.raises(ValueError, match="innermost"):
        outer = code.begin_block("if 1:\n")
        code.begin_block("if 2:\n")
        outer.end()
    with pytest.raises(ValueError, match="code does not end with newline"):
        code.begin_block("if 3:")


def test_options_are_not_abbreviated_and_their_help_is_filled(prog: Program) -> None:
    namespace = CommandNamespace()

    @command(
        description="wordy",
        arguments=(argument("--wide", action="store_true", help="a\nb\n\nc"),),
        namespace=namespace,
    )
    def _cmd_wordy(prog: Program, name: str, args: Any, **kwargs: Any) -> bool:
        return bool(args.wide)

    assert namespace.run(prog, "wordy --wide") is True
    with pytest.raises(CommandArgumentError, match="unrecognized arguments: --wid"):
        namespace.run(prog, "wordy --wid")
    text = namespace.lookup(prog, "wordy").format_help()
    assert [line.strip() for line in text.splitlines()] == [
        "options:",
        "--wide  a b",
        "",
        "c",
    ]


def test_help(prog: Program, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(prog, "help")
    lines = capsys.readouterr().out.splitlines()
    assert "py      execute a python statement and allow shell redirection" in lines
    assert lines == sorted(lines)
    run_command(prog, "help source")
    text = capsys.readouterr().out
    assert text.startswith("usage: source script ...\n\nrun a drgn script\n\n")
    assert "script file path" in text
    with pytest.raises(CommandNotFoundError, match="nothing: command not found"):
        run_command(prog, "help nothing")


def test_help_is_as_wide_as_the_terminal(
    prog: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = CommandNamespace()

    @command(
        description="wide",
        long_description="one two three four five\n\n\nseven\neight\n\n  as it is\n",
        arguments=(
            argument("-n", default=5, help="%(default)s of 100% and more of it"),
        ),
        namespace=namespace,
    )
    def _cmd_wide(prog: Program, name: str, args: Any, **kwargs: Any) -> None:
        pass

    monkeypatch.setenv("COLUMNS", "24")
    wide = namespace.lookup(prog, "wide")
    assert wide.format_help(indent="> ") == (
        "> one two three four\n> five\n\n> seven eight\n\n>   as it is\n\n"
        "> options:\n>   -n N\n>     %(default)s of\n>     100% and more of\n>     it"
    )
