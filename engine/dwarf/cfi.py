"""Call frame information: ``.debug_frame`` (DWARF 5, section 6.4) and ``.eh_frame``.

``.eh_frame`` differs as the LSB Core specification, section 10.6 and 10.7, says: in how
CIEs are referred to, in augmentations and in how addresses are encoded.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BadDataError
from .reader import c_string, sleb128, uleb128

if TYPE_CHECKING:
    from ..elf.file import ElfFile

# How a register of the caller is found: the first item of a rule.
UNDEFINED = 0
SAME_VALUE = 1
AT_CFA_PLUS = 2  # In memory at CFA + n.
CFA_PLUS = 3  # CFA + n itself.
REGISTER = 4  # In another register, n.
AT_EXPRESSION = 5  # In memory where an expression says, given the CFA.
EXPRESSION = 6  # What an expression says, given the CFA.
REGISTER_PLUS = 7  # Register + n; only for the CFA: (kind, register, n).

Rule = tuple[int, int] | tuple[int, bytes] | tuple[int, int, int]

_UNDEFINED: Rule = (UNDEFINED, 0)
_SAME_VALUE: Rule = (SAME_VALUE, 0)

# Encodings of addresses in .eh_frame: how they are stored, and relative to what.
_DW_EH_PE_omit = 0xFF
_DW_EH_PE_indirect = 0x80
_DW_EH_PE_absptr, _DW_EH_PE_pcrel, _DW_EH_PE_textrel = 0x00, 0x10, 0x20
_DW_EH_PE_datarel, _DW_EH_PE_funcrel, _DW_EH_PE_aligned = 0x30, 0x40, 0x50
_SIZES = {0x02: 2, 0x03: 4, 0x04: 8, 0x0A: -2, 0x0B: -4, 0x0C: -8}


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


class Cie(NamedTuple):
    """A common information entry."""

    code_alignment: int
    data_alignment: int
    return_address: int
    encoding: int
    is_signal_frame: bool
    has_augmentation_data: bool
    address_size: int
    instructions: bytes


class CfiTable:
    """One section of call frame information and where its FDEs are."""

    __slots__ = (
        "_address_size",
        "_base",
        "_cies",
        "_data",
        "_fdes",
        "_is_eh",
        "_little_endian",
        "_path",
        "_section",
        "_starts",
        "_text",
    )

    def __init__(self, elf: ElfFile, section: str) -> None:
        """Take ``.debug_frame`` or ``.eh_frame`` of a file."""
        found = elf.section(section)
        self._path = elf.path
        self._section = section
        self._data = elf.contents(section)
        self._is_eh = section == ".eh_frame"
        self._base = found.address if found is not None else 0
        self._little_endian = elf.little_endian
        self._address_size = 8 if elf.is_64 else 4
        text = elf.section(".text")
        self._text = text.address if text is not None else 0
        self._cies: dict[int, Cie] = {}
        self._starts: list[int] | None = None
        self._fdes: dict[int, int] = {}

    def row(self, pc: int) -> CfiRow | None:
        """The rules for a file address; None if no FDE covers it.

        Raises BadDataError if what covers it is malformed.
        """
        if self._starts is None:
            self._index()
            assert self._starts is not None
        i = bisect_right(self._starts, pc)
        if not i:
            return None
        offset = self._fdes[self._starts[i - 1]]
        try:
            return self._row_of_fde(offset, pc)
        except (IndexError, ValueError) as e:
            raise self._error(offset, str(e)) from None

    def _error(self, offset: int, message: str) -> BadDataError:
        return BadDataError(f"{self._path}: {self._section}+{offset:#x}: {message}")

    def _number(self, position: int, size: int, *, signed: bool = False) -> int:
        end = position + size
        if not 0 <= position <= end <= len(self._data):
            raise IndexError("entry is truncated")
        return int.from_bytes(
            self._data[position:end],
            "little" if self._little_endian else "big",
            signed=signed,
        )

    def _index(self) -> None:
        """List the FDEs by where their code starts."""
        import struct

        data = self._data
        size = len(data)
        order = "<" if self._little_endian else ">"
        unpack = struct.Struct(order + "III").unpack_from
        fdes = self._fdes
        position = 0
        is_eh = self._is_eh
        # .debug_frame of a 64-bit file is read directly: a kernel has 10^5 FDEs.
        unpack_address = (
            struct.Struct(order + "Q").unpack_from
            if not is_eh and self._address_size == 8
            else None
        )
        try:
            while position <= size - 12:
                length, entry_id, _ = unpack(data, position)
                body = position + 4
                if length == 0xFFFFFFFF:
                    length = self._number(body, 8)
                    body += 8
                    entry_id = self._number(body, 4 if is_eh else 8)
                    is_cie = entry_id in (0,) if is_eh else entry_id == 2**64 - 1
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
                    if unpack_address is not None:
                        (low,) = unpack_address(data, start)
                    else:
                        cie = self._cie_of(body, entry_id)
                        low, _ = self._address(start, cie.encoding)
                    fdes[low] = position
                position = end
        except (IndexError, ValueError, struct.error) as e:
            raise self._error(position, str(e)) from None
        self._starts = sorted(fdes)

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
                raise ValueError(f"invalid address size {address_size}")
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
        encoding = _DW_EH_PE_absptr
        is_signal_frame = False
        has_data = augmentation.startswith(b"z")
        if has_data:
            length, position = uleb128(data, position)
            start = position + length
            for letter in augmentation[1:].decode("ascii", "replace"):
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
            position = start
        elif augmentation not in (b"", b"eh"):
            raise ValueError(f"unknown CIE augmentation {augmentation!r}")
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
        )

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
        if kind == 0x01:
            return uleb128(self._data, position)
        if kind == 0x09:
            return sleb128(self._data, position)
        size = self._address_size if kind == 0 else _SIZES.get(kind)
        if size is None:
            raise ValueError(f"unknown encoding {kind:#x} of an address")
        value = self._number(position, abs(size), signed=size < 0)
        return value, position + abs(size)

    def _row_of_fde(self, offset: int, pc: int) -> CfiRow | None:
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
        machine = _RowMachine(self, cie, low)
        machine.run(cie.instructions, pc)
        machine.initial = dict(machine.rules)
        machine.run(bytes(self._data[position:end]), pc)
        if machine.cfa is None:
            raise ValueError("there is no rule for the CFA")
        return CfiRow(
            machine.cfa, machine.rules, cie.return_address, cie.is_signal_frame
        )

    def instruction_address(self, cie: Cie, data: bytes, position: int) -> int:
        """The operand of DW_CFA_set_loc at a position of an FDE's instructions."""
        if cie.encoding & 0x70:
            raise ValueError("DW_CFA_set_loc with a relative address")
        operand = data[position : position + cie.address_size]
        return int.from_bytes(operand, "little" if self._little_endian else "big")


