"""What debug information says of the code at an address, remembered by address.

The frames of many threads are at the same few addresses, so that all that depends on
the address alone (how to unwind, which calls are inlined, the source) is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..dwarf import constants as dw
from ..dwarf.cfi import CfiRow, CfiTable, cfi_tables
from ..dwarf.line_header import LineHeader
from ..dwarf.lines import Line, LineTable
from ..dwarf.location import expression_at
from ..dwarf.scopes import local_entries, scopes_at, split_frames
from ..errors import BadDataError
from ..flags import ProgramFlags
from ..log import warning

if TYPE_CHECKING:
    from ..dwarf.die import Die
    from ..dwarf.file import DwarfFile
    from ..dwarf.statements import StatementTable
    from ..dwarf.unit import Unit
    from ..elf.file import ElfFile
    from ..kernel.orc import OrcEntry
    from ..modules.module import Module
    from ..program import Program

T = TypeVar("T")
Source = TypeVar("Source")


class Call:
    """A call that is active at an address: of a function, or inlined into one."""

    __slots__ = ("_entries", "is_inline", "line", "name", "scopes")

    name: str | None
    """Name of the function, if debug information has one there."""
    line: Line | None
    """Where in the source this call is at the address."""
    is_inline: bool
    scopes: list[Die]
    """The function's DIE and the blocks in it around the address."""

    def __init__(
        self, name: str | None, line: Line | None, is_inline: bool, scopes: list[Die]
    ) -> None:
        self.name = name
        self.line = line
        self.is_inline = is_inline
        self.scopes = scopes
        self._entries: dict[Die, list[tuple[str, Die]]] = {}

    def entries(self, scope: Die) -> list[tuple[str, Die]]:
        """The `local_entries()` of one of the scopes."""
        entries = self._entries.get(scope)
        if entries is None:
            entries = self._entries[scope] = list(local_entries(scope))
        return entries

    @classmethod
    def of_unknown(cls, line: Line | None = None) -> Call:
        """A call of a function that no debug information knows, at a line."""
        return cls(None, line, is_inline=False, scopes=[])


class Code:
    """The code at an address. Errors in lines and scopes only make it less known."""

    __slots__ = (
        "_calls",
        "_cfi",
        "_info",
        "_locations",
        "_orc",
        "address",
        "file_pc",
        "module",
    )

    address: int
    module: Module | None
    """The module that the address is in."""
    file_pc: int | None
    """The address in the module's file."""

    def __init__(self, info: CodeInfo, address: int) -> None:
        self._info = info
        self.address = address
        self.module = info.prog._modules.for_address(address)
        self.file_pc = None if self.module is None else self.module._to_file(address)
        self._calls: list[Call] | None = None
        self._locations: dict[Die, memoryview | None] = {}
        # False until they are asked for.
        self._cfi: CfiRow | bool | None = False
        self._orc: OrcEntry | bool | None = False

    @property
    def dwarf(self) -> DwarfFile | None:
        """The debug information of the module."""
        return None if self.module is None else self.module._dwarf

    @property
    def cfi(self) -> CfiRow | None:
        """The call frame information for the address. BadDataError if malformed."""
        if isinstance(self._cfi, bool):
            self._cfi = self._info.cfi(self)
        return self._cfi

    @property
    def orc(self) -> OrcEntry | None:
        """The kernel's own unwind information for the address."""
        if isinstance(self._orc, bool):
            self._orc = self._info.orc(self)
        return self._orc

    def location(self, variable: Die) -> memoryview | None:
        """The expression for where a variable is, None if it is nowhere."""
        if variable not in self._locations:
            pc = self.file_pc
            self._locations[variable] = (
                None if pc is None else expression_at(variable, dw.DW_AT_location, pc)
            )
        return self._locations[variable]

    @property
    def calls(self) -> list[Call]:
        """The active calls, from the innermost inlined one to the function's.

        One without a name and a scope if no function is known. At least one.
        """
        if self._calls is None:
            try:
                self._calls = self._info.calls(self)
            except BadDataError as error:
                warning("%s", error)
                self._calls = [Call.of_unknown()]
        return self._calls


