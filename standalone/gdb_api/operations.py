"""Operators of expressions, with C's conversions and GDB's words for what fails."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import drgn
from drgn import Object, TypeKind

from .errors import error
from .types import COMPOUND, size_of
from .value import ADDRESSES, Value, decayed, number, reading

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
}
_UNARY_NAMES = {
    "-": "negate operation not a number",
    "+": "positive operation not a number",
    "~": "complement operation not an integer, boolean",
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = TypeKind.INT, TypeKind.BOOL, TypeKind.FLOAT, TypeKind.ENUM
_SCALARS = *_NUMBERS, TypeKind.POINTER
_NO_NUMBER = "Argument to arithmetic operation not a number or boolean."


def _long(obj: Object) -> drgn.Type:
    return obj.prog_.type("long")


def binary(sign: str, left: Value, right: Value) -> Value:
    """An arithmetic operator."""
    one, other = decayed(left._obj), decayed(right._obj)
    mine, theirs = one.type_.unaliased_kind(), other.type_.unaliased_kind()
    if TypeKind.POINTER in (mine, theirs):
        if sign in "+-":
            return _with_pointers(sign, one, other, mine, theirs)
        raise error(_NO_NUMBER)
    if mine not in _NUMBERS or theirs not in _NUMBERS:
        raise error(_NO_NUMBER)
    if TypeKind.FLOAT in (mine, theirs) and sign not in ("+", "-", "*", "/", "**"):
        raise error("Integer-only operation on floating point number.")
    _check_size(one)
    _check_size(other)
    if sign == "**":
        return _power(one, other)
    with reading():
        try:
            return Value(_ARITHMETIC[sign](one, other))
        except ZeroDivisionError:
            raise error("Division by zero") from None
        except ValueError as reason:
            if sign in ("<<", ">>"):
                return _wide_shift(sign, one, other)
            raise error(str(reason)) from None
        except TypeError:
            raise error(_NO_NUMBER) from None


def _wide_shift(sign: str, one: Object, other: Object) -> Value:
    """A shift by as many bits as there are, or a negative number: 0 or all signs."""
    value = number(one)
    result = -1 if sign == ">>" and value < 0 else 0
    return Value(Object(one.prog_, (+one).type_, result))


def _check_size(obj: Object) -> None:
    """Raise gdb.error for integers that are not calculated with."""
    kind = obj.type_.unaliased_kind()
    if kind is not TypeKind.FLOAT and size_of(obj.type_) > 8:
        raise error("That operation is not available on integers of more than 8 bytes.")


def _power(one: Object, other: Object) -> Value:
    with reading():
        base, exponent = one.value_(), other.value_()
    if isinstance(base, float) or isinstance(exponent, float):
        return Value(Object(one.prog_, "double", base**exponent))
    if exponent < 0 or exponent > 4096:
        raise error("Integer exponent is out of range.")
    return Value(drgn.cast((one + other).type_, integer(one, base**exponent)))


def integer(near: Object, value: int) -> Object:
    """An integer, cut off to 64 bits."""
    return Object(near.prog_, "unsigned long", value & ADDRESSES)


def _with_pointers(
    sign: str, one: Object, other: Object, mine: TypeKind, theirs: TypeKind
) -> Value:
    with reading():
        if mine is theirs:
            if sign == "+":
                raise error(_NO_NUMBER)
            size = size_of(one.type_.unaliased().type)
            if size != size_of(other.type_.unaliased().type):
                raise error(
                    "First argument of `-' is a pointer and second argument is "
                    "neither\nan integer nor a pointer of the same type."
                )
            distance = _signed(number(one) - number(other))
            quotient = abs(distance) // (size or 1)
            signed = quotient if distance >= 0 else -quotient
            return Value(Object(one.prog_, _long(one), signed))
        pointer, offset = (one, other) if mine is TypeKind.POINTER else (other, one)
        kind = theirs if mine is TypeKind.POINTER else mine
        if kind not in (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM):
            raise error(_NO_NUMBER)
        if sign == "-" and mine is not TypeKind.POINTER:
            raise error(_NO_NUMBER)
        size = size_of(pointer.type_.unaliased().type) or 1
        delta = number(offset) * size
        width = pointer.type_.unaliased().size or 8
        at = number(pointer) + (delta if sign == "+" else -delta)
        return Value(Object(pointer.prog_, pointer.type_, at & ((1 << width * 8) - 1)))


def _signed(value: int) -> int:
    """A number of 64 bits as one with a sign."""
    return ((value + (1 << 63)) & ADDRESSES) - (1 << 63)


def unary(sign: str, value: Value) -> Value:
    """``-``, ``+``, ``~`` and ``!``."""
    obj = decayed(value._obj)
    kind = obj.type_.unaliased_kind()
    if sign == "!":
        result = not value
        return Value(Object(obj.prog_, "int", int(result)))
    if kind not in _NUMBERS or (sign == "~" and kind is TypeKind.FLOAT):
        raise error(f"Argument to {_UNARY_NAMES[sign]}.")
    _check_size(obj)
    with reading():
        return Value(_UNARY[sign](obj))


def compare(sign: str, left: Value, right: Value) -> bool:
    """A comparison."""
    one, other = decayed(left._obj), decayed(right._obj)
    mine, theirs = one.type_.unaliased_kind(), other.type_.unaliased_kind()
    test = COMPARISONS[sign]
    if TypeKind.POINTER in (mine, theirs):
        return test(_address(one), _address(other))
    if mine in _NUMBERS and theirs in _NUMBERS:
        with reading():
            try:
                return bool(test(one, other))
            except TypeError:
                return test(number(one), number(other))
    if sign in ("==", "!=") and mine is theirs and mine in COMPOUND:
        with reading():
            return test(one.to_bytes_(), other.to_bytes_())
    if mine is theirs is TypeKind.ARRAY:
        with reading():
            return test(one.to_bytes_(), other.to_bytes_())
    raise error("Invalid type combination in equality test.")


def _address(obj: Object) -> int:
    kind = obj.type_.unaliased_kind()
    if kind not in (*_NUMBERS, TypeKind.POINTER):
        raise error("Invalid type combination in equality test.")
    return number(obj) & ADDRESSES


def cast(value: Value, type_: drgn.Type) -> Value:
    """A C cast."""
    obj = value._obj
    target, source = type_.unaliased_kind(), obj.type_.unaliased_kind()
    if target is TypeKind.VOID:
        return Value(Object(obj.prog_, type_))
    if target in (*COMPOUND, TypeKind.ARRAY, TypeKind.FUNCTION):
        return _reinterpreted(obj, type_, source)
    if source in COMPOUND:
        raise error("Invalid cast.")
    with reading():
        try:
            plain = decayed(obj)
            if target is TypeKind.POINTER and plain.type_.unaliased_kind() in _NUMBERS:
                plain = integer(plain, number(plain))
            return Value(drgn.cast(type_, plain))
        except TypeError:
            raise error("Invalid cast.") from None


def _reinterpreted(obj: Object, type_: drgn.Type, source: TypeKind) -> Value:
    """As another structure or array, where the sizes or the base classes allow it."""
    if obj.address_ is not None:
        offset = _base_offset(obj.type_, type_)
        return Value(Object(obj.prog_, type_, address=obj.address_ + offset))
    size, whole = size_of(type_), source in (*COMPOUND, TypeKind.ARRAY)
    if whole or (source in _SCALARS and size_of(obj.type_) == size):
        with reading():
            data = obj.to_bytes_()
        if len(data) >= size:
            offset = _base_offset(obj.type_, type_)
            return Value(Object.from_bytes_(obj.prog_, type_, data[offset:]))
    raise error("Invalid cast.")


def _base_offset(type_: drgn.Type, base: drgn.Type, depth: int = 0) -> int:
    """Where in a class a base class is; 0 where it is none of it."""
    plain = type_.unaliased()
    if plain.kind not in COMPOUND or depth > 50:
        return 0
    for each in plain.members or ():
        if each.name is None and each.type.unaliased_kind() in COMPOUND:
            if each.type.unaliased() == base.unaliased():
                return each.bit_offset // 8
            found = _base_offset(each.type, base, depth + 1)
            if found:
                return each.bit_offset // 8 + found
    return 0
