"""The client of a QEMU monitor (QEMU's docs/interop/qmp-spec)."""

from __future__ import annotations

import array
import json
import os
import re
import socket
import struct
import time
from typing import Any

_TCP = re.compile(r"([^./].*)?:([1-9][0-9]{0,4})")
_TIMEOUT = 30  # seconds
_LINE_MAX = 1 << 26
_PIECE = 1 << 16


class Monitor:
    """A connection to a QMP socket.

    ``address`` is ``host:port``, the path of a UNIX socket or a file descriptor.
    Raises OSError if it cannot be opened and ValueError if it is no QMP socket.
    """

    def __init__(self, address: str | int) -> None:
        self.address = address
        self._socket = _connect(address)
        self._received = bytearray()
        if "QMP" not in self._receive(time.monotonic() + _TIMEOUT):
            raise ValueError(f"{address}: not a QMP socket")
        self.execute("qmp_capabilities")

    def execute(
        self,
        command: str,
        arguments: dict[str, Any] | None = None,
        fd: int | None = None,
    ) -> Any:
        """Run a command, with a descriptor to pass, and return its answer.

        Raises ValueError with what QEMU says if it fails.
        """
        message = {"execute": command, "arguments": arguments or {}}
        data = json.dumps(message).encode() + b"\n"
        self._socket.settimeout(_TIMEOUT)
        try:
            if fd is None:
                self._socket.sendall(data)
            else:
                rights = array.array("i", [fd])
                control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
                self._socket.sendmsg([data], control)
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._lost(error) from None
        deadline = time.monotonic() + _TIMEOUT
        while True:  # Events come between.
            answer = self._receive(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                problem = answer["error"]
                if isinstance(problem, dict):
                    problem = problem.get("desc")
                raise ValueError(f"{self.address}: {problem}")

    def human(self, command: str) -> str:
        """Run a command of the human monitor and return its text."""
        text = self.execute("human-monitor-command", {"command-line": command})
        return str(text)

    def _receive(self, deadline: float) -> dict[str, Any]:
        try:
            line = self._line(deadline)
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._lost(error) from None
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            reason = "not a QMP socket" if line else "connection was closed"
            raise ValueError(f"{self.address}: {reason}") from None
        if not isinstance(message, dict):
            raise ValueError(f"{self.address}: not a QMP socket")
        return message

    def _line(self, deadline: float) -> bytes:
        """The next line, or what there is of it; TimeoutError after ``deadline``."""
        end = self._received.find(b"\n") + 1
        while not end and len(self._received) < _LINE_MAX:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            piece = self._socket.recv(_PIECE)
            if not piece:
                break
            known = len(self._received)
            self._received += piece
            end = self._received.find(b"\n", known) + 1
        end = end or len(self._received)
        line = bytes(self._received[:end])
        del self._received[:end]
        return line

    def _silent(self) -> TimeoutError:
        # QEMU serves one client at a time.
        return TimeoutError(f"{self.address}: no answer within {_TIMEOUT} s")

    def _lost(self, error: OSError) -> OSError:
        """The error of a broken connection, with the address of the socket."""
        return OSError(error.errno, error.strerror, str(self.address))

    @property
    def is_unix(self) -> bool:
        """Whether descriptors can be passed."""
        return self._socket.family == socket.AF_UNIX

    def peer(self) -> int | None:
        """The process at the other end, None if it is not on this machine."""
        if not self.is_unix:
            return None
        size = struct.calcsize("3i")
        data = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid: int = struct.unpack("3i", data)[0]
        return pid or None


def _connect(address: str | int) -> socket.socket:
    if isinstance(address, int):
        return socket.socket(fileno=os.dup(address))
    if not isinstance(address, str):
        raise TypeError(f"address must be str or int, not {type(address).__name__}")
    tcp = _TCP.fullmatch(address)
    try:
        if tcp is not None and int(tcp[2]) < 1 << 16:
            return socket.create_connection((tcp[1] or "localhost", int(tcp[2])))
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
    except socket.gaierror as error:
        raise OSError(f"{address}: {error.strerror}") from None
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), address) from None
    return connection
