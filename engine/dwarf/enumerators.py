"""DIEs -> enumerators (DWARF 5, section 5.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..types.parts import TypeEnumerator
from . import constants as dw

if TYPE_CHECKING:
    from ..types.type import Type
    from .die import Die

_MAX_BITS = 128  # Of numbers that compilers have.


def enumerator_value(enumeration: Type, die: Die) -> int:
    """The value of a DW_TAG_enumerator of an enumeration."""
    assert enumeration.type is not None
    return _enumerator_value(die, enumeration.type)


def enumerators(dies: list[Die], type: Type) -> list[TypeEnumerator]:
    return [
        TypeEnumerator(die.required_name, _enumerator_value(die, type)) for die in dies
    ]


def _enumerator_value(die: Die, type: Type) -> int:
    """The value of an enumerator as a number of an integer type."""
    value = stored_value(die)
    assert type.size is not None
    bits = 8 * type.size
    if not 0 < bits <= _MAX_BITS:
        raise die.error(f"enumerator has a type of {type.size} bytes")
    if type.is_signed:
        if value >> (bits - 1) == 1:
            value -= 1 << bits
    elif value < 0:
        value &= (1 << bits) - 1
    return value


def stored_value(die: Die) -> int:
    value = die.attr(dw.DW_AT_const_value)
    if value is None:
        raise die.missing(dw.DW_AT_const_value)
    if isinstance(value, memoryview):  # Of 128 bits.
        return die.unit.file.unsigned(value)
    number = die.number(dw.DW_AT_const_value)
    assert number is not None
    return number
