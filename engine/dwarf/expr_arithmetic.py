"""Arithmetic of DWARF expressions on operands without a type.

They are as large as an address; ``mask`` has all of its bits. Whether they are signed
depends on the operator (DWARF 5, sections 2.5.1.4 and 2.5.1.5).
"""

from __future__ import annotations

from . import opcodes as op
from .expr_context import ExprError

RELATIONS = frozenset(range(op.DW_OP_eq, op.DW_OP_ne + 1))
SHIFTS = frozenset((op.DW_OP_shl, op.DW_OP_shr, op.DW_OP_shra))
BINARY = (
    RELATIONS
    | SHIFTS
    | frozenset(
        (
            op.DW_OP_and,
            op.DW_OP_div,
            op.DW_OP_minus,
            op.DW_OP_mod,
            op.DW_OP_mul,
            op.DW_OP_or,
            op.DW_OP_plus,
            op.DW_OP_xor,
        )
    )
)
"""Operators that take two operands."""


def to_signed(value: int, mask: int) -> int:
    """An operand as a number with sign."""
    return value - mask - 1 if value > mask >> 1 else value


def binary(operator: int, left: int, right: int, mask: int) -> int:
    """What one of `BINARY` makes of two operands; it may have more bits than they.

    Raises ExprError for a modulo by zero and ZeroDivisionError for a division.
    """
    if operator == op.DW_OP_plus:
        return left + right
    if operator == op.DW_OP_minus:
        return left - right
    if operator == op.DW_OP_and:
        return left & right
    if operator == op.DW_OP_or:
        return left | right
    if operator == op.DW_OP_xor:
        return left ^ right
    if operator == op.DW_OP_mul:
        return left * right
    if operator == op.DW_OP_mod:
        if not right:
            raise ExprError("modulo by zero in DWARF expression")
        return left % right  # Unsigned, as no sign is known.
    bits = mask.bit_length()
    if operator == op.DW_OP_shl:
        return left << right if right < bits else 0
    if operator == op.DW_OP_shr:
        return left >> right if right < bits else 0
    signed = to_signed(left, mask)
    if operator == op.DW_OP_shra:
        return signed >> min(right, bits - 1)
    other = to_signed(right, mask)
    if operator == op.DW_OP_div:
        quotient = abs(signed) // abs(other)
        return quotient if (signed < 0) == (other < 0) else -quotient
    return _compare(operator, signed, other)


def _compare(operator: int, left: int, right: int) -> int:
    if operator == op.DW_OP_eq:
        return int(left == right)
    if operator == op.DW_OP_ne:
        return int(left != right)
    if operator == op.DW_OP_lt:
        return int(left < right)
    if operator == op.DW_OP_le:
        return int(left <= right)
    if operator == op.DW_OP_gt:
        return int(left > right)
    return int(left >= right)
