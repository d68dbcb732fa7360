"""The headers of ELF files: what sections and segments there are."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import BadDataError
from ..platform import Architecture, Platform, PlatformFlags
from . import constants as elf

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

_EMPTY = memoryview(b"")

_FIRST_ADDRESS = 0x1000
"""Where the first section of a relocatable file is laid out."""


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


class ElfHeaders:
    """The headers of an ELF file or image, and its bytes as they lie there.

    Raises BadDataError, which names the file, if they are malformed.
    """

    __slots__ = (
        "_by_name",
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
            name, type, flags, address, start, size, link, info, align, entry = header
            if relocatable and flags & elf.SHF_ALLOC:
                mask = max(align, 1) - 1
                address = (next_address + mask) & ~mask
                next_address = address + size
            end = strings.find(b"\0", name)
            self.sections.append(
                Section(
                    index,
                    strings[name : max(end, 0)].decode("utf-8", "replace"),
                    type,
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
                Segment(type, flags, start, vaddr, paddr, filesz, memsz, align)
                for type, start, vaddr, paddr, filesz, memsz, flags, align in (
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

    def raw(self, section: Section) -> memoryview:
        """The bytes of a section as they lie in the file, empty if it has none there.

        Raises BadDataError if they lie outside of it.
        """
        if section.type in (elf.SHT_NOBITS, elf.SHT_NULL):
            return _EMPTY
        if not self._fits(section.offset, section.size):
            raise BadDataError(
                f"{self.path}: {section.name}: section lies outside of the file"
            )
        return self.data[section.offset : section.offset + section.size]
