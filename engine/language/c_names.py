"""Type names of C and C++: from text to Types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type
    from .language import Language


def parse_type_name(
    prog: Program, name: str, filename: str | None, language: Language
) -> Type:
    """Find the type that ``name`` spells in ``language``."""
    raise NotImplementedError
