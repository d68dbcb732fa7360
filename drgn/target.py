"""Targets of one's own: where the bytes and threads of a Program come from.

A debugger or a tool with access to some memory derives a class from `Target` and gets
a Program over it from `program_from_target()`.
"""

from __future__ import annotations

from collections.abc import Callable

from drgn.engine.memory.memory import PAGE_SIZE, Memory
from drgn.engine.memory.segments import Segment
from drgn.engine.program import Program
from drgn.engine.targets.base import Mapping, Note, Target, TargetThread
from drgn.engine.targets.control import (
    Breakpoint,
    Place,
    SetBreakpoint,
    Step,
    Stop,
    StopReason,
)

__all__ = (
    "PAGE_SIZE",
    "Breakpoint",
    "Mapping",
    "Memory",
    "Note",
    "Place",
    "Segment",
    "SetBreakpoint",
    "Step",
    "Stop",
    "StopReason",
    "Target",
    "TargetThread",
    "load_later",
    "open_core",
    "program_from_target",
)


def open_core(path: str) -> Target:
    """The target that a core dump is; errors as of `Program.set_core_dump()`."""
    from drgn.engine.targets.open import open_core

    return open_core(path)


def program_from_target(target: Target) -> Program:
    """A Program over a target, without debugging information."""
    prog = Program()
    prog._set_target(target)
    return prog


def load_later(prog: Program, load: Callable[[], None] | None) -> None:
    """Let ``load()`` be called once, when modules or debug information are needed.

    If it raises, the exception goes to the user, and it is called again next time.
    """
    prog._modules.pending = load
