"""Enumerations that describe types."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Set
from typing import Any

from ..closed import AbstractApiClass, closed


class TypeKind(enum.Enum):
    """A kind of type."""

    # Enum's own is Python code, and kinds are looked up everywhere.
    __hash__ = object.__hash__

    VOID = 1
    INT = 2
    BOOL = 3
    FLOAT = 4
    STRUCT = 5
    UNION = 6
    CLASS = 7
    ENUM = 8
    TYPEDEF = 9
    POINTER = 10
    ARRAY = 11
    FUNCTION = 12


def _are_kinds(items: list[Any]) -> bool:
    return all(isinstance(item, TypeKind) for item in items)


@closed
class TypeKindSet(Set[TypeKind], metaclass=AbstractApiClass):
    """An immutable set of kinds of types."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: Iterable[TypeKind] = (), /) -> None:
        listed = list(kinds)
        if not _are_kinds(listed):
            raise TypeError("TypeKindSet elements must be TypeKind")
        self._kinds = frozenset(listed)

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, TypeKind) and kind in self._kinds

    def __iter__(self) -> Iterator[TypeKind]:
        return iter(sorted(self._kinds, key=lambda kind: kind.value))

    def __len__(self) -> int:
        return len(self._kinds)

    def __hash__(self) -> int:
        return hash(self._kinds)

    # With any iterable on the other side, unlike the sets of collections.abc.

    def __or__(self, other: Iterable[Any]) -> TypeKindSet:
        listed = list(other)
        if not _are_kinds(listed):
            return NotImplemented
        return TypeKindSet(self._kinds.union(listed))

    def __and__(self, other: Iterable[Any]) -> TypeKindSet:
        return TypeKindSet([kind for kind in other if kind in self])

    def __sub__(self, other: Iterable[Any]) -> TypeKindSet:
        return TypeKindSet(self._kinds.difference(self & other))

    def __rsub__(self, other: Iterable[Any]) -> TypeKindSet:
        listed = list(other)
        if not _are_kinds(listed):
            return NotImplemented
        return TypeKindSet(listed) - self

    def __xor__(self, other: Iterable[Any]) -> TypeKindSet:
        listed = list(other)
        if not _are_kinds(listed):
            return NotImplemented
        return TypeKindSet(self._kinds.symmetric_difference(listed))

    __ror__ = __or__
    __rand__ = __and__
    __rxor__ = __xor__

    def __repr__(self) -> str:
        if not self._kinds:
            return "TypeKindSet()"
        return f"TypeKindSet({{{', '.join(str(kind) for kind in self)}}})"


class Qualifiers(enum.Flag):
    """Modifiers of a type."""

    NONE = 0
    CONST = 1
    VOLATILE = 2
    RESTRICT = 4
    ATOMIC = 8


class PrimitiveType(enum.Enum):
    """A primitive type of the C language."""

    __hash__ = object.__hash__

    C_VOID = 0
    C_CHAR = 1
    C_SIGNED_CHAR = 2
    C_UNSIGNED_CHAR = 3
    C_SHORT = 4
    C_UNSIGNED_SHORT = 5
    C_INT = 6
    C_UNSIGNED_INT = 7
    C_LONG = 8
    C_UNSIGNED_LONG = 9
    C_LONG_LONG = 10
    C_UNSIGNED_LONG_LONG = 11
    C_BOOL = 12
    C_FLOAT = 13
    C_DOUBLE = 14
    C_LONG_DOUBLE = 15
    C_SIZE_T = 16
    C_PTRDIFF_T = 17
