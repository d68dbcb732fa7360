"""Files of columns under the user's cache directory.

What takes long to compute from a file is kept for the next process: named arrays of
numbers in one file, which is mapped and not read. A file that is corrupt, stale or of
another format is as good as none; a directory that cannot be written costs only time.

Layout, in the byte order of the machine: a header (`_HEADER`), a table of contents
(`_COLUMN` for each column), checksums of blocks, and the columns; they are aligned to
8 bytes. The header's checksum covers all that is before the columns. A block of the
columns is checked by whoever uses it (`StoredColumns.intact()`), so that checking does
not cost what the cache saves.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .files import is_leftover, map_file, open_file, remove, temporary_name

MAX_TOTAL_SIZE = 2 << 30
"""How large all files together may grow, in bytes; the least recently used go first."""

_MAGIC = b"pydrgn\0" + sys.byteorder[:1].encode()
_KEY_SIZE = 64
_SUFFIX = ".columns"

# Magic, checksum of all that follows up to the columns, version of the format, size of
# the key, number of columns, key, size and mtime of the source, size of the columns.
_HEADER = struct.Struct(f"=8sIIII{_KEY_SIZE}sQQQ")
# Name, struct format character, offset in the columns, number of elements.
_COLUMN = struct.Struct("=23scQQ")
_CHECKED = 12
"""Where what the header's checksum covers begins: behind the checksum."""
_BLOCK = 1 << 15
"""How many bytes of the columns have a checksum."""

Columns = Mapping[str, memoryview]


class StoredColumns(dict[str, memoryview]):
    """Columns from the cache by name, views of the mapped file."""

    def __init__(self, body: memoryview, checksums: memoryview) -> None:
        self._body = body
        self._checksums = checksums
        self._intact: set[int] = set()
        self._offsets: dict[str, int] = {}

    def _add(self, name: str, code: Any, offset: int, length: int) -> None:
        end = offset + length * struct.calcsize(code)
        if end > len(self._body):
            raise ValueError("column is out of bounds")
        self[name] = self._body[offset:end].cast(code)
        self._offsets[name] = offset

    def intact(self, name: str, first: int = 0, end: int | None = None) -> bool:
        """Whether elements [first, end) of a column are what was stored."""
        column = self[name]
        end = len(column) if end is None else min(end, len(column))
        if first >= end:
            return True
        offset, size = self._offsets[name], column.itemsize
        blocks = range(
            (offset + first * size) // _BLOCK, (offset + end * size - 1) // _BLOCK + 1
        )
        return all(map(self._check, blocks))

    def _check(self, block: int) -> bool:
        if block not in self._intact:
            data = self._body[block * _BLOCK : (block + 1) * _BLOCK]
            if zlib.crc32(data) != self._checksums[block]:
                return False
            self._intact.add(block)
        return True


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
    """Size and mtime in ns of the file that columns are computed from.

    Not its ctime: a cache serves copies of the file, also on machines without numba.
    """
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns & (1 << 64) - 1


def cached_columns(
    kind: str,
    version: int,
    key: bytes,
    path: str,
    is_whole: Callable[[Columns], bool],
    compute: Callable[[], Columns],
) -> Columns:
    """What ``compute`` returns, of an earlier process if that has stored it.

    ``key``: of the contents of the file at ``path``. ``is_whole``: whether columns are
    those that are wanted, in their formats and lengths; what was stored is asked for
    that, for whoever may write a cache file may write what he likes.
    """
    stamp = source_stamp(path)
    if stamp is None:
        return compute()
    stored = load_columns(kind, version, key, stamp)
    if stored is not None and is_whole(stored) and all(map(stored.intact, stored)):
        return stored
    columns = compute()
    store_columns(kind, version, key, stamp, columns)
    return columns


def load_columns(
    kind: str, version: int, key: bytes, stamp: tuple[int, int]
) -> StoredColumns | None:
    """The columns that `store_columns()` stored with the same arguments, or None."""
    path = cache_path(kind, key)
    try:
        fd = open_file(path)
        try:
            data = map_file(fd, path)
        finally:
            os.close(fd)
        columns = _parse(data, version, key, stamp)
    except (OSError, ValueError):
        # ValueError: names or formats of columns make no sense.
        return None
    if columns is not None:
        try:
            os.utime(path)  # Recently used.
        except OSError:  # A cache that others may only read.
            pass
    return columns


