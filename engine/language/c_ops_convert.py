"""C's conversions: casts, and what an assignment converts by itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..objects.bits import wrap
from ..objects.codec import Codec, codec_of
from ..objects.read import check_present
from ..types.kinds import TypeKind
from ..types.members import plain_name
from .c_ops_types import (
    ARITHMETIC,
    BOOL,
    ENUM,
    FLOAT,
    INT,
    POINTER,
    check_source,
    rvalue_type,
)

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..types.type import Type

_VOID, _ARRAY, _FUNCTION = TypeKind.VOID, TypeKind.ARRAY, TypeKind.FUNCTION
_COMPOUND = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)

_MAX_BITS = 64


def _cannot(source: Type, target: Type) -> TypeError:
    return TypeError(f"cannot convert '{plain_name(source)}' to '{target.type_name()}'")


def truth(obj: Object) -> bool:
    """Whether an object is true: a number that is not zero, no null pointer.

    Raises TypeError for types that have no truth.
    """
    if obj._address_ is None and codec_of(obj._type_).kind is _ARRAY:
        check_present(obj)
        return True
    codec = codec_of(rvalue_type(obj._type_))
    if codec.scalar:
        return bool(obj._rvalue_())
    if codec.kind is ENUM:
        raise TypeError("object cannot be converted to boolean")
    raise TypeError(f"cannot convert '{obj._type_.type_name()}' to bool")


def cast_value(codec: Codec, bits: int | None, obj: Object) -> Any:
    """The value of ``obj`` as a cast to the scalar type of ``codec`` makes it.

    Floating-point numbers beyond an integer type become its nearest value, not a
    number becomes 0. Raises TypeError if there is no such cast.
    """
    if codec.kind is BOOL:
        return truth(obj)
    source = codec_of(rvalue_type(obj._type_))
    if not source.scalar:
        raise _cannot(obj._type_, codec.type)
    if codec.kind is FLOAT:
        if source.kind not in ARITHMETIC:
            raise _cannot(source.type, codec.type)
        check_source(source, obj.bit_field_size_)
        return codec.fit(obj._rvalue_(), None)
    if codec.bit_size(bits) > _MAX_BITS:
        raise _cannot(source.type, codec.type)
    if source.kind is FLOAT:
        return _integer_of(obj._rvalue_(), codec, bits)
    check_source(source, obj.bit_field_size_)
    return wrap(obj._rvalue_(), codec.bit_size(bits), codec.signed)


def _integer_of(value: float, codec: Codec, bits: int | None) -> int:
    width = codec.bit_size(bits)
    low, high = 0, (1 << width) - 1
    if codec.signed:
        low, high = -(1 << (width - 1)), high >> 1
    if math.isnan(value):
        return 0
    if math.isinf(value):
        return high if value > 0 else low
    return min(max(int(value), low), high)


def check_implicit(type: Type, obj: Object) -> None:
    """Raise TypeError unless an assignment to ``type`` takes ``obj`` (6.5.16.1)."""
    target = codec_of(type)
    if target.kind in (_VOID, _ARRAY, _FUNCTION):
        raise TypeError(f"cannot convert to '{type.type_name()}'")
    source_type = rvalue_type(obj._type_)
    source = codec_of(source_type)
    if target.kind is BOOL:
        # What has no truth is for truth() to complain about.
        return
    if target.kind in ARITHMETIC:
        if source.kind in ARITHMETIC:
            return
    elif target.kind is POINTER:
        if source.kind is POINTER and _pointer_fits(
            target.under.type, source.under.type
        ):
            return
    elif _compatible(target.under.unqualified(), source.under.unqualified()):
        return
    raise TypeError(
        f"cannot convert '{obj._type_.type_name()}' to incompatible type "
        f"'{type.type_name()}'"
    )


def _pointer_fits(target: Type, source: Type) -> bool:
    """Whether a pointer to ``source`` may be assigned to a pointer to ``target``."""
    if source.qualifiers._value_ & ~target.qualifiers._value_:
        return False
    target, source = target.unaliased(), source.unaliased()
    if target.kind is _VOID or source.kind is _VOID:
        return True
    return _compatible(target.unqualified(), source.unqualified())


def _compatible(left: Type, right: Type) -> bool:
    """Whether two types are compatible (6.2.7)."""
    left, right = left.unaliased(), right.unaliased()
    if left is right:
        return True
    if left.qualifiers != right.qualifiers:
        return False
    left, right = left.unqualified(), right.unqualified()
    if left is right:
        return True
    if left.kind is ENUM and right.kind is INT:
        return left.type is not None and _compatible(left.type, right)
    if right.kind is ENUM and left.kind is INT:
        return right.type is not None and _compatible(left, right.type)
    if left.kind is not right.kind:
        return False
    if left.kind is POINTER:
        return left.size == right.size and _compatible(left.type, right.type)
    if left.kind is _ARRAY:
        if None not in (left.length, right.length) and left.length != right.length:
            return False
        return _compatible(left.type, right.type)
    if left.kind is _FUNCTION:
        return _compatible_functions(left, right)
    if left.kind in _COMPOUND:
        # Each unit has its own: what has one tag is one type if nothing speaks
        # against it.
        incomplete = not (left.is_complete() and right.is_complete())
        return left.tag == right.tag and (incomplete or left.size == right.size)
    if left.kind is ENUM:
        if left.tag != right.tag:
            return False
        return (
            left.type is None
            or right.type is None
            or _compatible(left.type, right.type)
        )
    if left.kind in (INT, BOOL, FLOAT):
        return (
            left.name == right.name
            and left.size == right.size
            and left.byteorder == right.byteorder
            and (left.kind is not INT or left.is_signed == right.is_signed)
        )
    return False


def _compatible_functions(left: Type, right: Type) -> bool:
    lparameters, rparameters = left.parameters, right.parameters
    return (
        left.is_variadic == right.is_variadic
        and len(lparameters) == len(rparameters)
        and _compatible(left.type, right.type)
        and all(
            _compatible(mine.type.unqualified(), other.type.unqualified())
            for mine, other in zip(lparameters, rparameters, strict=True)
        )
    )
