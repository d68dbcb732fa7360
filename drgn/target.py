"""Targets of one's own: where the bytes and threads of a Program come from.

A debugger or a tool with access to some memory derives a class from `Target` and gets
a Program over it from `program_from_target()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drgn.engine.memory.memory import PAGE_SIZE, Memory
from drgn.engine.memory.segments import Segment
from drgn.engine.objects.construct import foreign_values
from drgn.engine.objects.object import Object
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
from drgn.engine.types.type import Type

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
    "function_at",
    "is_prototyped",
    "load_later",
    "open_core",
    "program_from_target",
    "qualified_name",
    "register_values",
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


def register_values(cls: type, convert: Callable[[Any], Object]) -> None:
    """Let ``Object(value)`` be ``convert(value)`` for values of a debugger's class."""
    foreign_values[cls] = convert


def qualified_name(type: Type) -> str | None:
    """The name of a type with its namespaces, as ``a::b``.

    None if it has no name, or debugging information has nothing to do with it.
    """
    return type.prog._debug.qualified_name(type)


def function_at(prog: Program, address: int) -> Object:
    """The function that has the code at an address, whatever is inlined there.

    Raises LookupError if debugging information does not tell.
    """
    from drgn.engine.dwarf.objects import function
    from drgn.engine.stack.code import CodeInfo

    scopes = CodeInfo.of(prog).at(address).calls[-1].scopes
    if not scopes:
        raise LookupError(f"no function is known at {address:#x}")
    return function(prog._debug, scopes[0])


def is_prototyped(function: Type) -> bool:
    """Whether the arguments of a function are passed as the parameters' types are.

    Those of a C function that is defined without a prototype are promoted before.
    """
    return function.prog._debug.is_prototyped(function)


def load_later(prog: Program, load: Callable[[], None] | None) -> None:
    """Let ``load()`` be called once, when modules or debug information are needed.

    If it raises, the exception goes to the user, and it is called again next time.
    """
    prog._modules.pending = load
    prog._forget_objects()  # Those that are not there may be there then.
