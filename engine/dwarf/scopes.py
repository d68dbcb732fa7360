"""The scopes around an address: function, inlined calls, lexical blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import constants as dw

if TYPE_CHECKING:
    from .die import Die
    from .file import DwarfFile
    from .unit import Unit

_NESTED = frozenset(
    (
        dw.DW_TAG_inlined_subroutine,
        dw.DW_TAG_lexical_block,
        dw.DW_TAG_subprogram,
        dw.DW_TAG_try_block,
        dw.DW_TAG_catch_block,
    )
)
_CALLABLE = frozenset((dw.DW_TAG_inlined_subroutine, dw.DW_TAG_subprogram))
_LOCALS = frozenset(
    (
        dw.DW_TAG_variable,
        dw.DW_TAG_formal_parameter,
        dw.DW_TAG_subprogram,
    )
)
_GLOBALS = frozenset((dw.DW_TAG_variable, dw.DW_TAG_subprogram, dw.DW_TAG_enumerator))


def scopes_at(file: DwarfFile, file_pc: int) -> list[Die]:
    """The DIEs whose code contains a file address: a function and what is in it.

    The first one is a DW_TAG_subprogram, and those that follow lie inside of the one
    before: inlined calls, blocks. Empty if no function is known there.
    """
    function = file.function_at(file_pc)
    if function is None:
        return []
    scopes = [function]
    while True:
        inner = _child_at(scopes[-1], file_pc)
        if inner is None:
            return scopes
        scopes.append(inner)


def _child_at(die: Die, file_pc: int) -> Die | None:
    for child in die.children():
        if child.tag in _NESTED:
            for low, high in child.ranges():
                if low <= file_pc < high:
                    return child
    return None


def split_frames(scopes: list[Die]) -> list[list[Die]]:
    """Scopes by the call that they belong to, the innermost call first.

    Each list starts with a DW_TAG_inlined_subroutine, but the last one with the
    DW_TAG_subprogram.
    """
    frames: list[list[Die]] = []
    for die in scopes:
        if die.tag in _CALLABLE:
            frames.append([die])
        elif frames:
            frames[-1].append(die)
    frames.reverse()
    return frames


def local_entries(scope: Die) -> Iterator[tuple[str, Die]]:
    """The named variables, parameters, functions and constants of one scope.

    The DIE of a constant is that of its DW_TAG_enumeration_type.
    """
    for child in scope.children():
        if child.tag in _LOCALS:
            name = child.origin_attr(dw.DW_AT_name)
            if isinstance(name, str):
                yield name, child
        elif child.tag == dw.DW_TAG_enumeration_type:
            if child.flag(dw.DW_AT_enum_class):
                continue
            for enumerator in child.children():
                if enumerator.tag == dw.DW_TAG_enumerator and enumerator.name:
                    yield enumerator.name, child


def definition_in(unit: Unit, name: str) -> Die | None:
    """What a unit defines by a name at its top, as `local_entries()` has it."""
    for die in unit.file.find(name, _GLOBALS):
        if unit.offset <= die.offset < unit.end:
            return die
    return None


def declaration_in(unit: Unit, name: str) -> Die | None:
    """The variable or function that a unit only declares by a name at its top.

    There is no index of them: the whole unit is read.
    """
    for die in unit.root.children():
        if die.tag in _LOCALS and die.name == name:
            return die
    return None
