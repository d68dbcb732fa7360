"""Files of columns under the user's cache directory.

What takes long to compute from a file is kept for the next process: named arrays of
numbers in one file, which is mapped and not read. A file that is corrupt, stale or of
another format is as good as none; a directory that cannot be written costs only time.

Layout, in the byte order of the machine: a header (`_HEADER`), a table of contents
(`_COLUMN` for each column), and the columns, aligned to 8 bytes. The checksum covers
the header and the table; columns are only checked to lie within the file, so that
checking does not cost what the cache saves.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Mapping

from .files import map_file, open_file

MAX_TOTAL_SIZE = 2 << 30
"""How large all files together may grow, in bytes; the least recently used go first."""

_MAGIC = b"pydrgn\0" + sys.byteorder[:1].encode()
_KEY_SIZE = 64
_SUFFIX = ".columns"

# Magic, checksum of all that follows up to the end of the table, version of the
# format, size of the key, number of columns, key, size and mtime of the source.
_HEADER = struct.Struct(f"=8sIIII{_KEY_SIZE}sQQ")
# Name, struct format character, offset, number of elements.
_COLUMN = struct.Struct("=23scQQ")
_CHECKED = 12

Columns = Mapping[str, memoryview]


def cache_directory() -> str:
    """The directory of the cache files; it may not exist.

    ``$PYDRGN_CACHE_DIR``, or ``pydrgn`` in the user's cache directory.
    """
    directory = os.environ.get("PYDRGN_CACHE_DIR")
    if directory:
        return directory
    if sys.platform == "darwin" or os.name == "nt":
        import platformdirs

        return platformdirs.user_cache_dir("pydrgn")
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # As the XDG specification says.
        base = os.path.expanduser("~/.cache")
    return os.path.join(base, "pydrgn")


def cache_path(kind: str, key: bytes) -> str:
    """The file for a kind of columns of what has a key."""
    return os.path.join(cache_directory(), f"{key.hex()}.{kind}{_SUFFIX}")


def source_stamp(path: str) -> tuple[int, int] | None:
    """Size and mtime in ns of the file that columns are computed from."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns & (1 << 64) - 1


def load_columns(
    kind: str, version: int, key: bytes, stamp: tuple[int, int]
) -> dict[str, memoryview] | None:
    """The columns that `store_columns()` stored with the same arguments, or None."""
    path = cache_path(kind, key)
    try:
        fd = open_file(path)
        try:
            data = map_file(fd, path)
        finally:
            os.close(fd)
        columns = _parse(data, version, key, stamp)
        if columns is not None:
            os.utime(path)  # Recently used.
    except (OSError, ValueError):
        # ValueError: names or formats of columns make no sense.
        return None
    return columns


def _parse(
    data: memoryview, version: int, key: bytes, stamp: tuple[int, int]
) -> dict[str, memoryview] | None:
    if len(data) < _HEADER.size:
        return None
    magic, checksum, its_version, key_size, count, its_key, size, mtime = (
        _HEADER.unpack_from(data)
    )
    end = _HEADER.size + count * _COLUMN.size
    if (
        magic != _MAGIC
        or its_version != version
        or its_key[:key_size] != key
        or (size, mtime) != stamp
        or end > len(data)
        or zlib.crc32(data[_CHECKED:end]) != checksum
    ):
        return None
    columns: dict[str, memoryview] = {}
    for name, code, offset, length in _COLUMN.iter_unpack(data[_HEADER.size : end]):
        column_end = offset + length * struct.calcsize(code)
        if column_end > len(data):
            return None
        column = data[offset:column_end].cast(code.decode("ascii"))
        columns[name.rstrip(b"\0").decode("ascii")] = column
    return columns


def store_columns(
    kind: str, version: int, key: bytes, stamp: tuple[int, int], columns: Columns
) -> bool:
    """Keep columns for other processes; whether that worked.

    The file appears at once and complete, whatever other processes do.
    """
    import threading

    if not 0 < len(key) <= _KEY_SIZE:
        return False
    table = b""
    offset = _HEADER.size + len(columns) * _COLUMN.size
    for name, column in columns.items():
        offset = (offset + 7) & ~7
        code = column.format.lstrip("@=<")
        table += _COLUMN.pack(name.encode("ascii"), code.encode(), offset, len(column))
        offset += column.nbytes
    header = _HEADER.pack(
        _MAGIC, 0, version, len(key), len(columns), key, stamp[0], stamp[1]
    )
    checksum = zlib.crc32(table, zlib.crc32(header[_CHECKED:]))
    header = _HEADER.pack(
        _MAGIC, checksum, version, len(key), len(columns), key, stamp[0], stamp[1]
    )
    path = cache_path(kind, key)
    temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _make_room(os.path.dirname(path), offset)
        with open(temporary, "wb", buffering=0) as file:
            position = _write(file.fileno(), header + table)
            for column in columns.values():
                position += _write(file.fileno(), bytes(-position % 8))
                position += _write(file.fileno(), column.cast("B"))
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        return False
    return True


def discard_columns(kind: str, key: bytes) -> None:
    """Forget columns that turned out to be wrong."""
    try:
        os.unlink(cache_path(kind, key))
    except OSError:
        pass


def _write(fd: int, data: bytes | memoryview) -> int:
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view) :]
    return len(data)


def _make_room(directory: str, size: int) -> None:
    """Remove what was not used for the longest time, until ``size`` more bytes fit."""
    files = []
    total = size
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith((_SUFFIX, ".tmp")):
                stat = entry.stat(follow_symlinks=False)
                files.append((stat.st_mtime_ns, stat.st_size, entry.path))
                total += stat.st_size
    files.sort()
    for _, file_size, path in files:
        if total <= MAX_TOTAL_SIZE:
            break
        try:
            os.unlink(path)
        except OSError:
            continue
        total -= file_size
