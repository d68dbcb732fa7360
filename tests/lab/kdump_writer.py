"""Write kdump files, as makedumpfile does, from an ELF dump.

Layout, in blocks of one page (makedumpfile's diskdump_mod.h and IMPLEMENTATION;
crash's diskdump.h):

    block 0            disk_dump_header
    block 1            kdump_sub_header, and behind it the notes
    then               first bitmap: page frames that are memory
                       second bitmap: page frames that are in the dump
    then               page descriptors, one per page of this file, by pfn
    then               page contents; pages of zeros share one

A split dump repeats both bitmaps in each file, and each file holds the pages of
[start_pfn, end_pfn).
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from .page_filter import Mask
from .vmcore import PAGE_SIZE, Bytes, Vmcore

HEADER_VERSION = 6
#: page_desc.flags, and disk_dump_header.status.
FLAGS = {"raw": 0x0, "zlib": 0x1, "lzo": 0x2, "snappy": 0x4, "zstd": 0x20}

PAGE_DESC = np.dtype(
    [("offset", "<i8"), ("size", "<u4"), ("flags", "<u4"), ("page_flags", "<u8")]
)
#: Pages that one task compresses.
BATCH = 1024

Compressor = Callable[[bytes], bytes]


def _compressor(compression: str) -> Compressor:
    """A function that compresses one page; not to be shared between threads."""
    if compression == "zlib":
        return lambda page: zlib.compress(page, 1)
    if compression == "lzo":
        import lzallright

        return lzallright.LZOCompressor().compress
    if compression == "snappy":
        import cramjam

        return lambda page: bytes(cramjam.snappy.compress_raw(page))
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress
    return lambda page: page


_of_thread = threading.local()


def _compress(compression: str, page: bytes) -> bytes:
    chosen: dict[str, Compressor] = _of_thread.__dict__
    if compression not in chosen:
        chosen[compression] = _compressor(compression)
    return chosen[compression](page)


def write(
    path: Path,
    core: Vmcore,
    compression: str = "zlib",
    *,
    excluded: Mask | None = None,
    part: tuple[int, int] | None = None,
) -> None:
    """Write one kdump file.

    ``compression``: a key of FLAGS. ``excluded``: True by pfn for pages to leave out.
    ``part``: (start_pfn, end_pfn) of one file of a split dump. ValueError for an
    unknown compression.
    """
    if compression not in FLAGS:
        raise ValueError(f"unknown compression {compression!r}")
    memory = np.zeros(core.max_pfn, np.bool_)
    for start, data in core.segments:
        memory[start // PAGE_SIZE : (start + len(data)) // PAGE_SIZE] = True
    dumped = memory if excluded is None else memory & ~excluded
    held = dumped.copy()
    if part is not None:
        held[: part[0]] = False
        held[part[1] :] = False
    pfns = np.flatnonzero(held)

    bitmaps = _bitmap(memory) + _bitmap(dumped)
    sub_header_blocks = -(-(_SUB_HEADER.size + len(core.notes)) // PAGE_SIZE)
    descriptors_at = (1 + sub_header_blocks) * PAGE_SIZE + len(bitmaps)
    with open(path, "wb") as file:
        file.write(_header(core, compression, sub_header_blocks, len(bitmaps), held))
        file.write(_sub_header(core, excluded is not None, part, sub_header_blocks))
        file.write(bitmaps)
        file.seek(descriptors_at + len(pfns) * PAGE_DESC.itemsize)
        descriptors = _write_pages(file, core, pfns, compression)
        file.seek(descriptors_at)
        file.write(descriptors.tobytes())


def write_split(paths: list[Path], core: Vmcore, compression: str = "zlib") -> None:
    """Write one dump into several files, each with as many page frames of memory."""
    frames = np.concatenate(
        [
            np.arange(start // PAGE_SIZE, (start + len(data)) // PAGE_SIZE)
            for start, data in core.segments
        ]
    )
    cuts = [int(frames[len(frames) * n // len(paths)]) for n in range(len(paths))]
    bounds = [0, *cuts[1:], core.max_pfn]
    for path, first, end in zip(paths, bounds, bounds[1:], strict=False):
        write(path, core, compression, part=(first, end))


def _bitmap(pages: Mask) -> bytes:
    bits = np.packbits(pages, bitorder="little").tobytes()
    return bits + bytes(-len(bits) % PAGE_SIZE)


def _header(
    core: Vmcore, compression: str, sub_header_blocks: int, bitmaps: int, held: Mask
) -> bytes:
    """struct disk_dump_header."""
    header = struct.pack(
        "<8si390s6xqqIiiIIIIIIi",
        b"KDUMP   ",
        HEADER_VERSION,
        core.utsname(),
        0, 0,  # timestamp
        FLAGS[compression],
        PAGE_SIZE,
        sub_header_blocks,
        bitmaps // PAGE_SIZE,
        min(core.max_pfn, 0xFFFFFFFF),
        0, 0,  # total_ram_blocks, device_blocks
        int(held.sum()) & 0xFFFFFFFF,  # written_blocks
        0,  # current_cpu
        0,  # nr_cpus
    )  # fmt: skip
    return header.ljust(PAGE_SIZE, b"\0")


#: phys_base, dump_level, split, start_pfn, end_pfn, offset and size of vmcoreinfo, of
#: the notes and of eraseinfo, then start_pfn_64, end_pfn_64, max_mapnr_64.
_SUB_HEADER = struct.Struct("<QiiQQQQQQQQQQQ")


def _sub_header(
    core: Vmcore, filtered: bool, part: tuple[int, int] | None, blocks: int
) -> bytes:
    """struct kdump_sub_header and the notes behind it."""
    notes_at = PAGE_SIZE + _SUB_HEADER.size
    start, end = part or (0, 0)
    header = _SUB_HEADER.pack(
        core.number("NUMBER", "phys_base") & (1 << 64) - 1,
        25 if filtered else 0,
        part is not None,
        start,
        end,
        notes_at + core.vmcoreinfo_offset,
        core.vmcoreinfo_size,
        notes_at,
        len(core.notes),
        0,
        0,
        start,
        end,
        core.max_pfn,
    )
    return (header + core.notes).ljust(blocks * PAGE_SIZE, b"\0")


def _write_pages(
    file: BinaryIO, core: Vmcore, pfns: npt.NDArray[np.intp], compression: str
) -> npt.NDArray[np.void]:
    """Write the contents of pages and return their descriptors (dtype PAGE_DESC)."""
    descriptors = np.zeros(len(pfns), PAGE_DESC)
    zero = _stored(compression, bytes(PAGE_SIZE))
    zero_at = file.tell()
    file.write(zero[0])

    def compress(batch: npt.NDArray[np.intp]) -> list[tuple[bytes, int] | None]:
        """Contents and flags of each page, None for a page of zeros."""
        stored: list[tuple[bytes, int] | None] = []
        for page in _pages(core, batch):
            stored.append(_stored(compression, page.tobytes()) if page.any() else None)
        return stored

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        batches = [pfns[at : at + BATCH] for at in range(0, len(pfns), BATCH)]
        index = 0
        for stored in pool.map(compress, batches):
            for page in stored:
                if page is None:
                    descriptors[index] = (zero_at, len(zero[0]), zero[1], 0)
                else:
                    content, flags = page
                    descriptors[index] = (file.tell(), len(content), flags, 0)
                    file.write(content)
                index += 1
    return descriptors


def _stored(compression: str, page: bytes) -> tuple[bytes, int]:
    """(contents, flags): compressed, or as it is where that is no longer."""
    compressed = _compress(compression, page)
    if len(compressed) < PAGE_SIZE:
        return compressed, FLAGS[compression]
    return page, FLAGS["raw"]


def _pages(core: Vmcore, pfns: npt.NDArray[np.intp]) -> list[Bytes]:
    pages = []
    for pfn in pfns.tolist():
        for start, data in core.segments:
            at = pfn * PAGE_SIZE - start
            if 0 <= at < len(data):
                pages.append(data[at : at + PAGE_SIZE])
                break
    return pages
