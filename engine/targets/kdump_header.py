"""Headers of kdump files (makedumpfile's diskdump_mod.h and IMPLEMENTATION).

A file consists of blocks: the header, a sub-header with what later versions added,
two bitmaps of page frames (what there is, what is dumped), and the descriptors and
contents of the dumped pages.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BadDataError

if TYPE_CHECKING:
    from .kdump_flat import DumpFile

MAGICS = (b"KDUMP   ", b"DISKDUMP")
_UTSNAME_FIELDS = ("sysname", "nodename", "release", "version", "machine", "domainname")
_UTSNAME_LENGTH = 65

# status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr. Before it are struct
# new_utsname at 12 and struct timeval, so that it depends on the size of a long.
_COUNTS = "IIIII"
_COUNTS_OFFSET = {8: 424, 4: 412}

# phys_base, dump_level, split, start_pfn, end_pfn, then offset and size of vmcoreinfo,
# notes and eraseinfo, then start_pfn_64, end_pfn_64, max_mapnr_64
_SUB_HEADER = {8: "qIIQQQQQQQQQQQ", 4: "iIIIIQIQIQIQQQ"}


class KdumpHeader(NamedTuple):
    """What the header and the sub-header say."""

    path: str
    version: int
    word_size: int
    """Of the machine, 4 or 8 bytes."""
    little_endian: bool
    utsname: dict[str, str]
    block_size: int
    """Of the file and of a page, bytes."""
    bitmap: memoryview
    """Which page frames are dumped."""
    frames: int
    """The number of the last page frame and 1."""
    descriptors: int
    """Where the descriptors of pages are in the file."""
    is_split: bool
    first_frame: int
    last_frame: int
    """This part of a split dump has the frames from first to last, exclusive."""
    phys_base: int
    vmcoreinfo: bytes | None
    notes: memoryview

    def is_dumped(self, frame: int) -> bool:
        """Whether the dump, of all its parts, has a page frame below `frames`."""
        return self.bitmap[frame >> 3] >> (frame & 7) & 1 != 0


def read_header(file: DumpFile) -> KdumpHeader:
    """Parse the headers.

    Raises BadDataError if they are cut short or make no sense.
    """
    path = file.path
    head = file.read(0, 512)
    if head[:8] not in MAGICS or len(head) < 464:
        raise BadDataError(f"{path}: header of kdump file is truncated")
    word_size, little_endian = _layout(head, path)
    order = "<" if little_endian else ">"
    (version,) = struct.unpack_from(order + "I", head, 8)
    _status, block_size, sub_blocks, bitmap_blocks, frames = struct.unpack_from(
        order + _COUNTS, head, _COUNTS_OFFSET[word_size]
    )
    sub_header = struct.Struct(order + _SUB_HEADER[word_size])
    data = file.read(block_size, sub_header.size)
    if len(data) < sub_header.size:
        raise BadDataError(f"{path}: header of kdump file is truncated")
    fields = sub_header.unpack(data)
    phys_base, _level, split, first, last, info, info_size, notes, notes_size = fields[
        :9
    ]
    if version >= 6:
        first, last, frames = fields[11:14]
    is_split = version >= 2 and split != 0
    if not is_split:
        first, last = 0, frames
    bitmap_offset = (1 + sub_blocks) * block_size
    bitmap_size = bitmap_blocks * block_size
    if bitmap_offset + bitmap_size > file.size:
        raise BadDataError(f"{path}: bitmap of kdump file is truncated")
    # Two bitmaps share the blocks, except in files that have but the second one.
    if bitmap_size // 2 * 8 >= frames:
        bitmap_offset, size = bitmap_offset + bitmap_size // 2, bitmap_size // 2
    else:
        size = bitmap_size
    if size * 8 < frames:
        raise BadDataError(f"{path}: bitmap of kdump file is too small")
    return KdumpHeader(
        path=path,
        version=version,
        word_size=word_size,
        little_endian=little_endian,
        utsname=_utsname(head),
        block_size=block_size,
        bitmap=file.read(bitmap_offset, (frames + 7) // 8),
        frames=frames,
        descriptors=(1 + sub_blocks + bitmap_blocks) * block_size,
        is_split=is_split,
        first_frame=first,
        last_frame=min(last, frames),
        phys_base=phys_base,
        vmcoreinfo=_part(file, info, info_size) if version >= 3 and info else None,
        notes=memoryview(_part(file, notes, notes_size) if version >= 4 else b""),
    )


def _layout(head: memoryview, path: str) -> tuple[int, bool]:
    """Size of a long and whether little-endian: as the numbers make sense."""
    for word_size, offset in _COUNTS_OFFSET.items():
        for order in "<>":
            (version,) = struct.unpack_from(order + "I", head, 8)
            _status, block_size, sub_blocks, bitmap_blocks, _frames = (
                struct.unpack_from(order + _COUNTS, head, offset)
            )
            if (
                version <= 0xFF
                and 512 <= block_size <= 1 << 20
                and not block_size & block_size - 1
                and 1 <= sub_blocks <= 1 << 16
                and bitmap_blocks >= 1
            ):
                return word_size, order == "<"
    raise BadDataError(f"{path}: header of kdump file is invalid")


def _utsname(head: memoryview) -> dict[str, str]:
    names = {}
    for index, field in enumerate(_UTSNAME_FIELDS):
        start = 12 + index * _UTSNAME_LENGTH
        raw = bytes(head[start : start + _UTSNAME_LENGTH])
        names[field] = raw.partition(b"\0")[0].decode(errors="replace")
    return names


def _part(file: DumpFile, offset: int, size: int) -> bytes:
    if offset + size > file.size:
        raise BadDataError(f"{file.path}: notes of kdump file are truncated")
    return bytes(file.read(offset, size))
