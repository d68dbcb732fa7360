"""The "dwarf" finders: types and objects from the debug information of all modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..flags import FindObjectFlags
    from ..modules.module import Module
    from ..objects.object import Object
    from ..program import Program
    from ..types.kinds import TypeKindSet
    from ..types.type import Type
    from .die import Die
    from .file import DwarfFile
    from .types import TypeReader


class DebugInfo:
    """Debug information of a program's modules."""

    def __init__(self, prog: Program) -> None:
        self._prog = prog

    def add(self, module: Module) -> DwarfFile | None:
        """Take a module's debug information (`module._debug_file`).

        Sets `module._dwarf` and returns it; None if the file holds no DWARF.
        """
        raise NotImplementedError

    def find_type(
        self, kinds: TypeKindSet, name: str, filename: str | None
    ) -> Type | None:
        """The type finder. ``name`` has no keyword and may be ``a::b``."""
        raise NotImplementedError

    def find_object(
        self, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        """The object finder."""
        raise NotImplementedError

    def types_of(self, file: DwarfFile) -> TypeReader:
        """The reader of a file's types."""
        raise NotImplementedError

    def module_of(self, file: DwarfFile) -> Module:
        """The module that a file belongs to."""
        raise NotImplementedError

    def type_of(self, die: Die) -> Type:
        """The Type that a type's DIE describes."""
        return self.types_of(die.unit.file).type_of(die)
