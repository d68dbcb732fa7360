"""Finding the files of kernel modules.

``modules.dep.bin`` is a radix tree that depmod(8) writes (libkmod-index.c of kmod):
big-endian; a header of magic, version and the root's offset; a node is an optional
prefix, an optional table of children for a range of characters, and optional values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from .. import log
from ..errors import BadDataError

_MAGIC = 0xB007F457
_MAJOR_VERSION = 2
_HAS_PREFIX, _HAS_VALUES, _HAS_CHILDREN = 0x80000000, 0x40000000, 0x20000000
_OFFSET = 0x0FFFFFFF
_MAX_DEPTH = 256

COMPRESSIONS = (".gz", ".xz", ".zst", ".bz2")


class DepmodIndex:
    """``modules.dep.bin``: module name -> path relative to its directory.

    Raises OSError, or BadDataError if the file is not such an index.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            self._data = file.read()
        if self._u32(0) != _MAGIC or self._u32(4) >> 16 != _MAJOR_VERSION:
            raise BadDataError(f"{path}: not a depmod index")

    def _u32(self, position: int) -> int:
        if position + 4 > len(self._data):
            raise BadDataError(f"{self.path}: depmod index is truncated")
        return int.from_bytes(self._data[position : position + 4], "big")

    def _string(self, position: int) -> bytes:
        end = self._data.find(b"\0", position)
        if end < 0:
            raise BadDataError(f"{self.path}: depmod index is truncated")
        return self._data[position:end]

    def find(self, module: str) -> str | None:
        """The path of a module's file, None if it is not in the index."""
        key = os.fsencode(module).replace(b"-", b"_")
        node = self._u32(8)
        for _ in range(_MAX_DEPTH):
            position = node & _OFFSET
            if node & _HAS_PREFIX:
                prefix = self._string(position)
                position += len(prefix) + 1
                if not key.startswith(prefix):
                    return None
                key = key[len(prefix) :]
            first, last = 1, 0
            children = position
            if node & _HAS_CHILDREN:
                if position + 2 > len(self._data):
                    break
                first, last = self._data[position], self._data[position + 1]
                children = position + 2
                position = children + 4 * max(last - first + 1, 0)
            if not key:
                if not node & _HAS_VALUES or not self._u32(position):
                    return None
                # Behind the number of values: priority and text of the first one.
                value = self._string(position + 8)
                return os.fsdecode(value.partition(b":")[0])
            if not first <= key[0] <= last:
                return None
            node = self._u32(children + 4 * (key[0] - first))
            if not node & _OFFSET:
                return None
            key = key[1:]
        raise BadDataError(f"{self.path}: depmod index is malformed")


def module_name(file_name: str) -> str | None:
    """The kernel module that a file is of, by its name; None if it is of none.

    Such as ``snd_pcm`` for ``snd-pcm.ko``, ``snd-pcm.ko.xz``, ``snd-pcm.ko.debug``.
    """
    stem, dot, suffix = file_name.partition(".ko")
    if not dot or not stem or (suffix and suffix not in (".debug", *COMPRESSIONS)):
        return None
    return stem.replace("-", "_")


class KmodWalk:
    """Files of kernel modules in directories, which are walked only as far as needed.

    What was passed on the way is remembered.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self._found: dict[str, list[str]] = {}
        self._files = self._walk(directories)

    def _walk(self, directories: Sequence[str]) -> Iterator[tuple[str, str]]:
        seen: set[tuple[int, int]] = set()
        for directory in directories:
            log.debug("searching for kernel modules in %s", directory)
            stack = [directory]
            while stack:
                yield from self._scan(stack.pop(), stack, seen)

    def _scan(
        self, directory: str, stack: list[str], seen: set[tuple[int, int]]
    ) -> Iterator[tuple[str, str]]:
        try:
            status = os.stat(directory)
            if (status.st_dev, status.st_ino) in seen:
                return
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(directory) as entries:
                for entry in entries:
                    name = module_name(entry.name)
                    if name is not None and entry.is_file():
                        log.debug("found kernel module %s", entry.path)
                        yield name, entry.path
                    elif entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
        except OSError as error:
            log.debug("%s: %s", directory, error.strerror)

    def files(self, module: str) -> Iterator[str]:
        """The files of a module, those that were passed already first."""
        name = module.replace("-", "_")
        for path in self._found.get(name, ())[:]:
            yield path
        for found, path in self._files:
            self._found.setdefault(found, []).append(path)
            if found == name:
                yield path
