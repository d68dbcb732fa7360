"""Choosing the target for a core dump file."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..elf.constants import ET_CORE
from ..files import map_file, open_file

if TYPE_CHECKING:
    from .base import Target

    CorePath = str | bytes | int

_ELF_MAGIC = b"\x7fELF"
_KDUMP_MAGICS = (b"KDUMP   ", b"DISKDUMP", b"makedumpfile")
_ELF_HEADER_SIZES = {1: 52, 2: 64}


def open_core(path: CorePath | Sequence[CorePath]) -> Target:
    """Open a core dump by path or file descriptor: ELF, kdump or ``/proc/kcore``.

    A sequence holds the parts of a split kdump file; of one part, the others are
    also looked for in its directory.

    Raises OSError if it cannot be opened, ValueError if it is no core dump and
    BadDataError if it is malformed.
    """
    if isinstance(path, (str, bytes, int)):
        name, data = map_core(path)
    else:
        from .kdump import open_kdump
        from .kdump_flat import dump_file

        return open_kdump([dump_file(*map_core(part)) for part in path])
    if name == "/proc/kcore":
        from .kcore import KcoreTarget

        return KcoreTarget(fd=path if isinstance(path, int) else None)
    if data[:4] == _ELF_MAGIC:
        size = _ELF_HEADER_SIZES.get(data[4]) if len(data) > 4 else None
        if size is not None and len(data) >= size:
            from ..elf.file import ElfFile
            from .core import CoreTarget, warn_if_truncated

            elf = ElfFile(data, name)
            if elf.type == ET_CORE:
                warn_if_truncated(elf, len(data))
                return CoreTarget(elf, name)
    elif bytes(data[:12]).startswith(_KDUMP_MAGICS):
        from .kdump import open_kdump
        from .kdump_flat import FlatFile, dump_file

        file = dump_file(name, data)
        if isinstance(file, FlatFile) and file.read(0, 4) == _ELF_MAGIC:
            from .core_flat import FlatCoreTarget

            return FlatCoreTarget(file)
        return open_kdump([file])
    raise ValueError(f"not an ELF core file: {name}")


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
