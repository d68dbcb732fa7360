"""
Sbitmaps
--------

``drgn.helpers.linux.sbitmap`` reads scalable bitmaps
(:linux:`include/linux/sbitmap.h`).
"""

from __future__ import annotations

from collections.abc import Iterator

from drgn import Object
from drgn.helpers import ValidationError

__all__ = ("sbitmap_for_each_set",)


def sbitmap_for_each_set(sb: Object) -> Iterator[int]:
    """Iterate over the set (one) bits of a scalable bitmap.

    :param sb: ``struct sbitmap *``
    :raises ValidationError: if it has more bits in a word than fit

    >>> tags = next(for_each_disk(prog)).queue.tag_set.tags[0]
    >>> busy = list(sbitmap_for_each_set(tags.bitmap_tags.sb.address_of_()))
    >>> all(tag < tags.nr_tags for tag in busy)
    True
    """
    depth: int = sb.depth.value_()
    shift: int = sb.shift.value_()
    word_bits = sb.prog_.address_size() * 8
    if 1 << min(shift, 64) > word_bits:
        raise ValidationError(
            f"{sb.format_(dereference=False)} has words of 2^{shift} bits"
        )
    words = sb.map.read_()
    for i in range(sb.map_nr.value_()):
        word = words[i]
        first = i << shift
        bits = min(1 << shift, depth - first)
        if bits <= 0:
            break
        value: int = word.word.value_()
        # Bits that are to be cleared, since 5.0 (ea86ea2cdced).
        try:
            value &= ~word.cleared.value_()
        except AttributeError:
            pass
        for bit in range(bits):
            if value >> bit & 1:
                yield first + bit
