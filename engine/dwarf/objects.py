"""DIEs -> Objects: variables, functions, enumerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..objects.object import Object
    from .die import Die
    from .info import DebugInfo


def object_of(debug: DebugInfo, die: Die) -> Object:
    """The object that a variable's, function's or enumerator's DIE describes."""
    raise NotImplementedError
