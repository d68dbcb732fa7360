"""ELF files: headers, sections and segments over one read-only mapping."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BadDataError
from ..files import map_file, open_file
from ..platform import Architecture, Platform, PlatformFlags
from . import constants as elf
from .notes import iter_notes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ARCHITECTURES = {
    elf.EM_X86_64: (Architecture.X86_64, Architecture.X86_64),
    elf.EM_386: (Architecture.I386, Architecture.I386),
    elf.EM_AARCH64: (Architecture.AARCH64, Architecture.AARCH64),
    elf.EM_ARM: (Architecture.ARM, Architecture.ARM),
    elf.EM_PPC64: (Architecture.PPC64, Architecture.PPC64),
    elf.EM_RISCV: (Architecture.RISCV32, Architecture.RISCV64),
    elf.EM_S390: (Architecture.S390, Architecture.S390X),
    elf.EM_LOONGARCH: (Architecture.UNKNOWN, Architecture.LOONGARCH64),
}
"""e_machine -> architecture with 32-bit and with 64-bit words."""

_FIRST_ADDRESS = 0x1000
"""Where the first section of a relocatable file is laid out."""

_EMPTY = memoryview(b"")


class Section:
    """A section header; ``address`` is a file address, also in relocatable files."""

    __slots__ = (
        "addralign",
        "address",
        "entsize",
        "flags",
        "index",
        "info",
        "link",
        "name",
        "offset",
        "size",
        "type",
    )

    def __init__(
        self,
        index: int,
        name: str,
        type: int,
        flags: int,
        address: int,
        offset: int,
        size: int,
        link: int,
        info: int,
        addralign: int,
        entsize: int,
    ) -> None:
        self.index = index
        self.name = name
        self.type = type
        self.flags = flags
        self.address = address
        self.offset = offset
        self.size = size
        self.link = link
        self.info = info
        self.addralign = addralign
        self.entsize = entsize

    def __repr__(self) -> str:
        return f"<Section {self.index} {self.name!r}>"


class Segment(NamedTuple):
    """A program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


