"""ELF files: what is in their sections, over one read-only mapping."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from ..files import map_file, open_file
from . import constants as elf
from .headers import ElfHeaders, Section
from .notes import iter_notes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EMPTY = memoryview(b"")


class ElfFile(ElfHeaders):
    """An ELF file or image.

    Addresses in it are *file addresses*: what the file itself says for executables,
    shared objects and core dumps; for relocatable files (``ET_REL``) the sections that
    occupy memory are laid out one after the other from 0x1000, and `contents()`
    applies relocations accordingly.

    Everything here raises `BadDataError`, which names the file, if it is malformed.
    """

    __slots__ = ("_build_id", "_contents")

    def __init__(self, data: memoryview, path: str) -> None:
        super().__init__(data, path)
        self._contents: dict[int, memoryview] = {}
        self._build_id: bytes | bool | None = False

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, path: str = ""
    ) -> ElfFile:
        """Take an image that is in memory; ``path`` names it in errors."""
        return cls(memoryview(data).toreadonly().cast("B"), path)

    def contents(self, section: Section | str) -> memoryview:
        """The bytes of a section as a program would see them.

        That is inflated if the section is compressed, and relocated if the file is
        relocatable; otherwise a view of the mapping. A section that does not exist or
        has no bytes in the file (``SHT_NOBITS``) is empty.
        """
        if isinstance(section, str):
            found = self.section(section)
            if found is None:
                return _EMPTY
            section = found
        contents = self._contents.get(section.index)
        if contents is None:
            contents = self._contents[section.index] = self._load(section)
        return contents

    def _load(self, section: Section) -> memoryview:
        contents = self.raw(section)
        if section.type in (elf.SHT_NOBITS, elf.SHT_NULL):
            return contents
        where = f"{self.path}: {section.name}"
        if section.flags & elf.SHF_COMPRESSED:
            from .compress import inflate_section

            contents = inflate_section(contents, self.is_64, self.little_endian, where)
        elif section.name.startswith(".zdebug_"):
            from .compress import inflate_zdebug

            contents = inflate_zdebug(contents, where)
        if self.type == elf.ET_REL and section.type not in (
            elf.SHT_REL,
            elf.SHT_RELA,
            elf.SHT_SYMTAB,
            elf.SHT_STRTAB,
        ):
            from .relocate import relocated

            contents = relocated(self, section, contents)
        return contents

    def array(self, section: Section | str) -> NDArray[np.uint8]:
        """`contents()` as a one-dimensional read-only array of bytes."""
        import numpy as np

        return np.frombuffer(self.contents(section), dtype=np.uint8)

    @property
    def build_id(self) -> bytes | None:
        """The GNU build ID, from a note section or segment."""
        if isinstance(self._build_id, bool):
            self._build_id = self._find_build_id()
        return self._build_id

    def _find_build_id(self) -> bytes | None:
        notes = [
            (section.offset, section.size, section.addralign)
            for section in self.sections
            if section.type == elf.SHT_NOTE
        ] or [
            (segment.offset, segment.filesz, segment.align)
            for segment in self.segments
            if segment.type == elf.PT_NOTE
        ]
        for offset, size, align in notes:
            if not self._fits(offset, size):
                continue
            data = self.data[offset : offset + size]
            for name, type, desc in iter_notes(data, align, self.little_endian):
                if name == b"GNU" and type == elf.NT_GNU_BUILD_ID and len(desc):
                    return bytes(desc)
        return None

    @property
    def debuglink(self) -> tuple[str, int] | None:
        """Name and CRC-32 of the file with the debug information, if it says so."""
        data = bytes(self.contents(".gnu_debuglink"))
        end = data.find(b"\0")
        crc = (end + 4) & ~3
        if end <= 0 or crc + 4 > len(data):
            return None
        return os.fsdecode(data[:end]), struct.unpack_from(self.order + "I", data, crc)[
            0
        ]

    @property
    def debugaltlink(self) -> tuple[str, bytes] | None:
        """Path and ID of the supplementary debug file that dwz made.

        They are in .gnu_debugaltlink, or in .debug_sup (DWARF 5, section 7.3.6).
        """
        data = bytes(self.contents(".gnu_debugaltlink"))
        end = data.find(b"\0")
        if end > 0:
            return os.fsdecode(data[:end]), data[end + 1 :]
        is_supplementary, path, checksum = self._debug_sup()
        if is_supplementary or not path:
            return None
        return os.fsdecode(path), checksum

    @property
    def supplementary_id(self) -> bytes | None:
        """What `debugaltlink` of another file calls this one, if it is supplementary.

        That is the build ID, which a file with .debug_sup need not have.
        """
        is_supplementary, _, checksum = self._debug_sup()
        return checksum if is_supplementary else self.build_id

    def _debug_sup(self) -> tuple[bool, bytes, bytes]:
        """Of .debug_sup: whether this file is supplementary, a path and a checksum."""
        data = bytes(self.contents(".debug_sup"))
        end = data.find(b"\0", 3)
        # The size of the checksum is a LEB128 number, which takes one byte.
        start = end + 2
        if end < 0 or start > len(data) or data[end + 1] != len(data) - start:
            return False, b"", b""
        return data[2] == 1, data[3:end], data[start:]

    @property
    def has_dwarf(self) -> bool:
        """Whether there are ``.debug_info`` with bytes in it and ``.debug_abbrev``."""
        info, abbrev = self.section(".debug_info"), self.section(".debug_abbrev")
        return (
            info is not None
            and info.type != elf.SHT_NOBITS
            and info.size > 0
            and abbrev is not None
            and abbrev.type != elf.SHT_NOBITS
        )

    def __repr__(self) -> str:
        return f"ElfFile({self.path!r})"


def open_elf(path: str | os.PathLike[str]) -> ElfFile:
    """Map an ELF file.

    Raises OSError if it cannot be opened and BadDataError if it is not ELF.
    """
    name = os.fspath(path)
    fd = open_file(name)
    try:
        return ElfFile(map_file(fd, name), name)
    finally:
        os.close(fd)
