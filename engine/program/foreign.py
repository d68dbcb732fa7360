"""What a debugger that brings its own target asks of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..objects.construct import foreign_values
from .program import Program

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..targets.base import Target
    from ..types.type import Type


def open_core(path: str) -> Target:
    """The target that a core dump is; errors as of `Program.set_core_dump()`."""
    from ..targets.open import open_core

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
    from ..dwarf.objects import function
    from ..stack.code import CodeInfo

    scopes = CodeInfo.of(prog).at(address).calls[-1].scopes
    if not scopes:
        raise LookupError(f"no function is known at {address:#x}")
    return function(prog._debug, scopes[0])


def is_prototyped(function: Type) -> bool:
    """Whether the arguments of a function are passed as the parameters' types are.

    Those of a C function that is defined without a prototype are promoted before.
    """
    return function.prog._debug.is_prototyped(function)


def is_scoped(enumeration: Type) -> bool:
    """Whether a type is an ``enum class``, whose enumerators are in its own scope."""
    return enumeration.prog._debug.is_scoped(enumeration)


def static_members(type: Type) -> list[tuple[int, str, Type]]:
    """The static members of a class: how many members are before, name and type.

    There are none if debugging information has nothing to do with the type.
    """
    return type.prog._debug.static_members(type)


def load_later(prog: Program, load: Callable[[], None] | None) -> None:
    """Let ``load()`` be called once, when modules or debug information are needed.

    If it raises, the exception goes to the user, and it is called again next time.
    """
    prog._modules.pending = load
    prog._forget_objects()  # Those that are not there may be there then.
