"""The file that a core dump is."""

from __future__ import annotations

import errno
import os

from ..files import map_file, open_file

CorePath = str | bytes | int


def map_core(path: CorePath) -> tuple[str, memoryview]:
    """The name and the bytes of a file; a descriptor may be closed afterwards.

    Special files that cannot be mapped, and ``/proc/kcore``, are empty.
    """
    if isinstance(path, int):
        fd = path
        link = f"/proc/self/fd/{fd}"
        try:
            name = os.readlink(link)
        except OSError:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), link) from None
    else:
        name = os.fsdecode(path)
        fd = open_file(name)
    try:
        if os.path.realpath(name) == "/proc/kcore":
            return "/proc/kcore", memoryview(b"")
        return name, map_file(fd, name)
    finally:
        if fd != path:
            os.close(fd)
