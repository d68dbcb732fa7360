"""Call frame information: ``.debug_frame`` (DWARF 5, section 6.4) and ``.eh_frame``.

``.eh_frame`` differs as the LSB Core specification, section 10.6 and 10.7, says: in how
CIEs are referred to, in augmentations and in how addresses are encoded.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from ..elf.constants import EM_AARCH64
from ..errors import BadDataError
from .cfi_rows import Cie, RowMachine, Rule
from .reader import c_string, sleb128, uleb128

if TYPE_CHECKING:
    import struct

    from ..cache import Columns
    from ..elf.file import ElfFile

# Encodings of addresses in .eh_frame: how they are stored, and relative to what.
_DW_EH_PE_indirect = 0x80
_DW_EH_PE_absptr, _DW_EH_PE_pcrel = 0x00, 0x10
_DW_EH_PE_textrel, _DW_EH_PE_datarel = 0x20, 0x30
_ULEB128, _SLEB128 = 0x01, 0x09
_SIZES = {0x02: 2, 0x03: 4, 0x04: 8, 0x0A: -2, 0x0B: -4, 0x0C: -8}
"""Formats of fixed size: how many bytes, negative where the number has a sign."""

_CACHE_VERSION = 1
_CACHE_FROM = 1 << 18
"""Size of a section from which listing its FDEs takes longer than a cache file."""


class CfiRow(NamedTuple):
    """How to get from a frame to its caller's."""

    cfa: Rule
    """REGISTER_PLUS or EXPRESSION."""
    rules: dict[int, Rule]
    """Register number -> rule; what is not there is left to the ABI."""
    return_address: int
    """Number of the register, real or not, that gets the return address."""
    is_signal_frame: bool
    """Whether the *caller* was interrupted rather than calling."""
    table: CfiTable
    offset: int
    """Where it is from: an FDE in a table."""

    def error(self, message: str) -> BadDataError:
        """An exception that says where the rules are."""
        return self.table.error(self.offset, message)


