"""Member designators such as ``a.b[3].c``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types.kinds import TypeKind
from ..types.layout import type_size
from ..types.members import find_member
from .c_lexer import END, IDENTIFIER, NUMBER, Lexer, number_value
from .c_names import keywords

if TYPE_CHECKING:
    from ..types.type import Type

_MAX = 0xFFFFFFFFFFFFFFFF


def bit_offset(type: Type, designator: str) -> int:
    """Offset in bits of what ``designator`` names in ``type``.

    Raises SyntaxError if it cannot be parsed, LookupError if there is no such
    member, TypeError where it does not fit the types and OverflowError beyond
    64 bits.
    """
    reserved = keywords(type.language)
    lexer = Lexer(designator)
    offset = 0
    state = "expected identifier"
    token = lexer.take()
    while True:
        if token.kind != IDENTIFIER or token.text in reserved:
            raise SyntaxError(state)
        member, member_offset = find_member(type, token.text)
        offset = _checked(offset + member_offset)
        type = member.type
        state = "expected '.' or '[' after identifier"
        token = lexer.take()
        while token.kind == "[":
            number = lexer.take()
            if number.kind != NUMBER:
                raise SyntaxError("expected number after '['")
            index = number_value(number.text)
            if lexer.take().kind != "]":
                raise SyntaxError("expected ']' after number")
            array = type.unaliased()
            if array.kind is not TypeKind.ARRAY:
                raise TypeError(f"'{type.type_name()}' is not an array")
            type = array.type
            offset = _checked(offset + index * type_size(type) * 8)
            state = "expected '.' or '[' after ']'"
            token = lexer.take()
        if token.kind == END:
            return offset
        if token.kind != ".":
            raise SyntaxError(state)
        state = "expected identifier after '.'"
        token = lexer.take()


def _checked(offset: int) -> int:
    if offset > _MAX:
        raise OverflowError("offset is too large")
    return offset
