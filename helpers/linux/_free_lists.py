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

    def spread(column: Addresses) -> Addresses:
        """What is of a list for each object of its slab."""
        return np.repeat(column, counts)

    # All objects in a row, and what each would say is the next one if it were free.
    # Few arrays at a time: the system takes longer to give memory than all this does.
    places = np.arange(counts.sum(), dtype=np.uint64)
    places -= spread(begin.astype(np.uint64))
    places *= spread(lists.size)
    places += spread(lists.start + lists.offset)
    stored = prog.gather("unsigned long", places)
    words, unreadable = stored.data.astype(np.uint64, copy=False), stored.mask
    random = None if lists.random is None else spread(lists.random)
    first = _numbers(lists.pointer, lists.start, lists.size, lists.objects)
    failures = []
    for decode in _DECODERS if random is not None else (_plain,):
        pointers = decode(prog, words, random, places)
        next = _numbers(
            pointers, spread(lists.start), spread(lists.size), spread(lists.objects)
        )
        next[pointers == 0] = _END
        next[unreadable] = _UNREADABLE
        is_free, failure = _walk(first.tolist(), next.tolist(), counts.tolist())
        if failure is None:
            found = np.flatnonzero(np.frombuffer(is_free, np.uint8))
            list_of = np.repeat(np.arange(len(used)), counts)[found]
            return used[list_of], found - begin[list_of]
        i, last = failure
        if last is None:
            failures.append(_Failure(i, int(lists.pointer[i]), int(first[i])))
            continue
        row = int(begin[i]) + last
        if next[row] == _UNREADABLE:
            prog.read_word(int(places[row]))
        failures.append(_Failure(i, int(pointers[row]), int(next[row])))
    raise failures[0].exception(cache_name(int(used[failures[0].number])))


class _Failure(NamedTuple):
    """A list that does not end well."""

    number: int
    pointer: int
    next: int
    """What the pointer is to, as `_numbers()` has it."""

    def exception(self, cache: str) -> SlabCorruptionError:
        """What to raise for it, of a cache of that name."""
        what = f"{cache} freelist contains"
        if self.next >= 0:
            return SlabFreelistCycleError(f"{what} cycle at {self.pointer:#x}")
        return SlabCorruptionError(
            f"{what} {self.pointer:#x}, which is no object of its slab"
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
        # What is no number stops as an object does that was there before.
        is_free = bytearray(count) + b"\1\1\1"
        while not is_free[number]:
            is_free[number] = 1
            number = following[number]
        if number != _END:
            return b"", (i, _last(first[i], following))
        del is_free[count:]
        found.append(is_free)
    return b"".join(found), None


def _last(number: int, following: list[int]) -> int | None:
    """The last object of a list that does not end well, if it has one."""
    seen = set()
    last = None
    while number >= 0 and number not in seen:
        seen.add(number)
        last, number = number, following[number]
    return last


def _numbers(
    pointers: Addresses, start: Addresses, size: Addresses, objects: Addresses
) -> NDArray[np.int64]:
    """The numbers in their slabs of the objects that are pointed to.

    They are small: Python has those integers ready.
    """
    distance = pointers - start  # Of a pointer before the start, it is huge.
    numbers = distance // size
    is_object = numbers < objects
    is_object &= numbers * size == distance
    return np.where(is_object, numbers.view(np.int64), _NO_OBJECT)


# What is stored in places, as pointers.


def _plain(
    prog: Program, stored: Addresses, random: Addresses | None, places: Addresses
) -> Addresses:
    return stored


def _swapped(
    prog: Program, stored: Addresses, random: Addresses | None, places: Addresses
) -> Addresses:
    """Since 5.7 (1ad53d9fa3f6), and in stable kernels."""
    word = np.dtype(f"u{prog.address_size()}")
    swapped = places.astype(word).byteswap().astype(np.uint64, copy=False)
    return _unswapped(prog, stored, random, swapped)


def _unswapped(
    prog: Program, stored: Addresses, random: Addresses | None, places: Addresses
) -> Addresses:
    assert random is not None
    pointers = stored ^ random
    pointers ^= places
    return pointers


_DECODERS = (_swapped, _unswapped)
