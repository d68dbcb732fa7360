"""Variable-length numbers and strings in a section (DWARF 5, section 7.6)."""

from __future__ import annotations

Buffer = bytes | memoryview

_MAX_LEB128_BYTES = 19  # Enough for 128 bits; more is padding that nobody writes.


def uleb128(data: Buffer, position: int) -> tuple[int, int]:
    """An unsigned LEB128 number and the position after it.

    Raises IndexError past the end of the data and ValueError if it does not end.
    """
    byte = data[position]
    position += 1
    if byte < 0x80:
        return byte, position
    result, shift = byte & 0x7F, 7
    while shift < 7 * _MAX_LEB128_BYTES:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise ValueError("LEB128 number is too long")


def sleb128(data: Buffer, position: int) -> tuple[int, int]:
    """A signed LEB128 number and the position after it; errors as `uleb128()`."""
    start = position
    result, position = uleb128(data, position)
    bits = 7 * (position - start)
    if result >> (bits - 1):
        result -= 1 << bits
    return result, position


def c_string(data: memoryview, position: int) -> tuple[bytes, int]:
    """A string without its terminating NUL, and the position after the NUL.

    Raises IndexError if the string lies outside of the data or does not end in it.
    """
    if not 0 <= position < len(data):
        raise IndexError("string is out of bounds")
    size = 64
    while True:
        chunk = bytes(data[position : position + size])
        end = chunk.find(0)
        if end >= 0:
            return chunk[:end], position + end + 1
        if position + size >= len(data):
            raise IndexError("string is not terminated")
        size *= 8
