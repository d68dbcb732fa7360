"""Relocation of sections in ``ET_REL`` files: kernel modules and object files.

Symbols are resolved against the layout that `ElfHeaders` gave to the sections.
Relocation types are named after the processor supplements of the ABI; only those that
appear in debug information (of variables of threads too), unwind tables and data are
known.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errors import BadDataError
from . import constants as elf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .headers import ElfHeaders, Section

_Kinds = dict[int, tuple[int, bool]]

_KINDS: dict[int, _Kinds] = {
    # machine: {relocation type: (size in bytes, PC-relative)}
    elf.EM_X86_64: {
        1: (8, False),  # R_X86_64_64
        2: (4, True),  # R_X86_64_PC32
        4: (4, True),  # R_X86_64_PLT32
        10: (4, False),  # R_X86_64_32
        11: (4, False),  # R_X86_64_32S
        12: (2, False),  # R_X86_64_16
        13: (2, True),  # R_X86_64_PC16
        14: (1, False),  # R_X86_64_8
        15: (1, True),  # R_X86_64_PC8
        17: (8, False),  # R_X86_64_DTPOFF64
        21: (4, False),  # R_X86_64_DTPOFF32
        24: (8, True),  # R_X86_64_PC64
    },
    elf.EM_386: {
        1: (4, False),  # R_386_32
        2: (4, True),  # R_386_PC32
        32: (4, False),  # R_386_TLS_LDO_32
    },
    elf.EM_AARCH64: {
        257: (8, False),  # R_AARCH64_ABS64
        258: (4, False),  # R_AARCH64_ABS32
        259: (2, False),  # R_AARCH64_ABS16
        260: (8, True),  # R_AARCH64_PREL64
        261: (4, True),  # R_AARCH64_PREL32
        262: (2, True),  # R_AARCH64_PREL16
        1029: (8, False),  # R_AARCH64_TLS_DTPREL64
    },
    elf.EM_ARM: {
        2: (4, False),  # R_ARM_ABS32
        3: (4, True),  # R_ARM_REL32
        106: (4, False),  # R_ARM_TLS_LDO32
    },
    elf.EM_PPC64: {
        1: (4, False),  # R_PPC64_ADDR32
        26: (4, True),  # R_PPC64_REL32
        38: (8, False),  # R_PPC64_ADDR64
        44: (8, True),  # R_PPC64_REL64
        78: (8, False),  # R_PPC64_DTPREL64
    },
    elf.EM_RISCV: {
        1: (4, False),  # R_RISCV_32
        2: (8, False),  # R_RISCV_64
        8: (4, False),  # R_RISCV_TLS_DTPREL32
        9: (8, False),  # R_RISCV_TLS_DTPREL64
        57: (4, True),  # R_RISCV_32_PCREL
    },
    elf.EM_S390: {
        1: (1, False),  # R_390_8
        3: (2, False),  # R_390_16
        4: (4, False),  # R_390_32
        5: (4, True),  # R_390_PC32
        22: (8, False),  # R_390_64
        23: (8, True),  # R_390_PC64
        52: (4, False),  # R_390_TLS_LDO32
        53: (8, False),  # R_390_TLS_LDO64
    },
    elf.EM_LOONGARCH: {
        1: (4, False),  # R_LARCH_32
        2: (8, False),  # R_LARCH_64
        8: (4, False),  # R_LARCH_TLS_DTPREL32
        9: (8, False),  # R_LARCH_TLS_DTPREL64
        99: (4, True),  # R_LARCH_32_PCREL
    },
}

_NONE = 0

# Relocations that add to or subtract from what is there: {type: (size, sign)}.
_IN_PLACE: dict[int, dict[int, tuple[int, int]]] = {
    elf.EM_RISCV: {
        33: (1, 1),  # R_RISCV_ADD8
        34: (2, 1),
        35: (4, 1),
        36: (8, 1),
        37: (1, -1),  # R_RISCV_SUB8
        38: (2, -1),
        39: (4, -1),
        40: (8, -1),
        54: (1, 0),  # R_RISCV_SET8
        55: (2, 0),
        56: (4, 0),
    },
    elf.EM_LOONGARCH: {
        47: (1, 1),  # R_LARCH_ADD8
        48: (2, 1),
        50: (4, 1),
        51: (8, 1),
        52: (1, -1),  # R_LARCH_SUB8
        53: (2, -1),
        55: (4, -1),
        56: (8, -1),
    },
}


def relocated(file: ElfHeaders, section: Section, contents: memoryview) -> memoryview:
    """A section of a relocatable file with its relocations applied.

    ``contents`` itself is returned if there are none.
    """
    for table in file.sections:
        if (
            table.type in (elf.SHT_RELA, elf.SHT_REL)
            and table.info == section.index
            and table.size
        ):
            result = bytearray(contents)
            _apply(file, section, table, result)
            contents = memoryview(result).toreadonly()
    return contents


def _apply(file: ElfHeaders, section: Section, table: Section, data: bytearray) -> None:
    import numpy as np

    where = f"{file.path}: {table.name}"
    word = "u8" if file.is_64 else "u4"
    fields = [("offset", file.order + word), ("info", file.order + word)]
    rela = table.type == elf.SHT_RELA
    if rela:
        fields.append(("addend", file.order + "i" + word[1]))
    dtype = np.dtype(fields)
    raw = file.raw(table)
    if len(raw) % dtype.itemsize:
        raise BadDataError(f"{where}: size of relocations is wrong")
    entries = np.frombuffer(raw, dtype)
    offsets = entries["offset"].astype(np.int64)
    if file.is_64:
        symbols = (entries["info"] >> 32).astype(np.int64)
        types = (entries["info"] & 0xFFFFFFFF).astype(np.int64)
    else:
        symbols = (entries["info"] >> 8).astype(np.int64)
        types = (entries["info"] & 0xFF).astype(np.int64)
    values = _symbol_values(file, table.link, where)
    if (symbols >= len(values)).any():
        raise BadDataError(f"{where}: relocation of an invalid symbol")
    values = values[symbols]
    if rela:
        values = values + entries["addend"].astype(np.int64)
    kinds = _KINDS.get(file.machine, {})
    distinct = [int(t) for t in np.unique(types) if t != _NONE]
    if all(t in kinds for t in distinct):
        _scatter(file, section, data, kinds, distinct, offsets, types, values, rela)
    else:
        rows = zip(offsets.tolist(), types.tolist(), values.tolist(), strict=True)
        for offset, type, value in rows:
            _apply_one(file, section, data, offset, type, value, rela, where)


def _symbol_values(file: ElfHeaders, link: int, where: str) -> NDArray[np.int64]:
    """File addresses of all symbols in a table."""
    import numpy as np

    if link >= len(file.sections):
        raise BadDataError(f"{where}: symbol table does not exist")
    order = file.order
    if file.is_64:
        dtype = np.dtype(
            [
                ("name", order + "u4"),
                ("info", "u1"),
                ("other", "u1"),
                ("shndx", order + "u2"),
                ("value", order + "u8"),
                ("size", order + "u8"),
            ]
        )
    else:
        dtype = np.dtype(
            [
                ("name", order + "u4"),
                ("value", order + "u4"),
                ("size", order + "u4"),
                ("info", "u1"),
                ("other", "u1"),
                ("shndx", order + "u2"),
            ]
        )
    raw = file.raw(file.sections[link])
    symbols = np.frombuffer(raw[: len(raw) - len(raw) % dtype.itemsize], dtype)
    indexes = symbols["shndx"].astype(np.int64)
    for section in file.sections:
        if section.type == elf.SHT_SYMTAB_SHNDX and section.link == link:
            wide = np.frombuffer(file.raw(section), order + "u4")
            count = min(len(wide), len(indexes))
            extended = indexes[:count] == elf.SHN_XINDEX
            indexes[:count][extended] = wide[:count][extended]
    bases = np.array([s.address for s in file.sections], dtype=np.uint64)
    values: NDArray[np.int64] = symbols["value"].astype(np.int64)
    defined = (indexes != elf.SHN_UNDEF) & (indexes < len(bases))
    values[defined] += bases.astype(np.int64)[indexes[defined]]
    return values


def _scatter(
    file: ElfHeaders,
    section: Section,
    data: bytearray,
    kinds: _Kinds,
    distinct: list[int],
    offsets: NDArray[np.int64],
    types: NDArray[np.int64],
    values: NDArray[np.int64],
    rela: bool,
) -> None:
    """Apply all relocations of each type at once."""
    import numpy as np

    target = np.frombuffer(data, np.uint8)
    for type in distinct:
        size, relative = kinds[type]
        chosen = types == type
        at = offsets[chosen]
        if len(at) and (int(at.min()) < 0 or int(at.max()) + size > len(data)):
            raise BadDataError(
                f"{file.path}: {section.name}: relocation outside of the section"
            )
        value = values[chosen]
        if relative:
            value = value - at - np.int64(section.address)
        columns = at[:, None] + np.arange(size)
        if not rela:
            present = target[columns].copy().view(f"{file.order}u{size}").ravel()
            value = value + present.astype(np.int64)
        stored = value.astype(f"{file.order}u{size}")
        target[columns] = stored.view(np.uint8).reshape(-1, size)


def _apply_one(
    file: ElfHeaders,
    section: Section,
    data: bytearray,
    offset: int,
    type: int,
    value: int,
    rela: bool,
    where: str,
) -> None:
    if type == _NONE:
        return
    sign: int | None = None
    relative = False
    kind = _KINDS.get(file.machine, {}).get(type)
    if kind:
        size, relative = kind
    else:
        in_place = _IN_PLACE.get(file.machine, {}).get(type)
        if in_place is None:
            if not section.flags & elf.SHF_ALLOC or section.name.startswith(".debug_"):
                raise BadDataError(f"{where}: unknown relocation type {type}")
            return  # Code is relocated in more ways than concern us.
        size, sign = in_place
    if offset < 0 or offset + size > len(data):
        raise BadDataError(f"{where}: relocation outside of the section")
    code = file.order + {1: "B", 2: "H", 4: "I", 8: "Q"}[size]
    present = struct.unpack_from(code, data, offset)[0]
    if relative:
        value -= section.address + offset
    if sign is not None:
        value = value if sign == 0 else present + sign * value
    elif not rela:
        value += present
    struct.pack_into(code, data, offset, value & ((1 << size * 8) - 1))
