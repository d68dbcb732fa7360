"""C's operators on objects.

An operator gives an `Rvalue`: a type, the size of a bit field in bits or None, and the
value, from which the caller makes an Object.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..objects.bits import wrap
from ..objects.codec import Codec, codec_of, round_to_single
from ..types.kinds import PrimitiveType
from .c_ops_types import (
    ARITHMETIC,
    BOOL,
    FLOAT,
    INT,
    INTEGERS,
    POINTER,
    check_platform,
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
    from .c_ops_types import TypeBits

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
SHIFTS = ("<<", ">>")
_UNARY: dict[str, Callable[[Any], Any]] = {
    "+": operator.pos,
    "-": operator.neg,
    "~": operator.invert,
}
_FLOATING = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class Plan:
    """What an operator does with operands of certain types.

    ``type`` and ``bits`` (the size of a bit field) are those of the result, and
    ``compute`` makes its value of theirs.
    """

    __slots__ = ("bits", "compute", "type")

    def __init__(
        self, type: Type, bits: int | None, compute: Callable[..., Any]
    ) -> None:
        self.type = type
        self.bits = bits
        self.compute = compute


def _invalid(op: str, left: Type, right: Type) -> TypeError:
    return TypeError(
        f"invalid operands to {op} ('{left.type_name()}' and '{right.type_name()}')"
    )


def binary(op: str, left: Object, right: Object) -> Rvalue:
    """``left op right`` for one of ``+ - * / % & | ^ << >>``.

    Raises TypeError if the types do not go together.
    """
    plan = plan_binary(op, left, right)
    if op in SHIFTS:
        count = right._rvalue_()
        if count < 0:
            raise ValueError("negative shift count")
        return plan.type, plan.bits, plan.compute(left._rvalue_(), count)
    return plan.type, plan.bits, plan.compute(left._rvalue_(), right._rvalue_())


def plan_binary(op: str, left: Object, right: Object) -> Plan:
    """What ``op`` does with the types of these operands; remembered.

    Where neither is a bit field or a bool, which may be kept as another number, it is
    in the ``plans`` of the left type's codec by the operator and the right type.
    """
    lbits, rbits = left.bit_field_size_, right.bit_field_size_
    rtype = right._type_
    codec = codec_of(left._type_)
    key: tuple[object, ...] = (op, rtype)
    if (
        lbits is not None
        or rbits is not None
        or BOOL in (codec.kind, codec_of(rtype).kind)
    ):
        key = (op, rtype, lbits, rbits)
    plans = codec.plans
    found = plans.get(key)
    if found is None:
        prepare = _shift if op in SHIFTS else _binary
        found = prepare(
            op, (rvalue_type(left._type_), lbits), (rvalue_type(rtype), rbits)
        )
        plans[key] = found
    return found


def _binary(op: str, left: TypeBits, right: TypeBits) -> Plan:
    ltype, rtype = left[0], right[0]
    lcodec, rcodec = codec_of(ltype), codec_of(rtype)
    lkind, rkind = lcodec.kind, rcodec.kind
    check_platform(lcodec)
    check_platform(rcodec)
    if lkind in ARITHMETIC and rkind in ARITHMETIC:
        type, bits = common_type(left, right)
        codec = codec_of(type)
        if codec.kind is FLOAT:
            if op not in "+-*/":
                raise _invalid(f"binary {op}", ltype, rtype)
            _check_floating(lcodec, left[1])
            _check_floating(rcodec, right[1])
            return Plan(type, bits, partial(_floating, op, codec))
        modular = MODULAR.get(op)
        if modular is not None:
            return Plan(type, bits, _wrapped_pair(modular, codec, bits))
        return Plan(type, bits, partial(_divided, op, codec, bits))
    if op == "+" and lkind is POINTER and rkind in INTEGERS:
        return _move(ltype, right, lambda pointer, index, size: pointer + index * size)
    if op == "+" and lkind in INTEGERS and rkind is POINTER:
        return _move(rtype, left, lambda index, pointer, size: pointer + index * size)
    if op == "-" and lkind is POINTER and rkind in INTEGERS:
        return _move(ltype, right, lambda pointer, index, size: pointer - index * size)
    if op == "-" and lkind is POINTER and rkind is POINTER:
        return _distance(ltype, rtype)
    if op in "+-":
        for codec in (lcodec, rcodec):
            if codec.kind is POINTER:
                # What a pointer moves by is looked at first.
                referent_size(codec)
    raise _invalid(f"binary {op}", ltype, rtype)


def _check_floating(codec: Codec, bits: int | None) -> None:
    """Raise TypeError for what does not become a floating-point number."""
    if not codec.scalar:
        raise TypeError("object cannot be converted to floating-point")
    check_source(codec, bits)


def _limits(codec: Codec, bits: int | None) -> tuple[int, int]:
    """A mask of the bits of an integer type and its sign bit, 0 if unsigned."""
    width = codec.bit_size(bits)
    return (1 << width) - 1, 1 << (width - 1) if codec.signed else 0


def _wrapped(
    function: Callable[[Any], int], codec: Codec, bits: int | None
) -> Callable[[Any], int]:
    """``function`` of a number with results that fit an integer type."""
    mask, sign = _limits(codec, bits)

    def compute(number: Any) -> int:
        value = function(number) & mask
        return value - mask - 1 if value & sign else value

    return compute


def _wrapped_pair(
    function: Callable[[int, int], int], codec: Codec, bits: int | None
) -> Callable[[int, int], int]:
    """``function`` of two integers with results that fit an integer type."""
    mask, sign = _limits(codec, bits)

    def compute(left: int, right: int) -> int:
        value = function(left, right) & mask
        return value - mask - 1 if value & sign else value

    return compute


def _divided(op: str, codec: Codec, bits: int | None, left: int, right: int) -> int:
    width = codec.bit_size(bits)
    signed = codec.signed
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


def _move(type: Type, index: TypeBits, move: Callable[[int, int, int], int]) -> Plan:
    """A pointer plus or minus an integer."""
    codec = codec_of(type)
    size = referent_size(codec)
    count = codec_of(index[0])
    if not count.scalar:
        raise TypeError("invalid addend type for pointer arithmetic")
    check_source(count, index[1])
    mask = (1 << codec.bit_size(None)) - 1
    return Plan(type, None, lambda left, right: move(left, right, size) & mask)


def _distance(ltype: Type, rtype: Type) -> Plan:
    """The number of elements between two pointers."""
    if not similar_pointers(ltype, rtype):
        raise _invalid("binary -", ltype, rtype)
    result = ltype.prog._types.primitive(PrimitiveType.C_PTRDIFF_T)
    if codec_of(result).kind is not INT or not codec_of(result).signed:
        raise TypeError("invalid result type for pointer subtraction")
    width = codec_of(result).bit_size(None)
    size = referent_size(codec_of(ltype))
    if size == 0:
        raise ValueError("object size must not be zero")

    def compute(left: int, right: int) -> int:
        distance = wrap(left - right, width, True)
        count = abs(distance) // size
        return count if distance >= 0 else -count

    return Plan(result, None, compute)


def _shift(op: str, left: TypeBits, right: TypeBits) -> Plan:
    """Shifting out every bit gives 0 or -1."""
    ltype, rtype = left[0], right[0]
    if codec_of(ltype).kind not in INTEGERS or codec_of(rtype).kind not in INTEGERS:
        raise _invalid(f"binary {op}", ltype, rtype)
    type, bits = promote(*left)
    codec = codec_of(type)
    check_width(codec, bits)
    count_type, count_bits = promote(*right)
    check_width(codec_of(count_type), count_bits)
    width, signed = codec.bit_size(bits), codec.signed
    if op == "<<":
        return Plan(
            type,
            bits,
            lambda value, count: wrap(value << min(count, width), width, signed),
        )
    return Plan(
        type,
        bits,
        lambda value, count: wrap(value, width, signed) >> min(count, width),
    )


def unary(op: str, operand: Object) -> Rvalue:
    """``+``, ``-`` or ``~`` of an object; TypeError if its type has none."""
    type, _, _, found = operand._state_
    bits = None if found is None else operand.bit_field_size_
    plans = codec_of(type).plans
    plan = plans.get((op, bits))
    if plan is None:
        plan = plans[op, bits] = _unary(op, rvalue_type(type), bits)
    return plan.type, plan.bits, plan.compute(operand._rvalue_())


def _unary(op: str, type: Type, bits: int | None) -> Plan:
    kind = codec_of(type).kind
    check_platform(codec_of(type))
    if kind not in ARITHMETIC or (kind is FLOAT and op == "~"):
        raise TypeError(f"invalid operand to unary {op} ('{type.type_name()}')")
    type, bits = promote(type, bits)
    codec = codec_of(type)
    check_width(codec, bits)
    function = _UNARY[op]
    if codec.kind is FLOAT:
        return Plan(type, bits, lambda value: codec.fit(function(value), None))
    return Plan(type, bits, _wrapped(function, codec, bits))


def compare(left: Object, right: Object) -> tuple[Any, Any]:
    """Two numbers that compare as the objects do.

    Raises TypeError if the objects cannot be compared.
    """
    ltype, _, _, lfound = left._state_
    rtype, _, _, rfound = right._state_
    lbits = None if lfound is None else left.bit_field_size_
    rbits = None if rfound is None else right.bit_field_size_
    plans = codec_of(ltype).plans
    key = ("==", rtype, lbits, rbits)
    plan = plans.get(key)
    if plan is None:
        plan = plans[key] = _compare(
            (rvalue_type(ltype), lbits), (rvalue_type(rtype), rbits)
        )
    convert = plan.compute
    return convert(left._rvalue_()), convert(right._rvalue_())


def _compare(left: TypeBits, right: TypeBits) -> Plan:
    """The plan to convert one operand."""
    ltype, rtype = left[0], right[0]
    lcodec, rcodec = codec_of(ltype), codec_of(rtype)
    check_platform(lcodec)
    check_platform(rcodec)
    if lcodec.kind in ARITHMETIC and rcodec.kind in ARITHMETIC:
        type, bits = common_type(left, right)
        codec = codec_of(type)
        if codec.kind is FLOAT:
            _check_floating(lcodec, left[1])
            _check_floating(rcodec, right[1])
            return Plan(type, bits, lambda value: codec.fit(value, None))
        return Plan(type, bits, _wrapped(int, codec, bits))
    if lcodec.kind is POINTER and rcodec.kind is POINTER:
        return Plan(ltype, None, lambda value: value)
    raise _invalid("comparison", ltype, rtype)
