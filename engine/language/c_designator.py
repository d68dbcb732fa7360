"""Member designators such as ``a.b[3].c``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ..arguments import text_argument
from ..types.kinds import TypeKind
from ..types.layout import type_size
from ..types.members import find_member, plain_name
from .c_lexer import END, IDENTIFIER, NUMBER, Lexer, number_value
from .c_names import keywords

if TYPE_CHECKING:
    from ..types.type import Type
    from .language import Language

_MAX = 0xFFFFFFFFFFFFFFFF


def resolve(
    type: Type, designator: str, element_first: bool = False
) -> tuple[Type, int, int | None]:
    """What ``designator`` names in ``type``.

    Returns its type, its offset in bits and the size of a bit field in bits or None.
    With ``element_first`` it may start with a subscript. Raises SyntaxError if it
    cannot be parsed, ValueError if it has a null byte, LookupError if there is no such
    member, TypeError where it does not fit the types and OverflowError beyond 64 bits.
    """
    # The language is the one in which the user writes, whatever the type's.
    spelled = text_argument(designator), type._prog.language, element_first
    parts: Iterable[str | int]
    try:
        parts = _parsed(*spelled)
    except (SyntaxError, ValueError):
        # What is wrong with what comes before is said first.
        parts = _parts(*spelled)
    offset = 0
    bit_field_size = None
    for part in parts:
        if isinstance(part, str):
            member, member_offset = find_member(type, part)
            offset = _checked(offset + member_offset)
            type = member.type
            bit_field_size = member.bit_field_size
            continue
        array = type.unaliased()
        if array.kind is not TypeKind.ARRAY:
            raise TypeError(f"'{plain_name(type)}' is not an array")
        # As upstream has it: without the qualifiers of the elements.
        type = array.type.unqualified()
        offset = _checked(offset + part * type_size(type) * 8)
    return type, offset, bit_field_size


@lru_cache
def _parsed(
    designator: str, language: Language, element_first: bool
) -> tuple[str | int, ...]:
    """The same few are asked for again and again, with each entry of a list."""
    return tuple(_parts(designator, language, element_first))


def _parts(
    designator: str, language: Language, element_first: bool
) -> Iterator[str | int]:
    """Names of members and subscripts, each as soon as it has been parsed.

    Raises SyntaxError, or ValueError for a subscript of more than 64 bits.
    """
    reserved = keywords(language)
    lexer = Lexer(designator, language._is_cpp)
    state = "expected identifier" + (" or '['" if element_first else "")
    token = lexer.take()
    while True:
        if element_first and token.kind == "[":
            pass
        elif token.kind == IDENTIFIER and token.text not in reserved:
            yield token.text
            state = "expected '.' or '[' after identifier"
            token = lexer.take()
        else:
            raise SyntaxError(state)
        element_first = False
        while token.kind == "[":
            number = lexer.take()
            if number.kind != NUMBER:
                raise SyntaxError("expected number after '['")
            yield number_value(number.text)
            if lexer.take().kind != "]":
                raise SyntaxError("expected ']' after number")
            state = "expected '.' or '[' after ']'"
            token = lexer.take()
        if token.kind == END:
            return
        if token.kind != ".":
            raise SyntaxError(state)
        state = "expected identifier after '.'"
        token = lexer.take()


def _checked(offset: int) -> int:
    if offset > _MAX:
        raise OverflowError("offset is too large")
    return offset
