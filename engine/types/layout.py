"""Sizes, alignments and offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .type import Type

if TYPE_CHECKING:
    from ..objects.object import Object


def type_size(type: Type) -> int:
    """Size of ``type`` in bytes, TypeError if it has none."""
    raise NotImplementedError


def sizeof(type_or_obj: Type | Object, /) -> int:
    """Size in bytes of a type or of an object's type.

    Raises TypeError if the type has no size (function, void, incomplete).
    """
    raise NotImplementedError


def alignof(type: Type, /) -> int:
    """Alignment in bytes of a type.

    Raises TypeError if the type is void, a function or incomplete.
    """
    raise NotImplementedError


def offsetof(type: Type, member: str) -> int:
    """Offset in bytes of a member designator such as ``"a.b[3].c"``.

    Raises LookupError if there is no such member, ValueError if it does not
    start at a byte and TypeError where the designator does not fit the types.
    """
    raise NotImplementedError
