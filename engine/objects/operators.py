"""Operators between objects, or an object and a number of Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..language import c_ops
from ..language.c_ops_types import literal_type, referent_size
from ..types.kinds import PrimitiveType, TypeKind
from .bare import make_value
from .codec import codec_of

if TYPE_CHECKING:
    from .object import Object

_INT, _ENUM, _POINTER = TypeKind.INT, TypeKind.ENUM, TypeKind.POINTER
_LITERAL_MAX = 1 << 63


def literal(obj: Object, value: Any) -> Object | None:
    """A number of Python as an object like ``obj``, None if it is no number.

    Raises OverflowError for integers that no type of the language can hold.
    """
    prog = obj._prog_
    if isinstance(value, int):
        type = literal_type(prog, int(value))
        return obj.__class__._val(type, codec_of(type).fit(value, None))
    if isinstance(value, float):
        return obj.__class__._val(prog._types.primitive(PrimitiveType.C_DOUBLE), value)
    return None


def _pair(left: Object, right: Any) -> Object | None:
    """The right operand as an object, None if it cannot be one.

    Raises ValueError for an object of another program.
    """
    if right.__class__ is left.__class__:
        if right._state_[0]._prog is not left._state_[0]._prog:
            raise ValueError("objects are from different programs")
        operand: Object = right
        return operand
    return literal(left, right)


def _binary(op: str, left: Object, right: Object) -> Object:
    ltype, _, mine, lbits = left._state_
    rtype, _, its, rbits = right._state_
    codec = ltype._codec
    if codec is not None and lbits is rbits is None:
        plan = codec.plans.get((op, rtype))
        # Shifts read their count first.
        if plan is not None and (mine.__class__ is int or op not in c_ops.SHIFTS):
            if mine.__class__ is not int:
                mine = left.value_() if codec.mask else left._rvalue_()
            if its.__class__ is not int:
                its = right._rvalue_()
            return make_value(plan.type, plan.compute(mine, its))
    type, bits, value = c_ops.binary(op, left, right)
    return left.__class__._val(type, value, bits)


def _remember(left: Object, literal: Object, result: Object) -> None:
    """Keep what the next operation on the left type and a literal int needs.

    That is the type of the result, the limit of literals of type int, a mask of the
    bits of the result, its sign bit, and by how much a pointer moves, None if it is
    no pointer.
    """
    codec, other = codec_of(left._type_), codec_of(literal._type_)
    found = codec_of(result._type_)
    if left._bits_ is not None or other.under.primitive is not PrimitiveType.C_INT:
        return
    scale = None
    if codec.kind is _POINTER:
        scale = referent_size(codec)
    elif codec.kind not in (_INT, _ENUM) or found.kind is not _INT:
        return
    bits = found.bit_size(None)
    codec.with_int = (
        result._type_,
        1 << (other.bit_size(None) - 1),
        (1 << bits) - 1,
        1 << (bits - 1) if found.signed else 0,
        scale,
    )


def _forward(op: str) -> Callable[[Any, Any], Any]:
    modular = c_ops.MODULAR.get(op)
    additive = op in "+-"

    def method(self: Object, other: Any) -> Any:
        if modular is not None and other.__class__ is int:
            left, _, _, bits = self._state_
            codec = left._codec
            if codec is not None and codec.with_int is not None and bits is None:
                type, limit, mask, sign, scale = codec.with_int
                if -limit < other < limit and (scale is None or additive):
                    step = other if scale is None else other * scale
                    value = modular(self.value_(), step) & mask
                    if value & sign:
                        value -= mask + 1
                    return make_value(type, value)
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        result = _binary(op, self, operand)
        if modular is not None and operand is not other:
            _remember(self, operand, result)
        return result

    return method


def _reflected(op: str) -> Callable[[Any, Any], Any]:
    def method(self: Object, other: Any) -> Any:
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        return _binary(op, operand, self)

    return method


def _unary(op: str) -> Callable[[Any], Any]:
    def method(self: Object) -> Object:
        type, bits, value = c_ops.unary(op, self)
        return self.__class__._val(type, value, bits)

    return method


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def method(self: Object, other: Any) -> Any:
        type, address, left, _ = self._state_
        codec = type._codec
        if codec is not None and codec.plain:
            if other.__class__ is self.__class__:
                # Values of one integer or pointer type compare as they are.
                other_type, other_address, right, _ = other._state_
                if type is other_type:
                    if address is not None:
                        left = self.value_()
                    if left.__class__ is int:
                        if other_address is not None:
                            right = other.value_()
                        if right.__class__ is int:
                            return compare(left, right)
            elif (
                other.__class__ is int
                and 0 <= other < _LITERAL_MAX
                and codec.kind is _INT
            ):
                # So does a literal that is not negative: its type is signed, and
                # only negative values change where they become unsigned.
                return compare(self.value_(), other)
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        return compare(*c_ops.compare(self, operand))

    return method


class Operators:
    """Has the operators of an object, with the semantics of its language.

    Where one operand is an int, float or bool, it is a literal of the language.
    """

    __slots__ = ()

    __add__ = _forward("+")
    __sub__ = _forward("-")
    __mul__ = _forward("*")
    __truediv__ = _forward("/")
    __mod__ = _forward("%")
    __lshift__ = _forward("<<")
    __rshift__ = _forward(">>")
    __and__ = _forward("&")
    __xor__ = _forward("^")
    __or__ = _forward("|")

    __radd__ = _reflected("+")
    __rsub__ = _reflected("-")
    __rmul__ = _reflected("*")
    __rtruediv__ = _reflected("/")
    __rmod__ = _reflected("%")
    __rlshift__ = _reflected("<<")
    __rrshift__ = _reflected(">>")
    __rand__ = _reflected("&")
    __rxor__ = _reflected("^")
    __ror__ = _reflected("|")

    __neg__ = _unary("-")
    __pos__ = _unary("+")
    __invert__ = _unary("~")

    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    # An object may change, and equality converts types.
    __hash__ = None  # type: ignore[assignment]
