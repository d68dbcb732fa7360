"""What is found out about a kernel once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drgn import Program, ProgramFlags

T = TypeVar("T")


def kept(prog: Program, make: Callable[[Program], T]) -> T:
    """Return ``make(prog)``, made once unless the kernel is running."""
    if prog.flags & ProgramFlags.IS_LIVE:
        return make(prog)
    made: T | None = prog.cache.get(make)
    if made is None:
        made = prog.cache[make] = make(prog)
    return made
