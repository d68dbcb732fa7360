"""The prompt on GDB's terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"


class Terminal:
    """GDB on a terminal of its own."""

    def __init__(self, gdb: str, environment: dict[str, str], *argv: str) -> None:
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execve(gdb, [gdb, "-nx", "-q", *argv], environment)
        self._seen = ""

    def write(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, text: str) -> str:
        """What is printed up to ``text``, which must come within a minute."""
        while text not in self._seen:
            ready, _, _ = select.select([self.fd], [], [], 60)
            assert ready, self._seen
            self._seen += os.read(self.fd, 65536).decode()
        before, _, self._seen = self._seen.partition(text)
        return before

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(
    gdb_program: str, gdb_variables: dict[str, str], list_program: Path
) -> Iterator[Terminal]:
    environment = {**gdb_variables, "TERM": "dumb"}
    opened = Terminal(gdb_program, environment, "-ex", f"source {LOADER}",
                      str(list_program))  # fmt: skip
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
    terminal.write("kept = 6 * 7\n")
    terminal.until(">>> ")
    terminal.write("exit()\n")
    terminal.until("(gdb) ")
    terminal.write("drgn kept + 1\n")
    assert "43" in terminal.until("(gdb) ")


def test_interrupted_loop(terminal: Terminal) -> None:
    terminal.write("drgn for i in iter(int, 1): print('on') if not i else None\n")
    terminal.until("on\r\non\r\non")
    terminal.write("\x03")
    terminal.until("Quit")
    terminal.write("drgn prog['counter']\n")
    terminal.until("(int)7")
