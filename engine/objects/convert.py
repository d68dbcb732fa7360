"""Conversions of objects to other types."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

from .object import Object

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type


def NULL(prog: Program, type: str | Type) -> Object:
    """A null pointer (or zero) of a type."""
    raise NotImplementedError


def cast(type: str | Type, obj: Object) -> Object:
    """The value of ``obj``, converted to ``type`` as the language's casts do."""
    raise NotImplementedError


def reinterpret(type: str | Type, obj: Object) -> Object:
    """The memory of ``obj``, taken as another type."""
    raise NotImplementedError


def implicit_convert(
    type: str | Type, obj: Object, *, bit_field_size: SupportsIndex | None = None
) -> Object:
    """The value of ``obj``, converted to ``type`` as by an assignment."""
    raise NotImplementedError


def container_of(ptr: Object, type: str | Type, member: str) -> Object:
    """The structure in which ``ptr`` points at ``member``."""
    raise NotImplementedError
