"""Objects made without their constructor, which is for users."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..types.type import Type
    from .object import Object

new: Callable[[], Object]
"""Makes an object without a state. To be used as ``bare.new``: it is set late."""


def make_value(
    type: Type, value: Any, bits: tuple[int, int | None] | None = None
) -> Object:
    """A value that fits the type: a number, or bytes for what is no scalar."""
    obj = new()
    obj._state_ = (type, None, value, bits)
    return obj


def use_object_class(cls: type[Object]) -> None:
    """Make objects of the class, whose module imports those that make them."""
    global new
    # Half of what ``object.__new__`` costs, for which Python makes a tuple.
    new = type.__call__.__get__(cls)
