"""Segments: ranges of addresses and where their bytes come from."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..arguments import buffer_bytes
from ..errors import FaultError, UnsupportedOperation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Buffer = bytes | bytearray | memoryview
    ReadFn = Callable[[int, int, int, bool], Buffer]


class Segment:
    """The bytes at the addresses from ``start`` to ``end``, exclusive.

    An `AddressSpace` asks a segment only for addresses inside of it.
    """

    __slots__ = ("end", "start")

    bytewise = False
    """Whether nothing may be read that was not asked for."""
    slow = False
    """Whether a read takes long and may take more than was asked for, by pages."""
    virtual_faults = False
    """Whether a fault in physical memory is told by the kernel's virtual address that
    was read, if one was."""

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.end = start + size

    def read(self, address: int, size: int) -> Buffer:
        """Exactly ``size`` bytes; FaultError with the first bad address."""
        raise NotImplementedError

    def read_once(self, address: int, size: int) -> Buffer:
        """As `read`, for who goes over all memory: nothing is kept for later."""
        return self.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Change all of the bytes; FaultError with the first address where it fails.

        Raises UnsupportedOperation if this memory is read-only.
        """
        raise UnsupportedOperation(f"memory at {address:#x} is read-only")

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        """A buffer that holds the bytes and never changes, and their offset in it.

        None if there is no such buffer. FaultError if they cannot be read.
        """
        return None

    def locate_pages(
        self, addresses: NDArray[np.uint64]
    ) -> tuple[Buffer, NDArray[np.intp], NDArray[np.int64]] | None:
        """`locate` of those of n pages of 4096 bytes that are in one buffer by now.

        Returns the buffer, which rows of ``addresses`` are in it, and their offsets.
        None if there is no such buffer.
        """
        return None

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The ranges between ``start`` and ``end`` that there is something to read.

        They are disjoint and in order of address; a read in them may still fail.
        """
        yield start, end

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        """Read ``out.shape[1]`` bytes at each of n addresses.

        ``out`` has the shape (n, size) and ``valid`` (n,). ``valid[i]`` is set if row
        i could be read, and left as it is otherwise.
        """
        size = out.shape[1]
        if self.slow and len(addresses) > 1:
            from .gather import gather_pages

            gather_pages(self, addresses, out, valid)
            return
        for i, address in enumerate(addresses.tolist()):
            try:
                out[i].data[:] = self.read(address, size)
            except FaultError:
                continue
            valid[i] = True


class BufferSegment(Segment):
    """Bytes of a buffer, such as a mapped file, from ``offset`` on."""

    __slots__ = ("_base", "buffer")

    def __init__(
        self, start: int, size: int, buffer: memoryview, offset: int = 0
    ) -> None:
        super().__init__(start, size)
        self.buffer = buffer
        self._base = offset - start

    def read(self, address: int, size: int) -> Buffer:
        offset = address + self._base
        return self.buffer[offset : offset + size]

    def locate(self, address: int, size: int) -> tuple[memoryview, int]:
        return self.buffer, address + self._base

    def locate_pages(
        self, addresses: NDArray[np.uint64]
    ) -> tuple[Buffer, NDArray[np.intp], NDArray[np.int64]]:
        import numpy as np

        return self.buffer, np.arange(len(addresses)), self._offsets(addresses)

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        from .gather import take_rows

        take_rows(self.buffer, self._offsets(addresses), out)
        valid[:] = True

    def _offsets(self, addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where addresses, all of them the segment's, are in the buffer."""
        # Modulo 2**64 the sum is right.
        return addresses.view("i8") + _signed(self._base)


class ZeroSegment(Segment):
    """Memory that a dump leaves out because it holds zeroes."""

    __slots__ = ()

    _PAGE = bytes(4096)

    def read(self, address: int, size: int) -> Buffer:
        return bytes(size)

    def locate(self, address: int, size: int) -> tuple[Buffer, int] | None:
        return (self._PAGE, 0) if size <= 4096 else None

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        out[:] = 0
        valid[:] = True


class AbsentSegment(Segment):
    """Memory that was there but cannot be read; ``message`` says why."""

    __slots__ = ("message",)

    def __init__(self, start: int, size: int, message: str) -> None:
        super().__init__(start, size)
        self.message = message

    def read(self, address: int, size: int) -> Buffer:
        raise FaultError(self.message, address)

    def readable(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        return iter(())

    def gather(
        self,
        addresses: NDArray[np.uint64],
        out: NDArray[np.uint8],
        valid: NDArray[np.bool_],
    ) -> None:
        pass


class CallbackSegment(Segment):
    """Memory that a function of the user reads: it may change at any time.

    ``read_fn(address, size, offset, physical)`` gets an offset from the segment's
    start and returns ``size`` bytes; what it raises goes to the reader.
    """

    __slots__ = ("_physical", "_read_fn")

    bytewise = True

    def __init__(self, start: int, size: int, read_fn: ReadFn, physical: bool) -> None:
        super().__init__(start, size)
        self._read_fn = read_fn
        self._physical = physical

    def read(self, address: int, size: int) -> Buffer:
        data = self._read_fn(address, size, address - self.start, self._physical)
        if type(data) is not bytes:
            data = buffer_bytes(data)
        if len(data) != size:
            raise ValueError(
                "memory read callback returned buffer of length "
                f"{len(data)} (expected {size})"
            )
        return data


class Descriptor:
    """An open file that is closed when nobody needs it any more."""

    __slots__ = ("fd",)

    def __init__(self, path: str | int, flags: int = os.O_RDONLY) -> None:
        """Open for reading, or as ``flags`` say, or duplicate a descriptor.

        OSError if that is not possible.
        """
        self.fd = -1
        if isinstance(path, int):
            self.fd = os.dup(path)
        else:
            self.fd = os.open(path, flags | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


class FileSegment(Segment):
    """A file that is read at each access, such as ``/proc/PID/mem``.

    ``offset`` is the place of ``start`` in the file.
    """

    __slots__ = ("_base", "_file")

    def __init__(self, start: int, size: int, file: Descriptor, offset: int) -> None:
        super().__init__(start, size)
        self._file = file
        self._base = offset - start

    def read(self, address: int, size: int) -> Buffer:
        pieces = []
        while size:
            try:
                data = os.pread(self._file.fd, size, address + self._base)
            except (OSError, OverflowError) as error:
                if isinstance(error, OSError) and error.errno not in FAULTS:
                    raise
                raise FaultError("could not read memory", address) from None
            if not data:
                raise FaultError("short read from memory file", address)
            pieces.append(data)
            size -= len(data)
            address += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


# What the kernel answers where nothing is mapped, or for an offset below zero.
FAULTS = (errno.EIO, errno.EFAULT, errno.EINVAL)


def _signed(value: int) -> int:
    """The 64-bit two's complement of ``value``."""
    return (value + 2**63) % 2**64 - 2**63
