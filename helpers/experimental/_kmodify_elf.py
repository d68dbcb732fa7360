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


def relocatable(sections: list[Section], functions: dict[str, str]) -> bytes:
    """Return an ELF file (ET_REL) of sections.

    :param functions: Name -> the section that it is the beginning of.
    """
    numbers = {section.name: i for i, section in enumerate(sections, 1)}
    strings = _Strings()
    # The first is reserved; local ones come before global ones.
    symbols = [_SYM.pack(0, 0, 0, 0, 0, 0)]
    index: dict[str | int, int] = {}
    for name, number in numbers.items():
        index[name] = len(symbols)
        symbols.append(_SYM.pack(0, _STT_SECTION, 0, number, 0, 0))
    for section in sections:
        for relocation in section.relocations:
            address = relocation.target
            if isinstance(address, int) and address not in index:
                index[address] = len(symbols)
                name_offset = strings.add(f"at_{address:x}")
                symbols.append(
                    _SYM.pack(name_offset, _STT_NOTYPE, 0, ABSOLUTE, address, 0)
                )
    locals = len(symbols)
    for name, owner in functions.items():
        index[name] = len(symbols)
        size = len(sections[numbers[owner] - 1].data)
        info = _STB_GLOBAL | _STT_FUNC
        symbols.append(_SYM.pack(strings.add(name), info, 0, numbers[owner], 0, size))

    relocated = [section for section in sections if section.relocations]
    symtab = len(sections) + len(relocated) + 1
    names = _Strings()
    headers = [_SHDR.pack(*[0] * 10)]
    body = bytearray(_EHDR.size)

    def add(
        name: str,
        type: int,
        flags: int,
        data: bytes,
        align: int,
        *,
        link: int = 0,
        info: int = 0,
        entry: int = 0,
    ) -> None:
        name_offset = names.add(name)
        data = names.data if name == ".shstrtab" else data  # its name is in it, too
        body.extend(bytes(-len(body) % align))
        place = (0, len(body), len(data))
        headers.append(
            _SHDR.pack(name_offset, type, flags, *place, link, info, align, entry)
        )
        body.extend(data)

    for section in sections:
        flags = section.flags | SHF_ALLOC
        add(section.name, _SHT_PROGBITS, flags, section.data, section.align)
    for section in relocated:
        entries = b"".join(
            _RELA.pack(r.offset, index[r.target] << 32 | r.type, r.addend)
            for r in section.relocations
        )
        add(
            f".rela{section.name}",
            _SHT_RELA,
            SHF_INFO_LINK,
            entries,
            8,
            link=symtab,
            info=numbers[section.name],
            entry=_RELA.size,
        )
    table = b"".join(symbols)
    add(
        ".symtab", _SHT_SYMTAB, 0, table, 8,
        link=symtab + 1, info=locals, entry=_SYM.size,
    )  # fmt: skip
    add(".strtab", _SHT_STRTAB, 0, strings.data, 1)
    add(".shstrtab", _SHT_STRTAB, 0, b"", 1)
    body.extend(bytes(-len(body) % 8))
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)  # 64 bits, little-endian
    body[: _EHDR.size] = _EHDR.pack(
        ident, 1, 62, 1, 0, 0, len(body), 0, _EHDR.size, 0, 0,
        _SHDR.size, len(headers), len(headers) - 1,
    )  # fmt: skip
    return bytes(body) + b"".join(headers)
