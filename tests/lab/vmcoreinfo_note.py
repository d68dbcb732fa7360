"""Kernels before 4.17 (2d6d60a3d3ee) do not tell QEMU where their VMCOREINFO is: here
it gets into QEMU's dumps all the same, as it is in those of kdump."""

from __future__ import annotations

import struct
from pathlib import Path

from .vmcore import Vmcore

_PHDR_SIZE, _PT_NOTE = 56, 4


def add(path: Path, told: str) -> bool:
    """Add the note to an ELF dump that has none; whether there was none.

    ``told``: /sys/kernel/vmcoreinfo, the note's physical address and size.
    """
    core = Vmcore(path)
    if core.vmcoreinfo_size:
        return False
    address, size = (int(number, 16) for number in told.split())
    note = core.read_physical(address, size).tobytes()
    name_size, size = struct.unpack_from("<II", note)
    note = note[: 12 + (name_size + 3 & ~3) + (size + 3 & ~3)]
    notes = core.notes + note
    with open(path, "r+b") as file:
        header = file.read(64)
        (phdrs_at,) = struct.unpack_from("<Q", header, 32)
        (count,) = struct.unpack_from("<H", header, 56)
        end = file.seek(0, 2)
        file.write(notes)
        for number in range(count):
            at = phdrs_at + _PHDR_SIZE * number
            file.seek(at)
            if struct.unpack("<I", file.read(4)) == (_PT_NOTE,):
                file.seek(at + 8)
                file.write(struct.pack("<Q", end))
                file.seek(at + 32)
                file.write(struct.pack("<QQ", len(notes), len(notes)))
    return True
