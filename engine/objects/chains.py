"""Chains of structures that point to one another, in as little time as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from ..memory.memory import PAGE_SHIFT
from .codec import codec_of
from .object import Object

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type

_new = object.__new__


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
    node = first
    # Brent's algorithm: a chain that comes by the mark again has a cycle.
    laps = 64
    while node != end:
        mark = node
        for _ in range(laps):
            pointer = _new(Object)
            value = node - offset if node >= offset else node - offset & mask
            pointer._state_ = (prog, type, None, value, None)
            yield pointer
            where = node + next_offset
            low, high, buffer, base = memory.window
            if low <= where < high:
                node = unpack(buffer, where - base)[0]
            else:
                node = prog._read_uint(where & mask, size, False)
            if node == end:
                return
            if node == mark:
                raise cycle(node)
        laps *= 2


def nodes(prog: Program, first: int, end: int, next_offset: int) -> list[int]:
    """The addresses of the nodes of a chain, see `follow`.

    Raises FaultError if a node cannot be read, BadDataError if the chain runs into a
    cycle without ``end``.
    """
    memory, mask = prog._memory, prog._memory.virtual.mask
    size = prog.address_size()
    order = "<" if prog._is_little_endian() else ">"
    unpack = Struct(order + ("Q" if size == 8 else "I")).unpack_from
    windows = memory.pages.get
    low, high, buffer, base = memory.window
    found: list[int] = []
    append = found.append
    node = first
    laps = 64
    while node != end:
        mark = node
        for _ in range(laps):
            append(node)
            where = node + next_offset
            if not low <= where < high:
                # Another window that is remembered.
                low, high, buffer, base = windows(where >> PAGE_SHIFT, memory.window)
            if low <= where < high:
                node = unpack(buffer, where - base)[0]
            else:
                node = prog._read_uint(where & mask, size, False)
                low, high, buffer, base = memory.window
            if node == end:
                return found
            if node == mark:
                raise BadDataError(f"cycle at {node:#x} in a chain of pointers")
        laps *= 2
    return found
