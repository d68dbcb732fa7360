"""ELF notes (System V gABI, "Note Section")."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_Buffer = bytes | bytearray | memoryview


def iter_notes(
    buffer: _Buffer, align: int = 4, little_endian: bool = True
) -> Iterator[tuple[bytes, int, memoryview]]:
    """Walk the notes in a buffer.

    Yields ``(name, type, desc)``: the name without its terminating NUL, and the
    descriptor as a view of the buffer. ``align`` is the alignment of the segment or
    section: 8 pads to 8 bytes, anything else to 4, as binutils does. A note that runs
    past the end of the buffer ends the walk.
    """
    view = memoryview(buffer)
    header = struct.Struct("<III" if little_endian else ">III")
    mask = 7 if align == 8 else 3
    position, end = 0, len(view)
    while position + header.size <= end:
        name_size, desc_size, note_type = header.unpack_from(view, position)
        position += header.size
        name_end = position + name_size
        desc = (name_end + mask) & ~mask
        if desc + desc_size > end:
            return
        name = bytes(view[position:name_end])
        yield name.rstrip(b"\0"), note_type, view[desc : desc + desc_size]
        position = (desc + desc_size + mask) & ~mask