def _parse(
    data: memoryview, version: int, key: bytes, stamp: tuple[int, int]
) -> StoredColumns | None:
    if len(data) < _HEADER.size:
        return None
    magic, checksum, its_version, key_size, count, its_key, size, mtime, body_size = (
        _HEADER.unpack_from(data)
    )
    table_end = _HEADER.size + count * _COLUMN.size
    checksums_end = table_end + 4 * _blocks(body_size)
    end = checksums_end + 7 & ~7
    if (
        magic != _MAGIC
        or its_version != version
        or its_key[:key_size] != key
        or (size, mtime) != stamp
        or end + body_size != len(data)
        or zlib.crc32(data[_CHECKED:end]) != checksum
    ):
        return None
    columns = StoredColumns(data[end:], data[table_end:checksums_end].cast("I"))
    table = data[_HEADER.size : table_end]
    for name, code, offset, length in _COLUMN.iter_unpack(table):
        text = name.rstrip(b"\0").decode("ascii")
        columns._add(text, code.decode("ascii"), offset, length)
    return columns


def _blocks(size: int) -> int:
    return (size + _BLOCK - 1) // _BLOCK


def store_columns(
    kind: str, version: int, key: bytes, stamp: tuple[int, int], columns: Columns
) -> bool:
    """Keep columns for other processes; whether that worked.

    The file appears at once and complete, whatever other processes do.
    """
    if not 0 < len(key) <= _KEY_SIZE:
        return False
    table = b""
    offset = 0
    parts: list[bytes | memoryview] = []
    for name, column in columns.items():
        code = column.format.lstrip("@=<")
        table += _COLUMN.pack(name.encode("ascii"), code.encode(), offset, len(column))
        parts += [column.cast("B"), bytes(-column.nbytes % 8)]
        offset += column.nbytes + 7 & ~7
    table += _checksums(parts)
    table += bytes(-(_HEADER.size + len(table)) % 8)
    fields = version, len(key), len(columns), key, *stamp, offset
    header = _HEADER.pack(_MAGIC, 0, *fields)
    checksum = zlib.crc32(table, zlib.crc32(header[_CHECKED:]))
    header = _HEADER.pack(_MAGIC, checksum, *fields)
    path = cache_path(kind, key)
    temporary = temporary_name(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _make_room(os.path.dirname(path), len(header) + len(table) + offset)
        with open(temporary, "wb", buffering=0) as file:
            for part in (header + table, *parts):
                _write(file.fileno(), part)
        os.replace(temporary, path)
    except OSError:
        return False
    finally:
        remove(temporary)
    return True


def _checksums(parts: Iterable[bytes | memoryview]) -> bytes:
    """The checksums of blocks of all the parts, one after the other."""
    checksums = array("I")
    room = 0
    for part in parts:
        view = memoryview(part)
        while len(view):
            if not room:
                checksums.append(0)
                room = _BLOCK
            piece = view[:room]
            checksums[-1] = zlib.crc32(piece, checksums[-1])
            room -= len(piece)
            view = view[len(piece) :]
    return checksums.tobytes()


def _write(fd: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view) :]


def _make_room(directory: str, size: int) -> None:
    """Remove what was not used for the longest time, until ``size`` more bytes fit.

    What killed processes left goes first.
    """
    files = []
    total = size
    with os.scandir(directory) as entries:
        for entry in entries:
            if is_leftover(entry.name):
                remove(entry.path)
            elif entry.name.endswith((_SUFFIX, ".tmp")):
                try:
                    stat = entry.stat(follow_symlinks=False)
                except OSError:  # Another process has removed it.
                    continue
                files.append((stat.st_mtime_ns, stat.st_size, entry.path))
                total += stat.st_size
    files.sort()
    for _, file_size, path in files:
        if total <= MAX_TOTAL_SIZE:
            break
        if remove(path):
            total -= file_size
