"""Sections of the program's files, by address."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from drgn import Module

from .session import Session

_SHF_ALLOC = 2


@lru_cache(maxsize=256)
def _sections(path: str) -> tuple[tuple[int, int, str], ...]:
    """Start, end and name of the sections that a file has in memory, in order."""
    # Not at the start: who asks for sections waits anyway.
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            found = [
                (each["sh_addr"], each["sh_addr"] + each["sh_size"], each.name)
                for each in elf.iter_sections()
                if each["sh_flags"] & _SHF_ALLOC and each["sh_size"]
            ]
    except (OSError, ELFError, ValueError):
        return ()
    return tuple(sorted(found))


def _of_module(module: Module) -> tuple[tuple[tuple[int, int, str], ...], int]:
    for path, bias in (
        (module.loaded_file_path, module.loaded_file_bias),
        (module.debug_file_path, module.debug_file_bias),
    ):
        if path is not None and bias is not None:
            found = _sections(path)
            if found:
                return found, bias
    return (), 0


def section_at(session: Session, address: int) -> str | None:
    """The name of the section that an address is in."""
    try:
        module = session.prog.module(address)
    except LookupError:
        return None
    found, bias = _of_module(module)
    at = address - bias
    index = bisect_right(found, (at, 1 << 64, "")) - 1
    if index >= 0 and found[index][0] <= at < found[index][1]:
        return found[index][2]
    return None


def text_range(module: Module) -> tuple[int, int] | None:
    """Where a file's ``.text`` is."""
    found, bias = _of_module(module)
    for start, end, name in found:
        if name == ".text":
            return start + bias, end + bias
    return None