class CfiTable:
    """One section of call frame information and where its FDEs are."""

    __slots__ = (
        "_address_size",
        "_base",
        "_cies",
        "_data",
        "_fdes",
        "_file",
        "_is_aarch64",
        "_is_eh",
        "_little_endian",
        "_search_table",
        "_section",
        "_text",
    )

    def __init__(self, elf: ElfFile, section: str) -> None:
        """Take ``.debug_frame`` or ``.eh_frame`` of a file."""
        found = elf.section(section)
        self._file = elf
        self._section = section
        self._data = elf.contents(section)
        self._is_eh = section == ".eh_frame"
        self._is_aarch64 = elf.machine == EM_AARCH64
        self._base = found.address if found is not None else 0
        self._little_endian = elf.little_endian
        self._address_size = 8 if elf.is_64 else 4
        text = elf.section(".text")
        self._text = text.address if text is not None else 0
        self._cies: dict[int, Cie] = {}
        self._fdes: Columns | None = None
        self._search_table = _search_table(elf) if self._is_eh else None

    def row(self, pc: int) -> CfiRow | None:
        """The rules for a file address; None if no FDE covers it, or tells the CFA.

        Raises BadDataError if what covers it is malformed.
        """
        if self._search_table is not None:
            offset = self._search_table.find(pc)
        else:
            offset = self._find(pc)
        if offset is None:
            return None
        try:
            return self._row_of_fde(offset, pc)
        except (IndexError, ValueError) as error:
            raise self.error(offset, str(error)) from None

    def error(self, offset: int, message: str) -> BadDataError:
        """An exception that says where in the section something is wrong."""
        return BadDataError(
            f"{self._file.path}: {self._section}+{offset:#x}: {message}"
        )

    def _number(self, position: int, size: int, *, signed: bool = False) -> int:
        end = position + size
        if not 0 <= position <= end <= len(self._data):
            raise IndexError("entry is truncated")
        return int.from_bytes(
            self._data[position:end],
            "little" if self._little_endian else "big",
            signed=signed,
        )

    def _find(self, pc: int) -> int | None:
        """The offset of the last FDE whose code starts at or before a file address."""
        if self._fdes is None:
            self._fdes = self._load_fdes()
        i = bisect_right(self._fdes["starts"], pc)
        return int(self._fdes["offsets"][i - 1]) if i else None

    def _load_fdes(self) -> Columns:
        """The FDEs by where their code starts, from the cache or by listing them.

        starts: uint64, file addresses, ascending; offsets: uint64, in the section.
        """
        key = self._file.build_id
        if key is None or len(self._data) < _CACHE_FROM:
            return self._list()
        from ..cache import cached_columns

        # A debug file and a loaded file share their build ID.
        key += len(self._data).to_bytes(8, "little")
        kind = self._section.strip(".")
        return cached_columns(
            kind, _CACHE_VERSION, key, self._file.path, _are_whole, self._list
        )

    def _list(self) -> Columns:
        import struct

        data = self._data
        size = len(data)
        order = "<" if self._little_endian else ">"
        unpack = struct.Struct(order + "II4x").unpack_from
        fdes: dict[int, int] = {}
        is_eh = self._is_eh
        position = 0
        try:
            if not is_eh and self._address_size == 8:
                position = self._list_usual(struct.Struct(order + "IIQ"), fdes)
            while position <= size - 12:
                length, entry_id = unpack(data, position)
                body = position + 4
                if length == 0xFFFFFFFF:
                    length = self._number(body, 8)
                    body += 8
                    entry_id = self._number(body, 4 if is_eh else 8)
                    is_cie = entry_id == (0 if is_eh else 2**64 - 1)
                    start = body + (4 if is_eh else 8)
                elif length == 0:
                    if is_eh:
                        break  # The terminator.
                    position = body
                    continue
                else:
                    is_cie = entry_id == (0 if is_eh else 0xFFFFFFFF)
                    start = body + 4
                end = body + length
                if end > size:
                    raise IndexError("entry is truncated")
                if not is_cie:
                    cie = self._cie_of(body, entry_id)
                    low, _ = self._address(start, cie.encoding)
                    fdes[low] = position
                position = end
        except (IndexError, ValueError, struct.error) as error:
            raise self.error(position, str(error)) from None
        starts = array("Q", sorted(fdes))
        offsets = array("Q", map(fdes.__getitem__, starts))
        return {"starts": memoryview(starts), "offsets": memoryview(offsets)}

    def _list_usual(self, head: struct.Struct, fdes: dict[int, int]) -> int:
        """List FDEs as long as they are of the usual kind; the offset of the next.

        A kernel has 10^5, of which only length, CIE pointer and address are looked at.
        """
        data, unpack = self._data, head.unpack_from
        size = len(data)
        position, last = 0, size - head.size
        while position <= last:
            length, entry_id, low = unpack(data, position)
            end = position + 4 + length
            if end > size or length < 12:
                break
            if entry_id != 0xFFFFFFFF:
                fdes[low] = position
            position = end
        return position

    def _cie_of(self, body: int, entry_id: int) -> Cie:
        """The CIE of the FDE whose CIE pointer is at ``body``."""
        offset = body - entry_id if self._is_eh else entry_id
        cie = self._cies.get(offset)
        if cie is None:
            cie = self._cies[offset] = self._read_cie(offset)
        return cie

    def _header(self, offset: int) -> tuple[int, int, int, int]:
        """(offset of the CIE ID or pointer, it, what comes after it, end)."""
        length = self._number(offset, 4)
        body = offset + 4
        id_size = 4
        if length == 0xFFFFFFFF:
            length = self._number(body, 8)
            body += 8
            id_size = 4 if self._is_eh else 8
        end = body + length
        if end > len(self._data):
            raise IndexError("entry is truncated")
        return body, self._number(body, id_size), body + id_size, end

    def _read_cie(self, offset: int) -> Cie:
        """The CIE at an offset; IndexError or ValueError if it is malformed."""
        data = self._data
        _, entry_id, position, end = self._header(offset)
        if entry_id != 0 if self._is_eh else entry_id not in (2**32 - 1, 2**64 - 1):
            raise ValueError("CIE pointer does not lead to a CIE")
        version = data[position]
        if version not in (1, 3, 4):
            raise ValueError(f"unknown CIE version {version}")
        augmentation, position = c_string(data, position + 1)
        address_size = self._address_size
        if version >= 4:
            address_size = data[position]
            if address_size not in (2, 4, 8):
                raise ValueError(f"unsupported address size {address_size}")
            if data[position + 1]:
                raise ValueError("segment selectors are not supported")
            position += 2
        if augmentation == b"eh":
            position += self._address_size  # gcc 2's.
        code_alignment, position = uleb128(data, position)
        data_alignment, position = sleb128(data, position)
        if version == 1:
            return_address = data[position]
            position += 1
        else:
            return_address, position = uleb128(data, position)
        encoding, is_signal_frame = _DW_EH_PE_absptr, False
        has_data = augmentation.startswith(b"z")
        if has_data:
            length, position = uleb128(data, position)
            encoding, is_signal_frame = self._augmentation(augmentation[1:], position)
            position += length
        elif augmentation not in (b"", b"eh"):
            text = augmentation.decode("ascii", "backslashreplace")
            raise ValueError(f"unknown CFI augmentation {text}")
        if position > end:
            raise IndexError("CIE is truncated")
        return Cie(
            code_alignment,
            data_alignment,
            return_address,
            encoding,
            is_signal_frame,
            has_data,
            address_size,
            bytes(data[position:end]),
            self._is_aarch64,
        )

    def _augmentation(self, letters: bytes, position: int) -> tuple[int, bool]:
        """How a CIE's FDEs encode addresses, and whether they are of signal frames.

        What comes after a letter that is not known is left out.
        """
        data = self._data
        encoding, is_signal_frame = _DW_EH_PE_absptr, False
        for letter in letters.decode("ascii", "replace"):
            if letter == "R":
                encoding = data[position]
                position += 1
            elif letter == "L":
                position += 1
            elif letter == "P":
                personality = data[position] & ~_DW_EH_PE_indirect
                _, position = self._address(position + 1, personality)
            elif letter == "S":
                is_signal_frame = True
            elif letter != "B":
                break
        return encoding, is_signal_frame

    def _address(self, position: int, encoding: int) -> tuple[int, int]:
        """An encoded address and the position after it."""
        value, after = self._value(position, encoding & 0x0F)
        relative = encoding & 0x70
        if relative == _DW_EH_PE_pcrel:
            value += self._base + position
        elif relative == _DW_EH_PE_textrel:
            value += self._text
        elif relative == _DW_EH_PE_datarel:
            value += self._base
        elif relative != _DW_EH_PE_absptr:
            raise ValueError(f"unknown encoding {encoding:#x} of an address")
        return value & (1 << self._address_size * 8) - 1, after

    def _value(self, position: int, kind: int) -> tuple[int, int]:
        """A number that is stored as an encoding says, and the position after it."""
        if kind == _ULEB128:
            return uleb128(self._data, position)
        if kind == _SLEB128:
            return sleb128(self._data, position)
        size = self._address_size if kind == 0 else _SIZES.get(kind)
        if size is None:
            raise ValueError(f"unknown encoding {kind:#x} of an address")
        value = self._number(position, abs(size), signed=size < 0)
        return value, position + abs(size)

    def _row_of_fde(self, offset: int, pc: int) -> CfiRow | None:
        """The rules of an FDE for a file address; None if it does not cover that."""
        body, entry_id, position, end = self._header(offset)
        cie = self._cie_of(body, entry_id)
        if self._is_eh:
            low, position = self._address(position, cie.encoding)
            size, position = self._value(position, cie.encoding & 0x0F)
        else:
            low = self._number(position, cie.address_size)
            size = self._number(position + cie.address_size, cie.address_size)
            position += 2 * cie.address_size
        if not low <= pc < low + size:
            return None
        if cie.has_augmentation_data:
            length, position = uleb128(self._data, position)
            position += length
        if position > end:
            raise IndexError("FDE is truncated")
        machine = RowMachine(cie, low, self._little_endian)
        machine.run(cie.instructions, pc, initial=True)
        machine.initial = dict(machine.rules)
        machine.run(bytes(self._data[position:end]), pc)
        if machine.cfa is None:
            return None
        return CfiRow(
            machine.cfa,
            machine.rules,
            cie.return_address,
            cie.is_signal_frame,
            self,
            offset,
        )


