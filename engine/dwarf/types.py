"""DIEs -> Types, lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING

from ..language.language import Language
from ..types.definitions import IntDefinition
from ..types.kinds import Qualifiers, TypeKind
from ..types.parts import (
    TypeMember,
    TypeParameter,
    TypeTemplateParameter,
)
from . import constants as dw
from .arrays import check_layout, dimensions, has_computed_length
from .enumerators import enumerators, stored_value
from .forms import CONSTANTS
from .members import bit_offset, is_member

if TYPE_CHECKING:
    from ..errors import BadDataError
    from ..objects.object import Object
    from ..types.type import Type
    from .die import Die
    from .file import DwarfFile
    from .info import DebugInfo

_QUALIFIERS = {
    dw.DW_TAG_const_type: Qualifiers.CONST,
    dw.DW_TAG_volatile_type: Qualifiers.VOLATILE,
    dw.DW_TAG_restrict_type: Qualifiers.RESTRICT,
    dw.DW_TAG_atomic_type: Qualifiers.ATOMIC,
    dw.DW_TAG_immutable_type: Qualifiers.CONST,
}

_POINTERS = frozenset(
    (
        dw.DW_TAG_pointer_type,
        dw.DW_TAG_reference_type,
        dw.DW_TAG_rvalue_reference_type,
    )
)

_TYPEDEFS = frozenset((dw.DW_TAG_typedef, dw.DW_TAG_template_alias))
_FUNCTIONS = frozenset((dw.DW_TAG_subroutine_type, dw.DW_TAG_subprogram))
# C++'s, and what versions of gcc call it in C23.
_TYPES_OF_NULLPTR = frozenset(
    ("decltype(nullptr)", "nullptr_t", "typeof (nullptr)", "typeof(nullptr)")
)

_MADE_OF_ONE = (
    _POINTERS | _TYPEDEFS | _FUNCTIONS | {dw.DW_TAG_array_type} | set(_QUALIFIERS)
)
"""Types that are made of the one that their ``DW_AT_type`` refers to."""

_COMPOUNDS = {
    dw.DW_TAG_structure_type: TypeKind.STRUCT,
    dw.DW_TAG_union_type: TypeKind.UNION,
    dw.DW_TAG_class_type: TypeKind.CLASS,
}

_SIGNED = frozenset((dw.DW_ATE_signed, dw.DW_ATE_signed_char))
_UNSIGNED = frozenset(
    (
        dw.DW_ATE_unsigned,
        dw.DW_ATE_unsigned_char,
        dw.DW_ATE_UTF,
        dw.DW_ATE_UCS,
        dw.DW_ATE_ASCII,
    )
)
_TEMPLATE_PARAMETERS = frozenset(
    (
        dw.DW_TAG_template_type_parameter,
        dw.DW_TAG_template_value_parameter,
        dw.DW_TAG_GNU_template_parameter_pack,
    )
)
_MADE_OF_ANOTHER = frozenset((TypeKind.TYPEDEF, TypeKind.POINTER, TypeKind.ARRAY))
_HAVE_MEMBERS = frozenset((TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS))
_MAX_DEPTH = 1000
_TOO_DEEP = "maximum DWARF type parsing depth exceeded"


class TypeReader:
    """Makes the Types of one file's DIEs, each once.

    Everything raises BadDataError where the debug information is malformed, and
    RecursionError where a type is made of itself.
    """

    __slots__ = ("_begun", "_debug", "_factory", "_file", "_sized_types", "_types")

    def __init__(self, debug: DebugInfo, file: DwarfFile) -> None:
        self._debug = debug
        self._file = file
        self._factory = debug.prog._types
        self._types: dict[int, Type] = {}
        self._begun: set[tuple[int, int]] = set()
        self._sized_types: dict[int, tuple[Type, Type]] = {}

    def die_of(self, type: Type) -> Die | None:
        """The DIE of which a Type was made here; None if it was made of none."""
        for offset, found in self._types.items():
            if found._def is type._def:
                return self._file.die_at(offset)
        return None

    def attribute_type(self, die: Die) -> Type:
        """The Type that ``DW_AT_type`` of a DIE refers to; void if it has none."""
        type_die = die.origin_ref(dw.DW_AT_type)
        if type_die is None:
            return self._factory.void_type(language=language_of(die))
        return self._debug.type_of(type_die)

    def object_type(self, die: Die) -> Type:
        """The `attribute_type()` of what must have one, such as a member."""
        type_die = die.origin_ref(dw.DW_AT_type)
        if type_die is None:
            raise die.missing(dw.DW_AT_type)
        return self._debug.type_of(type_die)

    def type_of(self, die: Die) -> Type:
        """The Type that a type's DIE describes; of a subprogram, the function type."""
        types = self._types
        found = types.get(die.offset)
        if found is not None:
            return found
        # From the DIE inwards to a type that is not made of another...
        chain: list[Die] = []
        inner: Die | None = die
        while inner is not None:
            if inner.unit.file is not self._file:
                found = self._debug.type_of(inner)
                break
            found = types.get(inner.offset)
            if found is not None:
                break
            if inner.tag not in _MADE_OF_ONE:
                found = types[inner.offset] = self._elementary(inner)
                break
            # There may be no end if a type is made of itself.
            if len(chain) == _MAX_DEPTH:
                raise RecursionError(_TOO_DEEP)
            chain.append(inner)
            inner = inner.origin_ref(dw.DW_AT_type)
        if found is None:
            found = self._factory.void_type(language=language_of(die))
        # ... and back outwards.
        for outer in reversed(chain):
            found = types[outer.offset] = self._made_of(outer, found)
        return found

    # Types that are made of another

    def _made_of(self, die: Die, inner: Type) -> Type:
        tag = die.tag
        qualifier = _QUALIFIERS.get(tag)
        if qualifier is not None:
            return inner.qualified(inner.qualifiers | qualifier)
        language = language_of(die)
        if tag in _POINTERS:
            size = die.number(dw.DW_AT_byte_size)
            if size is None:
                size = die.unit.address_size
            elif size < 0:
                raise die.invalid(dw.DW_AT_byte_size)
            return self._factory.pointer_type(
                inner, size, self._byteorder(die), language=language
            )
        if tag in _TYPEDEFS:
            return self._factory.typedef_type(
                die.required_name, inner, language=language
            )
        if tag == dw.DW_TAG_array_type:
            if not die.has(dw.DW_AT_type):
                raise die.missing(dw.DW_AT_type)
            check_layout(die, inner)
            inner = self._sized(inner, die)
            for length in reversed(dimensions(die)):
                inner = self._factory.array_type(inner, length, language=language)
            return inner
        return self._function(die, inner, language)

    def _function(self, die: Die, returned: Type, language: Language) -> Type:
        # An instance of an inline function may have lost some of its parameters.
        variadic = False
        while (origin := die.ref(dw.DW_AT_abstract_origin)) is not None:
            variadic = variadic or _is_variadic(die)
            die = origin
        parameters: list[Die] = []
        templates = []
        own_variadic = False
        for child in die.children():
            if child.tag == dw.DW_TAG_formal_parameter:
                if own_variadic:
                    raise _after_variadic(die, "DW_TAG_formal_parameter child after")
                parameters.append(child)
            elif child.tag == dw.DW_TAG_unspecified_parameters:
                if own_variadic:
                    raise _after_variadic(die, "multiple")
                own_variadic = True
            elif child.tag in _TEMPLATE_PARAMETERS:
                templates.append(child)
        variadic = variadic or own_variadic
        return self._factory.function_type(
            returned,
            partial(self._parameters, parameters),
            variadic,
            template_parameters=partial(self._template_parameters, templates)
            if templates
            else (),
            language=language,
        )

    def _parameters(self, dies: list[Die]) -> list[TypeParameter]:
        return [
            TypeParameter(partial(self.object_type, die), _name(die)) for die in dies
        ]

    # Types that are not made of another

    def _elementary(self, die: Die) -> Type:
        tag = die.tag
        if tag == dw.DW_TAG_base_type:
            return self._base_type(die)
        if tag in _COMPOUNDS or tag == dw.DW_TAG_enumeration_type:
            begun = get_ident(), die.offset
            if begun in self._begun:
                raise RecursionError(_TOO_DEEP)
            self._begun.add(begun)
            try:
                return self._tagged(die)
            finally:
                self._begun.remove(begun)
        if tag == dw.DW_TAG_unspecified_type:
            return self._unspecified(die)
        if tag == dw.DW_TAG_ptr_to_member_type:
            return self._pointer_to_member(die)
        raise die.error(f"unknown DWARF type tag {tag:#x}")

    def _byteorder(self, die: Die) -> str:
        endianity = die.number(dw.DW_AT_endianity)
        if endianity == dw.DW_END_big:
            return "big"
        if endianity == dw.DW_END_little:
            return "little"
        if endianity:
            raise die.error("unknown DW_AT_endianity")
        return "little" if die.unit.file.order == "<" else "big"

    def _base_type(self, die: Die) -> Type:
        name = die.required_name
        size = _size(die)
        encoding = _required_number(die, dw.DW_AT_encoding)
        byteorder = self._byteorder(die)
        language = language_of(die)
        if encoding in _SIGNED or encoding in _UNSIGNED:
            return self._factory.int_type(
                name, size, encoding in _SIGNED, byteorder, language=language
            )
        if encoding == dw.DW_ATE_boolean:
            return self._factory.bool_type(name, size, byteorder, language=language)
        if encoding == dw.DW_ATE_float:
            return self._factory.float_type(name, size, byteorder, language=language)
        raise die.error(f"DW_TAG_base_type has unknown DWARF encoding {encoding:#x}")

    def _unspecified(self, die: Die) -> Type:
        language = language_of(die)
        type = self._factory.void_type(language=language)
        if not die.has(dw.DW_AT_name):
            return type  # What functions in assembler return.
        name = die.required_name
        if name in _TYPES_OF_NULLPTR:
            type = self._factory.pointer_type(
                type, die.unit.address_size, self._byteorder(die), language=language
            )
        return self._factory.typedef_type(name, type, language=language)

    def _pointer_to_member(self, die: Die) -> Type:
        # The C++ ABI: the offset of the member, or for a function two words.
        target = die.ref(dw.DW_AT_type)
        words = 1 + (target is not None and target.tag in _FUNCTIONS)
        owner = die.ref(dw.DW_AT_containing_type)
        name = f"{owner.name if owner is not None else '<unknown>'}::*"
        word = die.unit.address_size
        type = self._factory.int_type(
            name,
            words * word,
            True,
            self._byteorder(die),
            language=language_of(die),
        )
        assert isinstance(type._def, IntDefinition)
        type._def.alignment = word
        return type

    def _tagged(self, die: Die) -> Type:
        """A struct, union, class or enum."""
        declaration = die.flag(dw.DW_AT_declaration)
        signature = die.ref(dw.DW_AT_signature)
        if signature is not None and signature.offset != die.offset:
            # The definition is in a type unit.
            return self._debug.type_of(signature)
        if declaration:
            definition = self._debug.find_definition(die)
            if definition is not None and definition != die:
                return self._debug.type_of(definition)
        if die.tag == dw.DW_TAG_enumeration_type:
            return self._enum(die, declaration)
        return self._compound(die, declaration)

    # Structs, unions and classes

    def _compound(self, die: Die, declaration: bool) -> Type:
        make = partial(self._factory.compound_type, _COMPOUNDS[die.tag])
        tag = _name(die)
        language = language_of(die)
        templates = partial(self._templates_of, die)
        if declaration:
            return make(tag, template_parameters=templates, language=language)
        return make(
            tag,
            _size(die),
            partial(self._members, die),
            template_parameters=templates,
            language=language,
            alignment=_alignment(die),
        )

    def _members(self, die: Die) -> list[TypeMember]:
        members: list[TypeMember] = []
        children = [child for child in die.children() if is_member(child)]
        # A flexible array is the last of several members.
        flexible = None
        if len(children) > 1 and die.tag != dw.DW_TAG_union_type:
            flexible = children[-1]
        for child in children:
            offset = bit_offset(child, self.object_type)
            if offset is None:
                continue  # Where a virtual base class is can vary.
            if child is flexible:
                source = partial(self.object_type, child)
            else:
                source = partial(self._sized_member_type, child)
            bit_size = (child.number(dw.DW_AT_bit_size) or 0) % (1 << 64) or None
            name = None if child.tag == dw.DW_TAG_inheritance else _name(child)
            members.append(TypeMember._of(source, name, offset, bit_size))
        return members

    def _sized_member_type(self, die: Die) -> Type:
        """The type of a member that cannot be a flexible array."""
        return self._sized(self.object_type(die), die)

    def _sized(self, type: Type, die: Die) -> Type:
        """A DIE's type with length 0 in place of one that is left out.

        gcc before 9 left out the length of arrays of length zero.
        """
        sized = self._without_open_length(type)
        return type if sized is not type and has_computed_length(die) else sized

    def _without_open_length(self, type: Type) -> Type:
        kind = type.kind
        if kind is not TypeKind.ARRAY and kind is not TypeKind.TYPEDEF:
            return type
        known = self._sized_types.get(id(type))
        if known is not None:
            return known[1]
        sized = type
        if kind is TypeKind.TYPEDEF:
            inner = self._without_open_length(type.type)
            if inner is not type.type:
                sized = self._factory.typedef_type(
                    type.name,
                    inner,
                    qualifiers=type.qualifiers,
                    language=type.language,
                )
        elif type.length is None:
            sized = self._factory.array_type(
                type.type, 0, qualifiers=type.qualifiers, language=type.language
            )
        self._sized_types[id(type)] = type, sized
        return sized

    # Template parameters

    def _templates_of(self, die: Die) -> list[TypeTemplateParameter]:
        return self._template_parameters(
            [child for child in die.children() if child.tag in _TEMPLATE_PARAMETERS]
        )

    def _template_parameters(self, dies: list[Die]) -> list[TypeTemplateParameter]:
        parameters = []
        for die in _flattened(dies):
            source: Callable[[], Type | Object] = (
                partial(self.attribute_type, die)
                if die.tag == dw.DW_TAG_template_type_parameter
                else partial(self._template_value, die)
            )
            parameters.append(
                TypeTemplateParameter(
                    source, _name(die), die.flag(dw.DW_AT_default_value)
                )
            )
        return parameters

    def _template_value(self, die: Die) -> Object:
        from .objects import variable

        value = variable(self._debug, die)
        if value.absent_:
            raise die.error("DW_AT_template_value_parameter is missing value")
        return value

    # Enumerations

    def _enum(self, die: Die, declaration: bool) -> Type:
        tag = _name(die)
        language = language_of(die)
        if declaration:
            return self._factory.enum_type(tag, language=language)
        children = [
            child for child in die.children() if child.tag == dw.DW_TAG_enumerator
        ]
        if die.has(dw.DW_AT_type):
            type = self.attribute_type(die).unaliased().unqualified()
            if type.kind is not TypeKind.INT:
                raise die.error(
                    "DW_AT_type of DW_TAG_enumeration_type is not an integer type"
                )
        else:
            # gcc before 5.1 did not tell the type.
            signed = any(stored_value(child) < 0 for child in children)
            type = self._factory.int_type(
                "<unknown>",
                _size(die),
                signed,
                self._byteorder(die),
                language=language,
            )
        return self._factory.enum_type(
            tag,
            type,
            partial(enumerators, children, type),
            language=language,
            alignment=_alignment(die),
        )


