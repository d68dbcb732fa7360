"""
Bit Operations
--------------

``drgn.helpers.linux.bitops`` reads bits of the kernel's bitmaps, which are arrays
of ``unsigned long``.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

from drgn import IntegerLike, Object, TypeKind
from drgn.helpers.linux._raw import words

__all__ = ("for_each_clear_bit", "for_each_set_bit", "test_bit")

_PIECE = 512
"""Words that are read at once."""


def for_each_set_bit(bitmap: Object, size: IntegerLike) -> Iterator[int]:
    """Iterate over the set (one) bits of a bitmap.

    :param bitmap: ``unsigned long *``
    :param size: Size of the bitmap in bits.

    >>> list(for_each_set_bit(cpu_online_mask(prog).bits, 64))
    [0, 1]
    """
    yield from _bits(bitmap, operator.index(size), 0)


def for_each_clear_bit(bitmap: Object, size: IntegerLike) -> Iterator[int]:
    """Iterate over the clear (zero) bits of a bitmap.

    :param bitmap: ``unsigned long *``
    :param size: Size of the bitmap in bits.

    >>> list(for_each_clear_bit(cpu_online_mask(prog).bits, 4))
    [2, 3]
    """
    yield from _bits(bitmap, operator.index(size), ~0)


def test_bit(nr: IntegerLike, bitmap: Object) -> bool:
    """Return whether a bit of a bitmap is set.

    :param nr: Bit number.
    :param bitmap: ``unsigned long *``

    >>> test_bit(0, cpu_online_mask(prog).bits)
    True
    """
    nr = operator.index(nr)
    word_bits = 8 * bitmap.prog_.address_size()
    return bool(bitmap[nr // word_bits].value_() >> nr % word_bits & 1)


def bitmap_value(bitmap: Object, size: IntegerLike) -> int:
    """Read a bitmap as one integer, whose least significant bit is bit 0.

    :param bitmap: ``unsigned long *`` or ``unsigned long []``
    :param size: Size of the bitmap in bits.
    :raises FaultError: if the bitmap cannot be read
    """
    size = operator.index(size)
    prog = bitmap.prog_
    word_bits = 8 * prog.address_size()
    value = 0
    for i, word in enumerate(_words(bitmap, 0, -(-size // word_bits))):
        value |= word << i * word_bits
    return value & ((1 << size) - 1) if size > 0 else 0


def _words(bitmap: Object, start: int, end: int) -> Iterable[int]:
    if start >= end:
        return ()
    first = bitmap[start]
    if first.type_.unaliased_kind() != TypeKind.INT:
        raise TypeError(f"not a bitmap: '{bitmap.type_.type_name()}'")
    address = first.address_
    if address is None:
        return (bitmap[i].value_() for i in range(start, end))
    return words(bitmap.prog_, end - start)(address)


def _bits(bitmap: Object, size: int, flip: int) -> Iterator[int]:
    """Bits that are set once those of ``flip`` are changed, piece by piece.

    A size that is wrong may be anything.
    """
    word_bits = 8 * bitmap.prog_.address_size()
    end = -(-size // word_bits)
    for start in range(0, end, _PIECE):
        piece = _words(bitmap, start, min(start + _PIECE, end))
        for i, word in enumerate(piece, start):
            value = (word ^ flip) & ((1 << min(word_bits, size - i * word_bits)) - 1)
            while value:
                lowest = value & -value
                yield i * word_bits + lowest.bit_length() - 1
                value ^= lowest
