"""The object whose parts are where an expression says (DWARF 5, section 2.6.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..flags import AbsenceReason
from ..objects.object import Object
from ..types.layout import type_size
from .expr import evaluate
from .expr_context import (
    EMPTY,
    MEMORY,
    REGISTER,
    ExprContext,
    ExprError,
    Piece,
    Unavailable,
    Unsupported,
)

if TYPE_CHECKING:
    from ..platform import ByteOrder
    from ..types.type import Type
    from .die import Die

_MAX_SIZE = 1 << 24
"""Bytes of an object in pieces; what is larger is malformed."""

_GENERIC_BITS = 64
"""Of a register, or of a number on the stack."""


def evaluated(
    die: Die, type: Type, location: memoryview, context: ExprContext
) -> Object:
    """The object of a type at a location, absent where that cannot be told.

    Raises BadDataError, which names the DIE that has the location, if it is malformed.
    """
    little_endian = die.unit.file.order == "<"
    try:
        pieces = evaluate(
            location,
            context,
            address_size=die.unit.address_size,
            little_endian=little_endian,
        )
        return _assemble(context, type, pieces, little_endian)
    except Unavailable:
        return Object._absent(type, AbsenceReason.OPTIMIZED_OUT)
    except Unsupported:
        return Object._absent(type, AbsenceReason.NOT_IMPLEMENTED)
    except ValueError as error:
        raise die.error(f"DW_AT_location: {error}") from None


def _assemble(
    context: ExprContext, type: Type, pieces: Sequence[Piece], little_endian: bool
) -> Object:
    """An object of a type from its pieces.

    It is a reference if all of it is in one stretch of memory, else a value. Pieces
    past its end do not count. Raises Unavailable if a piece is not known or if there
    are too few, ExprError if the object is too large, and what the context raises.
    """
    pieces = [piece for piece in pieces if piece.bit_size != 0]
    if not pieces:
        raise Unavailable
    first = pieces[0]
    if first.kind == MEMORY and first.bit_size is None:
        return _reference(type, first)
    try:
        bits = 8 * type_size(type)
    except TypeError:  # It has no size, so no value either.
        raise Unavailable from None
    if first.kind == MEMORY and _memory_bits(pieces) >= bits:
        return _reference(type, first)
    if bits > 8 * _MAX_SIZE:
        raise ExprError(f"object of {bits // 8} bytes is not in memory")
    value = done = 0
    for piece in pieces:
        size = bits - done
        if piece.bit_size is not None:
            size = min(piece.bit_size, size)
        part = _piece_bits(context, piece, size, little_endian)
        value = value | part << done if little_endian else value << size | part
        done += size
        if done == bits:
            break
    else:
        raise Unavailable
    data = value.to_bytes(bits // 8, "little" if little_endian else "big")
    return Object._from_buffer(type, data)


def _reference(type: Type, piece: Piece) -> Object:
    assert isinstance(piece.value, int)
    return Object._ref(type, piece.value, bit_offset=piece.bit_offset)


def _memory_bits(pieces: Sequence[Piece]) -> int:
    """How many bits of memory the first pieces have one after the other."""
    total = 0
    end = None
    for piece in pieces:
        if piece.kind != MEMORY or piece.bit_size is None:
            break
        assert isinstance(piece.value, int)
        start = 8 * piece.value + piece.bit_offset
        if end is not None and start != end:
            break
        end = start + piece.bit_size
        total += piece.bit_size
    return total


def _piece_bits(
    context: ExprContext, piece: Piece, size: int, little_endian: bool
) -> int:
    """Bits of a piece: in memory its first ones, of what is a number the lowest."""
    kind, value, skipped = piece.kind, piece.value, piece.bit_offset
    if kind == EMPTY:
        raise Unavailable
    order: ByteOrder = "little" if little_endian else "big"
    if kind == MEMORY:
        assert isinstance(value, int)
        count = (skipped + size + 7) // 8
        number = int.from_bytes(context.read(value, count), order)
        if not little_endian:
            skipped = 8 * count - skipped - size
    elif isinstance(value, bytes):
        # An implicit value, as wide as it is: the rest is zero.
        number = int.from_bytes(value, order)
    else:
        number = context.register(value) if kind == REGISTER else value
        if kind == REGISTER and skipped + size > _GENERIC_BITS:
            # It cannot hold so much, such as a vector register's part.
            raise Unavailable
    return number >> skipped & (1 << size) - 1
