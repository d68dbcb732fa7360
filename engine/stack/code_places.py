"""What a debugger's host asks of code: the blocks of a frame, the code of a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..filenames import filename_matches

if TYPE_CHECKING:
    from ..dwarf.die import Die
    from ..dwarf.unit import Unit
    from ..objects.object import Object
    from ..program import Program
    from .frame import StackFrame


class LocalVariable(NamedTuple):
    """A variable of a block."""

    name: str
    is_parameter: bool
    read: Callable[[], Object | None]
    """Gives its object: absent if it was optimized out, None if it has none."""


def frame_blocks(frame: StackFrame) -> list[list[LocalVariable]]:
    """The parameters and variables of a frame by block, the innermost block first."""
    from ..dwarf import constants as dw
    from .variables import frame_object

    if frame._call is None:
        return []
    trace, index = frame._trace, frame._index
    blocks = []
    for scope in reversed(frame._call.scopes):
        block = []
        for name, die in frame._call.entries(scope):
            if die.tag not in (dw.DW_TAG_formal_parameter, dw.DW_TAG_variable):
                continue

            def read(name: str = name, die: Die = die) -> Object | None:
                return frame_object(trace._prog, trace._frames, index, name, die)

            is_parameter = die.tag == dw.DW_TAG_formal_parameter
            block.append(LocalVariable(name, is_parameter, read))
        blocks.append(block)
    return blocks


class Statement(NamedTuple):
    """Code of a line, from ``start`` to before ``end``."""

    filename: str
    """As `SourceLocation.filename` has it."""
    line: int
    start: int
    end: int


def statement_at(prog: Program, address: int) -> Statement | None:
    """The line that GDB shows for the code at an address, whatever is inlined there.

    drgn's own is of the last row of the line table that is there.
    """
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    code = info.at(address)
    unit, pc = info.unit(code), code.file_pc
    table = None if unit is None else info.statements(unit)
    found = None if table is None or pc is None else table.at(pc)
    if found is None or pc is None:
        return None
    moved = address - pc
    return Statement(found.filename, found.line, found.start + moved, found.end + moved)


def frame_statement(frame: StackFrame) -> tuple[str, int] | None:
    """File and line of a frame as GDB shows them; None if they are not known."""
    code = frame._frame.code
    if code is None or frame._call is None or frame._call.line is None:
        return None
    if frame._call is code.calls[0]:
        found = statement_at(frame._trace._prog, code.address)
        if found is not None:
            return found.filename, found.line
    return frame._call.line.filename, frame._call.line.line


class LineStart(NamedTuple):
    """Where the code of a line begins, or of the next line with code, in a unit."""

    filename: str
    """As `SourceLocation.filename` has it."""
    directory: str | None
    """As of `source_directory()`."""
    address: int | None
    """None if no line of the file from there on has code."""


_MANY_UNITS = 64


def line_starts(prog: Program, filename: str, line: int) -> list[LineStart]:
    """Where the code of a line of a file begins, one for each unit with such a file.

    A name without directories is of a file in any; units of whose own sources it is
    the name are preferred. Raises ValueError where it is of a header of many units.
    """
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    units = list(_line_units(prog))
    own = [unit for unit in units if filename_matches(unit.name or "", filename)]
    found: dict[LineStart, None] = {}
    named = []
    for unit in own or units:
        header = info.header(unit)
        if header is not None and header.has_name(filename):
            named.append(unit)
    if not own and len(named) > _MANY_UNITS:
        raise ValueError(f"{filename} has code in too many units: {len(named)}")
    for unit in named:
        table = info.statements(unit)
        for name in () if table is None else table.files():
            if table is None or not filename_matches(name, filename):
                continue
            address = table.first(name, line)
            if address is not None:
                address = prog._debug.module_of(unit.file)._to_code(address)
            found[LineStart(name, _directory(unit), address)] = None
    return list(found)


def _line_units(prog: Program) -> Iterator[Unit]:
    """The compilation units with line number programs."""
    from ..dwarf import constants as dw

    prog._modules.settle()
    for file in prog._debug.files:
        for unit in file.units():
            if unit.stmt_list is not None and unit.root.tag == dw.DW_TAG_compile_unit:
                yield unit


class SourceUnit(NamedTuple):
    """What a compiler says of a unit that it compiled."""

    directory: str | None
    producer: str | None
    dwarf_version: int
    has_macros: bool


def unit_at(prog: Program, address: int) -> SourceUnit | None:
    """The unit that the code at an address is of; None if it is not known."""
    from ..dwarf import constants as dw
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    unit = info.unit(info.at(address))
    if unit is None:
        return None
    producer = unit.root.attr(dw.DW_AT_producer)
    return SourceUnit(
        unit.comp_dir,
        producer if isinstance(producer, str) else None,
        unit.version,
        any(map(unit.root.has, dw.MACROS)),
    )


def source_directory(prog: Program, address: int) -> str | None:
    """The directory that the names of a unit's source files are relative to.

    None if it is not known, or the compiler was given an absolute name.
    """
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    unit = info.unit(info.at(address))
    return None if unit is None else _directory(unit)


def _directory(unit: Unit) -> str | None:
    return None if (unit.name or "").startswith("/") else unit.comp_dir