# Primary opcodes, in the high two bits.
_DW_CFA_advance_loc = 0x40
_DW_CFA_offset = 0x80
_DW_CFA_restore = 0xC0
# Extended opcodes.
_DW_CFA_nop = 0x00
_DW_CFA_set_loc = 0x01
_DW_CFA_advance_loc1 = 0x02
_DW_CFA_advance_loc2 = 0x03
_DW_CFA_advance_loc4 = 0x04
_DW_CFA_offset_extended = 0x05
_DW_CFA_restore_extended = 0x06
_DW_CFA_undefined = 0x07
_DW_CFA_same_value = 0x08
_DW_CFA_register = 0x09
_DW_CFA_remember_state = 0x0A
_DW_CFA_restore_state = 0x0B
_DW_CFA_def_cfa = 0x0C
_DW_CFA_def_cfa_register = 0x0D
_DW_CFA_def_cfa_offset = 0x0E
_DW_CFA_def_cfa_expression = 0x0F
_DW_CFA_expression = 0x10
_DW_CFA_offset_extended_sf = 0x11
_DW_CFA_def_cfa_sf = 0x12
_DW_CFA_def_cfa_offset_sf = 0x13
_DW_CFA_val_offset = 0x14
_DW_CFA_val_offset_sf = 0x15
_DW_CFA_val_expression = 0x16
_DW_CFA_GNU_window_save = 0x2D
_DW_CFA_GNU_args_size = 0x2E
_DW_CFA_GNU_negative_offset_extended = 0x2F

_ADVANCES = {
    _DW_CFA_advance_loc1: 1,
    _DW_CFA_advance_loc2: 2,
    _DW_CFA_advance_loc4: 4,
}


