"""DIEs -> enumerators (DWARF 5, section 5.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from ..types.parts import TypeEnumerator
from . import constants as dw

if TYPE_CHECKING:
    from ..types.type import Type
    from .die import Die


def enumerators(dies: list[Die], type: Type) -> list[TypeEnumerator]:
    """The enumerators that DW_TAG_enumerators make, of an enumeration of ``type``."""
    return [
        TypeEnumerator(die.required_name, _enumerator_value(die, type)) for die in dies
    ]


def enumerator_value(enumeration: Type, die: Die) -> int:
    """The value of a DW_TAG_enumerator of a complete enumeration."""
    assert enumeration.type is not None
    return _enumerator_value(die, enumeration.type)


def _enumerator_value(die: Die, type: Type) -> int:
    """The value of an enumerator as a number with the sign of an integer type.

    Forms of fixed size have none of their own. It may be one that the type lacks.
    """
    value = stored_value(die)
    bits = 128 if _is_wide(die.attr(dw.DW_AT_const_value)) else 64
    if type.is_signed:
        if value >> (bits - 1) == 1:
            value -= 1 << bits
    elif value < 0:
        value += 1 << bits
    return value


def stored_value(die: Die) -> int:
    """What DW_AT_const_value says.

    Raises BadDataError if it is no constant.
    """
    value = die.attr(dw.DW_AT_const_value)
    if value is None:
        raise die.missing(dw.DW_AT_const_value)
    if _is_wide(value):
        return die.unit.file.unsigned(value)
    number = die.number(dw.DW_AT_const_value)
    assert number is not None
    return number


def _is_wide(value: object) -> TypeGuard[memoryview]:
    """Whether a value is a number of 128 bits, which only compilers' own types have."""
    return isinstance(value, memoryview) and len(value) == 16
