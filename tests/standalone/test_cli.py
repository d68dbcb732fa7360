"""The command line: targets, scripts, code, messages and exit codes."""

from __future__ import annotations

import os
import py_compile
import signal
import subprocess
import sys
import zipapp
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from dump_builders import kdump
from terminal import Terminal

PROGRAM = """
#include <unistd.h>
struct foo { int a; char b[4]; } g = { 1, "abc" };
int main(void)
{
    write(1, "x", 1);
    for (;;)
        pause();
}
"""


CORE = 'error: {} is a core dump\nDid you mean "-c {}"?\n'


def drgn(*args: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drgn", *map(str, args)],
        capture_output=True,
        text=True,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        timeout=120,
    )


@pytest.fixture(scope="module")
def process(compile_c: Callable[..., Path]) -> Iterator[int]:
    """A process of the program, past its start."""
    with subprocess.Popen([compile_c(PROGRAM, "-g")], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        yield child.pid
        child.kill()


def test_code(process: int) -> None:
    result = drgn("-q", "-p", process, "-e", "print(prog['g'])")
    assert result.stdout == (
        '(struct foo){\n\t.a = (int)1,\n\t.b = (char [4])"abc",\n}\n'
    )
    assert (result.stderr, result.returncode) == ("", 0)


def test_code_has_the_default_globals(process: int) -> None:
    code = (
        "print(__name__, sizeof(prog['g']), drgn.Object is Object,"
        " escape_ascii_string(b'a\\n', escape_backslash=True))\n"
        "def f(): return double_quote_ascii_string\n"
        "print(f().__name__)\n"
        "import sys; print(sys.argv)"
    )
    result = drgn("-q", "-p", process, "-e", code, "x", "-y")
    assert result.stdout == (
        "__main__ 8 True a\\n\ndouble_quote_ascii_string\n['-e', 'x', '-y']\n"
    )


def test_script(process: int, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("value = 5\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, neighbour\n"
        "from drgn import get_default_prog\n"
        "print(sys.argv[1:], __name__, __file__ == sys.argv[0], neighbour.value)\n"
        "print(prog['g'].a, get_default_prog() is prog)\n"
        "print(sys.modules['__main__'].prog is prog)\n"
    )
    result = drgn("-q", "-p", process, script, "-q", "b")
    assert result.stdout == ("['-q', 'b'] __main__ True 5\n(int)1 True\nTrue\n")
    assert result.returncode == 0


def test_packed_scripts(process: int, tmp_path: Path) -> None:
    source = tmp_path / "__main__.py"
    source.write_text(
        "import sys\n"
        "import beside\n"
        "print(sys.argv[1:], __name__, prog['g'].a, beside.value)\n"
    )
    (tmp_path / "beside.py").write_text("value = 5\n")
    archive = tmp_path.with_name("archive")
    zipapp.create_archive(tmp_path, archive, "/usr/bin/env drgn")
    compiled = tmp_path / "compiled"
    py_compile.compile(str(source), str(compiled))
    for path in archive, compiled:
        result = drgn("-q", "-p", process, path, "-q", "b")
        assert result.stdout == "['-q', 'b'] __main__ (int)1 5\n", result.stderr
    compiled.write_bytes(compiled.read_bytes()[:40])
    result = drgn("-q", "-p", process, compiled)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.startswith("SyntaxError: source code string cannot contain")


def test_standard_input(process: int) -> None:
    result = drgn("-q", "-p", process, input="print(prog['g'].a)\nprog['g'].a\n")
    assert (result.stdout, result.returncode) == ("(int)1\n", 0)


@pytest.mark.parametrize(
    ("code", "status"),
    [("import sys; sys.exit(7)", 7), ("raise SystemExit", 0), ("exit()", 0)],
)
def test_exit_status(process: int, code: str, status: int) -> None:
    result = drgn("-q", "-p", process, "-e", code)
    assert (result.stdout, result.stderr, result.returncode) == ("", "", status)


def test_helpers_are_seen_before_they_are_imported(process: int) -> None:
    code = "print('print_table' in globals(), globals().get('print_table').__name__)"
    result = drgn("-q", "-p", process, "-e", code)
    assert result.stdout == "True print_table\n"


def test_exceptions_that_the_user_was_handling_are_shown_before(
    process: int, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "try:\n    prog.type('struct nothing')\n"
        "except LookupError:\n    prog['nothing']\n"
    )
    result = drgn("-q", "-p", process, script)
    lines = [line for line in result.stderr.splitlines() if set(line) - set(" ^~")]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{script}", line 2, in <module>',
        "    prog.type('struct nothing')",
        "LookupError: could not find 'struct nothing'",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        f'  File "{script}", line 4, in <module>',
        "    prog['nothing']",
        "_drgn.ObjectNotFoundError: could not find 'nothing'",
    ]


def test_exception_shows_the_users_code_only(process: int, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f():\n    1 / 0\nprint('before')\nf()\n")
    result = drgn("-q", "-p", process, script)
    assert (result.stdout, result.returncode) == ("before\n", 1)
    files = [line for line in result.stderr.splitlines() if "File" in line]
    assert files == [
        f'  File "{script}", line 4, in <module>',
        f'  File "{script}", line 2, in f',
    ]
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_syntax_error(process: int) -> None:
    result = drgn("-q", "-p", process, "-e", "print(5")
    assert result.returncode == 1
    assert result.stderr.startswith('  File "<string>", line 1\n')
    assert result.stderr.endswith("SyntaxError: '(' was never closed\n")


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (
            ["-c", "/no/such"],
            1,
            "[Errno 2] No such file or directory: '/no/such'",
        ),
        (["-c", "/etc"], 1, "[Errno 21] Is a directory: '/etc'"),
        (["-c", "/etc/passwd"], 1, "error: not an ELF core file"),
        (["-p", "999999999"], 1, "No such file or directory"),
        (["-c", "/etc/passwd", "-p", "1"], 2, "not allowed with argument"),
        (["--no-such-option"], 2, "unrecognized arguments: --no-such-option"),
        (["-p", str(os.getpid()), "/no/such.py"], 1, "'/no/such.py'"),
        (["-p", str(os.getpid()), "/tmp"], 1, "[Errno 21] Is a directory: '/tmp'"),
        (
            ["-p", str(os.getpid()), "--try-symbols-by", "kmod", "-e", "1"],
            2,
            "error: argument --try-symbols-by: invalid option: 'kmod'",
        ),
    ],
)
def test_bad_command_line(args: list[str], status: int, message: str) -> None:
    result = drgn(*args)
    assert result.stdout == ""
    assert result.returncode == status
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"\x7fELF\2\1\1" + bytes(9) + b"\4\0", CORE),
        (b"\x7fELF\1\2\1" + bytes(9) + b"\0\4", CORE),
        (b"KDUMP   " + bytes(10), CORE),
        (b"makedumpfile" + bytes(10), CORE),
        (b"\x7fELF\2\1\1" + bytes(9) + b"\3\0", "error: {} is a binary, not a drgn"),
        (b"\x7fELF", "SyntaxError"),
    ],
)
def test_files_that_are_no_scripts(start: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(start)
    result = drgn("-q", "-p", os.getpid(), "--no-default-symbols", path)
    assert result.returncode == 1
    assert message.format(path, path) in result.stderr


def test_missing_symbols_are_told_unless_quiet(process: int) -> None:
    args = ["-p", process, "-s", "/no/such", "-e", "1"]
    loud = drgn(*args)
    assert "warning: /no/such: No such file or directory; ignoring" in loud.stderr
    assert loud.returncode == 0
    assert drgn("-q", *args).stderr == ""
    assert drgn("--log-level", "none", *args).stderr == ""


@pytest.mark.parametrize("no_color", ["", "1"])
def test_messages_are_in_color_on_a_terminal(
    tmp_path: Path, process: int, no_color: str
) -> None:
    code = (
        "import logging\n"
        "log = logging.getLogger('drgn').log\n"
        "for level in (10, 20, 30, 40, 50, 35): log(level, 'm')\n"
        "logging.getLogger('drgn.sub').warning('m')\n"
        "print('end')"
    )
    terminal = Terminal(
        [sys.executable, "-m", "drgn", "--no-default-symbols", "--log-level", "info",
         "-p", str(process), "-e", code],
        {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "NO_COLOR": no_color},
    )  # fmt: skip
    terminal.escapes = True
    shown = terminal.until("end").splitlines()[-6:]
    terminal.close()
    colored = [
        "\033[32minfo:\033[m m",
        "\033[33mwarning:\033[m m",
        "\033[31merror:\033[m m",
        "\033[31;1mcritical:\033[0;1m m\033[m",
        "Level 35: m",
        "\033[33mwarning:\033[mdrgn.sub: m",
    ]
    plain = [
        "info: m",
        "warning: m",
        "error: m",
        "critical: m",
        "Level 35: m",
        "warning:drgn.sub: m",
    ]
    assert shown == (plain if no_color else colored)


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("prog['nope']", ["in <module>", "_drgn.ObjectNotFoundError: could not find"]),
        ("prog.read(1, 1)", ["in <module>", "_drgn.FaultError: could not read"]),
        ("symboll", ["in <module>", "NameError: name 'symboll' is not defined"]),
        (
            "comm = drgn.TypeMember(prog.int_type('int', 4, True), 'comm');"
            "Object(prog, prog.struct_type('s', 4, [comm]), {}).comn",
            [
                "in <module>",
                "AttributeError: 'struct s' has no member 'comn'. Did you mean: 'comm'",
            ],
        ),
        # The engine uses the standard library, whose frames are none of the user's.
        (
            "prog.stack_trace(99999999)",
            ["in <module>", "LookupError: thread not found"],
        ),
        ("prog.type('int [')", ["in <module>", "SyntaxError: expected ']'"]),
        (
            "Object(prog, prog.float_type('f', 16), 0)",
            ["in <module>", "NotImplementedError: float values which"],
        ),
        (
            "drgn.Objct",
            [
                "in <module>",
                "AttributeError: module 'drgn' has no attribute 'Objct'. "
                "Did you mean: 'Object'",
            ],
        ),
        # Not of the asking.
        ("prog.type(5)", ["engine/", "TypeError: "]),
    ],
)
def test_tracebacks_end_in_the_users_code(
    process: int, code: str, ends: list[str]
) -> None:
    result = drgn("-q", "-p", process, "-e", code)
    assert result.returncode == 1
    *_, frame, error = (
        line for line in result.stderr.splitlines() if not line.startswith("    ")
    )
    assert ends[0] in frame
    assert error.startswith(ends[1])


