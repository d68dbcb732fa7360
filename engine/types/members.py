"""Members of structs, unions and classes by their name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import buffer_bytes, class_label
from .definitions import CompoundDefinition

if TYPE_CHECKING:
    from .parts import TypeMember
    from .type import Type


def plain_name(type: Type) -> str:
    """How errors name a type whose qualifiers do not matter: without them."""
    return type.unqualified().type_name()


def not_compound(type: Type) -> TypeError:
    """The error for a type that has no members."""
    return TypeError(f"'{plain_name(type)}' is not a structure, union, or class")


def no_member(type: Type, name: str) -> LookupError:
    """The error for a struct, union or class without a member ``name``."""
    return LookupError(f"'{plain_name(type)}' has no member '{name}'")


def member_name(function: str, name: Any) -> str:
    """The name of a member that is no str; TypeError unless it is bytes."""
    if not isinstance(name, bytes):
        buffer_bytes(name)
        raise TypeError(
            f"{function}() argument 1 must be read-only bytes-like object, "
            f"not {class_label(name)}"
        )
    return name.decode("utf-8", "surrogateescape")


def find_member(type: Type, name: str) -> tuple[TypeMember, int]:
    """The member ``name`` of ``type`` and its bit offset in it.

    Raises TypeError if the type has no members, LookupError if not this one.
    """
    definition = type.unaliased()._def
    if not isinstance(definition, CompoundDefinition):
        raise not_compound(type)
    found = definition.find_member(name)
    if found is None:
        raise no_member(type, name)
    return found
