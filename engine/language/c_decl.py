"""Types as text: names, declarations and definitions in the syntax of C."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types.type import Type


def type_name(type: Type) -> str:
    """The name of ``type``."""
    raise NotImplementedError


def declaration(type: Type, name: str) -> str:
    """The declaration of a variable ``name`` of ``type``."""
    raise NotImplementedError


def definition(type: Type) -> str:
    """The definition of ``type``."""
    raise NotImplementedError