def test_missing_libraries(tmp_path: Path) -> None:
    """Python without its site-packages has none of the libraries."""
    dump = tmp_path / "vmcore"
    dump.write_bytes(kdump({1: bytes(4096)}))
    code = "prog.read(0x1000, 8, physical=True)"

    def run(*args: object) -> list[str]:
        result = subprocess.run(
            [sys.executable, "-S", "-m", "drgn", "-q", *map(str, args)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 1
        return result.stderr.splitlines()

    assert run("-c", dump, "-e", code) == [
        "Traceback (most recent call last):",
        '  File "<string>", line 1, in <module>',
        "ModuleNotFoundError: No module named 'deflate'",
    ]
    assert run("--gdb") == [
        "error: No module named 'pygdbmi': is pydrgn installed with all it needs?"
    ]


def test_what_a_wrong_name_may_have_meant(process: int) -> None:
    for code, meant in (("lenn", "len"), ("prog.symboll", "symbol")):
        result = drgn("-q", "-p", process, "-e", code)
        assert result.stderr.endswith(f"Did you mean: '{meant}'?\n")


def test_scripts_have_their_own_way_with_exceptions(process: int) -> None:
    hook = "import sys; sys.excepthook = lambda type, *_: print(type.__name__)"
    result = drgn("-q", "-p", process, "-e", f"{hook}; 1 / 0")
    assert (result.stdout, result.stderr) == ("ZeroDivisionError\n", "")
    assert result.returncode == 1


def test_symbol_options(process: int) -> None:
    code = (
        "o = prog.debug_info_options\n"
        "print(o.directories, o.kernel_directories, o.try_build_id, o.try_kmod.name)\n"
        "print(prog.enabled_debug_info_finders())"
    )
    result = drgn(
        "-q", "-p", process, "--debug-directory", "/d", "--kernel-directory", "/k",
        "--no-default-kernel-directories", "--no-symbols-by", "build-id,debuginfod",
        "--try-symbols-by", "kmod=walk", "-e", code,
    )  # fmt: skip
    assert result.stdout == (
        "('/d', '/usr/lib/debug') ('/k',) False WALK\n['standard']\n"
    )


@pytest.mark.parametrize(
    ("options", "finders"),
    [
        (["--no-symbols-by", "standard"], ["debuginfod"]),
        (["--no-symbols-by", "standard", "--try-symbols-by", "standard"],
         ["standard", "debuginfod"]),
        (["--try-symbols-by", "standard", "--no-symbols-by", "standard"],
         ["debuginfod"]),
    ],
)  # fmt: skip
def test_finders_keep_their_order(
    process: int, options: list[str], finders: list[str]
) -> None:
    code = "print(prog.enabled_debug_info_finders())"
    result = drgn("-q", "-p", process, "--no-default-symbols", *options, "-e", code)
    assert result.stdout == f"{finders}\n"


def test_interrupted_scripts_end_by_the_signal(process: int) -> None:
    code = "import atexit; atexit.register(print, 'end'); raise KeyboardInterrupt"
    result = drgn("-q", "-p", process, "-e", code)
    assert result.returncode == -signal.SIGINT
    assert result.stdout == "end\n"
    assert result.stderr.endswith("\nKeyboardInterrupt\n")
    assert result.stderr.count("KeyboardInterrupt") == 1


@pytest.mark.parametrize("command", ["cli", "crash_cli"])
def test_interrupted_at_the_start(command: str) -> None:
    """Before there is a program, and before the code of a user."""
    code = f"""
import sys, drgn.standalone.{command} as command, drgn.standalone.streams as streams
def interrupt():
    raise KeyboardInterrupt
streams.open_closed = interrupt
command.main(["-p", "0"])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("command", ["drgn", "drgn_crash"])
def test_interrupted_while_it_is_imported(command: str) -> None:
    """Ctrl-C ends that without a word; where it is ignored, it is."""
    code = f"""
import os, signal, sys, pydrgn_start
class Finder:
    def find_spec(name, path, target=None):
        if name == "drgn":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
sys.argv[1:] = ["--help"]
{{}}
pydrgn_start.{command}()
"""
    # What a shell starts in the background ignores Ctrl-C from the start.
    listening = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    ignoring = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    for line, status in (listening, -signal.SIGINT), (ignoring, 0):
        result = subprocess.run(
            [sys.executable, "-c", code.format(line)], capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (status, "")
        assert bool(result.stdout) == (status == 0)


def test_interrupt_shows_the_code_of_the_user(process: int) -> None:
    """Not where in the engine it has come."""
    code = (
        "import signal; g = prog['g']; g.a\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "while True: g.a"
    )
    result = drgn("-q", "-p", process, "-e", code)
    assert result.stderr.splitlines()[:-1] == [
        "Traceback (most recent call last):",
        '  File "<string>", line 4, in <module>',
    ]


def test_typed_bytes_that_are_no_text(process: int) -> None:
    """A line, and the prompt goes on."""
    environment = {
        **os.environ,
        "TERM": "dumb",
        "PYDRGN_PROMPT": "python",
        "PYTHONIOENCODING": "ascii",
    }
    argv = [sys.executable, "-m", "drgn", "-q", "-p", str(process)]
    terminal = Terminal(argv, environment)
    try:
        terminal.until("common import *\r\n>>> ")
        terminal.write("'\xe9'\n")
        assert "error: 'ascii' codec can't decode" in terminal.until("\n>>> ")
        terminal.write("6 * 7\n")
        terminal.until("42")
    finally:
        terminal.close()


def test_version() -> None:
    result = drgn("--version")
    python = ".".join(map(str, sys.version_info[:3]))
    pydrgn = metadata.version("pydrgn")
    assert result.stdout == f"drgn 0.3.0 (using Python {python}, pydrgn {pydrgn})\n"
    assert result.returncode == 0


def test_scripts_see_the_version_of_the_api(process: int) -> None:
    code = "import drgn; print(drgn.__version__)"
    assert drgn("-q", "-p", process, "-e", code).stdout == "0.3.0\n"


def test_broken_pipe(process: int) -> None:
    code = "for i in range(100000): print(i)"
    command = [sys.executable, "-m", "drgn", "-q", "-p", str(process), "-e", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(timeout=60) == 1


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("print(1)", 1, "error: [Errno 28] No space left on device\n"),
        ("print(1); exit()", 1, "error: [Errno 28] No space left on device\n"),
        ("print(1); exit(7)", 7, ""),
        ("print(1); exit('bye')", 1, "bye\n"),
        (
            "print(1); {}['x']",
            1,
            'Traceback (most recent call last):\n  File "<string>", line 1, in <module>'
            "\nKeyError: 'x'\n",
        ),
    ],
)
def test_full_disk(process: int, code: str, status: int, message: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "drgn", "-q", "-p", str(process), "-e", code],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
    assert (result.returncode, result.stderr) == (status, message)


@pytest.mark.parametrize(
    "code",
    ["sys.stdout.close()", "sys.stdout = None", "sys.stdout = io.StringIO(); print(1)"],
)
def test_other_output(process: int, code: str) -> None:
    result = drgn("-q", "-p", process, "-e", f"import io, sys; {code}")
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_unknown_methods_are_warned_of() -> None:
    result = drgn("-p", str(os.getpid()), "--no-default-symbols", "--try-symbols-by",
                 "one,two", "--no-symbols-by", "three,one", "-e", "1")  # fmt: skip
    assert result.returncode == 0
    assert result.stderr == (
        "warning: no matching debugging information finders or options for"
        " 'one', 'two', or 'three'\n"
    )


def test_loggers_are_named() -> None:
    code = (
        "import logging\n"
        "for name in 'drgn', 'drgn.plugins', 'x': logging.getLogger(name).warning('m')"
    )
    result = drgn("-p", str(os.getpid()), "--no-default-symbols", "-e", code)
    assert result.stderr == "warning: m\nwarning:drgn.plugins: m\nwarning:x: m\n"


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("option", ["", "-e"])
def test_closed_streams(closed: str, option: str, tmp_path: Path) -> None:
    """No file that is opened gets the number of a stream."""
    code = f"file = open({str(tmp_path / 'opened')!r}, 'w'); assert file.fileno() > 2"
    argv = [sys.executable, "-m", "drgn", "-q", "-p", "0"]
    if option:
        argv += [option, code]
    result = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *argv],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "opened").exists() == bool(option)
