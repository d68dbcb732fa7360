"""A type in a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..arguments import check_argument, class_label, text_argument
from ..closed import ApiClass, closed
from .definitions import CompoundDefinition, Definition, TypedefDefinition
from .kinds import PrimitiveType, Qualifiers, TypeKind
from .members import find_member, member_name, not_compound
from .primitives import primitive_by_name

if TYPE_CHECKING:
    import numpy as np

    from ..language.language import Language
    from ..objects.access import Step
    from ..objects.codec import Codec
    from ..program import Program
    from .parts import (
        TypeEnumerator,
        TypeMember,
        TypeParameter,
        TypeTemplateParameter,
    )

_COMPOUND = CompoundDefinition
_NOT_FOUND: Any = object()


@closed
class Type(metaclass=ApiClass):
    """A type; which attributes it has depends on its ``kind``.

    Types are made by the ``*_type()`` methods of Program. One definition is one
    Type for each set of qualifiers, so that types can be compared with ``is``
    and ``==``. Accessing an attribute that the kind does not have raises
    AttributeError.
    """

    __slots__ = (
        "_codec",
        "_def",
        "_dtype",
        "_kind",
        "_name",
        "_offsets",
        "_primitive",
        "_prog",
        "_qualifiers",
        "_steps",
        "_unaliased",
    )

    _def: Any
    _kind: TypeKind
    _prog: Program
    _qualifiers: Qualifiers
    _primitive: Any
    _unaliased: Type | None
    _name: str | None
    # Memos of the rooms that decode objects and read columns of them.
    _codec: Codec | None
    _dtype: np.dtype[Any] | None
    _steps: dict[str, Step] | None
    # Of members in bytes, by their designators.
    _offsets: dict[str, int] | None

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("cannot create '_drgn.Type' instances")

    @classmethod
    def _of(cls, definition: Definition, qualifiers: Qualifiers) -> Type:
        """The variant of ``definition`` with ``qualifiers``."""
        value = qualifiers._value_
        found = definition.variants.get(value)
        if found is None:
            found = object.__new__(cls)
            found._def = definition
            found._prog = definition.prog
            found._kind = definition.kind
            found._qualifiers = qualifiers
            found._codec = None
            found._dtype = None
            found._steps = None
            found._name = None
            found._offsets = None
            found._unaliased = None
            found._primitive = _NOT_FOUND
            definition.variants[value] = found
        return found

    # What every type has.

    @property
    def prog(self) -> Program:
        """The program that this type is from."""
        return self._prog

    @property
    def kind(self) -> TypeKind:
        """The kind of this type."""
        return self._kind

    @property
    def qualifiers(self) -> Qualifiers:
        """The qualifiers of this type."""
        return self._qualifiers

    @property
    def language(self) -> Language:
        """The programming language of this type."""
        language: Language = self._def.language
        return language

    @property
    def primitive(self) -> PrimitiveType | None:
        """Which primitive type of C this is, None if it is none."""
        found = self._primitive
        if found is _NOT_FOUND:
            found = self._primitive = self._find_primitive()
        primitive: PrimitiveType | None = found
        return primitive

    def _find_primitive(self) -> PrimitiveType | None:
        if self._kind is TypeKind.VOID:
            return PrimitiveType.C_VOID
        name = getattr(self._def, "name", None)
        if name is None:
            return None
        is_signed = getattr(self._def, "is_signed", None)
        return primitive_by_name(self._kind, name, is_signed)

    # What some kinds have.

    def _lacks(self, what: str) -> AttributeError:
        return AttributeError(f"{KIND_NAMES[self._kind]} type does not have {what}")

    @property
    def name(self) -> str:
        """The name of an integer, boolean, floating-point or typedef type."""
        try:
            name: str = self._def.name
        except AttributeError:
            raise self._lacks("a name") from None
        return name

    @property
    def tag(self) -> str | None:
        """The tag of a struct, union, class or enum, None if it is anonymous."""
        try:
            tag: str | None = self._def.tag
        except AttributeError:
            raise self._lacks("a tag") from None
        return tag

    @property
    def size(self) -> int | None:
        """Size in bytes of a scalar, pointer, struct, union or class.

        None if the type is incomplete.
        """
        try:
            size: int | None = self._def.size
        except AttributeError:
            raise self._lacks("a size") from None
        return size

    @property
    def is_signed(self) -> bool:
        """Whether an integer type is signed."""
        try:
            is_signed: bool = self._def.is_signed
        except AttributeError:
            raise self._lacks("a signedness") from None
        return is_signed

    @property
    def byteorder(self) -> str:
        """``"little"`` or ``"big"``, for scalars and pointers."""
        try:
            little = self._def.little_endian
        except AttributeError:
            raise self._lacks("a byte order") from None
        return "little" if little else "big"

    @property
    def length(self) -> int | None:
        """Number of elements of an array, None if it is incomplete."""
        try:
            length: int | None = self._def.length
        except AttributeError:
            raise self._lacks("a length") from None
        return length

    @property
    def type(self) -> Type:
        """The type under a typedef, enum, pointer, array or function.

        That is the aliased, compatible (None if the enum is incomplete),
        referenced, element and returned type.
        """
        try:
            type: Type = self._def.type
        except AttributeError:
            raise self._lacks("an underlying type") from None
        return type

    @property
    def members(self) -> Sequence[TypeMember] | None:
        """The members of a struct, union or class, None if it is incomplete."""
        if not isinstance(self._def, _COMPOUND):
            raise self._lacks("members")
        return self._def.members

    @property
    def enumerators(self) -> Sequence[TypeEnumerator] | None:
        """The constants of an enum, None if it is incomplete."""
        if self._kind is not TypeKind.ENUM:
            raise self._lacks("enumerators")
        enumerators: Sequence[TypeEnumerator] | None = self._def.enumerators
        return enumerators

    @property
    def parameters(self) -> Sequence[TypeParameter]:
        """The parameters of a function type."""
        if self._kind is not TypeKind.FUNCTION:
            raise self._lacks("parameters")
        parameters: Sequence[TypeParameter] = self._def.parameters
        return parameters

    @property
    def is_variadic(self) -> bool:
        """Whether a function type takes a variable number of arguments."""
        if self._kind is not TypeKind.FUNCTION:
            raise AttributeError(f"{KIND_NAMES[self._kind]} type cannot be variadic")
        is_variadic: bool = self._def.is_variadic
        return is_variadic

    @property
    def template_parameters(self) -> Sequence[TypeTemplateParameter]:
        """The template parameters of a struct, union, class or function type."""
        if self._kind is not TypeKind.FUNCTION and not isinstance(self._def, _COMPOUND):
            raise self._lacks("template parameters")
        parameters: Sequence[TypeTemplateParameter] = self._def.template_parameters
        return parameters

    # Questions.

    def is_complete(self) -> bool:
        """Whether the definition of this type is known."""
        complete: bool = self._def.is_complete
        return complete

    def unaliased(self) -> Type:
        """This type without its typedefs, whose qualifiers are kept."""
        found = self._unaliased
        if found is None:
            found = self
            value = 0
            while isinstance(found._def, TypedefDefinition):
                value |= found._qualifiers._value_
                found = found._def.type
            if value:
                found = found.qualified(Qualifiers(value | found._qualifiers._value_))
            self._unaliased = found
        return found

    def unaliased_kind(self) -> TypeKind:
        """The kind of this type without its typedefs."""
        return self.unaliased()._kind

    def qualified(self, qualifiers: Qualifiers) -> Type:
        """This type with other qualifiers (they replace its own)."""
        if not isinstance(qualifiers, Qualifiers):
            raise TypeError(f"expected Qualifiers, not {class_label(qualifiers)}")
        return Type._of(self._def, qualifiers)

    def unqualified(self) -> Type:
        """This type without qualifiers."""
        return Type._of(self._def, Qualifiers.NONE)

    def member(self, name: str) -> TypeMember:
        """The member ``name``, members of unnamed members included.

        Its ``bit_offset`` counts from the start of this type. Raises TypeError
        if this is no struct, union or class and LookupError if it has no such
        member.
        """
        if not isinstance(name, str):
            name = member_name("member", name)
        member, bit_offset = find_member(self, name)
        return member._moved(bit_offset)

    def has_member(self, name: str) -> bool:
        """Whether there is a member ``name``, members of unnamed ones included.

        Raises TypeError if this is no struct, union or class.
        """
        if not isinstance(name, str):
            name = member_name("has_member", name)
        definition = self.unaliased()._def
        if not isinstance(definition, CompoundDefinition):
            raise not_compound(self)
        return definition.find_member(name) is not None

    # Text.

    def type_name(self) -> str:
        """The name of this type as one writes it in its language."""
        name = self._name
        if name is None:
            name = self._name = self.language.type_name(self)
        return name

    def variable_declaration(self, name: str) -> str:
        """The declaration of a variable ``name`` of this type."""
        check_argument("variable_declaration", 1, name, str)
        return self.language.declaration(self, text_argument(name))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype that has the layout of this type.

        See ``engine/columns/dtype.py`` for the mapping. AttributeError if there is
        none, as for void, functions and incomplete types.
        """
        try:
            return self.prog._dtype_of(self)
        except TypeError as error:
            raise AttributeError(str(error)) from None

    def __str__(self) -> str:
        return self.language.definition(self)

    def __repr__(self) -> str:
        from .repr import type_repr

        return type_repr(self)

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        """What IPython shows."""
        p.text("..." if cycle else str(self))


KIND_NAMES = {
    TypeKind.VOID: "void",
    TypeKind.INT: "int",
    TypeKind.BOOL: "bool",
    TypeKind.FLOAT: "float",
    TypeKind.STRUCT: "struct",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
    TypeKind.ENUM: "enum",
    TypeKind.TYPEDEF: "typedef",
    TypeKind.POINTER: "pointer",
    TypeKind.ARRAY: "array",
    TypeKind.FUNCTION: "function",
}