def read_parts(type: Type) -> None:
    """Raise now what reading the members, enumerators or parameters of a type raises.

    Of a pointer, an array or a typedef that is of what it is made of.
    """
    while type.kind in _MADE_OF_ANOTHER:
        type = type.type
    kind = type.kind
    if kind in _HAVE_MEMBERS:
        _ = type.members
    elif kind is TypeKind.ENUM:
        _ = type.enumerators
    elif kind is TypeKind.FUNCTION:
        _ = type.parameters


def _alignment(die: Die) -> int:
    """What the program asks for by an attribute of the type, 0 for nothing."""
    alignment = die.attr(dw.DW_AT_alignment)
    return alignment if isinstance(alignment, int) and alignment > 0 else 0


def _is_variadic(die: Die) -> bool:
    return any(
        child.tag == dw.DW_TAG_unspecified_parameters for child in die.children()
    )


def _after_variadic(die: Die, what: str) -> BadDataError:
    noun = "children" if what == "multiple" else "child"
    return die.error(
        f"{dw.tag_name(die.tag)} has {what} DW_TAG_unspecified_parameters {noun}"
    )


def _flattened(dies: list[Die]) -> Iterator[Die]:
    """Template parameters with those of parameter packs in their place."""
    for die in dies:
        if die.tag == dw.DW_TAG_GNU_template_parameter_pack:
            for child in die.children():
                if child.tag in (
                    dw.DW_TAG_template_type_parameter,
                    dw.DW_TAG_template_value_parameter,
                ):
                    yield child
        else:
            yield die


def _name(die: Die) -> str | None:
    name = die.name
    if name is None:
        # An instance of an inline function has the names of its origin.
        origin = die.origin_attr(dw.DW_AT_name)
        name = origin if isinstance(origin, str) else None
    return name


def _size(die: Die) -> int:
    bits = die.attr(dw.DW_AT_bit_size)
    if isinstance(bits, int) and not die.has(dw.DW_AT_byte_size):
        return (bits + 7) // 8
    return _required_number(die, dw.DW_AT_byte_size)


def _required_number(die: Die, at: int) -> int:
    """A constant that must be there and must not be negative."""
    value = die.attr(at) if die.form(at) in CONSTANTS else None
    if not isinstance(value, int) or value < 0:
        raise die.invalid(at, "missing or invalid")
    return value


def language_of(die: Die) -> Language:
    """The language of the unit of a DIE; C for all that are not C++."""
    return Language.CPP if die.unit.is_cplusplus else Language.C
