"""How C writes single values: numbers, characters, strings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..types.kinds import PrimitiveType, TypeKind

if TYPE_CHECKING:
    from ..types.type import Type

_CHARACTERS = frozenset(
    {
        PrimitiveType.C_CHAR,
        PrimitiveType.C_SIGNED_CHAR,
        PrimitiveType.C_UNSIGNED_CHAR,
    }
)
_ESCAPES = {
    0x07: "\\a",
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0B: "\\v",
    0x0C: "\\f",
    0x0D: "\\r",
    0x5C: "\\\\",
}


def _escape_table(quote: str) -> list[str]:
    table = [chr(i) if 0x20 <= i < 0x7F else f"\\x{i:02x}" for i in range(256)]
    for i, escape in _ESCAPES.items():
        table[i] = escape
    table[ord(quote)] = "\\" + quote
    return table


_IN_STRING = _escape_table('"')
_IN_CHARACTER = _escape_table("'")
_IN_CHARACTER[0] = "\\0"


def is_character(type: Type) -> bool:
    """Whether ``type`` is one of C's character types, and no typedef of one."""
    return type.kind is TypeKind.INT and type.primitive in _CHARACTERS


def string_text(value: bytes) -> str:
    """A string literal."""
    return '"' + "".join([_IN_STRING[byte] for byte in value]) + '"'


def character_text(value: int) -> str:
    """A character literal."""
    return f"'{_IN_CHARACTER[value & 0xFF]}'"


def integer_text(value: int, base: int) -> str:
    """An integer literal in base 8, 10 or 16."""
    if base == 10:
        return str(value)
    sign = "-" if value < 0 else ""
    if base == 16:
        return f"{sign}{abs(value):#x}"
    return f"{sign}0{abs(value):o}" if value else "0"


def float_text(value: float) -> str:
    """A floating-point literal with all digits that tell a double from others."""
    if math.isinf(value) or math.isnan(value):
        text = f"{abs(value)}"
        return f"-{text}" if math.copysign(1.0, value) < 0 else text
    if value.is_integer():
        return f"{value:.1f}"
    return f"{value:.17g}"
