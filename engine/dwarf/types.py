"""DIEs -> Types, lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types.type import Type
    from .die import Die
    from .file import DwarfFile
    from .info import DebugInfo


class TypeReader:
    """Makes the Types of one file's DIEs, each once."""

    __slots__ = ("_debug", "_file", "_types")

    def __init__(self, debug: DebugInfo, file: DwarfFile) -> None:
        self._debug = debug
        self._file = file
        self._types: dict[int, Type] = {}

    def type_of(self, die: Die) -> Type:
        """The Type that a type's DIE describes."""
        raise NotImplementedError

    def attribute_type(self, die: Die) -> Type:
        """The Type that ``DW_AT_type`` of a DIE refers to; void if it has none."""
        raise NotImplementedError
