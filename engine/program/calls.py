"""Calling functions of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..objects.codec import codec_of
from ..objects.convert import implicit_convert
from ..objects.object import Object
from ..objects.write import check_assignable
from ..types.kinds import PrimitiveType, TypeKind

if TYPE_CHECKING:
    from ..targets.base import Target
    from ..types.type import Type
    from .program import Program

_CHARACTERS = (
    PrimitiveType.C_CHAR,
    PrimitiveType.C_SIGNED_CHAR,
    PrimitiveType.C_UNSIGNED_CHAR,
)


def call(
    prog: Program, target: Target, function: str | Object, arguments: Sequence[Any]
) -> Object:
    """See `Program.call`."""
    callee = _callee(prog, function, arguments)
    if callee.address_ is None:
        raise ValueError("function has no address")
    type = callee.type_.unaliased()
    parameters = type.parameters
    given, wanted = len(arguments), len(parameters)
    if given < wanted or (given > wanted and not type.is_variadic):
        least = "at least " if type.is_variadic else ""
        raise TypeError(f"function takes {least}{wanted} arguments, {given} were given")
    converted = [
        _argument(prog, parameter.type, value)
        for parameter, value in zip(parameters, arguments, strict=False)
    ]
    converted += [_more(prog, value) for value in arguments[wanted:]]
    return target.call(callee, converted)


def _callee(prog: Program, function: str | Object, arguments: Sequence[Any]) -> Object:
    """The function that is named or pointed to, as a reference."""
    if not isinstance(function, str):
        return _function(prog, function)
    found = prog.function(function)
    overloads = prog._debug.overloads(function)
    if len(overloads) < 2 or all(f.address_ != found.address_ for f in overloads):
        return found  # There is one, or it is a finder's of the user's.
    from .overloads import choose

    return choose(prog, function, overloads, arguments, _argument)


def _function(prog: Program, function: Object) -> Object:
    if not isinstance(function, Object):
        raise TypeError(
            f"function must be str or Object, not {function.__class__.__name__}"
        )
    if function.prog_ is not prog:
        raise ValueError("object is from different program")
    type = function.type_.unaliased()
    if type.kind is TypeKind.POINTER and (
        type.type.unaliased().kind is TypeKind.FUNCTION
    ):
        return Object(prog, type.type, address=function.value_())
    if type.kind is not TypeKind.FUNCTION:
        raise TypeError(f"'{function.type_.type_name()}' is not a function")
    return function


def _argument(prog: Program, type: Type, given: Any) -> Object:
    if isinstance(given, (str, bytes)) and _points_to_characters(type):
        return _string(prog, given)
    value = given if isinstance(given, Object) else Object(prog, type, given)
    if value.prog_ is not prog:
        raise ValueError("object is from different program")
    same = value.type_.unqualified() == type.unqualified()
    if same and type.unaliased().kind is not TypeKind.BOOL:
        return value  # That of a type that cannot be converted, such as long double.
    codec = codec_of(type)
    if codec.scalar:
        return implicit_convert(type, value)
    check_assignable(codec, value)
    return value


def _more(prog: Program, value: Any) -> Object:
    """An argument in place of ``...``."""
    if isinstance(value, (str, bytes)):
        return _string(prog, value)
    if not isinstance(value, Object):
        return Object(prog, value=value)
    if value.prog_ is not prog:
        raise ValueError("object is from different program")
    return value


def _points_to_characters(type: Type) -> bool:
    type = type.unaliased()
    if type.kind is not TypeKind.POINTER:
        return False
    return type.type.unaliased().unqualified().primitive in _CHARACTERS


def _string(prog: Program, text: str | bytes) -> Object:
    raw = (text.encode() if isinstance(text, str) else text) + b"\0"
    char = prog.type("char")
    return Object.from_bytes_(prog, prog.array_type(char, len(raw)), raw)
