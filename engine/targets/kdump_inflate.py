"""The compressions of the pages of kdump files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..memory.segments import Buffer

# Flags of a page descriptor (diskdump_mod.h)
_ZLIB, _LZO, _SNAPPY, _ZSTD = 1, 2, 4, 32
COMPRESSED = _ZLIB | _LZO | _SNAPPY | _ZSTD


def _inflate_zlib(data: Buffer, size: int) -> bytes:
    import zlib

    inflater = zlib.decompressobj()
    page = inflater.decompress(data, size + 1)
    if not inflater.eof:  # Only at its end is the checksum.
        raise ValueError("wrong size")
    return page


def _inflate_lzo(data: Buffer, size: int) -> bytes:
    from lzallright import LZOCompressor

    page: bytes = LZOCompressor.decompress(bytes(data), size)
    return page


def _inflate_snappy(data: Buffer, size: int) -> bytes:
    import cramjam

    if cramjam.snappy.decompress_raw_len(data) != size:
        raise ValueError("wrong size")
    page = bytearray(size)
    cramjam.snappy.decompress_raw_into(data, page)
    return bytes(page)


_local = threading.local()


def _inflate_zstd(data: Buffer, size: int) -> bytes:
    import zstandard

    if zstandard.frame_content_size(data) > size:
        raise ValueError("wrong size")
    # Making one takes longer than using it, and threads must not share one.
    if not hasattr(_local, "zstd"):
        _local.zstd = zstandard.ZstdDecompressor()
    page: bytes = _local.zstd.decompress(data, max_output_size=size)
    return page


INFLATE: dict[int, Callable[[Buffer, int], bytes]] = {
    _ZLIB: _inflate_zlib,
    _LZO: _inflate_lzo,
    _SNAPPY: _inflate_snappy,
    _ZSTD: _inflate_zstd,
}
"""By flag: inflates a page to a size; each library has exceptions of its own."""
