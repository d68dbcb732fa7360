"""Files that are compressed as a whole, such as kernel modules (``.ko.xz``)."""

from __future__ import annotations

from typing import Any

from ..errors import BadDataError

MAX_SIZE = 4 << 30
"""How large a file may become, in bytes."""

_PIECE = 1 << 14
"""That much may become a thousand times as much and more."""


def inflated(data: memoryview, path: str) -> memoryview:
    """The contents of a gzip, xz, bzip2 or zstd file; ``data`` if it is none of them.

    Raises BadDataError if it is damaged or becomes too large.
    """
    pieces: list[bytes] = []
    size = start = 0
    # Programs that compress in parallel make several streams, one behind another.
    while decompressor := _decompressor(bytes(data[start : start + 6])):
        try:
            while start < len(data) and not decompressor.eof:
                piece = decompressor.decompress(data[start : start + _PIECE])
                start = min(start + _PIECE, len(data))
                size += len(piece)
                if size > MAX_SIZE:
                    raise BadDataError(f"{path}: uncompressed file is too large")
                pieces.append(piece)
        except BadDataError:
            raise
        except Exception as error:  # Each library has its own.
            raise BadDataError(f"{path}: {error}") from None
        if not decompressor.eof:
            raise BadDataError(f"{path}: compressed file is truncated")
        start -= len(decompressor.unused_data)
    return memoryview(b"".join(pieces)) if pieces else data


def _decompressor(magic: bytes) -> Any:
    if magic.startswith(b"\x1f\x8b"):
        import zlib

        return zlib.decompressobj(wbits=31)
    if magic.startswith(b"\xfd7zXZ\0"):
        import lzma

        return lzma.LZMADecompressor()
    if magic.startswith(b"BZh"):
        import bz2

        return bz2.BZ2Decompressor()
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
    return None
