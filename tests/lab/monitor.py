"""A monitor (QMP) of a guest."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

from .packages import GuestError


class Monitor:
    """The client of a monitor; a context manager that ends the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rw", buffering=1)
        self._file.readline()  # the greeting
        self.execute("qmp_capabilities")

    @classmethod
    def connect(cls, path: str) -> Monitor:
        """Connect to a Unix socket that nobody else uses."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return cls(connection)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._socket.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command and return what it answers."""
        message = {"execute": command, "arguments": arguments}
        self._file.write(json.dumps(message) + "\n")
        while True:
            line = self._file.readline()
            if not line:
                raise GuestError(f"QEMU went away during {command}")
            answer = json.loads(line)
            if "error" in answer:
                raise GuestError(f"QMP {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def dump(self, path: Path, format: str = "elf") -> None:
        """``dump-guest-memory``: ELF, or kdump-zlib and such, written flattened."""
        self.execute(
            "dump-guest-memory", paging=False, protocol=f"file:{path}", format=format
        )
        path.chmod(0o644)
