"""
Bitmaps
-------

``drgn.helpers.linux.bitmap`` answers questions about whole bitmaps
(:linux:`include/linux/bitmap.h`); their bits are read with
:mod:`drgn.helpers.linux.bitops`.
"""

from __future__ import annotations

from drgn import IntegerLike, Object
from drgn.helpers.linux.bitops import bitmap_value

__all__ = ("bitmap_weight",)


def bitmap_weight(bitmap: Object, size: IntegerLike) -> int:
    """Return the number of set (one) bits in a bitmap.

    :param bitmap: ``unsigned long *``
    :param size: Size of the bitmap in bits.

    >>> bitmap_weight(cpu_online_mask(prog).bits, 64)
    2
    """
    return bitmap_value(bitmap, size).bit_count()
