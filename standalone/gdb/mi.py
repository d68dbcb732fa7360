"""A GDB of our own, driven through its machine interface (GDB's manual, GDB/MI)."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygdbmi.gdbmiparser import parse_response

from drgn.hosts.gdb_process import in_one_line

_SECONDS = 60.0
"""How long GDB may take to answer."""
_QUIT_SECONDS = 3.0
"""How long it may take to leave what Ctrl-C ends, or to end itself."""


class Record(NamedTuple):
    """What GDB says: a result, a notice or text."""

    type: str
    """As pygdbmi has it: ``result``, ``notify``, ``console``, ``done``, ..."""
    message: str | None
    payload: Any
    token: int | None


class GdbError(Exception):
    """GDB could not do what it was told; its own words."""


class GdbLost(OSError):
    """GDB has ended, or does not answer any more."""

    def __str__(self) -> str:
        return "GDB has ended"


class Gdb:
    """A GDB process.

    Commands are answered in turn. What GDB notices besides goes to ``notice``, when a
    command is given or `wait_for` waits, always in the thread that does.
    """

    def __init__(self, arguments: Sequence[str], quiet: bool = False) -> None:
        """Start GDB. Raises OSError if there is none, GdbError if it does not start."""
        self._output = _Terminal()
        self._process = subprocess.Popen(
            # Newer GDB's errors have colors.
            ["gdb", "--interpreter=mi3", "-q", "-iex", "set mi-async on",
             "-iex", "set style enabled off",
             "-iex", self._output.setting, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is for us; what runs is interrupted by a command.
            start_new_session=True,
        )  # fmt: skip
        self._records: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._lost = False
        self._token = 0
        self._in_foreground = False
        self.notice: Callable[[Record], None] = lambda record: None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._startup(quiet)

    def _startup(self, quiet: bool) -> None:
        # Reading the symbols of a large program takes its time.
        while True:
            record = self._next(None)
            if record.type == "done":
                return
            if record.type in ("log", "console"):
                if not quiet:
                    sys.stderr.write(record.payload or "")
            else:
                self._heard(record)

    def _read(self) -> None:
        """Take what GDB says, so that it never waits for us."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip("\r\n")
            if text:
                found = parse_response(text)
                self._records.put(
                    Record(
                        found["type"],
                        found.get("message"),
                        found.get("payload"),
                        found.get("token"),
                    )
                )
        self._records.put(None)

    def _next(self, seconds: float | None) -> Record:
        if self._lost:
            raise GdbLost
        try:
            record = self._records.get(timeout=seconds)
        except queue.Empty:
            raise GdbError("GDB does not answer") from None
        if record is None:
            self._lost = True
            raise GdbLost
        return record

    def _heard(self, record: Record) -> None:
        if record.type == "notify":
            self.notice(record)
        elif record.type == "output":
            # Of a program that shares GDB's own output.
            print(record.payload, flush=True)

    # Commands.

    def command(self, text: str, *, seconds: float | None = _SECONDS) -> dict[str, Any]:
        """Give a command of MI, and return its results.

        Raises GdbError with what GDB says is wrong, GdbLost if it is gone.
        """
        return self._command(text, seconds, None)

    def console(self, text: str, *, seconds: float | None = _SECONDS) -> str:
        """Give a command of GDB's own, and return what it prints."""
        said: list[str] = []
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self._command(f'-interpreter-exec console "{quoted}"', seconds, said)
        return "".join(said)

    def _command(
        self, text: str, seconds: float | None, said: list[str] | None
    ) -> dict[str, Any]:
        self.poll()
        self._token += 1
        self._write(f"{self._token}{text}\n")
        try:
            record = self._answer(seconds, said)
        except KeyboardInterrupt:
            self._process.send_signal(signal.SIGINT)
            try:
                self._answer(_QUIT_SECONDS, said)
            except (GdbError, GdbLost):
                pass  # Whoever asks it next is told.
            raise
        if record.message == "error":
            raise GdbError(in_one_line((record.payload or {}).get("msg", "")))
        return record.payload or {}

    def _answer(self, seconds: float | None, said: list[str] | None) -> Record:
        """The result of the command that was given."""
        while True:
            record = self._next(seconds)
            if record.type == "result" and record.token == self._token:
                break
            if record.type in ("console", "target") and said is not None:
                said.append(record.payload or "")
            else:
                self._heard(record)
        if record.message == "running":
            # GDB's notice of it comes later, and is not waited for.
            self.notice(record)
            self._in_foreground = said is not None
        return record

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            self._lost = True
            raise GdbLost from None

    def poll(self) -> None:
        """Hear what GDB has said since."""
        while not self._records.empty():
            self._heard(self._next(None))

    def wait_for(self, heard: Callable[[], bool]) -> None:
        """Listen to GDB until ``heard()``; KeyboardInterrupt ends it."""
        while not heard():
            # In pieces, for Ctrl-C.
            try:
                record = self._records.get(timeout=1)
            except queue.Empty:
                continue
            if record is None:
                self._lost = True
                raise GdbLost
            self._heard(record)

    def interrupt(self) -> None:
        """Stop the program that runs. Raises GdbError if it cannot be stopped."""
        if self._in_foreground:
            # GDB takes no commands while one of its own lines runs the program.
            self._process.send_signal(signal.SIGINT)
        else:
            self.command("-exec-interrupt --all")

    @property
    def is_there(self) -> bool:
        """Whether GDB runs."""
        return not self._lost and self._process.poll() is None

    def close(self) -> None:
        """End GDB, and what it has started."""
        if self.is_there:
            try:
                self._write("-gdb-exit\n")
                self._process.wait(_QUIT_SECONDS)
            except (GdbLost, subprocess.TimeoutExpired):
                # It takes no commands while the program runs, see interrupt().
                self._process.terminate()
        try:
            self._process.wait(_QUIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # It did not read its last command.
        self._reader.join(1)
        if not self._reader.is_alive():  # Else a program of GDB's has its output.
            self._process.stdout.close()


class _Terminal:
    """Where the program that is debugged reads and writes.

    Our own terminal if we have one; else one of its own, whose output we pass on.
    """

    setting: str
    """The line that tells GDB of it."""

    def __init__(self) -> None:
        self._master: int | None = None
        if os.isatty(0):
            # As inferior-tty it would become the program's controlling terminal, which
            # it cannot, since it is ours, and GDB would say so.
            to = os.ttyname(0)
            script = f'exec "$0" "$@" <{to} >{to} 2>&1'
            self.setting = f"set exec-wrapper sh -c '{script}'"
            return
        self._master, self._slave = os.openpty()
        self.setting = f"set inferior-tty {os.ttyname(self._slave)}"
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def _pass_on(self) -> None:
        assert self._master is not None
        while True:
            try:
                data = os.read(self._master, 4096)
            except OSError:
                return
            if not data:
                return
            sys.stdout.flush()
            sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
            sys.stdout.buffer.flush()

    def close(self) -> None:
        if self._master is not None:
            os.close(self._slave)
            self._thread.join(1)
            os.close(self._master)
            self._master = None
