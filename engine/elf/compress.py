"""Compressed ELF sections: SHF_COMPRESSED (gABI) and GNU's older ``.zdebug_*``."""

from __future__ import annotations

import struct
import zlib

from ..errors import BadDataError
from .constants import ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD

# Neither zlib nor zstd can squeeze more than this into a byte of honest debug info, so
# that a header with a wild size is refused before memory is allocated for it.
_MAX_RATIO = 4096


def inflate_section(
    data: memoryview, is_64: bool, little_endian: bool, where: str
) -> memoryview:
    """Inflate a section that starts with an Elf32_Chdr or Elf64_Chdr.

    ``where`` names the file and the section in errors.
    """
    order = "<" if little_endian else ">"
    chdr = struct.Struct(order + ("IIQQ" if is_64 else "III"))
    if len(data) < chdr.size:
        raise BadDataError(f"{where}: compression header is truncated")
    fields = chdr.unpack_from(data)
    kind, size = fields[0], fields[2] if is_64 else fields[1]
    payload = data[chdr.size :]
    if kind == ELFCOMPRESS_ZLIB:
        return _inflate_zlib(payload, size, where)
    if kind == ELFCOMPRESS_ZSTD:
        return _inflate_zstd(payload, size, where)
    raise BadDataError(f"{where}: unknown compression type {kind}")


def inflate_zdebug(data: memoryview, where: str) -> memoryview:
    """Inflate a ``.zdebug_*`` section: ``ZLIB``, a big-endian size, a zlib stream."""
    if len(data) < 12 or bytes(data[:4]) != b"ZLIB":
        raise BadDataError(f"{where}: compression header is invalid")
    return _inflate_zlib(data[12:], int.from_bytes(data[4:12], "big"), where)


def _check_ratio(payload: memoryview, size: int, where: str) -> None:
    if size > (len(payload) + 64) * _MAX_RATIO:
        raise BadDataError(f"{where}: uncompressed size {size} is not credible")


def _inflate_zlib(payload: memoryview, size: int, where: str) -> memoryview:
    _check_ratio(payload, size, where)
    inflater = zlib.decompressobj()
    try:
        # One byte more than promised would show that the header is wrong.
        result = inflater.decompress(payload, size + 1)
    except zlib.error as error:
        raise BadDataError(f"{where}: zlib: {error}") from None
    # The checksum is behind the data.
    return _checked(result if inflater.eof else b"", size, where)


def _inflate_zstd(payload: memoryview, size: int, where: str) -> memoryview:
    _check_ratio(payload, size, where)
    import zstandard

    # lld makes a frame of each megabyte.
    stream = zstandard.ZstdDecompressor().stream_reader(
        payload, read_across_frames=True
    )
    try:
        with stream as reader:
            result = reader.read(size + 1)
    except zstandard.ZstdError as error:
        raise BadDataError(f"{where}: zstd: {error}") from None
    return _checked(result, size, where)


def _checked(result: bytes, size: int, where: str) -> memoryview:
    if len(result) != size:
        raise BadDataError(
            f"{where}: uncompressed size is wrong or the data is truncated"
        )
    return memoryview(result)