class _SearchTable:
    """``.eh_frame_hdr``: FDEs sorted by the linker (LSB Core, section 10.6.2)."""

    __slots__ = ("_base", "_frame_base", "_offsets")

    def __init__(self, offsets: memoryview, base: int, frame_base: int) -> None:
        """``offsets`` are pairs of (code, FDE) relative to the section at ``base``."""
        self._offsets = offsets
        self._base = base
        self._frame_base = frame_base

    def find(self, pc: int) -> int | None:
        """The offset in .eh_frame of the last FDE that starts at or before a pc."""
        offsets = self._offsets
        wanted = pc - self._base
        i = bisect_right(
            range(len(offsets) // 2), wanted, key=lambda i: int(offsets[2 * i])
        )
        if not i:
            return None
        return int(offsets[2 * i - 1]) + self._base - self._frame_base


_EH_FRAME_HDR_SIZE = 12
_EH_FRAME_HDR_ENCODINGS = bytes((1, 0x1B, 0x03, 0x3B))
"""Version, and how linkers encode the pointer, the number of entries, the entries."""


def _search_table(elf: ElfFile) -> _SearchTable | None:
    """The search table of a file; None unless it is as linkers make it."""
    hdr, frame = elf.section(".eh_frame_hdr"), elf.section(".eh_frame")
    data = elf.contents(".eh_frame_hdr")
    if hdr is None or frame is None or elf.little_endian != (sys.byteorder == "little"):
        return None
    if bytes(data[:4]) != _EH_FRAME_HDR_ENCODINGS or len(data) < _EH_FRAME_HDR_SIZE:
        return None
    end = _EH_FRAME_HDR_SIZE + 8 * int(data[8:12].cast("I")[0])
    if not _EH_FRAME_HDR_SIZE < end <= len(data):
        return None
    offsets = data[_EH_FRAME_HDR_SIZE:end].cast("i")
    return _SearchTable(offsets, hdr.address, frame.address)


def _are_whole(columns: Columns) -> bool:
    formats = {name: column.format for name, column in columns.items()}
    if formats != {"starts": "Q", "offsets": "Q"}:
        return False
    return len(columns["starts"]) == len(columns["offsets"])


def cfi_tables(elf: ElfFile) -> list[CfiTable]:
    """The tables of a file that have contents, the more detailed one first."""
    return [
        CfiTable(elf, name)
        for name in (".debug_frame", ".eh_frame")
        if len(elf.contents(name))
    ]
