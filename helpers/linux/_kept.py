"""What is found out about a kernel once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from drgn import ProgramFlags

if TYPE_CHECKING:
    from collections.abc import Callable

    from drgn import Program

T = TypeVar("T")


def kept(prog: Program, make: Callable[[Program], T]) -> T:
    """Return ``make(prog)``, made once unless the kernel is running."""
    if prog.flags & ProgramFlags.IS_LIVE:
        return make(prog)
    made: T | None = prog.cache.get(make)
    if made is None:
        made = prog.cache[make] = make(prog)
    return made
