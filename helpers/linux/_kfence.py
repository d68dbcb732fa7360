"""The objects that KFENCE takes from slab caches; part of
:mod:`drgn.helpers.linux.slab`.

Since 5.12 (0ce20dd84089), CONFIG_KFENCE gives some objects a page each, between pages
that fault. The page is a slab of one object, but where it is, and whether it is
allocated, is in ``kfence_metadata`` alone.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from drgn import FaultError, Object, Program, sizeof
from drgn.helpers.linux._kept import kept
from drgn.helpers.linux._pages import virt_to_pfn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]

#: States of an object that was not freed so far; the second since 6.13 (36f67e8b5d4c).
_ALLOCATED = "KFENCE_OBJECT_ALLOCATED", "KFENCE_OBJECT_RCU_FREEING"


class KfenceObject(NamedTuple):
    start: int
    size: int
    allocated: bool


class KfencePool:
    """Two pages for each object, behind two that fault, from `start` to `stop`."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self.start = self.stop = 0
        try:
            self.start = prog["__kfence_pool"].value_()
            # A pointer since 6.6, an array before.
            self._metadata = prog["kfence_metadata"][0].address_of_()
        except KeyError:
            return
        self._pages: int = 2 * prog["PAGE_SIZE"].value_()
        # How many there are is a constant of the configuration. What is one knows its
        # own page, from the start.
        above = 1
        while self._is_own(above - 1):
            above *= 2
        numbers = range(above // 2, above)
        self._count = above // 2 + bisect_left(numbers, True, key=self._is_not_own)
        self.stop = self.start
        if self._count:
            self.stop += (self._count + 1) * self._pages

    def _is_own(self, index: int) -> bool:
        """Whether it is an object of the pool that is described at an index."""
        try:
            address: int = self._metadata[index].addr.value_()
        except FaultError:
            return False
        page = self.start + (index + 1) * self._pages
        return 0 <= address - page < self._pages // 2

    def _is_not_own(self, index: int) -> bool:
        return not self._is_own(index)

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.stop

    def __bool__(self) -> bool:
        return self.start != self.stop

    def has_pages(self, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether page frames are of the pool: bool[n]."""
        first = virt_to_pfn(self._prog, self.start).value_()
        size = (self.stop - self.start) // self._pages * 2
        return (frames >= first) & (frames < first + size)

    def object(self, address: int) -> KfenceObject | None:
        """Return the object that is, or was, on the page of an address of the pool."""
        index = (address - self.start) // self._pages - 1
        if index < 0:
            return None
        metadata = self._metadata[index].read_()
        if not metadata.cache or not metadata.size:
            return None  # It was never used, or its cache is gone.
        state = metadata.state.value_()
        return KfenceObject(
            metadata.addr.value_(), metadata.size.value_(), state in self._allocated()
        )

    def allocated_objects(self, cache: Object) -> Addresses:
        """Return the addresses of the allocated objects of a cache, in order."""
        import numpy as np

        if not self:
            return np.empty(0, np.uint64)
        found = self._columns("addr", "cache", "state")
        own = found["cache"] == np.uint64(cache.value_())
        addresses: Addresses = found["addr"][
            own & np.isin(found["state"], self._allocated())
        ]
        return addresses

    def _allocated(self) -> list[int]:
        type = self._prog.type("enum kfence_object_state")
        values = {each.name: each.value for each in type.enumerators or ()}
        return [values[name] for name in _ALLOCATED if name in values]

    def _columns(self, *members: str) -> dict[str, NDArray[np.uint64]]:
        """Members of what describes the objects, "addr" and others, an array each."""
        import numpy as np

        from drgn import columns

        type = self._metadata.type_.type
        numbers = np.arange(self._count, dtype=np.uint64)
        addresses = numbers * np.uint64(sizeof(type))
        addresses += np.uint64(self._metadata.value_())
        found = columns(addresses, *members, type=type, prog=self._prog)
        return {
            member: column.filled(0).astype(np.uint64)
            for member, column in found.items()
        }


def kfence_pool(prog: Program) -> KfencePool:
    """Return KFENCE's pool, kept unless the kernel is running; it may be empty."""
    return kept(prog, KfencePool)
