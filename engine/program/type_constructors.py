"""The part of a Program that makes types from their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypeVar

from ..arguments import class_label
from ..types.kinds import Qualifiers, TypeKind

if TYPE_CHECKING:
    from ..language.language import Language
    from ..types.factory import TypeFactory
    from ..types.parts import (
        TypeEnumerator,
        TypeMember,
        TypeParameter,
        TypeTemplateParameter,
    )
    from ..types.type import Type

P = TypeVar("P")
_NONE = Qualifiers.NONE
_MEMBERS = "members must be sequence or None"


def _own_parts(parts: P, message: str) -> P:
    """Parts, which only the engine itself may give as a callable."""
    if callable(parts):
        raise TypeError(message)
    return parts


def _own_template_parameters(parameters: P) -> P:
    name = class_label(parameters)
    return _own_parts(parameters, f"'{name}' object is not iterable")


class TypeConstructors:
    """One method for each kind of type.

    All raise ValueError for parts of another program and TypeError for parts of
    the wrong class. ``byteorder`` is ``"little"``, ``"big"`` or None for the
    program's own, ``size`` is in bytes, ``language`` None means the program's.
    """

    __slots__ = ()

    _types: TypeFactory

    def void_type(
        self, *, qualifiers: Qualifiers = _NONE, language: Language | None = None
    ) -> Type:
        """Create a void type."""
        return self._types.void_type(qualifiers=qualifiers, language=language)

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
        """Create an integer type."""
        return self._types.int_type(
            name, size, is_signed, byteorder, qualifiers=qualifiers, language=language
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
        """Create a boolean type."""
        return self._types.bool_type(
            name, size, byteorder, qualifiers=qualifiers, language=language
        )

    def float_type(
        self,
        name: str,
        size: SupportsIndex,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a floating-point type."""
        return self._types.float_type(
            name, size, byteorder, qualifiers=qualifiers, language=language
        )

    def struct_type(
        self,
        tag: str | None,
        size: SupportsIndex | None = None,
        members: Sequence[TypeMember] | None = None,
        *,
        template_parameters: Sequence[TypeTemplateParameter] = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a structure type, incomplete if it has no size and members."""
        return self._compound(
            TypeKind.STRUCT,
            tag,
            size,
            members,
            template_parameters,
            qualifiers,
            language,
        )

    def union_type(
        self,
        tag: str | None,
        size: SupportsIndex | None = None,
        members: Sequence[TypeMember] | None = None,
        *,
        template_parameters: Sequence[TypeTemplateParameter] = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a union type, incomplete if it has no size and members."""
        return self._compound(
            TypeKind.UNION,
            tag,
            size,
            members,
            template_parameters,
            qualifiers,
            language,
        )

    def class_type(
        self,
        tag: str | None,
        size: SupportsIndex | None = None,
        members: Sequence[TypeMember] | None = None,
        *,
        template_parameters: Sequence[TypeTemplateParameter] = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a class type, incomplete if it has no size and members."""
        return self._compound(
            TypeKind.CLASS,
            tag,
            size,
            members,
            template_parameters,
            qualifiers,
            language,
        )

    def _compound(
        self,
        kind: TypeKind,
        tag: str | None,
        size: SupportsIndex | None,
        members: Sequence[TypeMember] | None,
        template_parameters: Sequence[TypeTemplateParameter],
        qualifiers: Qualifiers,
        language: Language | None,
    ) -> Type:
        return self._types.compound_type(
            kind,
            tag,
            size,
            _own_parts(members, _MEMBERS),
            template_parameters=_own_template_parameters(template_parameters),
            qualifiers=qualifiers,
            language=language,
        )

    def enum_type(
        self,
        tag: str | None,
        type: Type | None = None,
        enumerators: Sequence[TypeEnumerator] | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create an enumeration, incomplete if it has no type and enumerators."""
        return self._types.enum_type(
            tag,
            type,
            _own_parts(enumerators, "enumerators must be sequence or None"),
            qualifiers=qualifiers,
            language=language,
        )

    def typedef_type(
        self,
        name: str,
        type: Type,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a typedef of ``type``."""
        return self._types.typedef_type(
            name, type, qualifiers=qualifiers, language=language
        )

    def pointer_type(
        self,
        type: Type,
        size: SupportsIndex | None = None,
        byteorder: str | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create a pointer to ``type``, of the program's own size if None."""
        return self._types.pointer_type(
            type, size, byteorder, qualifiers=qualifiers, language=language
        )

    def array_type(
        self,
        type: Type,
        length: SupportsIndex | None = None,
        *,
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create an array of ``length`` elements, incomplete if None."""
        return self._types.array_type(
            type, length, qualifiers=qualifiers, language=language
        )

    def function_type(
        self,
        type: Type,
        parameters: Sequence[TypeParameter],
        is_variadic: bool = False,
        *,
        template_parameters: Sequence[TypeTemplateParameter] = (),
        qualifiers: Qualifiers = _NONE,
        language: Language | None = None,
    ) -> Type:
        """Create the type of a function that returns ``type``."""
        return self._types.function_type(
            type,
            _own_parts(parameters, "parameters must be sequence"),
            is_variadic,
            template_parameters=_own_template_parameters(template_parameters),
            qualifiers=qualifiers,
            language=language,
        )
