"""A small assembler for ELF files with DWARF, for inputs that no compiler writes.

>>> struct = D(dw.DW_TAG_structure_type, name="s", byte_size=4)
>>> image = elf(assemble([Unit([struct])]))
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drgn.engine.dwarf import constants as dw

# The form that an attribute gets unless it is given as A(form, value).
_FORMS = {
    "name": dw.DW_FORM_string,
    "comp_dir": dw.DW_FORM_string,
    "producer": dw.DW_FORM_string,
    "type": dw.DW_FORM_ref4,
    "sibling": dw.DW_FORM_ref4,
    "specification": dw.DW_FORM_ref4,
    "abstract_origin": dw.DW_FORM_ref4,
    "location": dw.DW_FORM_exprloc,
    "low_pc": dw.DW_FORM_addr,
    "high_pc": dw.DW_FORM_data4,
    "declaration": dw.DW_FORM_flag_present,
    "external": dw.DW_FORM_flag_present,
    "language": dw.DW_FORM_data2,
    "const_value": dw.DW_FORM_sdata,
    "stmt_list": dw.DW_FORM_sec_offset,
    "ranges": dw.DW_FORM_sec_offset,
}


@dataclass
class A:
    """An attribute with a form of its own; ``value`` is encoded as the form wants."""

    form: int
    value: Any


class D:
    """A DIE: a tag, children and attributes by name or as ``attributes``."""

    def __init__(
        self,
        tag: int,
        children: Sequence[D] = (),
        attributes: Sequence[tuple[int, A]] = (),
        **named: Any,
    ) -> None:
        self.tag = tag
        self.children = list(children)
        self.attributes = list(attributes)
        for name, value in named.items():
            at = getattr(dw, f"DW_AT_{name}")
            if not isinstance(value, A):
                value = A(_FORMS.get(name, dw.DW_FORM_data4), value)
            self.attributes.append((at, value))
        self.offset = 0


@dataclass
class Unit:
    """A unit with its DIEs below a DW_TAG_compile_unit (or ``root``)."""

    children: list[D]
    version: int = 5
    address_size: int = 8
    is_dwarf64: bool = False
    type: int = dw.DW_UT_compile
    root: D | None = None
    header: bytes = b""
    """What follows the common part of the header."""
    language: int = dw.DW_LANG_C11
    end_of_children: bool = True
    offset: int = field(default=0, init=False)


def uleb(value: int) -> bytes:
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        if not value:
            return bytes(out) + bytes([byte])
        out.append(byte | 0x80)


def sleb(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if value == (-1 if byte & 0x40 else 0):
            return bytes(out) + bytes([byte])
        out.append(byte | 0x80)


class _Assembler:
    def __init__(self, order: str) -> None:
        self.order = order
        self.abbrevs: dict[bytes, int] = {}
        self.abbrev_table = b""
        self.strings = b"\0"
        self.line_strings = b"\0"

    def number(self, value: int, size: int) -> bytes:
        little = self.order == "<"
        mask = (1 << 8 * size) - 1
        return (value & mask).to_bytes(size, "little" if little else "big")

    def string(self, text: str) -> int:
        offset = len(self.strings)
        self.strings += text.encode() + b"\0"
        return offset

    def line_string(self, text: str) -> int:
        offset = len(self.line_strings)
        self.line_strings += text.encode() + b"\0"
        return offset

    def abbrev(self, die: D) -> int:
        shape = uleb(die.tag) + bytes([bool(die.children)])
        for at, attribute in die.attributes:
            shape += uleb(at) + uleb(attribute.form)
            if attribute.form == dw.DW_FORM_implicit_const:
                shape += sleb(attribute.value)
        shape += b"\0\0"
        code = self.abbrevs.get(shape)
        if code is None:
            code = self.abbrevs[shape] = len(self.abbrevs) + 1
            self.abbrev_table += uleb(code) + shape
        return code

    def value(self, unit: Unit, form: int, value: Any) -> bytes:
        offset_size = 8 if unit.is_dwarf64 else 4
        if isinstance(value, D):
            absolute = form in (dw.DW_FORM_ref_addr, dw.DW_FORM_GNU_ref_alt)
            value = max(value.offset - (0 if absolute else unit.offset), 0)
        if form == dw.DW_FORM_indirect:
            return uleb(value.form) + self.value(unit, value.form, value.value)
        if form == dw.DW_FORM_string:
            return (value if isinstance(value, bytes) else value.encode()) + b"\0"
        if form == dw.DW_FORM_strp:
            value = self.string(value) if isinstance(value, str) else value
            return self.number(value, offset_size)
        if form == dw.DW_FORM_line_strp:
            value = self.line_string(value) if isinstance(value, str) else value
            return self.number(value, offset_size)
        if form in _LEB:
            return uleb(value)
        if form == dw.DW_FORM_sdata:
            return sleb(value)
        if form in (dw.DW_FORM_exprloc, dw.DW_FORM_block):
            return uleb(len(value)) + value
        if form in _BLOCKS:
            return self.number(len(value), _BLOCKS[form]) + bytes(value)
        if form in (dw.DW_FORM_flag_present, dw.DW_FORM_implicit_const):
            return b""
        if form == dw.DW_FORM_addr:
            return self.number(value, unit.address_size)
        if form == dw.DW_FORM_ref_addr and unit.version == 2:
            return self.number(value, unit.address_size)
        return self.number(value, _SIZES.get(form, offset_size))

    def die(self, unit: Unit, die: D, start: int) -> bytes:
        die.offset = start
        out = uleb(self.abbrev(die))
        for _, attribute in die.attributes:
            out += self.value(unit, attribute.form, attribute.value)
        for child in die.children:
            out += self.die(unit, child, start + len(out))
        if die.children and unit.end_of_children:
            out += b"\0"
        return out

    def unit(self, unit: Unit, start: int) -> bytes:
        unit.offset = start
        offset_size = 8 if unit.is_dwarf64 else 4
        abbrevs = self.number(0, offset_size)
        header = self.number(unit.version, 2)
        if unit.version >= 5:
            header += bytes([unit.type, unit.address_size]) + abbrevs
        else:
            header += abbrevs + bytes([unit.address_size])
        header += unit.header
        root = unit.root or D(
            dw.DW_TAG_compile_unit, name="test.c", language=unit.language
        )
        root.children = unit.children
        prefix = 12 if unit.is_dwarf64 else 4
        dies = self.die(unit, root, start + prefix + len(header))
        length = self.number(len(header) + len(dies), offset_size)
        if unit.is_dwarf64:
            length = b"\xff\xff\xff\xff" + length
        return length + header + dies


_LEB = frozenset(
    (
        dw.DW_FORM_udata,
        dw.DW_FORM_ref_udata,
        dw.DW_FORM_strx,
        dw.DW_FORM_addrx,
        dw.DW_FORM_loclistx,
        dw.DW_FORM_rnglistx,
        dw.DW_FORM_GNU_addr_index,
        dw.DW_FORM_GNU_str_index,
    )
)
_BLOCKS = {dw.DW_FORM_block1: 1, dw.DW_FORM_block2: 2, dw.DW_FORM_block4: 4}
_SIZES = {
    dw.DW_FORM_data1: 1,
    dw.DW_FORM_data2: 2,
    dw.DW_FORM_data4: 4,
    dw.DW_FORM_data8: 8,
    dw.DW_FORM_data16: 16,
    dw.DW_FORM_flag: 1,
    dw.DW_FORM_ref1: 1,
    dw.DW_FORM_ref2: 2,
    dw.DW_FORM_ref4: 4,
    dw.DW_FORM_ref8: 8,
    dw.DW_FORM_ref_sig8: 8,
    dw.DW_FORM_ref_sup4: 4,
    dw.DW_FORM_ref_sup8: 8,
    dw.DW_FORM_strx1: 1,
    dw.DW_FORM_strx2: 2,
    dw.DW_FORM_strx3: 3,
    dw.DW_FORM_strx4: 4,
    dw.DW_FORM_addrx1: 1,
    dw.DW_FORM_addrx2: 2,
    dw.DW_FORM_addrx3: 3,
    dw.DW_FORM_addrx4: 4,
}


def assemble(
    units: Sequence[Unit], *, order: str = "<", section: str = ".debug_info"
) -> dict[str, bytes]:
    """The sections of the units; afterwards each DIE knows its ``offset``."""
    for _ in range(3):  # References forward are known, then their sizes are.
        assembler = _Assembler(order)
        info = b""
        for unit in units:
            info += assembler.unit(unit, len(info))
    return {
        section: info,
        ".debug_abbrev": assembler.abbrev_table + b"\0",
        ".debug_str": assembler.strings,
        ".debug_line_str": assembler.line_strings,
    }


def elf(
    sections: Mapping[str, bytes],
    *,
    order: str = "<",
    bits: int = 64,
    type: int = 2,
    machine: int = 62,
    build_id: bytes = b"",
    headers: Mapping[str, Mapping[str, int]] | None = None,
    segments: Sequence[tuple[int, ...]] = (),
) -> bytes:
    """An ELF file of sections.

    ``headers`` gives sections other values of type, flags, addr, link, info, addralign
    and entsize; ``segments`` are program headers in the order of Elf64_Phdr.
    """
    headers = dict(headers or {})
    contents = dict(sections)
    if build_id:
        note = struct.pack(order + "III", 4, len(build_id), 3) + b"GNU\0" + build_id
        contents[".note.gnu.build-id"] = note
        headers[".note.gnu.build-id"] = {"type": 7, "flags": 2, "addralign": 4}
    contents[".shstrtab"] = b""
    headers.setdefault(".shstrtab", {"type": 3})
    names = b"\0"
    name_offsets = {}
    for name in contents:
        name_offsets[name] = len(names)
        names += name.encode() + b"\0"
    contents[".shstrtab"] = names

    word = "Q" if bits == 64 else "I"
    ehdr_size, phdr_size = (64, 56) if bits == 64 else (52, 32)
    body = b""
    start = ehdr_size + phdr_size * len(segments)
    table = []
    for name, data in contents.items():
        body += bytes(-len(body) % 8)
        header = dict(headers.get(name, {}))
        table.append(
            (
                name_offsets[name],
                header.get("type", 1),
                header.get("flags", 0),
                header.get("addr", 0),
                header.get("offset", start + len(body)),
                header.get("size", len(data)),
                header.get("link", 0),
                header.get("info", 0),
                header.get("addralign", 1),
                header.get("entsize", 0),
            )
        )
        body += data
    body += bytes(-len(body) % 8)
    shdr = struct.Struct(order + f"II{word * 4}II{word * 2}")
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1])
    image = ident.ljust(16, b"\0")
    image += struct.pack(
        order + f"HHI{word * 3}IHHHHHH",
        type,
        machine,
        1,
        0,
        ehdr_size if segments else 0,
        start + len(body),
        0,
        ehdr_size,
        phdr_size,
        len(segments),
        shdr.size,
        len(table) + 1,
        len(table),
    )
    for kind, flags, *rest in segments:
        if bits == 64:
            image += struct.pack(order + "II6Q", kind, flags, *rest)
        else:
            *most, align = rest
            image += struct.pack(order + "8I", kind, *most, flags, align)
    image += body + bytes(shdr.size)
    return image + b"".join(shdr.pack(*row) for row in table)
