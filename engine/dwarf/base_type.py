"""Base types as operands of DWARF expressions (DWARF 5, section 2.5.1)."""

from __future__ import annotations

import operator as arithmetic
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import constants as dw
from . import opcodes as op

if TYPE_CHECKING:
    from ..platform import ByteOrder
    from .unit import Unit

_SIGNED = frozenset((dw.DW_ATE_signed, dw.DW_ATE_signed_char))
_UNSIGNED = frozenset(
    (
        dw.DW_ATE_unsigned,
        dw.DW_ATE_unsigned_char,
        dw.DW_ATE_boolean,
        dw.DW_ATE_address,
        dw.DW_ATE_UTF,
    )
)
_FLOATS = {4: "f", 8: "d"}


def _divide(left: Any, right: Any) -> int | float:
    if isinstance(left, float):
        return float(left / right)
    quotient = abs(left) // abs(right)
    return int(quotient if (left < 0) == (right < 0) else -quotient)


def _remainder(left: Any, right: Any) -> int | float:
    # The sign is the dividend's, as in C.
    return left - right * int(_divide(left, right))  # type: ignore[no-any-return]


_OPERATORS: dict[int, Callable[[Any, Any], Any]] = {
    op.DW_OP_plus: arithmetic.add,
    op.DW_OP_minus: arithmetic.sub,
    op.DW_OP_mul: arithmetic.mul,
    op.DW_OP_div: _divide,
    op.DW_OP_mod: _remainder,
    op.DW_OP_eq: arithmetic.eq,
    op.DW_OP_ne: arithmetic.ne,
    op.DW_OP_lt: arithmetic.lt,
    op.DW_OP_le: arithmetic.le,
    op.DW_OP_gt: arithmetic.gt,
    op.DW_OP_ge: arithmetic.ge,
}
_INTEGER_OPERATORS: dict[int, Callable[[int, int], int]] = {
    op.DW_OP_and: arithmetic.and_,
    op.DW_OP_or: arithmetic.or_,
    op.DW_OP_xor: arithmetic.xor,
    op.DW_OP_shl: arithmetic.lshift,
    op.DW_OP_shra: arithmetic.rshift,
}


class BaseType:
    """A type of operands: integers of a size and sign, or floats."""

    __slots__ = ("byte_order", "is_float", "is_signed", "size")

    def __init__(
        self,
        size: int,
        *,
        is_signed: bool = False,
        is_float: bool = False,
        byte_order: ByteOrder = "little",
    ) -> None:
        self.size = size
        self.is_signed = is_signed
        self.is_float = is_float
        self.byte_order = byte_order

    @classmethod
    def of(cls, unit: Unit, offset: int) -> BaseType:
        """The DW_TAG_base_type at an offset in a unit; ValueError if it is none."""
        die = unit.die_at(unit.offset + offset)
        size = die.attr(dw.DW_AT_byte_size)
        encoding = die.attr(dw.DW_AT_encoding)
        is_float = encoding == dw.DW_ATE_float
        if (
            die.tag != dw.DW_TAG_base_type
            or not isinstance(size, int)
            or not 0 < size <= 16
            or not (encoding in _SIGNED or encoding in _UNSIGNED or is_float)
        ):
            raise ValueError("operand type of DWARF expression is not a base type")
        return cls(
            size,
            is_signed=encoding in _SIGNED,
            is_float=is_float,
            byte_order="little" if unit.file.order == "<" else "big",
        )

    def apply(self, operator: int, left: int | float, right: int | float) -> Any:
        """A binary operator on two values of this type; ValueError if it has none."""
        function = _OPERATORS.get(operator)
        if function is not None:
            return function(left, right)
        if not isinstance(left, int) or not isinstance(right, int):
            raise ValueError("DWARF expression takes a float for an integer")
        if operator in (op.DW_OP_shl, op.DW_OP_shr, op.DW_OP_shra):
            right = min(max(right, 0), self.size * 8)
            if operator == op.DW_OP_shr:
                return (left & (1 << self.size * 8) - 1) >> right
        return _INTEGER_OPERATORS[operator](left, right)

    def to_bytes(self, value: int | float) -> bytes:
        """A value of this type as it is in memory; ValueError if that is not known."""
        if isinstance(value, float):
            return struct.pack(self._float_format(), value)
        return (value & (1 << self.size * 8) - 1).to_bytes(self.size, self.byte_order)

    def _float_format(self) -> str:
        code = _FLOATS.get(self.size)
        if code is None:
            raise ValueError(f"floats of {self.size} bytes are not supported")
        return ("<" if self.byte_order == "little" else ">") + code


def from_bytes(data: bytes, type: BaseType) -> int | float:
    """The value of a type whose bytes are given. ValueError if they do not fit."""
    if len(data) != type.size:
        raise ValueError("constant of DWARF expression has another size than its type")
    if type.is_float:
        return float(struct.unpack(type._float_format(), data)[0])
    return int.from_bytes(data, type.byte_order, signed=type.is_signed)


def convert(value: int | float, type: BaseType) -> int | float:
    """A value as one of another type, as C converts."""
    if type.is_float:
        return from_bytes(type.to_bytes(float(value)), type)
    try:
        number = int(value)
    except (OverflowError, ValueError):  # Infinity and NaN.
        number = 0
    return from_bytes(type.to_bytes(number), type)


def reinterpret(value: int | float, old: BaseType, new: BaseType) -> int | float:
    """The bytes of a value as a value of another type of the same size."""
    return from_bytes(old.to_bytes(value), new)
