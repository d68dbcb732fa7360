"""Which line the code at an address comes from (DWARF 5, section 6.2)."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from .line_header import LineHeader, line_error
from .line_program import (
    ADVANCES,
    DW_LNE_define_file,
    DW_LNE_end_sequence,
    DW_LNE_set_address,
    DW_LNS_advance_line,
    DW_LNS_copy,
    DW_LNS_negate_stmt,
    DW_LNS_set_column,
    DW_LNS_set_file,
    advance,
    extended_opcode,
    long_column,
    opcodes,
    skip_operands,
    sleb128,
    special_opcodes,
    uleb128,
)

# Lines are signed.
_REGISTER = 0xFFFFFFFF
_SIGN = 0x80000000


class Line(NamedTuple):
    """Where the code at an address comes from; a column of 0 is not known."""

    filename: str
    line: int
    column: int


class LineTable:
    """The rows that a unit's line number program makes, for looking up addresses.

    Sequences that overlap cover each other row by row, but for those of code that the
    linker has left out: they start at 0 and cover nothing. Of rows with the same
    address only the last one is kept.
    """

    __slots__ = ("_addresses", "_rows", "header")

    def __init__(self, header: LineHeader) -> None:
        """Run the program; BadDataError if it is malformed."""
        self.header = header
        self._addresses: list[int] = []
        # (file, line, column), None where a sequence has ended.
        self._rows: list[tuple[int, int, int] | None] = []
        try:
            self._run()
        except (StopIteration, IndexError, ValueError) as error:
            message = str(error) or "line number program is truncated"
            raise line_error(header.unit, header.program_start, message) from None
        self._sort()

    def _run(self) -> None:
        # The hot loop of printing stacks: units have 10^5 bytes of program.
        header = self.header
        data = opcodes(header)
        base = header.opcode_base
        step, ops, op_index = header.min_inst_length, header.max_ops_per_inst, 0
        advances, deltas = special_opcodes(header)
        add_address, add_row = self._addresses.append, self._rows.append
        address, file, line, column = 0, 1, 1, 0
        # The last row of the current address, and whether there is one.
        row, pending = (1, 1, 0), False
        starts = [0]  # Of sequences, as indexes of rows.
        for op in data:
            if op >= base or op == DW_LNS_copy:
                line += deltas[op]
                if advances[op]:
                    if pending:
                        add_address(address)
                        add_row(row)
                    if ops == 1:
                        address += advances[op]
                    else:
                        whole, op_index = divmod(op_index + advances[op], ops)
                        address += step * whole
                row = file, line, column
                pending = True
            elif op == DW_LNS_set_column:
                column = next(data)
                if column >= 0x80:
                    column = long_column(data, column)
            elif op == DW_LNS_negate_stmt:
                pass
            elif op == DW_LNS_advance_line:
                line += sleb128(data)
            elif op == DW_LNS_set_file:
                file = uleb128(data, next(data))
            elif op in ADVANCES:
                if pending:
                    add_address(address)
                    add_row(row)
                    pending = False
                distance, op_index = advance(header, op, data, op_index)
                address += distance
            elif op == 0:
                op, operand = extended_opcode(header, data)
                if pending and op in (DW_LNE_end_sequence, DW_LNE_set_address):
                    add_address(address)
                    add_row(row)
                    pending = False
                if op == DW_LNE_end_sequence:
                    add_address(address)
                    add_row(None)
                    starts.append(len(self._rows))
                    address, file, line, column, op_index = 0, 1, 1, 0, 0
                elif op == DW_LNE_set_address:
                    address, op_index = header.unit.sections.unsigned(operand), 0
                elif op == DW_LNE_define_file:
                    header.define_file(memoryview(operand), 0)
            else:
                skip_operands(header, op, data)
        if pending:
            add_address(address)
            add_row(row)
        self._uncover(starts)

    def _uncover(self, starts: list[int]) -> None:
        """Take away rows of sequences at 0 that lie over what others start with."""
        addresses, rows = self._addresses, self._rows
        starts = [start for start in starts if start < len(addresses)]
        lowest = min(filter(None, (addresses[start] for start in starts)), default=0)
        stop = len(addresses)
        for start in reversed(starts):
            if lowest and addresses[start] == 0:
                kept = [i for i in range(start, stop) if addresses[i] < lowest]
                rows[start:stop] = [rows[i] for i in kept]
                addresses[start:stop] = [addresses[i] for i in kept]
            stop = start

    def _sort(self) -> None:
        """Order rows by their addresses; where a sequence ends another may begin."""
        rows = self._rows
        keys = [
            2 * address + (row is not None)
            for address, row in zip(self._addresses, rows, strict=True)
        ]
        if keys != sorted(keys):
            order = sorted(range(len(keys)), key=keys.__getitem__)
            self._addresses = [keys[i] >> 1 for i in order]
            self._rows = [rows[i] for i in order]
        if rows:
            self._rows[-1] = None  # Whatever the program says, code ends somewhere.

    def extent(self, pc: int) -> tuple[int, int] | None:
        """Where the row that covers a file address begins, and where the next one."""
        i = bisect_right(self._addresses, pc)
        if not 0 < i < len(self._addresses) or self._rows[i - 1] is None:
            return None
        return self._addresses[i - 1], self._addresses[i]

    def lookup(self, pc: int) -> Line | None:
        """The source of the code at a file address, None if no row covers it."""
        i = bisect_right(self._addresses, pc)
        row = self._rows[i - 1] if i else None
        if row is None:
            return None
        file, line, column = row
        file &= _REGISTER
        if not self.header.has_file(file):
            return None
        line = ((line & _REGISTER) ^ _SIGN) - _SIGN
        return Line(self.header.file_name(file), line, column)
