"""Opcodes of line number programs and their operands (DWARF 5, section 6.2.5).

A program is an iterator over its bytes, which is what makes running it quick; it is
truncated where StopIteration comes out of these functions.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .line_header import LineHeader

# Standard opcodes that need more than skipping their operands.
DW_LNS_copy = 1
DW_LNS_advance_pc = 2
DW_LNS_advance_line = 3
DW_LNS_set_file = 4
DW_LNS_set_column = 5
DW_LNS_negate_stmt = 6
DW_LNS_const_add_pc = 8
DW_LNS_fixed_advance_pc = 9

ADVANCES = frozenset((DW_LNS_advance_pc, DW_LNS_const_add_pc, DW_LNS_fixed_advance_pc))

DW_LNE_end_sequence = 1
DW_LNE_set_address = 2
DW_LNE_define_file = 3
DW_LNE_set_discriminator = 4

_MAX_SHIFT = 7 * 19
"""LEB128 numbers of more bits are padding that nobody writes."""

# Registers are unsigned int, columns less.
_REGISTER = 0xFFFFFFFF
_MAX_COLUMN = 0xFFFF

# How many operands the standard opcodes have, by their numbers; 0 is none of them. A
# header that says otherwise is refused: what its program means is not known.
_STANDARD_LENGTHS = (0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)


def opcodes(header: LineHeader) -> Iterator[int]:
    """The program behind a header; ValueError if its opcodes are not the standard's."""
    if any(map(operator.ne, header.opcode_lengths, _STANDARD_LENGTHS)):
        raise ValueError("a standard opcode has an invalid number of operands")
    section = header.unit.sections.section(".debug_line")
    return iter(bytes(section[header.program_start : header.program_end]))


def uleb128(data: Iterator[int], byte: int) -> int:
    """The unsigned LEB128 number of which ``byte`` is the first one."""
    result, shift = byte & 0x7F, 7
    while byte >= 0x80:
        byte = next(data)
        result |= (byte & 0x7F) << shift
        shift += 7
        if shift > _MAX_SHIFT:
            raise ValueError("LEB128 number is too long")
    return result


def sleb128(data: Iterator[int]) -> int:
    """The signed LEB128 number that is next."""
    result = shift = 0
    byte = 0x80
    while byte >= 0x80:
        byte = next(data)
        result |= (byte & 0x7F) << shift
        shift += 7
        if shift > _MAX_SHIFT:
            raise ValueError("LEB128 number is too long")
    return result - (1 << shift) if byte & 0x40 else result


def extended_opcode(header: LineHeader, data: Iterator[int]) -> tuple[int, bytes]:
    """An extended opcode, behind the 0 that begins it, and its operand."""
    length = uleb128(data, next(data))
    if not 0 < length <= header.program_end:
        raise ValueError("extended opcode has an invalid length")
    op = next(data)
    operand = bytes(islice(data, length - 1))
    if len(operand) != length - 1:
        raise ValueError("extended opcode is truncated")
    if op == DW_LNE_set_address and len(operand) != header.unit.address_size:
        raise ValueError("address has an invalid size")
    return op, operand


def special_opcodes(header: LineHeader) -> tuple[list[int], list[int]]:
    """By how much each opcode advances the address and the line.

    Addresses are in bytes where an instruction is one operation, else in operations:
    what is left of an instruction counts in the next advance.
    """
    base, line_range = header.opcode_base, header.line_range
    unit = header.min_inst_length if header.max_ops_per_inst == 1 else 1
    advances = [
        0 if op < base else unit * ((op - base) // line_range) for op in range(256)
    ]
    deltas = [
        0 if op < base else header.line_base + (op - base) % line_range
        for op in range(256)
    ]
    return advances, deltas


def advance(
    header: LineHeader, op: int, data: Iterator[int], op_index: int
) -> tuple[int, int]:
    """By how many bytes one of `ADVANCES` moves the address, and the new op_index."""
    if op == DW_LNS_advance_pc:
        count = uleb128(data, next(data)) & _REGISTER
    elif op == DW_LNS_const_add_pc:
        count = (255 - header.opcode_base) // header.line_range
    else:
        operand = bytes((next(data), next(data)))
        return header.unit.sections.unsigned(operand), 0
    if header.max_ops_per_inst == 1:
        return header.min_inst_length * count, 0
    whole, op_index = divmod(op_index + count, header.max_ops_per_inst)
    return header.min_inst_length * whole, op_index


def long_column(data: Iterator[int], byte: int) -> int:
    """The column of more than one byte, the first of which is ``byte``."""
    column = uleb128(data, byte) & _REGISTER
    if column > _MAX_COLUMN:
        raise ValueError(f"there is no column {column}")
    return column


def skip_operands(header: LineHeader, op: int, data: Iterator[int]) -> None:
    """Go past a standard opcode that does not matter, or that nobody knows."""
    for _ in range(header.opcode_lengths[op]):
        uleb128(data, next(data))
