"""Opening and mapping files that a user names, whatever they are."""

from __future__ import annotations

import errno
import mmap
import os
import stat

# A FIFO is not waited for.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)


def open_file(path: str) -> int:
    """A descriptor for reading a file. OSError if it cannot be opened."""
    return os.open(path, _FLAGS)


def map_file(fd: int, path: str) -> memoryview:
    """The bytes of an open file, read-only; they outlive the descriptor.

    What is no regular file has none. Raises IsADirectoryError for a directory and
    OSError, which names ``path``, if the file cannot be mapped.
    """
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return memoryview(b"")
    try:
        return memoryview(mmap.mmap(fd, 0, access=mmap.ACCESS_READ))
    except ValueError:  # It became empty, or never had the size that it tells.
        return memoryview(b"")
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
