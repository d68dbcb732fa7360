"""Choosing the target for a core dump file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..elf.constants import ELFMAG, ET_CORE
from .core_file import map_core

if TYPE_CHECKING:
    from .base import Target
    from .core_file import CorePath

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
    if data[:4] == ELFMAG:
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
        if isinstance(file, FlatFile) and file.read(0, 4) == ELFMAG:
            from .core_flat import FlatCoreTarget

            return FlatCoreTarget(file)
        return open_kdump([file])
    raise ValueError(f"not an ELF core file: {name}")
