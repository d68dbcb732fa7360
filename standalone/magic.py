"""What a file is by its first bytes, where a user may have named a wrong one."""

from __future__ import annotations

from enum import Enum, auto

# What a kernel's dump begins with, besides ELF, whose header says what it is.
_DUMPS = (b"KDUMP   ", b"DISKDUMP", b"makedumpfile")
_ELF = b"\x7fELF"
_ET_CORE = 4


class Magic(Enum):
    """The kinds of files that are told apart."""

    DUMP = auto()
    """A core dump, of a kernel or a process."""
    BINARY = auto()
    """A program or a library."""


def magic_of(path: str) -> Magic | None:
    """What a file is; None if it is neither. Raises OSError."""
    with open(path, "rb") as file:
        start = file.read(18)
    if start.startswith(_DUMPS):
        return Magic.DUMP
    if not start.startswith(_ELF) or len(start) < 18:
        return None
    e_type = int.from_bytes(start[16:18], "big" if start[5] == 2 else "little")
    return Magic.DUMP if e_type == _ET_CORE else Magic.BINARY
