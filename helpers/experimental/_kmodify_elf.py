"""Relocatable ELF files for x86-64, as small as a kernel module may be.

Formats: System V gABI, chapter 4 (headers, symbols, relocations), and the x86-64
psABI for the types of relocations.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

__all__ = (
    "ABSOLUTE",
    "R_X86_64_64",
    "R_X86_64_PC32",
    "Relocation",
    "Section",
    "relocatable",
)

R_X86_64_64 = 1
R_X86_64_PC32 = 2

#: Section of a symbol whose value is an address.
ABSOLUTE = 0xFFF1

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK = 1, 2, 4, 0x40
_SHT_PROGBITS, _SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA = 1, 2, 3, 4
_STT_NOTYPE, _STT_FUNC, _STT_SECTION = 0, 2, 3
_STB_GLOBAL = 1 << 4
_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_SYM = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")


@dataclass(frozen=True)
class Relocation:
    """``target`` is the name of a section or function, or an absolute address."""

    offset: int
    type: int
    target: str | int
    addend: int = 0


@dataclass
class Section:
    """Bytes that are loaded. ``flags``: SHF_WRITE, SHF_EXECINSTR or 0."""

    name: str
    data: bytes
    flags: int = 0
    align: int = 1
    relocations: list[Relocation] = field(default_factory=list)


class _Strings:
    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        offset = len(self.data)
        self.data += text.encode() + b"\0"
        return offset


class _Symbols:
    """The symbols of sections, of addresses and of functions, by these."""

    def __init__(self, sections: list[Section], functions: dict[str, str]) -> None:
        self.strings = _Strings()
        self.numbers = {section.name: i for i, section in enumerate(sections, 1)}
        self.index: dict[str | int, int] = {}
        # The first is reserved; local ones come before global ones.
        self._entries = [_SYM.pack(0, 0, 0, 0, 0, 0)]
        for name, number in self.numbers.items():
            self._add(name, 0, _STT_SECTION, number, 0, 0)
        for section in sections:
            for relocation in section.relocations:
                address = relocation.target
                if isinstance(address, int) and address not in self.index:
                    name_offset = self.strings.add(f"at_{address:x}")
                    self._add(address, name_offset, _STT_NOTYPE, ABSOLUTE, address, 0)
        self.locals = len(self._entries)
        for name, owner in functions.items():
            number = self.numbers[owner]
            size = len(sections[number - 1].data)
            name_offset = self.strings.add(name)
            self._add(name, name_offset, _STB_GLOBAL | _STT_FUNC, number, 0, size)

    def _add(
        self, key: str | int, name: int, info: int, section: int, value: int, size: int
    ) -> None:
        self.index[key] = len(self._entries)
        self._entries.append(_SYM.pack(name, info, 0, section, value, size))

    def table(self) -> bytes:
        return b"".join(self._entries)

    def relocations(self, section: Section) -> bytes:
        return b"".join(
            _RELA.pack(r.offset, self.index[r.target] << 32 | r.type, r.addend)
            for r in section.relocations
        )


class _File:
    """The file, section by section. Their headers stand behind them."""

    def __init__(self) -> None:
        self._names = _Strings()
        self._headers = [_SHDR.pack(*[0] * 10)]
        self._body = bytearray(_EHDR.size)

    def add(
        self,
        name: str,
        type: int,
        data: bytes,
        align: int = 1,
        *,
        flags: int = 0,
        link: int = 0,
        info: int = 0,
        entry: int = 0,
    ) -> None:
        name_offset = self._names.add(name)
        self._body.extend(bytes(-len(self._body) % align))
        place = (0, len(self._body), len(data))
        self._headers.append(
            _SHDR.pack(name_offset, type, flags, *place, link, info, align, entry)
        )
        self._body.extend(data)

    def finish(self) -> bytes:
        """The whole file, with the names of its sections as the last of them."""
        name = ".shstrtab"
        self.add(name, _SHT_STRTAB, self._names.data + name.encode() + b"\0")
        body = self._body
        body.extend(bytes(-len(body) % 8))
        ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)  # 64 bits, little-endian
        body[: _EHDR.size] = _EHDR.pack(
            ident, 1, 62, 1, 0, 0, len(body), 0, _EHDR.size, 0, 0,
            _SHDR.size, len(self._headers), len(self._headers) - 1,
        )  # fmt: skip
        return bytes(body) + b"".join(self._headers)


def relocatable(sections: list[Section], functions: dict[str, str]) -> bytes:
    """Return an ELF file (ET_REL) of sections.

    :param functions: Name -> the section that it is the beginning of.
    """
    symbols = _Symbols(sections, functions)
    relocated = [section for section in sections if section.relocations]
    symtab = len(sections) + len(relocated) + 1
    file = _File()
    for section in sections:
        flags = section.flags | SHF_ALLOC
        file.add(section.name, _SHT_PROGBITS, section.data, section.align, flags=flags)
    for section in relocated:
        file.add(
            f".rela{section.name}",
            _SHT_RELA,
            symbols.relocations(section),
            8,
            flags=SHF_INFO_LINK,
            link=symtab,
            info=symbols.numbers[section.name],
            entry=_RELA.size,
        )
    file.add(
        ".symtab", _SHT_SYMTAB, symbols.table(), 8,
        link=symtab + 1, info=symbols.locals, entry=_SYM.size,
    )  # fmt: skip
    file.add(".strtab", _SHT_STRTAB, symbols.strings.data)
    return file.finish()