class CodeInfo:
    """The code of a program, until its debug information changes."""

    __slots__ = (
        "_cfi_tables",
        "_codes",
        "_headers",
        "_kernel_orc",
        "_lines",
        "_statements",
        "prog",
    )

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self._codes: dict[int, Code] = {}
        self._cfi_tables: dict[ElfFile, list[CfiTable]] = {}
        self._headers: dict[Unit, LineHeader | None] = {}
        self._lines: dict[Unit, LineTable | None] = {}
        self._statements: dict[Unit, StatementTable | None] = {}
        self._kernel_orc: KernelOrc | None = None
        if prog.flags & ProgramFlags.IS_LINUX_KERNEL:
            from ..kernel.orc import KernelOrc

            self._kernel_orc = KernelOrc(prog)

    @classmethod
    def of(cls, prog: Program) -> CodeInfo:
        """The one of a program."""
        if prog._code is None:
            prog._code = cls(prog)
        return prog._code

    def at(self, address: int) -> Code:
        """The code that contains an address."""
        code = self._codes.get(address)
        if code is None:
            code = Code(self, address)
            if code.module is not None:
                self._codes[address] = code
        return code

    # Unwinding

    def cfi(self, code: Code) -> CfiRow | None:
        module, file_pc = code.module, code.file_pc
        if module is None or file_pc is None:
            return None
        for elf in (module._debug_file, module._loaded_file):
            if elf is None:
                continue
            tables = self._cfi_tables.get(elf)
            if tables is None:
                tables = self._cfi_tables[elf] = cfi_tables(elf)
            for table in tables:
                row = table.row(file_pc)
                if row is not None:
                    return row
        return None

    def orc(self, code: Code) -> OrcEntry | None:
        if self._kernel_orc is None or code.module is None:
            return None
        return self._kernel_orc.lookup(code.module, code.address)

    # Source

    def calls(self, code: Code) -> list[Call]:
        file, pc = code.dwarf, code.file_pc
        if file is None or pc is None:
            return [Call.of_unknown()]
        here = line = self._line(file, pc)
        calls: list[Call] = []
        try:
            for scopes in split_frames(scopes_at(file, pc)):
                die = scopes[0]
                is_inline = die.tag == dw.DW_TAG_inlined_subroutine
                calls.append(Call(_function_name(die), line, is_inline, scopes))
                if is_inline:
                    line = self._call_site(die)
        except BadDataError as error:
            # The line does not depend on the scopes.
            warning("%s", error)
            calls = []
        return calls or [Call.of_unknown(here)]

    def unit(self, code: Code) -> Unit | None:
        """The unit that the code at an address is of, if it is known."""
        file, pc = code.dwarf, code.file_pc
        return None if file is None or pc is None else file.unit_for_pc(pc)

    def _line(self, file: DwarfFile, pc: int) -> Line | None:
        unit = file.unit_for_pc(pc)
        if unit is None:
            return None
        table = self._line_table(unit)
        return None if table is None else table.lookup(pc)

    def _line_table(self, unit: Unit) -> LineTable | None:
        return self._table(self._lines, unit, LineTable)

    def statements(self, unit: Unit) -> StatementTable | None:
        """The lines of a unit as debuggers show them; None if it has no good ones."""
        from ..dwarf.statements import StatementTable

        return self._table(self._statements, unit, StatementTable)

    def _table(
        self, tables: dict[Unit, T | None], unit: Unit, make: Callable[[LineHeader], T]
    ) -> T | None:
        if unit not in tables:
            header = self.header(unit)
            tables[unit] = None if header is None else _good(make, header)
        return tables[unit]

    def header(self, unit: Unit) -> LineHeader | None:
        """The header of a unit's line number program; None if it has no good one."""
        if unit not in self._headers:
            has_program = unit.stmt_list is not None
            self._headers[unit] = _good(LineHeader, unit) if has_program else None
        return self._headers[unit]

    def _call_site(self, die: Die) -> Line | None:
        """Where an inlined function was called."""
        header = self.header(die.unit.line_unit)
        file = die.attr(dw.DW_AT_call_file)
        line = die.attr(dw.DW_AT_call_line)
        column = die.attr(dw.DW_AT_call_column)
        if header is None or not isinstance(file, int) or not header.has_file(file):
            return None
        return Line(
            header.file_name(file),
            line if isinstance(line, int) else 0,
            column if isinstance(column, int) else 0,
        )


def _good(make: Callable[[Source], T], source: Source) -> T | None:
    """What is made of something; None, and a warning, if that is malformed."""
    try:
        return make(source)
    except BadDataError as error:
        warning("%s", error)
        return None


def _function_name(die: Die) -> str | None:
    """The name of a function or an inlined one, if it can be had.

    The abstract origins of link-time optimized functions may lie in a file that was
    not linked yet when the .dwo file was written.
    """
    try:
        name = die.origin_attr(dw.DW_AT_name)
    except BadDataError as error:
        warning("%s", error)
        return None
    return name if isinstance(name, str) else None
