"""VMCOREINFO that is added to a dump, and what was there before."""

from __future__ import annotations

import struct
from pathlib import Path

from lab import vmcoreinfo_note
from lab.vmcore import Vmcore

TEXT = b"OSRELEASE=4.15.18\nPAGESIZE=4096\n"


def note(name: bytes, data: bytes) -> bytes:
    padded = [part.ljust(len(part) + 3 & ~3, b"\0") for part in (name + b"\0", data)]
    return struct.pack("<III", len(name) + 1, len(data), 0) + b"".join(padded)


def test_a_note_is_added_once(tmp_path: Path) -> None:
    memory = bytearray(8192)
    found = note(b"VMCOREINFO", TEXT)
    memory[4096 : 4096 + len(found)] = found
    core = note(b"CORE", b"registers")
    header = b"\x7fELF\2\1\1".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    for kind, offset, address, size in (
        (4, 176, 0, len(core)),
        (1, 4096, 0x100000, len(memory)),
    ):
        header += struct.pack("<IIQQQQQQ", kind, 0, offset, 0, address, size, size, 0)
    path = tmp_path / "vmcore"
    path.write_bytes((header + core).ljust(4096, b"\0") + memory)
    assert not Vmcore(path).vmcoreinfo
    assert vmcoreinfo_note.add(path, "0x0000000000101000 1000")
    dump = Vmcore(path)
    assert dump.vmcoreinfo == {"OSRELEASE": "4.15.18", "PAGESIZE": "4096"}
    assert dump.notes == core + found
    assert dump.read_physical(0x101000, len(found)).tobytes() == found
    assert not vmcoreinfo_note.add(path, "0x0000000000101000 1000")
