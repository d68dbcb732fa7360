"""Overloaded functions of C++: which of them is meant by the arguments of a call.

As [over.match] of the C++ standard has it: of the functions that take the arguments,
the one whose conversions are nowhere worse than those of another, and somewhere better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ..language.c_ops_types import ARITHMETIC, promote, rvalue_type
from ..objects.object import Object
from ..types.kinds import PrimitiveType, Qualifiers, TypeKind

if TYPE_CHECKING:
    from ..types.type import Type
    from .program import Program

    Convert = Callable[[Program, Type, Any], Object]


_NUMBERS = (TypeKind.INT, TypeKind.BOOL, TypeKind.FLOAT)


class Rank(IntEnum):
    """How far an argument is from a parameter; [over.ics.scs], table 19."""

    EXACT = 0
    QUALIFIED = 1
    """Exact but for what a pointer's target may be used for."""
    PROMOTED = 2
    CONVERTED = 3
    UNLIKE = 4
    """As C converts, and C++ does not: numbers to pointers and to enumerations."""
    UNNAMED = 5
    """It stands for ``...``."""


def choose(
    prog: Program,
    name: str,
    functions: Sequence[Object],
    arguments: Sequence[Any],
    convert: Convert,
) -> Object:
    """The function of a name that takes the arguments best.

    ``convert(prog, type, argument)`` raises TypeError for what a parameter cannot be.
    Raises TypeError if none takes them, or more than one and none best.
    """
    fitting = [function for function in functions if _takes(function, len(arguments))]
    if len(fitting) == 1:
        return fitting[0]
    ranked = [
        (ranks, function)
        for function in fitting
        if (ranks := _ranks(prog, function, arguments, convert)) is not None
    ]
    for ranks, function in ranked:
        others = [other for other, found in ranked if found is not function]
        if all(_is_better(ranks, other) for other in others):
            return function
    if ranked:
        raise TypeError(f"call of '{name}' is ambiguous: {_listed(ranked)}")
    known = _listed([((), function) for function in functions])
    raise TypeError(f"no function '{name}' takes these arguments: {known}")


def _listed(ranked: Sequence[tuple[object, Object]]) -> str:
    return ", ".join(f"'{function.type_.type_name()}'" for _, function in ranked)


def _takes(function: Object, count: int) -> bool:
    type = function.type_.unaliased()
    wanted = len(type.parameters)
    return count == wanted or (count > wanted and type.is_variadic)


def _is_better(ranks: Sequence[Rank], other: Sequence[Rank]) -> bool:
    pairs = list(zip(ranks, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _ranks(
    prog: Program, function: Object, arguments: Sequence[Any], convert: Convert
) -> list[Rank] | None:
    """How far the arguments are from a function's parameters; None if too far."""
    parameters = function.type_.unaliased().parameters
    ranks = []
    for parameter, value in zip(parameters, arguments, strict=False):
        try:
            convert(prog, parameter.type, value)
        except (TypeError, AttributeError, OverflowError):
            return None  # AttributeErrors are of what is no mapping.
        ranks.append(_rank(prog, parameter.type, value))
    return ranks + [Rank.UNNAMED] * (len(arguments) - len(ranks))


def _rank(prog: Program, wanted: Type, value: Any) -> Rank:
    """How far a value is from a type that it can be converted to."""
    if isinstance(value, (str, bytes)):
        types = prog._types
        given = prog.pointer_type(
            types.primitive(PrimitiveType.C_CHAR).qualified(Qualifiers.CONST)
        )
        bits = None
    elif isinstance(value, (Object, int, float)):
        obj = value if isinstance(value, Object) else Object(prog, value=value)
        given, bits = rvalue_type(obj.type_).unaliased(), obj.bit_field_size_
    else:
        return Rank.EXACT  # As a dict is of any structure.
    plain = wanted.unaliased().unqualified()
    if given.unqualified() == plain:
        return Rank.EXACT
    if plain.kind is TypeKind.POINTER and given.kind is TypeKind.POINTER:
        return _rank_of_pointer(plain.type, given.type)
    if plain.kind not in (*ARITHMETIC, TypeKind.POINTER):
        return Rank.EXACT  # Structures are not converted.
    if plain.kind not in _NUMBERS or given.kind not in ARITHMETIC:
        return Rank.UNLIKE
    if plain in _promoted(given, bits):
        return Rank.PROMOTED
    return Rank.CONVERTED


def _rank_of_pointer(wanted: Type, given: Type) -> Rank:
    if wanted.unaliased().unqualified() != given.unaliased().unqualified():
        return Rank.CONVERTED
    more = _qualifiers(wanted)
    less = _qualifiers(given)
    if more == less:
        return Rank.EXACT
    return Rank.QUALIFIED if less & more == less else Rank.CONVERTED


def _qualifiers(type: Type) -> Qualifiers:
    """The qualifiers of a type, and of those that it is a name of."""
    found = type.qualifiers
    while type.kind is TypeKind.TYPEDEF:
        type = type.type
        found |= type.qualifiers
    return found


def _promoted(type: Type, bits: int | None) -> list[Type]:
    """What a type may be promoted to; [conv.prom] and [conv.fpprom]."""
    primitive = type.prog._types.primitive
    if type.kind is TypeKind.FLOAT:
        is_float = type.unqualified().primitive is PrimitiveType.C_FLOAT
        return [primitive(PrimitiveType.C_DOUBLE)] if is_float else []
    found = [promote(type, bits)[0].unaliased()]
    if type.kind is TypeKind.ENUM and all(
        -(1 << 31) <= value < 1 << 31 for _, value in type.enumerators or ()
    ):
        # Unless its type was written down, which debugging information does not tell.
        found.append(primitive(PrimitiveType.C_INT))
    return found
