"""The prompt on a terminal: Python's own, and IPython's."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Terminal

PACKAGE = "ipython>=8"


def ipython_directory() -> Path | None:
    """Where IPython is if the environment has none: installed once, outside of it.

    An environment with IPython has another prompt, which is not for the other tests.
    """
    if importlib.util.find_spec("IPython") is not None:
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(cache) / "pydrgn-ipython"
    if not (directory / "IPython").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", directory]
        result = subprocess.run([*pip, PACKAGE], capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"no IPython: {(result.stderr.splitlines() or ['pip'])[-1]}")
    return directory


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """``prompt(code, **environment)`` -> the terminal of code that runs a prompt."""
    opened = []

    def prompt(code: str, **environment: str) -> Terminal:
        script = tmp_path / "prompt.py"
        script.write_text(code)
        variables = {
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            **environment,
        }
        terminal = Terminal([sys.executable, str(script)], variables)
        opened.append(terminal)
        return terminal

    yield prompt
    for terminal in opened:
        terminal.close()


RUN = """\
import drgn, sys
from drgn.cli import run_interactive

prog = drgn.Program(drgn.Platform(drgn.Architecture.X86_64))

def names(names):
    given = drgn.Object(prog, "int", 5)
    return {**names, "given": given, "several": [given]}

run_interactive(prog, lambda text: "Hello", names)
print("left", sys.displayhook is sys.__displayhook__, "" not in sys.path)
try:
    drgn.get_default_prog()
except drgn.NoDefaultProgramError:
    print("no default program")
"""


def test_plain_prompt(
    prompt: Callable[..., Terminal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside.py").write_text("it = 'here'\n")
    monkeypatch.chdir(tmp_path)
    terminal = prompt(RUN, PYDRGN_PROMPT="python")
    assert terminal.until(">>> ").strip() == "Hello"
    for line, shown in (
        ("given", "(int)5"),
        ("prog.type('long')", "long"),
        ("_", "long"),
        ("%sh exit 3", ""),
        ("_", "3"),
        ("%sh echo $((40 + 2))", "42"),
        ("%nope", "drgn: nope: command not found"),
        ("drgn.get_default_prog() is prog", "True"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (
            "prog.type('struct nope')",
            "Traceback (most recent call last):\n"
            '  File "<console>", line 1, in <module>\n'
            "LookupError: could not find 'struct nope'\n",
        ),
        ("escape_ascii_string(b'a')", "'a'"),
        ("import beside; beside.it", "'here'"),
    ):
        terminal.write(line + "\n")
        said = terminal.until(">>> ").replace("\r", "").replace(line, "", 1)
        assert shown in said
    for typed, completed in (
        ("double_quote_asc", "double_quote_ascii_string("),
        ("several[0].bit_off", "several[0].bit_offset_"),
        ("%py several[0].bit_off", "%py several[0].bit_offset_"),
        ("%sour", "%source"),
        ("%help sour", "%help source"),
        ("%source bes", "%source beside.py"),
        ("%sh cat ./bes", "%sh cat ./beside.py"),
        ("%help > bes", "%help > beside.py"),
    ):
        terminal.write(f"{typed}\t")
        terminal.until(completed)
        terminal.write("\x15\n")
    terminal.write("\x04")
    assert "left True True" in terminal.until("no default program")
    assert terminal.status() == 0
    history = (tmp_path / ".local/state/drgn/history").read_text()
    assert "%sh echo $((40 + 2))" in history


def ipython_variables() -> dict[str, str]:
    directory = ipython_directory()
    return {} if directory is None else {"PYTHONPATH": str(directory)}


def test_ipython(prompt: Callable[..., Terminal]) -> None:
    terminal = prompt(RUN, IPY_TEST_SIMPLE_PROMPT="1", **ipython_variables())
    banner = terminal.until("In [1]: ")
    assert "Hello" in banner and "Tip: " not in banner
    for number, (line, shown) in enumerate(
        (
            ("given", "(int)5"),
            ("prog.type('long')", "long"),
            ("%sh echo $((40 + 2))", "42"),
            # Its own commands are there too.
            ("%whos str", "No variables match"),
            ("%nope", "`%nope` not found"),
            ("prog.type('struct nope')", "LookupError: could not find 'struct nope'"),
            ("%py print(1) | exit 3", "drgn: 'exit 3' exited with status 3"),
            ("%help nope", "drgn: nope: command not found"),
            ("drgn.get_default_prog() is prog", "True"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("def f(): return escape_ascii_string(b'abc')\n", ""),
            ("f()", "'abc'"),
            ("get_ipython().complete('double_q')", "double_quote_ascii_string"),
        ),
        2,
    ):
        terminal.write(line + "\n")
        said = terminal.until(f"In [{number}]: ").replace(line, "", 1)
        assert shown in said
        assert "lookups.py" not in said
    terminal.write("exit\n")
    assert "left True" in terminal.until("no default program")
    assert terminal.status() == 0


def test_ipython_on_a_full_terminal(prompt: Callable[..., Terminal]) -> None:
    terminal = prompt(
        RUN, TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", **ipython_variables()
    )
    terminal.until("In [1]: ")
    terminal.write("%sh echo $((40 + 2))\r")
    terminal.until("42\r\n")
    terminal.write("given\r")
    terminal.until("(int)5")
    terminal.until("In [3]: ")
    terminal.write("\x04")
    assert "left True" in terminal.until("no default program")
    assert terminal.status() == 0
