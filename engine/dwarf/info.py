"""The "dwarf" finders: types and objects from the debug information of all modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import log
from ..errors import BadDataError
from ..filenames import filename_matches
from ..flags import FindObjectFlags
from ..language.language import Language
from ..types.kinds import Qualifiers, TypeKind
from . import constants as dw
from .file import DwarfFile
from .members import is_member
from .types import TypeReader, language_of, read_parts

if TYPE_CHECKING:
    from ..modules.module import Module
    from ..objects.object import Object
    from ..program import Program
    from ..types.kinds import TypeKindSet
    from ..types.type import Type
    from .die import Die
    from .line_header import LineHeader
    from .unit import Unit

_ANONYMOUS = "(anonymous namespace)"

_KIND_TAGS = {
    TypeKind.INT: (dw.DW_TAG_base_type,),
    TypeKind.BOOL: (dw.DW_TAG_base_type,),
    TypeKind.FLOAT: (dw.DW_TAG_base_type,),
    TypeKind.STRUCT: (dw.DW_TAG_structure_type,),
    TypeKind.UNION: (dw.DW_TAG_union_type,),
    TypeKind.CLASS: (dw.DW_TAG_class_type,),
    TypeKind.ENUM: (dw.DW_TAG_enumeration_type,),
    TypeKind.TYPEDEF: (dw.DW_TAG_typedef, dw.DW_TAG_template_alias),
}

_VARIABLES = frozenset((dw.DW_TAG_variable,))
_FUNCTIONS = frozenset((dw.DW_TAG_subprogram,))
_ENUMERATORS = frozenset((dw.DW_TAG_enumerator,))
_ENUMERATIONS = frozenset((dw.DW_TAG_enumeration_type,))
_STATIC_MEMBERS = frozenset((dw.DW_TAG_member, dw.DW_TAG_variable))
_CLASSES = frozenset((dw.DW_TAG_structure_type, dw.DW_TAG_class_type))


class DebugInfo:
    """The debug information of a program's modules.

    Lookups go through the `files` in their order, and raise BadDataError where the
    debug information is malformed.
    """

    __slots__ = (
        "_files",
        "_line_headers",
        "_main_language",
        "_modules",
        "_new_files",
        "_readers",
        "prog",
    )

    prog: Program

    def __init__(self, prog: Program) -> None:
        self.prog = prog
        self._files: list[DwarfFile] = []
        self._new_files: list[DwarfFile] = []
        self._main_language: tuple[Language | None] | None = None
        self._modules: dict[DwarfFile, Module] = {}
        self._readers: dict[DwarfFile, TypeReader] = {}
        self._line_headers: dict[Unit, LineHeader | None] = {}

    def add(self, module: Module) -> DwarfFile | None:
        """Take the debug information in a module's debug file.

        Sets `module._dwarf` and returns it; None if the file holds no DWARF.
        """
        elf = module._debug_file
        if elf is None or not elf.has_dwarf:
            return None
        loaded = module._loaded_file
        file = DwarfFile(
            elf,
            supplementary=module._supplementary_file,
            loaded_path=None if loaded is None else loaded.path,
            debug_directories=self.prog._debug_info_options.directories,
        )
        module._dwarf = file
        self._new_files.append(file)
        self._main_language = None
        self._modules[file] = module
        if file.supplementary is not None:
            self._modules[file.supplementary] = module
        return file

    @property
    def files(self) -> list[DwarfFile]:
        """The debug information of all modules, in the order of lookups.

        A definition of a file that was searched before wins over those of files that
        are new, among these the program's own, then the newest, as upstream has it.
        """
        if self._new_files:
            self._new_files.reverse()
            self._files += self._main_first(self._new_files)
            self._new_files.clear()
        return self._files

    def _main_first(self, files: list[DwarfFile]) -> list[DwarfFile]:
        """Files in their order, but the program's own before all others."""
        from ..modules.module import MainModule

        def is_other(file: DwarfFile) -> bool:
            return not isinstance(self._modules[file], MainModule)

        return sorted(files, key=is_other)

    def types_of(self, file: DwarfFile) -> TypeReader:
        """The reader of a file's types."""
        reader = self._readers.get(file)
        if reader is None:
            reader = self._readers[file] = TypeReader(self, file)
        return reader

    def module_of(self, file: DwarfFile) -> Module:
        """The module that a file belongs to."""
        return self._modules[file]

    def type_of(self, die: Die) -> Type:
        """The Type that a type's DIE describes; of a subprogram, the function type."""
        return self.types_of(die.unit.file).type_of(die)

    def qualified_name(self, type: Type) -> str | None:
        """The name of a type as ``a::b``; None if it has none or was not found here.

        Namespaces without a name are there as compilers and debuggers call them.
        """
        die = self._die_of(type)
        return None if die is None else die.qualified_name(_ANONYMOUS)

    def is_prototyped(self, function: Type) -> bool:
        """Whether a function type has a prototype; those not found here have."""
        die = self._die_of(function)
        return (
            die is None
            or function.language is not Language.C
            or any(origin.has(dw.DW_AT_prototyped) for origin in die.origins())
        )

    def is_scoped(self, enumeration: Type) -> bool:
        """Whether the enumerators of a type are in its scope: of an ``enum class``."""
        die = self._die_of(enumeration)
        return die is not None and any(
            origin.flag(dw.DW_AT_enum_class) for origin in die.origins()
        )

    def static_members(self, type: Type) -> list[tuple[int, str, Type]]:
        """The static members of a class: how many members are before, name and type."""
        die = self._die_of(type)
        found: list[tuple[int, str, Type]] = []
        before = 0
        for child in () if die is None else die.children():
            if is_member(child):
                before += 1
            elif child.tag in _STATIC_MEMBERS and child.name is not None:
                reader = self.types_of(child.unit.file)
                found.append((before, child.name, reader.attribute_type(child)))
        return found

    def _die_of(self, type: Type) -> Die | None:
        """The DIE of which a type was made; None if it was made of none."""
        for reader in self._readers.values():
            die = reader.die_of(type)
            if die is not None:
                return die
        return None

    # Finders

    def find_type(
        self, kinds: TypeKindSet, name: str, filename: str | None
    ) -> Type | None:
        """The type finder. ``name`` has no keyword and may be ``a::b``."""
        tags = frozenset(tag for kind in kinds for tag in _KIND_TAGS.get(kind, ()))
        if not tags:
            return None
        for die in self._find(name, tags):
            if filename and not self._is_in(die, filename):
                continue
            found = self.type_of(die)
            if found.kind in kinds:
                read_parts(found)
                return found
        return None

    def find_object(
        self, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        """The object finder: constants before functions before variables."""
        wanted = flags.value
        found = None
        if wanted & FindObjectFlags.CONSTANT.value:
            found = self._find_constant(name, filename)
        if found is None and wanted & FindObjectFlags.FUNCTION.value:
            found = self._find_function(name, filename)
        if found is None and wanted & FindObjectFlags.VARIABLE.value:
            found = self._find_variable(name, filename)
        if found is not None:
            read_parts(found.type_)
        return found

    def _find(self, name: str, tags: frozenset[int]) -> Iterator[Die]:
        # The index has names from the global namespace on...
        name = name.removeprefix("::")
        if f"{_ANONYMOUS}::" in name:
            # ... without the namespaces that have none themselves.
            for die in self._find(name.replace(f"{_ANONYMOUS}::", ""), tags):
                if any(d.qualified_name(_ANONYMOUS) == name for d in die.origins()):
                    yield die
            return
        for file in self._searched():
            yield from file.find(name, tags)

    def _find_spelled(self, name: str, tags: frozenset[int]) -> Iterator[Die]:
        """As `_find`; if there are none, of what compilers call ``name``."""
        found = False
        for die in self._find(name, tags):
            found = True
            yield die
        # Not of operators, and of what is no name.
        if found or "<" not in name or name.count("<") != name.count(">"):
            return
        from ..language.cpp_templates import other_spellings

        for spelling in other_spellings(name):
            for die in self._find(spelling, tags):
                found = True
                yield die
            if found:
                return

    def _searched(self) -> Iterator[DwarfFile]:
        """All files with definitions: those of the modules, and supplementary ones."""
        self.prog._modules.settle()
        for file in self.files:
            yield file
            if file.supplementary is not None:
                yield file.supplementary

    def _find_variable(self, name: str, filename: str | None) -> Object | None:
        from .objects import variable

        incomplete = constant = absent = None
        for die in self._find_spelled(name, _VARIABLES):
            if filename and not self._is_in(die, filename):
                continue
            if die.flag(dw.DW_AT_declaration):
                # In the index since it has a value.
                found = variable(self, die)
                if found.type_.qualifiers & Qualifiers.CONST:
                    constant = found
            elif die.has(dw.DW_AT_location) or die.has(dw.DW_AT_const_value):
                found = variable(self, die)
                if found.type_.is_complete():
                    return found
                # A weak array whose length only the strong definition tells.
                incomplete = found if incomplete is None else incomplete
            else:
                absent = absent or die
        if incomplete is not None:
            return incomplete
        if constant is not None:
            return constant
        return None if absent is None else variable(self, absent)

    def _find_function(self, name: str, filename: str | None) -> Object | None:
        from .objects import function

        absent = None
        for die in self._find_spelled(name, _FUNCTIONS):
            if filename and not self._is_in(die, filename):
                continue
            if die.has(dw.DW_AT_low_pc) or die.has(dw.DW_AT_ranges):
                return function(self, die)
            absent = absent or die
        return None if absent is None else function(self, absent)

    def overloads(self, name: str) -> list[Object]:
        """The functions of C++ of a name that have code, those alike once.

        Alike are those of several units, and the variants of constructors and
        destructors, which are of one declaration.
        """
        from .objects import function

        found: dict[tuple[object, str], Object] = {}
        for die in self._find_spelled(name, _FUNCTIONS):
            if not die.unit.is_cplusplus:
                continue
            if die.has(dw.DW_AT_low_pc) or die.has(dw.DW_AT_ranges):
                *_, declaration = die.origins()
                linkage = declaration.attr(dw.DW_AT_linkage_name)
                obj = function(self, die)
                if obj.address_ is not None:
                    found.setdefault((linkage, obj.type_.type_name()), obj)
        return list(found.values())

    def _find_constant(self, name: str, filename: str | None) -> Object | None:
        from .objects import constant

        for die in self._find(name, _ENUMERATORS):
            if filename and not self._is_in(die, filename):
                continue
            found = constant(self, die, name.rpartition("::")[2])
            if found is not None:
                return found
        # The index has enumerators beside their enumeration, not in it.
        scope, _, last = name.rpartition("::")
        if scope:
            for die in self._find(scope, _ENUMERATIONS):
                if filename and not self._is_in(die, filename):
                    continue
                found = constant(self, die, last)
                if found is not None:
                    return found
        return None

    def find_definition(self, declaration: Die) -> Die | None:
        """The definition of a declared struct, union, class or enum; None if unknown.

        Looked for in the declaration's own file first.
        """
        name = declaration.qualified_name()
        if name is None:
            return None
        tags = frozenset((declaration.tag,))
        if tags <= _CLASSES and declaration.unit.is_cplusplus:
            tags = _CLASSES  # "struct" and "class" declare the same there.
        own = declaration.unit.file
        for die in own.find(name, tags):
            return die
        for file in self._searched():
            if file is not own:
                for die in file.find(name, tags):
                    return die
        return None

    def _is_in(self, die: Die, filename: str) -> bool:
        """Whether a DIE was declared in a file; of an inner one, its outer DIE."""
        for origin in die.origins():
            number = origin.attr(dw.DW_AT_decl_file)
            if isinstance(number, int):
                header = self._line_header(origin.unit.line_unit)
                declared = None if header is None else header.declaring_file(number)
                return declared is not None and filename_matches(declared, filename)
        return False

    def _line_header(self, unit: Unit) -> LineHeader | None:
        if unit not in self._line_headers:
            from .line_header import LineHeader

            self._line_headers[unit] = (
                None if unit.stmt_list is None else LineHeader(unit)
            )
        return self._line_headers[unit]

    def main_language(self) -> Language | None:
        """The language of ``main``; None if there is none."""
        self.prog._modules.settle()
        if self._main_language is None:
            language = self._find_main_language()
            if language is None:
                log.debug("couldn't find language of main(); defaulting to C")
            else:
                log.debug("set default language to %s from main()", language.name)
            self._main_language = (language,)
        return self._main_language[0]

    def _find_main_language(self) -> Language | None:
        try:
            for file in self._main_first(self.files):
                for die in file.find("main", _FUNCTIONS):
                    return language_of(die)
        except BadDataError as error:
            # Lookups say so.
            log.debug("%s", error)
        return None
