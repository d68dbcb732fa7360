"""What a file is by its first bytes, where a user may have named a wrong one."""

from __future__ import annotations

# What a kernel's dump begins with, besides ELF, whose header says what it is.
_DUMPS = (b"KDUMP   ", b"DISKDUMP", b"makedumpfile")
_ELF = b"\x7fELF"
_ET_CORE = 4


def is_dump(path: str) -> bool:
    """Whether a file is a core dump. Raises OSError."""
    start = _start(path)
    return start.startswith(_DUMPS) or _elf_type(start) == _ET_CORE


def is_binary(path: str) -> bool:
    """Whether a file is a program, a library or a dump. Raises OSError."""
    start = _start(path)
    return start.startswith(_DUMPS) or _elf_type(start) is not None


def _start(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(18)


def _elf_type(start: bytes) -> int | None:
    """``e_type``; None of what is no ELF file."""
    if not start.startswith(_ELF) or len(start) < 18:
        return None
    order = "big" if start[5] == 2 else "little"
    return int.from_bytes(start[16:18], order)  # type: ignore[arg-type]
