"""A program on a terminal of its own, as a person would see it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
from collections.abc import Mapping, Sequence

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A process with the terminal, which `close()` ends."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if not self.pid:
            # What a shell starts in the background, or nohup, ignores these.
            for number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
                signal.signal(number, signal.SIG_DFL)
            os.execve(argv[0], list(argv), environment)
        self._seen = ""
        self.escapes = False
        """Whether colors and movements of the cursor are kept in what is seen."""

    def write(self, text: str) -> None:
        """Type a text."""
        os.write(self.fd, text.encode())

    def until(self, text: str) -> str:
        """What is printed up to ``text``, which must come within two minutes.

        Colors and movements of the cursor are left out, unless `escapes`.
        """
        while text not in self._seen:
            ready, _, _ = select.select([self.fd], [], [], 120)
            assert ready, self._seen
            try:
                self._seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"ended after {self._seen!r}") from None
            if not self.escapes:
                self._seen = _ESCAPE.sub("", self._seen)
        before, _, self._seen = self._seen.partition(text)
        return before

    def status(self) -> int:
        """The exit status of the process, which must end by itself in two minutes."""
        try:
            while True:
                ready, _, _ = select.select([self.fd], [], [], 120)
                assert ready, "it did not end"
                if not os.read(self.fd, 65536):
                    break
        except OSError:
            pass  # It has ended.
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
