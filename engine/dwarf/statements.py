"""Lines as GDB shows them: where statements begin, and which line has which code.

`LineTable` keeps the last row of an address. GDB prefers one at which a statement
begins, and looks for the code of a line among those alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from .line_header import LineHeader, line_error
from .line_program import (
    ADVANCES,
    DW_LNE_define_file,
    DW_LNE_end_sequence,
    DW_LNE_set_address,
    DW_LNE_set_discriminator,
    DW_LNS_advance_line,
    DW_LNS_copy,
    DW_LNS_negate_stmt,
    DW_LNS_set_file,
    advance,
    extended_opcode,
    opcodes,
    skip_operands,
    sleb128,
    special_opcodes,
    uleb128,
)


class Row(NamedTuple):
    """A row that a line number program makes."""

    address: int
    file: int
    line: int | None
    """None where a sequence ends."""
    is_statement: bool
    is_part: bool
    """Whether a discriminator was set since the line changed."""


class Place(NamedTuple):
    """Code of a line, from ``start`` to before ``end``: file addresses."""

    filename: str
    line: int
    start: int
    end: int


def rows(header: LineHeader) -> Iterator[Row]:
    """The rows of a program, in its order, which ends each sequence with one.

    Raises BadDataError if the program is malformed.
    """
    message = "line number program is truncated"
    try:
        yield from _rows(header)
        return
    except RuntimeError:
        pass  # A StopIteration of what it read.
    except (IndexError, ValueError) as error:
        message = str(error) or message
    raise line_error(header.unit, header.program_start, message)


def _rows(header: LineHeader) -> Iterator[Row]:
    data = opcodes(header)
    advances, deltas = special_opcodes(header)
    step, ops = header.min_inst_length, header.max_ops_per_inst
    address, op_index, file, line = 0, 0, 1, 1
    is_statement, is_part, discriminator = header.default_is_stmt, False, 0
    for op in data:
        if op >= header.opcode_base or op == DW_LNS_copy:
            if deltas[op]:
                line += deltas[op]
                is_part = bool(discriminator)
            whole, op_index = divmod(op_index + advances[op], ops)
            address += whole * (1 if ops == 1 else step)
            yield Row(address, file, line, is_statement, is_part)
            discriminator = 0
        elif op == DW_LNS_negate_stmt:
            is_statement = not is_statement
        elif op == DW_LNS_advance_line:
            delta = sleb128(data)
            line += delta
            if delta:
                is_part = bool(discriminator)
        elif op == DW_LNS_set_file:
            file = uleb128(data, next(data))
        elif op in ADVANCES:
            distance, op_index = advance(header, op, data, op_index)
            address += distance
        elif op == 0:
            op, operand = extended_opcode(header, data)
            if op == DW_LNE_end_sequence:
                yield Row(address, file, None, True, False)
                address, op_index, file, line = 0, 0, 1, 1
                is_statement, is_part = header.default_is_stmt, False
                discriminator = 0
            elif op == DW_LNE_set_address:
                address, op_index = header.unit.sections.unsigned(operand), 0
            elif op == DW_LNE_set_discriminator:
                discriminator = uleb128(iter(operand[1:]), operand[0])
                is_part = is_part or bool(discriminator)
            elif op == DW_LNE_define_file:
                header.define_file(memoryview(operand), 0)
        else:
            skip_operands(header, op, data)


class StatementTable:
    """The rows of a unit that count, by addresses and by lines."""

    __slots__ = ("_addresses", "_lines", "_places")

    def __init__(self, header: LineHeader) -> None:
        """Run the program; BadDataError if it is malformed."""
        # Of each address, the file and the line that is shown; None where code ends.
        places: dict[int, tuple[str, int] | None] = {}
        # Of each file, where statements begin, by addresses.
        self._lines: dict[str, list[tuple[int, int]]] = {}
        names: dict[int, str] = {}
        sequence: list[tuple[int, str, int, bool]] = []
        # Those at 0 are of code that the linker has left out, unless it begins there.
        at_zero: list[tuple[list[tuple[int, str, int, bool]], int]] = []
        last_file, last_line = "", 0
        for row in rows(header):
            if row.line is None:
                if sequence and not sequence[0][0]:
                    at_zero.append((sequence, row.address))
                elif sequence:
                    self._add(sequence, row.address, places)
                sequence = []
                last_file, last_line = "", 0
                continue
            if not row.line:
                continue  # The code of no line is shown as that of the line before.
            name = names.get(row.file)
            if name is None:
                name = names[row.file] = header.file_name(row.file)
            if name != last_file:
                here = [each for each in sequence[-8:] if each[0] == row.address]
                if not row.is_statement and any(each[3] for each in here):
                    continue  # The statement of another file stays.
            elif row.line == last_line and row.is_part:
                continue
            sequence.append((row.address, name, row.line, row.is_statement))
            last_file, last_line = name, row.line
        lowest = min(places, default=1 << 64)
        for sequence, end in at_zero:
            if end <= lowest:
                self._add(sequence, end, places)
        self._addresses = sorted(places)
        self._places = [places[address] for address in self._addresses]
        for found in self._lines.values():
            found.sort()

    def _add(
        self,
        sequence: list[tuple[int, str, int, bool]],
        end: int,
        places: dict[int, tuple[str, int] | None],
    ) -> None:
        """Take the rows of a sequence; those without code are none of it."""
        index = 0
        while index < len(sequence):
            address = sequence[index][0]
            stop = index
            while stop < len(sequence) and sequence[stop][0] == address:
                stop += 1
            name = sequence[stop - 1][1]
            group = []
            # Where another file's row follows, what was before has no code.
            for row in reversed(sequence[index:stop]):
                if row[1] != name:
                    break
                group.append(row)
            index = stop
            if address == end:
                break
            shown = next((row for row in group if row[3]), group[0])
            places[address] = name, shown[2]
            lines = self._lines.setdefault(name, [])
            lines += [(address, row[2]) for row in reversed(group) if row[3]]
        places.setdefault(end, None)

    def at(self, pc: int) -> Place | None:
        """The code of the line that is shown for a file address; None without one."""
        index = bisect_right(self._addresses, pc) - 1
        place = self._places[index] if index >= 0 else None
        if place is None or index + 1 == len(self._addresses):
            return None
        return Place(*place, self._addresses[index], self._addresses[index + 1])

    def files(self) -> list[str]:
        """The files that have code here."""
        return list(self._lines)

    def first(self, filename: str, line: int) -> int | None:
        """Where code of a line begins, or of the next line that has code; else None."""
        best: tuple[int, int] | None = None
        for address, each in self._lines.get(filename, ()):
            if each == line:
                return address
            if each > line and (best is None or each < best[0]):
                best = each, address
        return None if best is None else best[1]
