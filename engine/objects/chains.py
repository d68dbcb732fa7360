"""Pointers in great numbers, as of chains of structures, in the least time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import and_, sub
from struct import Struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from ..memory.memory import PAGE_SHIFT
from . import bare
from .codec import codec_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..program import Program
    from ..types.type import Type
    from .object import Object

# How many nodes of a chain are read one by one in any case.
_SHORT = 64


def pointers(type: Type, addresses: Iterable[int], offset: int = 0) -> Iterator[Object]:
    """Pointers of ``type`` to ``offset`` bytes before each of the addresses.

    They wrap around.
    """
    mask = type._prog._memory.virtual.mask
    codec_of(type)
    new = bare.new
    # All but what cannot be is done by iterators of C, in half the time.
    if offset:
        addresses = map(sub, addresses, repeat(offset))
    if not _are_within(addresses, mask):
        addresses = map(and_, addresses, repeat(mask))
    for state in zip(repeat(type), repeat(None), addresses, repeat(None)):
        pointer = new()
        pointer._state_ = state
        yield pointer


def _are_within(addresses: Iterable[int], mask: int) -> bool:
    """Whether it is seen at once that addresses are from 0 to ``mask``."""
    return (
        isinstance(addresses, range)
        and len(addresses) > 0
        and min(addresses[0], addresses[-1]) >= 0
        and max(addresses[0], addresses[-1]) <= mask
    )


def follow(
    type: Type,
    first: int,
    end: int,
    next_offset: int,
    offset: int,
    cycle: Callable[[int], Exception],
) -> Iterator[Object]:
    """Pointers of ``type`` to what contains the nodes of a chain.

    The chain goes from the node at ``first`` to that at ``end``, which is not yielded.
    Each has the address of the next one at ``next_offset`` and lies ``offset`` bytes
    inside of what is yielded. Raises FaultError if a node cannot be read, and
    ``cycle(address)`` if the chain runs into a cycle without ``end``.
    """
    prog = type._prog
    memory, mask = prog._memory, prog._memory.virtual.mask
    size = prog.address_size()
    order = "<" if prog._is_little_endian() else ">"
    unpack = Struct(order + ("Q" if size == 8 else "I")).unpack_from
    codec_of(type)
    new, windows = bare.new, memory.pages.get
    node = first
    # Brent's algorithm: a chain that comes by the mark again has a cycle.
    laps = 64
    while node != end:
        mark = node
        for _ in range(laps):
            pointer = new()
            value = node - offset
            if value < 0:
                value &= mask
            pointer._state_ = (type, None, value, None)
            yield pointer
            address = node + next_offset
            # Whoever has the pointer may have looked elsewhere, or changed memory.
            base, limit, buffer = memory.window
            where = address - base
            if not 0 <= where < limit:
                memory.window = windows(address >> PAGE_SHIFT, memory.window)
                base, limit, buffer = memory.window
                where = address - base
            if 0 <= where < limit:
                node = unpack(buffer, where)[0]
            else:
                node = prog._read_uint(address & mask, size, False)
            if node == end:
                return
            if node == mark:
                raise cycle(node)
        laps *= 2


def nodes(prog: Program, first: int, end: int, next_offset: int) -> NDArray[np.uint64]:
    """The addresses of the nodes of a chain, see `follow`.

    Raises FaultError if a node cannot be read, BadDataError if the chain runs into a
    cycle without ``end``.
    """
    import numpy as np

    memory, mask = prog._memory, prog._memory.virtual.mask
    size = prog.address_size()
    little = prog._is_little_endian()
    unpack = Struct(("<" if little else ">") + ("Q" if size == 8 else "I")).unpack_from
    are_words = little and size == 8 and sys.byteorder == "little"
    windows = memory.pages.get
    base, limit, buffer = memory.window
    parts: list[NDArray[np.uint64]] = []
    one_by_one: list[NDArray[np.uint64]] = []
    node = first
    laps = _SHORT
    while node != end:
        mark = node
        left = laps
        if laps > _SHORT and are_words:
            part, node = memory.follow(node, end, next_offset, laps)
            parts.append(part)
            left -= len(part)
            if (part[1:] == mark).any():
                node, left = mark, 0
            elif node == end:
                break
        found: list[int] = []
        append = found.append
        for _ in range(left):
            append(node)
            address = node + next_offset
            where = address - base
            if not 0 <= where < limit:
                # Another window that is remembered.
                base, limit, buffer = windows(address >> PAGE_SHIFT, memory.window)
                where = address - base
            if 0 <= where < limit:
                node = unpack(buffer, where)[0]
            else:
                node = prog._read_uint(address & mask, size, False)
                base, limit, buffer = memory.window
            if node in (end, mark):
                break
        parts.append(np.array(found, np.uint64))
        if node == mark:
            raise BadDataError(f"cycle at {node:#x} in a chain of pointers")
        if laps > _SHORT:
            one_by_one.append(parts[-1])
        laps *= 8
    if one_by_one and limit:
        # Where it is known by now where they lie, the next walk is faster.
        read = np.concatenate(one_by_one) + np.uint64(next_offset % 2**64)
        memory.remember(read, size)
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)