class ElfFile:
    """An ELF file or image.

    Addresses in it are *file addresses*: what the file itself says for executables,
    shared objects and core dumps; for relocatable files (``ET_REL``) the sections that
    occupy memory are laid out one after the other from 0x1000, and `contents()`
    applies relocations accordingly.

    Everything here raises `BadDataError`, which names the file, if it is malformed.
    """

    __slots__ = (
        "_build_id",
        "_by_name",
        "_contents",
        "data",
        "is_64",
        "little_endian",
        "machine",
        "order",
        "path",
        "sections",
        "segments",
        "type",
    )

    path: str
    data: memoryview
    """The whole file."""
    is_64: bool
    little_endian: bool
    order: str
    """Byte order for `struct`: ``<`` or ``>``."""
    type: int
    """``ET_*``"""
    machine: int
    """``EM_*``"""
    sections: list[Section]
    segments: list[Segment]

    def __init__(self, data: memoryview, path: str) -> None:
        self.path = path
        self.data = data
        self._contents: dict[int, memoryview] = {}
        self._build_id: bytes | bool | None = False
        if len(data) < 20 or bytes(data[:4]) != elf.ELFMAG:
            raise BadDataError(f"{path}: not an ELF file")
        elf_class, byte_order = data[4], data[5]
        if elf_class not in (elf.ELFCLASS32, elf.ELFCLASS64):
            raise BadDataError(f"{path}: invalid ELF class {elf_class}")
        if byte_order not in (elf.ELFDATA2LSB, elf.ELFDATA2MSB):
            raise BadDataError(f"{path}: invalid ELF byte order {byte_order}")
        self.is_64 = elf_class == elf.ELFCLASS64
        self.little_endian = byte_order == elf.ELFDATA2LSB
        self.order = "<" if self.little_endian else ">"
        self._read_headers()
        self._by_name = {}
        for section in reversed(self.sections):
            self._by_name[section.name] = section

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, path: str = ""
    ) -> ElfFile:
        """Take an image that is in memory; ``path`` names it in errors."""
        return cls(memoryview(data).toreadonly().cast("B"), path)

    def _read_headers(self) -> None:
        ehdr = struct.Struct(
            self.order + ("HHIQQQIHHHHHH" if self.is_64 else "HHIIIIIHHHHHH")
        )
        if len(self.data) < 16 + ehdr.size:
            raise BadDataError(f"{self.path}: ELF header is truncated")
        (
            self.type,
            self.machine,
            _version,
            _entry,
            phoff,
            shoff,
            _flags,
            _ehsize,
            phentsize,
            phnum,
            shentsize,
            shnum,
            shstrndx,
        ) = ehdr.unpack_from(self.data, 16)
        self.sections = []
        # The sections of a core say nothing that its segments do not; where it was cut
        # short they are what is missing.
        if shoff and (self.type != elf.ET_CORE or phnum == elf.PN_XNUM):
            shdr = struct.Struct(self.order + ("IIQQQQIIQQ" if self.is_64 else "10I"))
            if not self._fits(shoff, shdr.size):
                raise BadDataError(f"{self.path}: section headers are truncated")
            # Numbers that do not fit in the ELF header are in section header 0.
            first = shdr.unpack_from(self.data, shoff)
            shnum = shnum or first[5]
            if shstrndx == elf.SHN_XINDEX:
                shstrndx = first[6]
            if phnum == elf.PN_XNUM:
                phnum = first[7]
            if self.type != elf.ET_CORE:
                self._read_sections(shdr, shoff, shentsize, shnum, shstrndx)
        self.segments = []
        if phoff and phnum:
            self._read_segments(phoff, phentsize, phnum)

    def _read_sections(
        self, shdr: struct.Struct, offset: int, entsize: int, number: int, names: int
    ) -> None:
        if not number:
            return
        if entsize != shdr.size or not self._fits(offset, number * shdr.size):
            raise BadDataError(f"{self.path}: section headers are truncated")
        table = self.data[offset : offset + number * shdr.size]
        headers = list(shdr.iter_unpack(table))
        strings = b""
        if 0 < names < number and headers[names][1] != elf.SHT_NOBITS:
            start, size = headers[names][4:6]
            if not self._fits(start, size):
                raise BadDataError(f"{self.path}: section names are truncated")
            strings = bytes(self.data[start : start + size])
        relocatable = self.type == elf.ET_REL
        next_address = _FIRST_ADDRESS
        for index, header in enumerate(headers):
            name, type_, flags, address, start, size, link, info, align, entry = header
            if relocatable and flags & elf.SHF_ALLOC:
                mask = max(align, 1) - 1
                address = (next_address + mask) & ~mask
                next_address = address + size
            end = strings.find(b"\0", name)
            self.sections.append(
                Section(
                    index,
                    strings[name : max(end, 0)].decode("utf-8", "replace"),
                    type_,
                    flags,
                    address,
                    start,
                    size,
                    link,
                    info,
                    align,
                    entry,
                )
            )

    def _read_segments(self, offset: int, entsize: int, number: int) -> None:
        phdr = struct.Struct(self.order + ("IIQQQQQQ" if self.is_64 else "8I"))
        if entsize != phdr.size or not self._fits(offset, number * phdr.size):
            raise BadDataError(f"{self.path}: program headers are truncated")
        table = self.data[offset : offset + number * phdr.size]
        if self.is_64:
            self.segments = [Segment(*fields) for fields in phdr.iter_unpack(table)]
        else:
            self.segments = [
                Segment(type_, flags, start, vaddr, paddr, filesz, memsz, align)
                for type_, start, vaddr, paddr, filesz, memsz, flags, align in (
                    phdr.iter_unpack(table)
                )
            ]

    def _fits(self, offset: int, size: int) -> bool:
        return offset + size <= len(self.data)

    def platform(self) -> Platform:
        """The platform of this file: UNKNOWN with the right flags if not known."""
        arch = _ARCHITECTURES.get(self.machine, (Architecture.UNKNOWN,) * 2)[self.is_64]
        flags = PlatformFlags(0)
        if self.is_64:
            flags |= PlatformFlags.IS_64_BIT
        if self.little_endian:
            flags |= PlatformFlags.IS_LITTLE_ENDIAN
        return Platform(arch, flags)

    def section(self, name: str) -> Section | None:
        """The first section of a name; ``.debug_*`` also finds ``.zdebug_*``."""
        section = self._by_name.get(name)
        if section is None and name.startswith(".debug_"):
            section = self._by_name.get(".z" + name[1:])
        return section

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
        if section.type in (elf.SHT_NOBITS, elf.SHT_NULL):
            return _EMPTY
        where = f"{self.path}: {section.name}"
        if not self._fits(section.offset, section.size):
            raise BadDataError(f"{where}: section lies outside of the file")
        contents = self.data[section.offset : section.offset + section.size]
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
            for name, type_, desc in iter_notes(data, align, self.little_endian):
                if name == b"GNU" and type_ == elf.NT_GNU_BUILD_ID and len(desc):
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
        """Whether there is a ``.debug_info`` section with bytes in it."""
        section = self.section(".debug_info")
        return (
            section is not None and section.type != elf.SHT_NOBITS and section.size > 0
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
