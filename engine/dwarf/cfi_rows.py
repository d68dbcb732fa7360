"""The instructions of call frame information and the rules that they make.

DWARF 5, sections 6.4.1 and 6.4.2; the GNU ones are those of the LSB Core
specification, section 10.5.2.
"""

from __future__ import annotations

from typing import NamedTuple

from .reader import sleb128, uleb128

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
    is_aarch64: bool = False


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
_DW_CFA_AARCH64_negate_ra_state = 0x2D
_DW_CFA_GNU_args_size = 0x2E
_DW_CFA_GNU_negative_offset_extended = 0x2F

_ADVANCES = {
    _DW_CFA_advance_loc1: 1,
    _DW_CFA_advance_loc2: 2,
    _DW_CFA_advance_loc4: 4,
}
"""Instructions that advance the location, and the bytes of their operands."""
_NOT_INITIAL = frozenset(
    (
        _DW_CFA_advance_loc,
        _DW_CFA_set_loc,
        *_ADVANCES,
        _DW_CFA_restore,
        _DW_CFA_restore_extended,
    )
)
"""What makes no sense before there is a location, or a rule to restore."""
_WITH_OPERANDS = frozenset(
    (
        *range(_DW_CFA_offset_extended, _DW_CFA_val_expression + 1),
        _DW_CFA_GNU_args_size,
        _DW_CFA_GNU_negative_offset_extended,
    )
)

_OF_CFA = frozenset(
    (
        _DW_CFA_def_cfa,
        _DW_CFA_def_cfa_register,
        _DW_CFA_def_cfa_offset,
        _DW_CFA_def_cfa_expression,
        _DW_CFA_def_cfa_sf,
    )
)
"""Instructions that say what the CFA is."""
_SIGNED = {_DW_CFA_offset_extended_sf: AT_CFA_PLUS, _DW_CFA_val_offset_sf: CFA_PLUS}
"""Instructions whose offset has a sign, and the rules that they make."""

_MAX_REMEMBERED = 256
"""How many states may be remembered at once."""
_MAX_OFFSET = (1 << 63) - 1


