"""Integers of any number of bits at any bit offset of a buffer.

Little-endian values count bits from the least significant one of the first byte,
big-endian values from the most significant one (DWARF 5, section 5.7.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..platform import ByteOrder


def get_bits(buffer: bytes, bit_offset: int, bit_size: int, little: bool) -> int:
    """The unsigned integer at ``bit_offset``; the buffer must hold all of it."""
    end = bit_offset + bit_size
    last = (end + 7) >> 3
    piece = buffer[bit_offset >> 3 : last]
    if little:
        number = int.from_bytes(piece, "little") >> (bit_offset & 7)
    else:
        number = int.from_bytes(piece, "big") >> ((last << 3) - end)
    return number & ((1 << bit_size) - 1)


def put_bits(
    buffer: bytearray, bit_offset: int, bit_size: int, little: bool, value: int
) -> None:
    """Store the low bits of an integer and leave the bits around it alone."""
    end = bit_offset + bit_size
    first = bit_offset >> 3
    last = (end + 7) >> 3
    order: ByteOrder = "little" if little else "big"
    shift = (bit_offset & 7) if little else (last << 3) - end
    mask = ((1 << bit_size) - 1) << shift
    old = int.from_bytes(buffer[first:last], order)
    new = (old & ~mask) | (value << shift & mask)
    buffer[first:last] = new.to_bytes(last - first, order)


def wrap(value: int, bits: int, signed: bool) -> int:
    """The low ``bits`` bits of an integer, taken as signed or unsigned."""
    value &= (1 << bits) - 1
    if signed and value >> (bits - 1):
        value -= 1 << bits
    return value
