"""What defines a type of each kind; its qualified variants share one definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .kinds import TypeKind

if TYPE_CHECKING:
    from ..program import Program
    from .language import TypeLanguage
    from .parts import (
        TypeEnumerator,
        TypeMember,
        TypeParameter,
        TypeTemplateParameter,
    )
    from .type import Type

    Members = tuple[TypeMember, ...] | None
    LazyMembers = Members | Callable[[], Sequence[TypeMember] | None]
    TemplateParameters = tuple[TypeTemplateParameter, ...]
    LazyTemplateParameters = (
        TemplateParameters | Callable[[], Sequence[TypeTemplateParameter]]
    )
    LazyParameters = tuple[TypeParameter, ...] | Callable[[], Sequence[TypeParameter]]
    Enumerators = tuple[TypeEnumerator, ...] | None
    LazyEnumerators = Enumerators | Callable[[], Sequence[TypeEnumerator] | None]


_ENDLESS = "maximum anonymous member depth exceeded"


class Definition:
    """What all kinds have: ``variants`` are the Types by value of their qualifiers."""

    __slots__ = ("kind", "language", "prog", "variants")

    def __init__(self, prog: Program, kind: TypeKind, language: TypeLanguage) -> None:
        self.prog = prog
        self.kind = kind
        self.language = language
        self.variants: dict[int, Type] = {}

    @property
    def is_complete(self) -> bool:
        """Whether the definition is known."""
        return True


class VoidDefinition(Definition):
    """No value."""

    __slots__ = ()

    def __init__(self, prog: Program, language: TypeLanguage) -> None:
        super().__init__(prog, TypeKind.VOID, language)

    @property
    def is_complete(self) -> bool:
        return False


class ScalarDefinition(Definition):
    """A boolean or a floating-point number of ``size`` bytes."""

    __slots__ = ("little_endian", "name", "size")

    def __init__(
        self,
        prog: Program,
        kind: TypeKind,
        language: TypeLanguage,
        name: str,
        size: int,
        little_endian: bool,
    ) -> None:
        super().__init__(prog, kind, language)
        self.name = name
        self.size = size
        self.little_endian = little_endian


class IntDefinition(ScalarDefinition):
    """An integer of ``size`` bytes."""

    __slots__ = ("alignment", "is_signed")

    alignment: int | None
    """In bytes, if it does not follow from the size."""

    def __init__(
        self,
        prog: Program,
        language: TypeLanguage,
        name: str,
        size: int,
        is_signed: bool,
        little_endian: bool,
    ) -> None:
        super().__init__(prog, TypeKind.INT, language, name, size, little_endian)
        self.is_signed = is_signed
        self.alignment = None


class TypedefDefinition(Definition):
    """Another name of ``type``."""

    __slots__ = ("name", "type")

    def __init__(
        self, prog: Program, language: TypeLanguage, name: str, type: Type
    ) -> None:
        super().__init__(prog, TypeKind.TYPEDEF, language)
        self.name = name
        self.type = type

    @property
    def is_complete(self) -> bool:
        return self.type.unaliased().is_complete()


class PointerDefinition(Definition):
    """An address of a ``type``, in ``size`` bytes."""

    __slots__ = ("little_endian", "size", "type")

    def __init__(
        self,
        prog: Program,
        language: TypeLanguage,
        type: Type,
        size: int,
        little_endian: bool,
    ) -> None:
        super().__init__(prog, TypeKind.POINTER, language)
        self.type = type
        self.size = size
        self.little_endian = little_endian


class ArrayDefinition(Definition):
    """``length`` elements of ``type``; the length is None if it is unknown."""

    __slots__ = ("length", "type")

    def __init__(
        self, prog: Program, language: TypeLanguage, type: Type, length: int | None
    ) -> None:
        super().__init__(prog, TypeKind.ARRAY, language)
        self.type = type
        self.length = length

    @property
    def is_complete(self) -> bool:
        return self.length is not None


class EnumDefinition(Definition):
    """Names for values of an integer ``type``, None if the enum is incomplete.

    ``alignment`` is 0 unless the program asks for one.
    """

    __slots__ = ("alignment", "lazy_enumerators", "tag", "type")

    def __init__(
        self,
        prog: Program,
        language: TypeLanguage,
        tag: str | None,
        type: Type | None,
        enumerators: LazyEnumerators,
        alignment: int,
    ) -> None:
        super().__init__(prog, TypeKind.ENUM, language)
        self.tag = tag
        self.type = type
        self.lazy_enumerators = enumerators
        self.alignment = alignment

    @property
    def enumerators(self) -> Enumerators:
        """The enumerators, computed at the first use."""
        lazy = self.lazy_enumerators
        if callable(lazy):
            found = lazy()
            lazy = self.lazy_enumerators = None if found is None else tuple(found)
        return lazy

    @property
    def is_complete(self) -> bool:
        return self.type is not None


class TemplateDefinition(Definition):
    """What may be an instance of a template."""

    __slots__ = ("lazy_template_parameters",)

    def __init__(
        self,
        prog: Program,
        kind: TypeKind,
        language: TypeLanguage,
        template_parameters: LazyTemplateParameters,
    ) -> None:
        super().__init__(prog, kind, language)
        self.lazy_template_parameters = template_parameters

    @property
    def template_parameters(self) -> TemplateParameters:
        """The template parameters, computed at the first use."""
        lazy = self.lazy_template_parameters
        if callable(lazy):
            lazy = self.lazy_template_parameters = tuple(lazy())
        return lazy


class CompoundDefinition(TemplateDefinition):
    """A struct, union or class; ``size`` is None if it is incomplete.

    ``alignment`` is 0 unless the program asks for one.
    """

    __slots__ = ("_found", "alignment", "lazy_members", "size", "tag")

    def __init__(
        self,
        prog: Program,
        kind: TypeKind,
        language: TypeLanguage,
        tag: str | None,
        size: int | None,
        members: LazyMembers,
        template_parameters: LazyTemplateParameters,
        alignment: int,
    ) -> None:
        super().__init__(prog, kind, language, template_parameters)
        self.tag = tag
        self.size = size
        self.lazy_members = members
        self.alignment = alignment
        # What `find_member()` finds, once that was asked.
        self._found: dict[str, tuple[TypeMember, int]] | None = None

    @property
    def members(self) -> Members:
        """The members, computed at the first use."""
        lazy = self.lazy_members
        if callable(lazy):
            found = lazy()
            lazy = self.lazy_members = None if found is None else tuple(found)
        return lazy

    @property
    def is_complete(self) -> bool:
        return self.size is not None

    def find_member(self, name: str) -> tuple[TypeMember, int] | None:
        """The member ``name`` and its bit offset, through unnamed members.

        Raises RecursionError if it is looked for in an unnamed member of itself.
        """
        if self._found is not None:
            return self._found.get(name)
        found: dict[str, tuple[TypeMember, int]] = {}
        try:
            self._collect(found, 0, ())
        except RecursionError:
            # What comes before the member without end is there.
            if name not in found:
                raise RecursionError(_ENDLESS) from None
        else:
            self._found = found
        return found.get(name)

    def member_names(self) -> list[str]:
        """The names of all members that `find_member()` finds."""
        if self._found is None:
            found: dict[str, tuple[TypeMember, int]] = {}
            self._collect(found, 0, ())
            self._found = found
        return list(self._found)

    def _collect(
        self,
        found: dict[str, tuple[TypeMember, int]],
        base: int,
        outer: tuple[CompoundDefinition, ...],
    ) -> None:
        """Add the named members that lie at ``base`` bits and beyond to ``found``.

        ``outer`` are the definitions that this one is an unnamed member of, which
        only bad debugging information makes it a member of itself.
        """
        if self in outer:
            raise RecursionError(_ENDLESS)
        outer = (*outer, self)
        for member in self.members or ():
            offset = base + member.bit_offset
            if member.name is not None:
                found.setdefault(member.name, (member, offset))
                continue
            inner = member.type.unaliased()._def
            if isinstance(inner, CompoundDefinition):
                inner._collect(found, offset, outer)


class FunctionDefinition(TemplateDefinition):
    """A function that returns ``type``."""

    __slots__ = ("is_variadic", "lazy_parameters", "type")

    def __init__(
        self,
        prog: Program,
        language: TypeLanguage,
        type: Type,
        parameters: LazyParameters,
        is_variadic: bool,
        template_parameters: LazyTemplateParameters,
    ) -> None:
        super().__init__(prog, TypeKind.FUNCTION, language, template_parameters)
        self.type = type
        self.lazy_parameters = parameters
        self.is_variadic = is_variadic

    @property
    def parameters(self) -> tuple[TypeParameter, ...]:
        """The parameters, computed at the first use."""
        lazy = self.lazy_parameters
        if callable(lazy):
            lazy = self.lazy_parameters = tuple(lazy())
        return lazy
