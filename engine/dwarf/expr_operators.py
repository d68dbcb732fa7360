"""Kinds of operators of DWARF expressions, and which ones an expression cannot have."""

from __future__ import annotations

from typing import NamedTuple

from . import opcodes as op

CONSTANTS = {
    op.DW_OP_const1u: (1, False),
    op.DW_OP_const1s: (1, True),
    op.DW_OP_const2u: (2, False),
    op.DW_OP_const2s: (2, True),
    op.DW_OP_const4u: (4, False),
    op.DW_OP_const4s: (4, True),
    op.DW_OP_const8u: (8, False),
    op.DW_OP_const8s: (8, True),
}
"""The size in bytes of the number that each pushes, and whether it is signed."""
FLOW = frozenset(
    (
        op.DW_OP_skip,
        op.DW_OP_bra,
        op.DW_OP_nop,
        op.DW_OP_call2,
        op.DW_OP_call4,
        op.DW_OP_call_ref,
    )
)
"""Those that may change which operator is next, and DW_OP_nop."""
STACK = frozenset(
    (
        op.DW_OP_dup,
        op.DW_OP_drop,
        op.DW_OP_over,
        op.DW_OP_pick,
        op.DW_OP_swap,
        op.DW_OP_rot,
        op.DW_OP_plus_uconst,
        op.DW_OP_abs,
        op.DW_OP_neg,
        op.DW_OP_not,
        op.DW_OP_deref,
        op.DW_OP_deref_size,
        op.DW_OP_constu,
        op.DW_OP_consts,
    )
)
"""Those that put something on the stack, or move or change what is on it."""
PIECES = frozenset((op.DW_OP_piece, op.DW_OP_bit_piece, op.DW_OP_nop))
"""What may come behind a location."""
LOCATIONS = frozenset(
    (
        op.DW_OP_piece,
        op.DW_OP_bit_piece,
        op.DW_OP_regx,
        op.DW_OP_implicit_value,
        op.DW_OP_stack_value,
        op.DW_OP_implicit_pointer,
        op.DW_OP_GNU_implicit_pointer,
    )
)
"""Those that say where an object, or a piece of it, is."""
TYPED = frozenset(
    (
        op.DW_OP_const_type,
        op.DW_OP_GNU_const_type,
        op.DW_OP_regval_type,
        op.DW_OP_GNU_regval_type,
        op.DW_OP_deref_type,
        op.DW_OP_GNU_deref_type,
        op.DW_OP_xderef_type,
        op.DW_OP_convert,
        op.DW_OP_GNU_convert,
        op.DW_OP_reinterpret,
        op.DW_OP_GNU_reinterpret,
    )
)
"""Those of operands with a base type."""


class Purpose(NamedTuple):
    """What an expression that is no location is for, and what it cannot have there."""

    name: str
    invalid: frozenset[int]


_NO_VALUES = frozenset(
    (op.DW_OP_piece, op.DW_OP_bit_piece, op.DW_OP_implicit_value, op.DW_OP_stack_value)
)
FRAME_BASE = Purpose("DW_AT_frame_base", _NO_VALUES)
CALL_FRAME = Purpose(
    "CFI",
    _NO_VALUES
    | frozenset(range(op.DW_OP_reg0, op.DW_OP_reg31 + 1))
    | frozenset(
        (
            op.DW_OP_regx,
            op.DW_OP_addrx,
            op.DW_OP_constx,
            op.DW_OP_GNU_addr_index,
            op.DW_OP_GNU_const_index,
        )
    ),
)
