"""What a debugger's host asks of code: the blocks of a frame, the code of a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..dwarf.die import Die
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


def line_code(prog: Program, address: int) -> tuple[int, int] | None:
    """Where the code of an address's row of the line table begins and ends."""
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    code = info.at(address)
    unit, pc = info.unit(code), code.file_pc
    table = None if unit is None else info._line_table(unit)
    found = None if table is None or pc is None else table.extent(pc)
    if found is None or pc is None:
        return None
    return found[0] + address - pc, found[1] + address - pc


def source_directory(prog: Program, address: int) -> str | None:
    """The directory that the names of a unit's source files are relative to.

    None if it is not known, or the compiler was given an absolute name.
    """
    from .code import CodeInfo

    info = CodeInfo.of(prog)
    unit = info.unit(info.at(address))
    if unit is None or (unit.name or "").startswith("/"):
        return None
    return unit.comp_dir
