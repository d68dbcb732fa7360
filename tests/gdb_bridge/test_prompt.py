"""The prompt on GDB's terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"


@pytest.fixture
def terminal(
    gdb_program: str, gdb_variables: dict[str, str], list_program: Path
) -> Iterator[Terminal]:
    environment = {**gdb_variables, "TERM": "dumb"}
    argv = [gdb_program, "-nx", "-q", "-ex", f"source {LOADER}", str(list_program)]
    opened = Terminal(argv, environment)
    opened.until("(gdb) ")
    yield opened
    opened.close()


def test_prompt(terminal: Terminal) -> None:
    terminal.write("drgn\n")
    terminal.until(">>> ")
    terminal.write("prog['counter']\n")
    assert "(int)7" in terminal.until(">>> ")
    terminal.write("%sh echo $((40 + 2))\n")
    assert "42" in terminal.until(">>> ")
    terminal.write("1 / 0\n")
    assert "ZeroDivisionError" in terminal.until(">>> ")
    terminal.write("frame\n")
    shown = terminal.until("LookupError: No frame is currently selected")
    assert "session.py" not in shown
    terminal.write("kept = 6 * 7\n")
    terminal.until(">>> ")
    terminal.write("exit()\n")
    terminal.until("(gdb) ")
    terminal.write("drgn kept + 1\n")
    assert "43" in terminal.until("(gdb) ")


def test_completion(
    gdb_program: str, gdb_variables: dict[str, str], list_program: Path
) -> None:
    """TAB is ours at the prompt, and GDB's before and after."""
    environment = {**gdb_variables, "TERM": "xterm"}
    argv = [gdb_program, "-nx", "-q", "-ex", f"source {LOADER}", str(list_program)]
    terminal = Terminal(argv, environment)
    terminal.until("(gdb) ")
    for typed, completed in (
        ("info brea", "kpoints"),
        ("drgn prog.main_mo", "dule"),
        ("drgn hel", "p"),
        ("info brea", "kpoints"),
    ):
        terminal.write(typed)
        terminal.until(typed)
        terminal.write("\t")
        assert terminal.until(completed) == ""
        terminal.write("\n")
        terminal.until("(gdb) ")
    for prompt, words in (
        ("drgn", [("%he", "lp"), ("kept = prog.main_mo", "dule"), ("isinst", "ance")]),
        ("python-interactive", [("text = prog.main_mo", "dule"), ("isinst", "ance")]),
    ):
        terminal.write(f"{prompt}\n")
        terminal.until(">>> ")
        for typed, completed in words:
            terminal.write(typed)
            terminal.until(typed)
            terminal.write("\t")
            assert terminal.until(completed) == ""
            terminal.write("\n")
            terminal.until(">>> ")
        terminal.write("\x04")  # Ctrl-D.
        terminal.until("(gdb) ")
    terminal.write("info brea")
    terminal.until("info brea")
    terminal.write("\t")
    assert terminal.until("kpoints") == ""
    terminal.close()


def test_interrupted_loop(terminal: Terminal) -> None:
    terminal.write("drgn for i in iter(int, 1): print('on') if not i else None\n")
    terminal.until("on\r\non\r\non")
    terminal.write("\x03")
    terminal.until("Quit")
    terminal.write("drgn prog['counter']\n")
    terminal.until("(int)7")


def test_interrupted_engine(terminal: Terminal) -> None:
    """Ctrl-C in a loop of ours, not of the user's Python."""
    terminal.write("break add\n")
    terminal.until("(gdb) ")
    terminal.write("run\n")
    terminal.until("(gdb) ")
    terminal.write("drgn begun = prog.breakpoint('add', lambda f: None)\n")
    terminal.until("(gdb) ")
    terminal.write(
        "drgn for i in iter(lambda: sum(1 for a in prog.search_memory(b'n', "
        "alignment=1)), 0): print('round')\n"
    )
    terminal.until("round\r\nround")
    terminal.write("\x03")
    terminal.until("Quit")
    terminal.write("drgn prog['counter'], frame.name, begun.hits\n")
    terminal.until("'add'")


def test_interrupted_program(terminal: Terminal) -> None:
    """Ctrl-C stops the program that resume() waits for."""
    terminal.write("break add\n")
    terminal.until("(gdb) ")
    terminal.write("run\n")
    terminal.until("(gdb) ")
    terminal.write("delete\n")
    terminal.until("(y or n) ")
    terminal.write("y\n")
    terminal.until("(gdb) ")
    # A jump to itself: the program never comes to an end.
    terminal.write("drgn prog.write(frame.pc, b'\\xeb\\xfe')\n")
    terminal.until("(gdb) ")
    # What is typed is echoed, and is not what is waited for.
    terminal.write(
        "drgn print('g' + 'o', prog.main_thread().tid); print(prog.resume().signal)\n"
    )
    terminal.until("go ")
    status = Path(f"/proc/{int(terminal.until(chr(13)))}/status")
    while "State:\tR" not in status.read_text():
        time.sleep(0.01)
    terminal.write("\x03")
    terminal.until("SIGINT\r\n")
    terminal.write("drgn frame.name, prog['counter'].value_()\n")
    terminal.until("('add', 7)")
