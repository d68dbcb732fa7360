"""
Bit Operations
--------------

``drgn.helpers.linux.bitops`` reads bits of the kernel's bitmaps, which are arrays
of ``unsigned long``.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from drgn import IntegerLike, Object
from drgn.helpers.linux._raw import words

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("for_each_clear_bit", "for_each_set_bit", "test_bit")


def for_each_set_bit(bitmap: Object, size: IntegerLike) -> Iterator[int]:
    """Iterate over the set (one) bits of a bitmap.

    :param bitmap: ``unsigned long *``
    :param size: Size of the bitmap in bits.

    >>> list(for_each_set_bit(cpu_online_mask(prog).bits, 64))
    [0, 1]
    """
    return _bits(bitmap_value(bitmap, size))


def for_each_clear_bit(bitmap: Object, size: IntegerLike) -> Iterator[int]:
    """Iterate over the clear (zero) bits of a bitmap.

    :param bitmap: ``unsigned long *``
    :param size: Size of the bitmap in bits.

    >>> list(for_each_clear_bit(cpu_online_mask(prog).bits, 4))
    [2, 3]
    """
    size = operator.index(size)
    return _bits(bitmap_value(bitmap, size) ^ ((1 << size) - 1))


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
    count = -(-size // word_bits)
    if count <= 0:
        return 0
    value = 0
    for i, word in enumerate(_words(bitmap, count)):
        value |= word << i * word_bits
    return value & ((1 << size) - 1)


def _words(bitmap: Object, count: int) -> Iterator[int] | tuple[int, ...]:
    address = bitmap[0].address_
    if address is None:
        return (bitmap[i].value_() for i in range(count))
    return words(bitmap.prog_, count)(address)


def _bits(value: int) -> Iterator[int]:
    while value:
        lowest = value & -value
        yield lowest.bit_length() - 1
        value ^= lowest
