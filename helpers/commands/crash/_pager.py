"""Scrolling of long output: ``set scroll`` and the pager that it stands for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drgn import Program

if TYPE_CHECKING:
    import subprocess

# The options let a short text end without a question and stay on the screen.
_PAGERS = {"less": "-E -X", "more": "-e"}


def pager_command(name: str) -> str | None:
    """How the pager of a name is run; None if it is not installed."""
    program = shutil.which(name)
    if program is None or (name == "more" and not _takes_e(program)):
        return program
    return f"{program} {_PAGERS[name]}"


def _takes_e(more: str) -> bool:
    """Whether a ``more`` knows ``-e``. util-linux's does since 2.38, and wants it;
    others end where the text ends, and refuse it."""
    import subprocess

    nothing = subprocess.DEVNULL
    return not subprocess.call(
        [more, "-e"], stdin=nothing, stdout=nothing, stderr=nothing
    )


def chosen_pager(prog: Program) -> str | None:
    """How the chosen pager is run, by default the first that is installed."""
    if "crash_pager" not in prog.config:
        found = (pager_command(name) for name in _PAGERS)
        prog.config["crash_pager"] = next((each for each in found if each), None)
    command: str | None = prog.config["crash_pager"]
    return command


def scrolls(prog: Program) -> bool:
    """Whether long output is scrolled."""
    return bool(prog.config.get("crash_scroll", True))


class _Pager:
    """A standard output that starts a pager when something is printed."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def write(self, text: str) -> int:
        if self._process is None:
            import subprocess

            self._process = subprocess.Popen(
                ["sh", "-c", "--", self._command], stdin=subprocess.PIPE, text=True
            )
        assert self._process.stdin is not None
        return self._process.stdin.write(text)

    def flush(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.flush()

    def close(self) -> None:
        """Wait until the user leaves the pager."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        while True:
            try:
                self._process.wait()
            except KeyboardInterrupt:
                continue  # It was for the pager.
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.__stdout__, name)


@contextmanager
def scrolling(prog: Program) -> Iterator[None]:
    """Send what is printed meanwhile to a terminal through the chosen pager.

    A dumb terminal, as an editor's or a log's, scrolls by itself; pagers cannot there.
    """
    command = chosen_pager(prog) if scrolls(prog) else None
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    if command is None or dumb or not sys.stdout.isatty():
        yield
        return
    old = sys.stdout
    old.flush()
    pager = _Pager(command)
    sys.stdout = pager
    try:
        yield
    except BrokenPipeError:
        pass  # The user has seen enough.
    finally:
        sys.stdout = old
        pager.close()