class _RowMachine:
    """Runs call frame instructions (DWARF 5, section 6.4.2) up to an address."""

    __slots__ = ("cfa", "cie", "initial", "location", "rules", "stack", "table")

    def __init__(self, table: CfiTable, cie: Cie, location: int) -> None:
        self.table = table
        self.cie = cie
        self.location = location
        self.cfa: Rule | None = None
        self.rules: dict[int, Rule] = {}
        self.initial: dict[int, Rule] = {}
        self.stack: list[tuple[Rule | None, dict[int, Rule]]] = []

    def run(self, code: bytes, pc: int) -> None:
        """Run instructions until the row for ``pc`` is complete.

        Raises IndexError or ValueError if they are malformed.
        """
        view = memoryview(code)
        cie = self.cie
        position, end = 0, len(code)
        while position < end:
            op = code[position]
            position += 1
            low, op = op & 0x3F, op & 0xC0 or op
            if op == _DW_CFA_advance_loc:
                self.location += low * cie.code_alignment
            elif op in _ADVANCES:
                size = _ADVANCES[op]
                delta = self._unsigned(view, position, size)
                position += size
                self.location += delta * cie.code_alignment
            elif op == _DW_CFA_set_loc:
                self.location = self.table.instruction_address(cie, code, position)
                position += cie.address_size
            elif op == _DW_CFA_offset:
                number, position = uleb128(view, position)
                self.rules[low] = (AT_CFA_PLUS, number * cie.data_alignment)
                continue
            elif op == _DW_CFA_restore:
                self._restore(low)
                continue
            else:
                position = self._extended(op, view, position)
                continue
            if self.location > pc:
                return

    def _unsigned(self, view: memoryview, position: int, size: int) -> int:
        if position + size > len(view):
            raise IndexError("call frame instruction is truncated")
        little = self.table._little_endian
        return int.from_bytes(
            view[position : position + size], "little" if little else "big"
        )

    def _restore(self, register: int) -> None:
        rule = self.initial.get(register)
        if rule is None:
            self.rules.pop(register, None)
        else:
            self.rules[register] = rule

    def _extended(self, op: int, view: memoryview, position: int) -> int:
        """Run an instruction other than the commonest; returns where it ends."""
        rules = self.rules
        scale = self.cie.data_alignment
        if op == _DW_CFA_nop:
            return position
        if op == _DW_CFA_remember_state:
            self.stack.append((self.cfa, dict(rules)))
            return position
        if op == _DW_CFA_restore_state:
            if not self.stack:
                raise ValueError("DW_CFA_restore_state without DW_CFA_remember_state")
            self.cfa, self.rules = self.stack.pop()
            return position
        if op == _DW_CFA_GNU_window_save:
            raise ValueError("DW_CFA_GNU_window_save is not supported")
        # All others have at least one number; most start with a register.
        if op == _DW_CFA_def_cfa_offset_sf:
            number, position = sleb128(view, position)
            self._set_cfa(offset=number * scale)
            return position
        first, position = uleb128(view, position)
        if op == _DW_CFA_def_cfa_offset:
            self._set_cfa(offset=first)
        elif op == _DW_CFA_def_cfa_register:
            self._set_cfa(register=first)
        elif op == _DW_CFA_def_cfa_expression:
            block, position = self._block(view, position, first)
            self.cfa = (EXPRESSION, block)
        elif op == _DW_CFA_undefined:
            rules[first] = _UNDEFINED
        elif op == _DW_CFA_same_value:
            rules[first] = _SAME_VALUE
        elif op == _DW_CFA_restore_extended:
            self._restore(first)
        elif op == _DW_CFA_GNU_args_size:
            pass
        elif op in (_DW_CFA_expression, _DW_CFA_val_expression):
            length, position = uleb128(view, position)
            block, position = self._block(view, position, length)
            kind = AT_EXPRESSION if op == _DW_CFA_expression else EXPRESSION
            rules[first] = (kind, block)
        elif op in _SIGNED:
            number, position = sleb128(view, position)
            if op == _DW_CFA_def_cfa_sf:
                self.cfa = (REGISTER_PLUS, first, number * scale)
            else:
                rules[first] = (_SIGNED[op], number * scale)
        else:
            number, position = uleb128(view, position)
            if op == _DW_CFA_def_cfa:
                self.cfa = (REGISTER_PLUS, first, number)
            elif op == _DW_CFA_offset_extended:
                rules[first] = (AT_CFA_PLUS, number * scale)
            elif op == _DW_CFA_val_offset:
                rules[first] = (CFA_PLUS, number * scale)
            elif op == _DW_CFA_GNU_negative_offset_extended:
                rules[first] = (AT_CFA_PLUS, -number * scale)
            elif op == _DW_CFA_register:
                rules[first] = (REGISTER, number)
            else:
                raise ValueError(f"unknown call frame instruction {op:#x}")
        return position

    def _block(self, view: memoryview, position: int, length: int) -> tuple[bytes, int]:
        if position + length > len(view):
            raise IndexError("call frame instruction is truncated")
        return bytes(view[position : position + length]), position + length

    def _set_cfa(
        self, *, register: int | None = None, offset: int | None = None
    ) -> None:
        """Change a part of a CFA that is register + offset."""
        if self.cfa is None or len(self.cfa) != 3:
            raise ValueError("the CFA is not a register and an offset")
        _, old_register, old_offset = self.cfa
        self.cfa = (
            REGISTER_PLUS,
            old_register if register is None else register,
            old_offset if offset is None else offset,
        )


_SIGNED = {
    _DW_CFA_def_cfa_sf: REGISTER_PLUS,
    _DW_CFA_offset_extended_sf: AT_CFA_PLUS,
    _DW_CFA_val_offset_sf: CFA_PLUS,
}


def cfi_tables(elf: ElfFile) -> list[CfiTable]:
    """The tables of a file that have contents, the more detailed one first."""
    return [
        CfiTable(elf, name)
        for name in (".debug_frame", ".eh_frame")
        if len(elf.contents(name))
    ]
