"""The lists of free objects of many slabs of SLUB, read all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drgn import Program
from drgn.helpers.linux._slab_layout import (
    SlabCorruptionError,
    SlabFreelistCycleError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]

# What is in place of the number of a next object.
_END, _NO_OBJECT, _UNREADABLE = -1, -2, -3


class FreeLists(NamedTuple):
    """Lists of free objects, each of one slab: an array of n for each of these."""

    pointer: Addresses
    """Address of the first free object, 0 if there is none."""
    start: Addresses
    """Address of the first object of the slab, allocated or free."""
    objects: Addresses
    """Number of objects of the slab."""
    size: Addresses
    """From one object to the next, in bytes."""
    offset: Addresses
    """Where in a free object the pointer to the next one is."""
    random: Addresses | None
    """What the pointers are mixed with; None without CONFIG_SLAB_FREELIST_HARDENED."""

    def at(self, which: NDArray[np.int64]) -> FreeLists:
        """Some of the lists."""
        random = None if self.random is None else self.random[which]
        return FreeLists(
            self.pointer[which],
            self.start[which],
            self.objects[which],
            self.size[which],
            self.offset[which],
            random,
        )


def free_objects(
    prog: Program, lists: FreeLists, cache_name: Callable[[int], str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the objects that are on the lists.

    ``cache_name`` names the cache of a list.

    :return: For each of m free objects its list and its number in the slab, int64[m].
    :raises FaultError: if a free object cannot be read
    :raises SlabCorruptionError: if a pointer is not to an object of the slab, or a list
        runs into a cycle
    """
    used = np.flatnonzero(lists.pointer)
    if not len(used):
        return used, used
    lists = lists.at(used)
    counts = lists.objects.astype(np.int64)
    begin = np.cumsum(counts) - counts
    # All objects in a row, and what each would say is the next one if it were free.
    list_of = np.repeat(np.arange(len(used)), counts)
    each = lists.at(list_of)
    number = np.arange(len(list_of)) - begin[list_of]
    places = each.start + number.astype(np.uint64) * each.size + each.offset
    stored = prog.gather("unsigned long", places)
    words, unreadable = stored.data.astype(np.uint64), stored.mask
    first = _numbers(lists, lists.pointer)
    failures = []
    for decode in _DECODERS if each.random is not None else (_plain,):
        pointers = decode(prog, each, words, places)
        next = np.where(pointers == 0, _END, _numbers(each, pointers))
        next[unreadable] = _UNREADABLE
        is_free, failure = _walk(first.tolist(), next.tolist(), counts.tolist())
        if failure is None:
            found = np.flatnonzero(np.frombuffer(is_free, np.uint8))
            return used[list_of[found]], number[found]
        i, last = failure
        row = None if last is None else int(begin[i]) + last
        if row is None:
            failures.append((i, int(lists.pointer[i]), int(first[i])))
        elif next[row] == _UNREADABLE:
            prog.read_word(int(places[row]))
        else:
            failures.append((i, int(pointers[row]), int(next[row])))
    i, pointer, following = failures[0]
    name = cache_name(int(used[i]))
    if following >= 0:
        raise SlabFreelistCycleError(f"{name} freelist contains cycle at {pointer:#x}")
    raise SlabCorruptionError(
        f"{name} freelist contains {pointer:#x}, which is no object of its slab"
    )


def _walk(
    first: list[int], next: list[int], counts: list[int]
) -> tuple[bytes, tuple[int, int | None] | None]:
    """Go along lists, each in as many numbers of ``next`` as its slab has objects.

    Returns for each object 1 if it is on a list, and the list that does not end well
    with its last good object, if there is such a list.
    """
    found = []
    begin = 0
    for i, (number, count) in enumerate(zip(first, counts, strict=True)):
        following = next[begin : begin + count]
        begin += count
        is_free = bytearray(count)
        last = None
        while number >= 0 and not is_free[number]:
            is_free[number] = 1
            last, number = number, following[number]
        if number != _END:
            return b"", (i, last)
        found.append(is_free)
    return b"".join(found), None


def _numbers(lists: FreeLists, pointers: Addresses) -> NDArray[np.int64]:
    """The numbers in their slabs of the objects that are pointed to.

    They are small: Python has those integers ready.
    """
    distance = pointers - lists.start  # Of a pointer before the start, it is huge.
    numbers, odd = np.divmod(distance, lists.size)
    is_object = (numbers < lists.objects) & (odd == 0)
    return np.where(is_object, numbers.astype(np.int64), _NO_OBJECT)


# What is stored in places, as pointers.


def _plain(
    prog: Program, lists: FreeLists, stored: Addresses, places: Addresses
) -> Addresses:
    return stored


def _swapped(
    prog: Program, lists: FreeLists, stored: Addresses, places: Addresses
) -> Addresses:
    """Since 5.7 (1ad53d9fa3f6), and in stable kernels."""
    word = np.dtype(f"u{prog.address_size()}")
    assert lists.random is not None
    return stored ^ lists.random ^ places.astype(word).byteswap().astype(np.uint64)


def _unswapped(
    prog: Program, lists: FreeLists, stored: Addresses, places: Addresses
) -> Addresses:
    assert lists.random is not None
    return stored ^ lists.random ^ places


_DECODERS = (_swapped, _unswapped)