class RowMachine:
    """Runs call frame instructions (DWARF 5, section 6.4.2) up to an address."""

    __slots__ = ("cfa", "cie", "initial", "little_endian", "location", "rules", "stack")

    def __init__(self, cie: Cie, location: int, little_endian: bool) -> None:
        self.cie = cie
        self.location = location
        self.little_endian = little_endian
        self.cfa: Rule | None = None
        self.rules: dict[int, Rule] = {}
        self.initial: dict[int, Rule] = {}
        self.stack: list[tuple[Rule | None, dict[int, Rule]]] = []

    def run(self, code: bytes, pc: int, *, initial: bool = False) -> None:
        """Run instructions until the row for ``pc`` is complete.

        ``initial``: they are those of the CIE, which are for no address. Raises
        IndexError or ValueError if they are malformed.
        """
        view = memoryview(code)
        cie = self.cie
        position, end = 0, len(code)
        while position < end:
            op = code[position]
            position += 1
            low, op = op & 0x3F, op & 0xC0 or op
            if initial and op in _NOT_INITIAL:
                byte = code[position - 1]
                raise ValueError(f"invalid initial DWARF CFI opcode {byte:#x}")
            if op == _DW_CFA_advance_loc:
                self.location += low * cie.code_alignment
            elif op in _ADVANCES:
                size = _ADVANCES[op]
                delta = self._unsigned(view, position, size)
                position += size
                self.location += delta * cie.code_alignment
            elif op == _DW_CFA_set_loc:
                if cie.encoding & 0x70:
                    raise ValueError("DW_CFA_set_loc with a relative address")
                location = self._unsigned(view, position, cie.address_size)
                if location <= self.location:
                    raise ValueError(
                        "DW_CFA_set_loc location is not greater than current location"
                    )
                self.location = location
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
        return int.from_bytes(
            view[position : position + size],
            "little" if self.little_endian else "big",
        )

    def _restore(self, register: int) -> None:
        rule = self.initial.get(register)
        if rule is None:
            self.rules.pop(register, None)
        else:
            self.rules[register] = rule

    def _extended(self, op: int, view: memoryview, position: int) -> int:
        """Run an instruction other than the commonest; returns where it ends."""
        if op == _DW_CFA_nop:
            return position
        if op == _DW_CFA_AARCH64_negate_ra_state and self.cie.is_aarch64:
            return position  # Signed or not, an address is freed of its signature.
        if op == _DW_CFA_remember_state:
            if len(self.stack) >= _MAX_REMEMBERED:
                raise ValueError("DW_CFA_remember_state is nested too deeply")
            self.stack.append((self.cfa, dict(self.rules)))
            return position
        if op == _DW_CFA_restore_state:
            if not self.stack:
                raise ValueError("DW_CFA_restore_state with empty state stack")
            self.cfa, self.rules = self.stack.pop()
            return position
        if op not in _WITH_OPERANDS:
            raise ValueError(f"unknown DWARF CFI opcode {op:#x}")
        if op == _DW_CFA_def_cfa_offset_sf:
            number, position = sleb128(view, position)
            self._set_cfa(offset=number * self.cie.data_alignment)
            return position
        # All others start with a number without sign.
        first, position = uleb128(view, position)
        if op in _OF_CFA:
            return self._define_cfa(op, first, view, position)
        return self._set_rule(op, first, view, position)

    def _define_cfa(self, op: int, first: int, view: memoryview, position: int) -> int:
        """Run one of `_OF_CFA`, whose ``first`` operand was read."""
        if op == _DW_CFA_def_cfa_offset:
            self._set_cfa(offset=_offset(first))
        elif op == _DW_CFA_def_cfa_register:
            self._set_cfa(register=first)
        elif op == _DW_CFA_def_cfa_expression:
            block, position = self._block(view, position, first)
            self.cfa = (EXPRESSION, block)
        elif op == _DW_CFA_def_cfa:
            number, position = uleb128(view, position)
            self.cfa = (REGISTER_PLUS, first, _offset(number))
        else:
            number, position = sleb128(view, position)
            self.cfa = (REGISTER_PLUS, first, number * self.cie.data_alignment)
        return position

    def _set_rule(self, op: int, register: int, view: memoryview, position: int) -> int:
        """Run an instruction that says how a register is found."""
        rules = self.rules
        scale = self.cie.data_alignment
        if op == _DW_CFA_undefined:
            rules[register] = _UNDEFINED
        elif op == _DW_CFA_same_value:
            rules[register] = _SAME_VALUE
        elif op == _DW_CFA_restore_extended:
            self._restore(register)
        elif op == _DW_CFA_GNU_args_size:
            pass  # It is no register, but a number that unwinding does not need.
        elif op in (_DW_CFA_expression, _DW_CFA_val_expression):
            length, position = uleb128(view, position)
            block, position = self._block(view, position, length)
            kind = AT_EXPRESSION if op == _DW_CFA_expression else EXPRESSION
            rules[register] = (kind, block)
        elif op in _SIGNED:
            number, position = sleb128(view, position)
            rules[register] = (_SIGNED[op], number * scale)
        else:
            number, position = uleb128(view, position)
            if op == _DW_CFA_offset_extended:
                rules[register] = (AT_CFA_PLUS, number * scale)
            elif op == _DW_CFA_val_offset:
                rules[register] = (CFA_PLUS, number * scale)
            elif op == _DW_CFA_GNU_negative_offset_extended:
                rules[register] = (AT_CFA_PLUS, -number * scale)
            else:
                rules[register] = (REGISTER, number)
        return position

    def _block(self, view: memoryview, position: int, length: int) -> tuple[bytes, int]:
        """The bytes of an expression, and the position after them."""
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


def _offset(number: int) -> int:
    """An unsigned operand as the offset of the CFA."""
    if number > _MAX_OFFSET:
        raise ValueError("offset is too large")
    return number
