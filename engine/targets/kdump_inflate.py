"""The compressions of the pages of kdump files."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..memory.segments import Buffer

    # Inflates a page to a size, or less; each library has exceptions of its own.
    Inflate = Callable[[Buffer, int], Buffer]

# Flags of a page descriptor (diskdump_mod.h)
_ZLIB, _LZO, _SNAPPY, _ZSTD = 1, 2, 4, 32
COMPRESSED = _ZLIB | _LZO | _SNAPPY | _ZSTD


@functools.cache
def inflater(compression: int) -> Inflate | None:
    """What inflates pages of a compression; None for those that are not known."""
    make = _INFLATERS.get(compression)
    return None if make is None else make()


def _zlib() -> Inflate:
    # libdeflate takes half the time that zlib does.
    import deflate

    return deflate.zlib_decompress


def _lzo() -> Inflate:
    from lzallright import LZOCompressor

    decompress: Inflate = LZOCompressor.decompress
    return lambda data, size: decompress(bytes(data), size)


def _snappy() -> Inflate:
    from cramjam import snappy

    def inflate(data: Buffer, size: int) -> Buffer:
        if snappy.decompress_raw_len(data) != size:
            raise ValueError("wrong size")
        page = bytearray(size)
        snappy.decompress_raw_into(data, page)
        return page

    return inflate


def _zstd() -> Inflate:
    import zstandard

    local = threading.local()

    def inflate(data: Buffer, size: int) -> Buffer:
        if zstandard.frame_content_size(data) > size:
            raise ValueError("wrong size")
        try:
            decompress: Inflate = local.decompress
        except AttributeError:
            # Making one takes longer than using it, and threads must not share one.
            decompress = local.decompress = zstandard.ZstdDecompressor().decompress
        return decompress(data, size)

    return inflate


_INFLATERS: dict[int, Callable[[], Inflate]] = {
    _ZLIB: _zlib,
    _LZO: _lzo,
    _SNAPPY: _snappy,
    _ZSTD: _zstd,
}
