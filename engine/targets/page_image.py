"""Pages of a file at the places that they have in memory."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..memory.segments import Buffer

# What the system has as one page where it can, on most machines.
_HUGE = 1 << 21

# MAP_NORESERVE of <asm-generic/mman-common.h>, which Python's mmap lacks before 3.13.
_NORESERVE = 0x4000


class PageImage:
    """A buffer as large as a memory, in which each page that is put has its own place.

    What lies together in memory lies together here. The buffer takes up no more than
    the pages in it. What is in it stays, and so do views of it: to have the space
    back, forget the image and make another.

    ``buffer`` is read-only. ``held`` has a byte for each page frame, 1 where its page
    is there. Both are empty if the system has no such buffer: then no page can be put.
    """

    __slots__ = ("_buffer", "_memory", "buffer", "count", "held", "shift")

    def __init__(self, frames: int, shift: int) -> None:
        self.shift = shift
        self.count = 0
        self.held: mmap.mmap | bytes = b""
        self._buffer = memoryview(bytearray())
        try:
            self._memory = _sparse(frames << shift)
            self._buffer = memoryview(self._memory)
            # Private as the buffer is: a forked process puts pages for itself alone.
            self.held = mmap.mmap(-1, frames, mmap.MAP_PRIVATE)
        except (OSError, OverflowError, ValueError):
            self._buffer = self._buffer[:0]
        self.buffer = self._buffer.toreadonly()

    def __bool__(self) -> bool:
        """Whether pages can be put."""
        return len(self.held) > 0

    def all_held(self, frames: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Whether the pages are there, for each row of some columns of frames."""
        import numpy as np

        held = np.frombuffer(self.held, np.bool_)
        rows: NDArray[np.bool_] = np.all([held[each] for each in frames], axis=0)
        return rows

    def expect(self, first: int, end: int) -> None:
        """Many pages that follow each other are put soon: huge pages are for them.

        A page that the system has to find takes as long as it takes to inflate it.
        """
        start, size = first << self.shift, end - first << self.shift
        if size < _HUGE or not hasattr(mmap, "MADV_HUGEPAGE"):
            return
        try:
            self._memory.madvise(mmap.MADV_HUGEPAGE, start, size)
        except OSError:
            pass  # This system has none.

    def put(self, frame: int, page: Buffer) -> None:
        """Keep the page of a frame, which is not there yet."""
        assert isinstance(self.held, mmap.mmap)
        start = frame << self.shift
        self._buffer[start : start + len(page)] = page
        self.held[frame] = 1
        self.count += 1


def _sparse(size: int) -> mmap.mmap:
    """Zeros that take up no memory until they are written to."""
    try:
        return _private(size)
    except OSError:
        return _file(size)


def _private(size: int) -> mmap.mmap:
    if sys.platform != "linux":
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, mmap.MAP_PRIVATE | _NORESERVE)


def _file(size: int) -> mmap.mmap:
    """What the system does not count before it is used, whatever it was told.

    (Which is vm.overcommit_memory.) Pages of it take longer to put.
    """
    file = os.memfd_create("pages")
    try:
        os.ftruncate(file, size)
        return mmap.mmap(file, size)
    finally:
        os.close(file)
