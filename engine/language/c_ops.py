"""C's operators on objects.

An operator gives an `Rvalue`: a type, the size of a bit field in bits or None, and the
value, from which the caller makes an Object.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from ..objects.bits import wrap
from ..objects.codec import Codec, codec_of, round_to_single
from ..types.kinds import PrimitiveType
from .c_ops_types import (
    ARITHMETIC,
    FLOAT,
    INTEGERS,
    POINTER,
    check_source,
    check_width,
    common_type,
    promote,
    referent_size,
    rvalue_type,
    similar_pointers,
)

if TYPE_CHECKING:
    from ..objects.object import Object
    from ..types.type import Type

    Rvalue = tuple[Type, int | None, Any]

MODULAR = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
"""Operators that give the same bits whether or not integers were converted before."""
_FLOATING = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def _invalid(op: str, left: Type, right: Type) -> TypeError:
    return TypeError(
        f"invalid operands to {op} ('{left.type_name()}' and '{right.type_name()}')"
    )


def binary(op: str, left: Object, right: Object) -> Rvalue:
    """``left op right`` for one of ``+ - * / % & | ^``.

    Raises TypeError if the types do not go together.
    """
    ltype, rtype = rvalue_type(left._type_), rvalue_type(right._type_)
    lcodec, rcodec = codec_of(ltype), codec_of(rtype)
    lkind, rkind = lcodec.kind, rcodec.kind
    if lkind in ARITHMETIC and rkind in ARITHMETIC:
        type, bits = common_type(
            (ltype, left.bit_field_size_), (rtype, right.bit_field_size_)
        )
        codec = codec_of(type)
        if codec.kind is FLOAT:
            if op not in "+-*/":
                raise _invalid(f"binary {op}", ltype, rtype)
            check_source(lcodec, left.bit_field_size_)
            check_source(rcodec, right.bit_field_size_)
            value = _floating(op, codec, left._rvalue_(), right._rvalue_())
        else:
            value = _integer(op, codec, bits, left._rvalue_(), right._rvalue_())
        return type, bits, value
    if op == "+" and lkind is POINTER and rkind in INTEGERS:
        return _move(ltype, left, right, 1)
    if op == "+" and lkind in INTEGERS and rkind is POINTER:
        return _move(rtype, right, left, 1)
    if op == "-" and lkind is POINTER and rkind in INTEGERS:
        return _move(ltype, left, right, -1)
    if op == "-" and lkind is POINTER and rkind is POINTER:
        return _distance(ltype, rtype, left, right)
    if op in "+-":
        for codec in (lcodec, rcodec):
            if codec.kind is POINTER:
                # What a pointer moves by is looked at first.
                referent_size(codec)
    raise _invalid(f"binary {op}", ltype, rtype)


def _integer(op: str, codec: Codec, bits: int | None, left: int, right: int) -> int:
    width = codec.bit_size(bits)
    signed = codec.signed
    modular = MODULAR.get(op)
    if modular is not None:
        return wrap(modular(left, right), width, signed)
    left, right = wrap(left, width, signed), wrap(right, width, signed)
    if not right:
        raise ZeroDivisionError("division by zero")
    # C truncates towards zero and the remainder has the sign of the dividend.
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    if op == "/":
        return wrap(quotient, width, signed)
    return left - quotient * right


def _floating(op: str, codec: Codec, left: Any, right: Any) -> float:
    left, right = codec.fit(left, None), codec.fit(right, None)
    if op == "/":
        if not right:
            raise ZeroDivisionError("division by zero")
        value = left / right
    else:
        value = _FLOATING[op](left, right)
    return value if codec.size == 8 else round_to_single(value)


def _move(type: Type, pointer: Object, index: Object, sign: int) -> Rvalue:
    """A pointer plus or minus an integer."""
    codec = codec_of(type)
    size = referent_size(codec)
    check_source(codec_of(index._type_), index.bit_field_size_)
    distance = sign * size * index._rvalue_()
    return type, None, wrap(pointer._rvalue_() + distance, codec.bit_size(None), False)


def _distance(ltype: Type, rtype: Type, left: Object, right: Object) -> Rvalue:
    """The number of elements between two pointers."""
    if not similar_pointers(ltype, rtype):
        raise _invalid("binary -", ltype, rtype)
    result = ltype.prog._types.primitive(PrimitiveType.C_PTRDIFF_T)
    codec = codec_of(result)
    width = codec.bit_size(None)
    distance = wrap(left._rvalue_() - right._rvalue_(), width, True)
    size = referent_size(codec_of(ltype)) or 1
    count = abs(distance) // size
    return result, None, count if distance >= 0 else -count


def shift(op: str, left: Object, right: Object) -> Rvalue:
    """``left << right`` or ``left >> right``.

    Shifting out every bit gives 0 or -1. Raises ValueError if the count is negative.
    """
    ltype, rtype = rvalue_type(left._type_), rvalue_type(right._type_)
    if codec_of(ltype).kind not in INTEGERS or codec_of(rtype).kind not in INTEGERS:
        raise _invalid(f"binary {op}", ltype, rtype)
    type, bits = promote(ltype, left.bit_field_size_)
    codec = codec_of(type)
    check_width(codec, bits)
    count_type, count_bits = promote(rtype, right.bit_field_size_)
    check_width(codec_of(count_type), count_bits)
    count = right._rvalue_()
    if count < 0:
        raise ValueError("negative shift count")
    value = left._rvalue_()
    width = codec.bit_size(bits)
    count = min(count, width)
    if op == "<<":
        return type, bits, wrap(value << count, width, codec.signed)
    return type, bits, wrap(value, width, codec.signed) >> count


def unary(op: str, operand: Object) -> Rvalue:
    """``+``, ``-`` or ``~`` of an object; TypeError if its type has none."""
    type = rvalue_type(operand._type_)
    kind = codec_of(type).kind
    if kind not in ARITHMETIC or (kind is FLOAT and op == "~"):
        raise TypeError(f"invalid operand to unary {op} ('{type.type_name()}')")
    type, bits = promote(type, operand.bit_field_size_)
    codec = codec_of(type)
    check_width(codec, bits)
    value = operand._rvalue_()
    if op == "-":
        value = -value
    elif op == "~":
        value = ~value
    return type, bits, codec.fit(value, bits)


def compare(left: Object, right: Object) -> tuple[Any, Any]:
    """Two numbers that compare as the objects do.

    Raises TypeError if the objects cannot be compared.
    """
    ltype, rtype = rvalue_type(left._type_), rvalue_type(right._type_)
    lcodec, rcodec = codec_of(ltype), codec_of(rtype)
    if lcodec.kind in ARITHMETIC and rcodec.kind in ARITHMETIC:
        type, bits = common_type(
            (ltype, left.bit_field_size_), (rtype, right.bit_field_size_)
        )
        codec = codec_of(type)
        if codec.kind is FLOAT:
            check_source(lcodec, left.bit_field_size_)
            check_source(rcodec, right.bit_field_size_)
        return codec.fit(left._rvalue_(), bits), codec.fit(right._rvalue_(), bits)
    if lcodec.kind is POINTER and rcodec.kind is POINTER:
        return left._rvalue_(), right._rvalue_()
    raise _invalid("comparison", ltype, rtype)
