"""Where the types of a program are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from ..arguments import check_argument, class_label, is_sequence, uint64
from .definitions import (
    ArrayDefinition,
    CompoundDefinition,
    Definition,
    EnumDefinition,
    FunctionDefinition,
    IntDefinition,
    PointerDefinition,
    ScalarDefinition,
    TypedefDefinition,
    VoidDefinition,
)
from .kinds import PrimitiveType, Qualifiers, TypeKind, TypeKindSet
from .language import TypeLanguage
from .parts import TypeEnumerator, TypeMember, TypeParameter, TypeTemplateParameter
from .primitives import (
    ADDRESS_SIZED,
    DEFAULT_SIZES,
    SIGNEDNESS,
    SPELLINGS,
    TYPEDEFS,
    canonical_name,
    kind_of,
)
from .type import KIND_NAMES, Type

if TYPE_CHECKING:
    from ..language.language import Language
    from ..program import Program

_NONE = Qualifiers.NONE
P = TypeVar("P", TypeMember, TypeParameter, TypeTemplateParameter)


class TypeFactory:
    """Makes types; the ``*_type()`` methods are those of Program.

    Sequences of members, parameters, template parameters and enumerators may
    also be callables that return them, for types from debugging information:
    they are called at the first use. ``alignment`` is in bytes where the program
    asks for more than that of the members. Types without such parts are made once
    for the same arguments.
    """

    __slots__ = ("_definitions", "_primitives", "_prog")

    def __init__(self, prog: Program) -> None:
        self._prog = prog
        self._definitions: dict[tuple[object, tuple[Any, ...]], Definition] = {}
        self._primitives: dict[PrimitiveType, Type] = {}

    # Checks.

    def _language(self, language: Language | None) -> Language:
        if language is None:
            return self._prog.language
        if not isinstance(language, TypeLanguage):
            raise TypeError(f"expected Language, not {class_label(language)}")
        return language

    def _is_little_endian(self, byteorder: str | None) -> bool:
        """Whether ``byteorder``, None for the program's own, is little endian."""
        if byteorder is None:
            return self._prog._is_little_endian()
        if byteorder not in ("little", "big"):
            raise ValueError("expected 'little', 'big', or None for byteorder")
        return byteorder == "little"

    def _own(self, function: str, position: int, type: Type) -> Type:
        check_argument(function, position, type, Type, "_drgn.Type")
        if type.prog is not self._prog:
            raise ValueError("type is from different program")
        return type

    def _parts(self, parts: Sequence[P], cls: type[P], what: str) -> tuple[P, ...]:
        """Check the parts of a type and bind them to the program."""
        parts = tuple(parts)
        for part in parts:
            if not isinstance(part, cls):
                raise TypeError(f"{what} must be {cls.__name__}")
            part._bind(self._prog)
        return parts

    def _template_parameters(self, parameters: Any) -> Any:
        if callable(parameters) or parameters == ():
            return parameters
        return self._parts(parameters, TypeTemplateParameter, "template parameter")

    # Kinds without parts, made once.

    def _once(
        self, qualifiers: Qualifiers, make: Callable[..., Definition], *arguments: Any
    ) -> Type:
        """A type of what ``make(prog, *arguments)`` defines."""
        key = make, arguments
        definition = self._definitions.get(key)
        if definition is None:
            definition = self._definitions[key] = make(self._prog, *arguments)
        return _variant(definition, qualifiers)

    def void_type(
        self, *, qualifiers: Qualifiers = _NONE, language: Language | None = None
    ) -> Type:
        """The void type."""
        _check_qualifiers(qualifiers)
        return self._once(qualifiers, VoidDefinition, self._language(language))

    def int_type(
        self,
        name: str,
        size: SupportsIndex,
        is_signed: bool,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """An integer type of ``size`` bytes."""
        check_argument("int_type", 1, name, str)
        size = uint64(size)
        is_signed = bool(is_signed)
        _check_qualifiers(qualifiers)
        language = self._language(language)
        little = self._is_little_endian(byteorder)
        name = canonical_name(TypeKind.INT, name, is_signed)
        return self._once(
            qualifiers, IntDefinition, language, name, size, is_signed, little
        )

    def bool_type(
        self,
        name: str,
        size: SupportsIndex,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """A boolean type of ``size`` bytes."""
        check_argument("bool_type", 1, name, str)
        return self._scalar(TypeKind.BOOL, name, size, byteorder, qualifiers, language)

    def float_type(
        self,
        name: str,
        size: SupportsIndex,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """A floating-point type of ``size`` bytes."""
        check_argument("float_type", 1, name, str)
        return self._scalar(TypeKind.FLOAT, name, size, byteorder, qualifiers, language)

    def _scalar(
        self,
        kind: TypeKind,
        name: str,
        size: SupportsIndex,
        byteorder: str | None,
        qualifiers: Qualifiers,
        language: Language | None,
    ) -> Type:
        size = uint64(size)
        _check_qualifiers(qualifiers)
        language = self._language(language)
        little = self._is_little_endian(byteorder)
        name = canonical_name(kind, name, None)
        return self._once(
            qualifiers, ScalarDefinition, kind, language, name, size, little
        )

    def typedef_type(
        self,
        name: str,
        type: Type,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """A typedef of ``type``."""
        check_argument("typedef_type", 1, name, str)
        self._own("typedef_type", 2, type)
        language = self._language(language)
        return self._once(qualifiers, TypedefDefinition, language, name, type)

    def pointer_type(
        self,
        type: Type,
        size: SupportsIndex | None = None,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """A pointer to ``type``, of ``size`` bytes."""
        check_argument("pointer_type", 1, type, Type, "_drgn.Type")
        if size is not None:
            size = uint64(size)
        little = None if byteorder is None else self._is_little_endian(byteorder)
        _check_qualifiers(qualifiers)
        language = self._language(language)
        if size is None:
            size = 8 if self._prog._is_64_bit() else 4
        if little is None:
            little = self._prog._is_little_endian()
        if type.prog is not self._prog:
            raise ValueError("type is from different program")
        return self._once(qualifiers, PointerDefinition, language, type, size, little)

    def array_type(
        self,
        type: Type,
        length: SupportsIndex | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """An array of ``length`` elements, incomplete if it is None."""
        self._own("array_type", 1, type)
        if length is not None:
            length = uint64(length)
        language = self._language(language)
        return self._once(qualifiers, ArrayDefinition, language, type, length)

    # Kinds with parts, new every time.

    def compound_type(
        self,
        kind: TypeKind,
        tag: str | None,
        size: SupportsIndex | None = None,
        members: Sequence[TypeMember] | Callable[[], Any] | None = None,
        *,
        template_parameters: Sequence[TypeTemplateParameter] | Callable[[], Any] = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
        alignment: int = 0,
    ) -> Type:
        """A STRUCT, UNION or CLASS of ``size`` bytes.

        It is incomplete if size and members are None.
        """
        name = KIND_NAMES[kind]
        if size is not None:
            size = uint64(size)
        if tag is not None and not isinstance(tag, str):
            raise TypeError(f"{name}_type() tag must be str or None")
        if members is None:
            if size is not None:
                raise ValueError(f"incomplete {name} type must not have size")
        else:
            if size is None:
                raise ValueError(f"{name} type must have size")
            if not callable(members):
                if not is_sequence(members):
                    raise TypeError("members must be sequence or None")
                members = self._parts(members, TypeMember, "member")
        definition = CompoundDefinition(
            self._prog,
            kind,
            self._language(language),
            tag,
            size,
            members,
            self._template_parameters(template_parameters),
            alignment,
        )
        return _variant(definition, qualifiers)

    def enum_type(
        self,
        tag: str | None,
        type: Type | None = None,
        enumerators: Sequence[TypeEnumerator] | Callable[[], Any] | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
        alignment: int = 0,
    ) -> Type:
        """An enum compatible with ``type``; incomplete without that and enumerators."""
        if tag is not None and not isinstance(tag, str):
            raise TypeError("enum_type() tag must be str or None")
        if type is not None and not isinstance(type, Type):
            raise TypeError("enum_type() compatible type must be Type or None")
        if enumerators is None:
            if type is not None:
                raise ValueError("incomplete enum type must not have compatible type")
        else:
            if type is None:
                raise ValueError("enum type must have compatible type")
            _check_compatible(type)
            if not callable(enumerators):
                if not is_sequence(enumerators):
                    raise TypeError("enumerators must be sequence or None")
                enumerators = _check_enumerators(enumerators, type.is_signed)
            if type.prog is not self._prog:
                raise ValueError("type is from different program")
        definition = EnumDefinition(
            self._prog, self._language(language), tag, type, enumerators, alignment
        )
        return _variant(definition, qualifiers)

    def function_type(
        self,
        type: Type,
        parameters: Sequence[TypeParameter] | Callable[[], Any],
        is_variadic: bool = False,
        *,
        template_parameters: (Sequence[TypeTemplateParameter] | Callable[[], Any]) = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """A function that returns ``type``."""
        self._own("function_type", 1, type)
        if not callable(parameters):
            if not is_sequence(parameters):
                raise TypeError("parameters must be sequence")
            parameters = self._parts(parameters, TypeParameter, "parameter")
        definition = FunctionDefinition(
            self._prog,
            self._language(language),
            type,
            parameters,
            bool(is_variadic),
            self._template_parameters(template_parameters),
        )
        return _variant(definition, qualifiers)

    # Primitive types.

    def primitive(self, primitive: PrimitiveType) -> Type:
        """The type of the program that is ``primitive``, or the platform's default."""
        found = self._primitives.get(primitive)
        if found is None:
            found = self._primitives[primitive] = self._find_primitive(primitive)
        return found

    def _find_primitive(self, primitive: PrimitiveType) -> Type:
        # What no finder knows is of C, whatever the program's language.
        language = self._prog.language.C
        if primitive is PrimitiveType.C_VOID:
            return self.void_type(language=language)
        kinds = TypeKindSet({kind_of(primitive)})
        name = TYPEDEFS.get(primitive)
        spellings = SPELLINGS[primitive] if name is None else (name,)
        for spelling in spellings:
            found = self._prog._find_type(kinds, spelling, None)
            if found is not None and found.primitive is primitive:
                return found.unqualified()
        if name is not None:
            type = self._address_sized(primitive, name)
            return self.typedef_type(name, type, language=language)
        return self._default(primitive, spellings[0], language)

    def _address_sized(self, primitive: PrimitiveType, name: str) -> Type:
        """The integer type that ``size_t`` or ``ptrdiff_t`` is a typedef of."""
        size = 8 if self._prog._is_64_bit() else 4
        for candidate in ADDRESS_SIZED[primitive]:
            type = self.primitive(candidate)
            if type.size == size:
                return type
        raise ValueError(f"no suitable integer type for {name}")

    def _default(self, primitive: PrimitiveType, name: str, language: Language) -> Type:
        """What a primitive type is on the program's platform."""
        size = DEFAULT_SIZES[primitive]
        if size is None:
            size = 8 if self._prog._is_64_bit() else 4
        kind = kind_of(primitive)
        if kind is TypeKind.BOOL:
            return self.bool_type(name, size, language=language)
        if kind is TypeKind.FLOAT:
            return self.float_type(name, size, language=language)
        is_signed = SIGNEDNESS.get(primitive, True)
        return self.int_type(name, size, is_signed, language=language)

    def forget_primitives(self) -> None:
        """Look the primitive types up again: finders have changed."""
        self._primitives.clear()


def _variant(definition: Definition, qualifiers: Qualifiers) -> Type:
    _check_qualifiers(qualifiers)
    return Type._of(definition, qualifiers)


def _check_qualifiers(qualifiers: Qualifiers) -> None:
    if not isinstance(qualifiers, Qualifiers):
        raise TypeError(f"expected Qualifiers, not {class_label(qualifiers)}")


def _check_compatible(compatible: Type) -> None:
    if compatible.kind is not TypeKind.INT:
        raise ValueError("enum_type() compatible type must be integer type")
    if compatible.qualifiers is not _NONE:
        raise ValueError("enum_type() compatible type must be unqualified")


def _check_enumerators(
    enumerators: Sequence[TypeEnumerator], is_signed: bool
) -> tuple[TypeEnumerator, ...]:
    """Check enumerators, whose values must fit 64 bits."""
    enumerators = tuple(enumerators)
    for enumerator in enumerators:
        if not isinstance(enumerator, TypeEnumerator):
            raise TypeError("enumerator must be TypeEnumerator")
        if not is_signed:
            uint64(enumerator.value)
        elif not -(2**63) <= enumerator.value < 2**63:
            raise OverflowError("int too big to convert")
    return enumerators
