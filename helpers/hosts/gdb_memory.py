"""The memory of a program as GDB reads it, in GDB and from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from drgn import FaultError
from drgn.target import PAGE_SIZE, Segment

if TYPE_CHECKING:
    from drgn.hosts.gdb_process import GdbProcess

CHUNK = 1 << 24
"""The most that GDB is asked for at once: it dies of what it cannot allocate."""


class Unreadable(Exception):
    """GDB cannot read or write a part of a range."""


def read_in_chunks(
    read_some: Callable[[int, int], bytes],
    address: int,
    size: int,
    fault: Callable[[int, int, Unreadable], FaultError],
) -> bytes:
    """Read a range in pieces that GDB can allocate.

    For a piece that is Unreadable, raises ``fault(address, size, error)``.
    """
    pieces = []
    while size:
        part = min(size, CHUNK - address % CHUNK)
        try:
            pieces.append(read_some(address, part))
        except Unreadable as error:
            raise fault(address, part, error) from None
        address += part
        size -= part
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class GdbSegment(Segment):
    """All addresses of an inferior, as GDB reads them.

    How, the hosts say: `read_some()` and `write_some()` raise Unreadable, and
    FaultError if the inferior or GDB is gone.
    """

    __slots__ = ("_target",)

    def __init__(self, target: GdbProcess) -> None:
        super().__init__(0, 2**64)
        self._target = target

    def read_some(self, address: int, size: int) -> bytes:
        raise NotImplementedError

    def write_some(self, address: int, data: bytes) -> None:
        raise NotImplementedError

    @property
    def slow(self) -> bool:  # type: ignore[override]
        return self._target.is_process

    def read(self, address: int, size: int) -> bytes:
        return read_in_chunks(self.read_some, address, size, self._fault)

    def _fault(self, address: int, size: int, _error: Unreadable) -> FaultError:
        bad = first_unreadable(self.read_some, address, size)
        return FaultError(self._target.fault, bad)

    def write(self, address: int, data: bytes) -> None:
        try:
            self.write_some(address, data)
        except Unreadable:
            raise FaultError("could not write memory", address) from None

    def locate(self, address: int, size: int) -> tuple[bytes, int] | None:
        # What was read stays, until the target's `changed()`.
        target = self._target
        if target.running:
            return None
        if size <= PAGE_SIZE:
            return self.read(address, size), 0
        if not target.is_process or not target.alive:
            return None
        try:
            return self.read_some(address, size), 0
        except (Unreadable, FaultError):
            return None  # A part of it cannot be read.

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for low, high in self._target.readable():
            low, high = max(low, start), min(high, end)
            if low < high:
                try:
                    self.read(low, 1)
                except FaultError:  # The kernel's own, such as [vvar].
                    continue
                yield low, high


def first_unreadable(
    read: Callable[[int, int], object], address: int, size: int
) -> int:
    """The first address of a range that ``read(address, size)`` raises for.

    By pages, and in one page by bytes, for sections of a file may end anywhere.
    """
    start = address
    while address < start + size:
        end = min((address // PAGE_SIZE + 1) * PAGE_SIZE, start + size)
        if not _can(read, address, end - address):
            low, high = address, end
            while low < high:
                middle = (low + high) // 2
                if _can(read, address, middle - address + 1):
                    low = middle + 1
                else:
                    high = middle
            return low
        address = end
    return start


def _can(read: Callable[[int, int], object], address: int, size: int) -> bool:
    try:
        read(address, size)
    except (Unreadable, FaultError):
        return False
    return True
