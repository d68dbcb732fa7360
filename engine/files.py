"""Opening and mapping files that a user names, whatever they are; temporary files."""

from __future__ import annotations

import errno
import mmap
import os
import stat

# A FIFO is not waited for.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
_TEMPORARY = ".tmp"


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


def temporary_name(path: str) -> str:
    """The name under which this thread writes what becomes ``path`` when complete."""
    import threading

    return f"{path}.{os.getpid()}.{threading.get_ident()}{_TEMPORARY}"


def is_leftover(name: str) -> bool:
    """Whether a file has such a name, of a process that was killed before the end.

    A process in another machine or container looks killed, too; whoever removes its
    file costs it that file.
    """
    parts = name.rsplit(".", 3)
    if len(parts) < 4 or not name.endswith(_TEMPORARY) or not parts[1].isdecimal():
        return False
    try:
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # Another user's.
        pass
    return False


def remove(path: str) -> bool:
    """Unlink a file of ours; whether that worked."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
