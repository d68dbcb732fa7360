"""Operators between objects, or an object and a number of Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..language import c_ops
from ..language.c_ops_types import literal_type
from ..types.kinds import PrimitiveType, TypeKind
from .codec import codec_of

if TYPE_CHECKING:
    from .object import Object

_SAME = frozenset({TypeKind.INT, TypeKind.POINTER, TypeKind.ENUM, TypeKind.BOOL})
_INT = TypeKind.INT


def literal(obj: Object, value: Any) -> Object | None:
    """A number of Python as an object like ``obj``, None if it is no number.

    Raises OverflowError for integers that no type of the language can hold.
    """
    prog = obj._prog_
    if isinstance(value, int):
        type = literal_type(prog, int(value))
        return obj.__class__._val(prog, type, codec_of(type).fit(value, None))
    if isinstance(value, float):
        return obj.__class__._val(
            prog, prog._types.primitive(PrimitiveType.C_DOUBLE), value
        )
    return None


def _pair(left: Object, right: Any) -> Object | None:
    """The right operand as an object, None if it cannot be one.

    Raises ValueError for an object of another program.
    """
    if right.__class__ is left.__class__:
        if right._prog_ is not left._prog_:
            raise ValueError("objects are from different programs")
        operand: Object = right
        return operand
    return literal(left, right)


def _binary(op: str, left: Object, right: Object) -> Object:
    if op == "<<" or op == ">>":
        type, bits, value = c_ops.shift(op, left, right)
    else:
        type, bits, value = c_ops.binary(op, left, right)
    return left.__class__._val(left._prog_, type, value, bits)


def _forward(op: str) -> Callable[[Any, Any], Any]:
    def method(self: Object, other: Any) -> Object:
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        return _binary(op, self, operand)

    return method


def _reflected(op: str) -> Callable[[Any, Any], Any]:
    def method(self: Object, other: Any) -> Object:
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        return _binary(op, operand, self)

    return method


def _unary(op: str) -> Callable[[Any], Any]:
    def method(self: Object) -> Object:
        type, bits, value = c_ops.unary(op, self)
        return self.__class__._val(self._prog_, type, value, bits)

    return method


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def method(self: Object, other: Any) -> bool:
        if other.__class__ is self.__class__:
            # Values of one integer or pointer type compare as they are.
            type = self._type_
            if type is other._type_ and self._prog_ is other._prog_:
                codec = type._codec
                if codec is not None and codec.kind in _SAME and codec.last >= 0:
                    return compare(self.value_(), other.value_())
        elif other.__class__ is int:
            # So do numbers that are not negative, whatever their types.
            codec = self._type_._codec
            if codec is not None and codec.kind is _INT and codec.last >= 0:
                value = self.value_()
                if 0 <= other < _SIGNED_MAX and (value >= 0 or codec.size <= 4):
                    return compare(value, other)
        operand = _pair(self, other)
        if operand is None:
            return NotImplemented
        return compare(*c_ops.compare(self, operand))

    return method


_SIGNED_MAX = 1 << 31


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
