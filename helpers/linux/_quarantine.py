"""Freed objects that KASAN keeps back; part of :mod:`drgn.helpers.linux.slab`.

Since 4.7 (55834c59098d), CONFIG_KASAN gives an object that was freed to the slab
allocator only when it has waited in a queue (``mm/kasan/quarantine.c``): a late access
to it is found in the meantime. For the allocator it is allocated until then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from drgn import BadDataError, FaultError, Object, Program
from drgn.helpers.linux._kept import kept
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.percpu import per_cpu

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Addresses = NDArray[np.uint64]


class Quarantine:
    """The objects of all caches that are kept back."""

    def __init__(self, prog: Program) -> None:
        #: Where objects are linked by, in order; that is inside of them or of what
        #: KASAN keeps behind them.
        self._links: list[int] = []
        self._array: Addresses | None = None
        heads = [queue.head.value_() for queue in _queues(prog)]
        if not any(heads):
            return
        import numpy as np

        links = [_links(prog, head) for head in heads if head]
        self._array = np.unique(np.concatenate(links))
        self._links = self._array.tolist()

    def __bool__(self) -> bool:
        return self._array is not None

    def has(self, start: int, size: int) -> bool:
        """Whether the object that takes *size* bytes from *start* on is kept back."""
        index = bisect_left(self._links, start)
        return index < len(self._links) and self._links[index] < start + size

    def which(self, starts: Addresses, size: int) -> NDArray[np.bool_]:
        """Whether `has` the objects of *size* bytes: bool[n]."""
        import numpy as np

        if self._array is None:
            return np.zeros(len(starts), np.bool_)
        indices = np.searchsorted(self._array, starts)
        following = self._array[np.minimum(indices, len(self._array) - 1)]
        kept_back: NDArray[np.bool_] = (following >= starts) & (
            following - starts < np.uint64(size)
        )
        return kept_back


def quarantine(prog: Program) -> Quarantine:
    """Return what is kept back, kept unless the kernel is running; maybe nothing."""
    return kept(prog, Quarantine)


def _queues(prog: Program) -> Iterator[Object]:
    """Iterate over the ``struct qlist_head`` objects of a kernel."""
    try:
        queues = prog["global_quarantine"]
        per_cpu_queue = prog["cpu_quarantine"]
    except KeyError:
        return  # No CONFIG_KASAN_GENERIC.
    for cpu in for_each_online_cpu(prog):
        yield per_cpu(per_cpu_queue, cpu)
    if hasattr(queues, "head"):
        yield queues  # One, before 4.12 (64abdcb24351).
    else:
        yield from queues


def _links(prog: Program, head: int) -> Addresses:
    """The nodes of a queue, as far as it goes.

    A write to a freed object, which KASAN is there to find, breaks its queue.
    """
    try:
        return prog.chain(head)
    except (FaultError, BadDataError):
        pass
    import numpy as np

    links: dict[int, None] = {}
    try:
        while head and head not in links:
            following = prog.read_word(head)
            links[head] = None
            head = following
    except FaultError:
        pass
    return np.fromiter(links, np.uint64, len(links))
