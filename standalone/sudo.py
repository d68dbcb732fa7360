"""Opening a file that only root may read, as another user: by sudo."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

_PROMPT = "[sudo] password for %p, to open {} for drgn: "

# What runs as root: its standard input is a socket, over which it sends the descriptor
# of the file that its arguments are about, or the number of the error that it met.
_HELPER = """
import os, socket, sys
with socket.socket(fileno=0) as out:
    try:
        fd = os.open(sys.argv[1], *map(int, sys.argv[2:]))
    except OSError as error:
        out.send(str(error.errno).encode())
    else:
        socket.send_fds(out, [b"0"], [fd])
"""


def can_open_as_root() -> bool:
    """Whether there is a sudo that would help."""
    return os.geteuid() != 0 and shutil.which("sudo") is not None


def open_as_root(path: str, flags: int = os.O_RDONLY, mode: int = 0o777) -> int:
    """A descriptor of a file, opened as by ``os.open()``, by a process under sudo.

    sudo asks for the password on the terminal. Raises OSError if root cannot open the
    file, PermissionError if sudo does not let the user be root.
    """
    ours, theirs = socket.socketpair()
    with ours:
        prompt = _PROMPT.format(path.replace("%", "%%"))
        python = (sys.executable, "-I", "-S", "-c", _HELPER)
        how = (path, str(flags), str(mode))
        command = ("sudo", "-p", prompt, "--", *python, *how)
        with theirs, subprocess.Popen(command, stdin=theirs.fileno()) as child:
            # Then the end of the last process that has it is the end of the stream.
            theirs.close()
            answer, descriptors, _, _ = socket.recv_fds(ours, 16, 1)
            child.wait()
    if descriptors:
        os.set_inheritable(descriptors[0], False)
        return descriptors[0]
    if answer:
        number = int(answer)
        raise OSError(number, os.strerror(number), path)
    raise PermissionError(f"sudo: could not open {path}")
