"""``gdb.Type`` and ``gdb.Field`` over the program's types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import drgn
from drgn import Qualifiers, TypeKind
from drgn.target import is_scoped

from .errors import error
from .names import tag_of, type_text

TYPE_CODE_BITSTRING = -1
TYPE_CODE_PTR = 1
TYPE_CODE_ARRAY = 2
TYPE_CODE_STRUCT = 3
TYPE_CODE_UNION = 4
TYPE_CODE_ENUM = 5
TYPE_CODE_FLAGS = 6
TYPE_CODE_FUNC = 7
TYPE_CODE_INT = 8
TYPE_CODE_FLT = 9
TYPE_CODE_VOID = 10
TYPE_CODE_SET = 11
TYPE_CODE_RANGE = 12
TYPE_CODE_STRING = 13
TYPE_CODE_ERROR = 14
TYPE_CODE_METHOD = 15
TYPE_CODE_METHODPTR = 16
TYPE_CODE_MEMBERPTR = 17
TYPE_CODE_REF = 18
TYPE_CODE_RVALUE_REF = 19
TYPE_CODE_CHAR = 20
TYPE_CODE_BOOL = 21
TYPE_CODE_COMPLEX = 22
TYPE_CODE_TYPEDEF = 23
TYPE_CODE_NAMESPACE = 24
TYPE_CODE_DECFLOAT = 25
TYPE_CODE_MODULE = 26
TYPE_CODE_INTERNAL_FUNCTION = 27
TYPE_CODE_XMETHOD = 28

_CODES = {
    TypeKind.VOID: TYPE_CODE_VOID,
    TypeKind.INT: TYPE_CODE_INT,
    TypeKind.BOOL: TYPE_CODE_BOOL,
    TypeKind.FLOAT: TYPE_CODE_FLT,
    TypeKind.STRUCT: TYPE_CODE_STRUCT,
    TypeKind.UNION: TYPE_CODE_UNION,
    TypeKind.CLASS: TYPE_CODE_STRUCT,
    TypeKind.ENUM: TYPE_CODE_ENUM,
    TypeKind.TYPEDEF: TYPE_CODE_TYPEDEF,
    TypeKind.POINTER: TYPE_CODE_PTR,
    TypeKind.ARRAY: TYPE_CODE_ARRAY,
    TypeKind.FUNCTION: TYPE_CODE_FUNC,
}
COMPOUND = TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS
"""The kinds of types that have members."""
_TAGGED = (*COMPOUND, TypeKind.ENUM)


class Field:
    """A member, a base class, an enumerator or a parameter."""

    def __init__(self, parent: Type, name: str | None, type_: Type | None) -> None:
        self.parent_type = parent
        self.name = name
        self.type = type_
        self.artificial = name is not None and name.startswith("_vptr")
        self.is_base_class = False
        self.bitsize = 0
        self._is_static = False


class _MemberField(Field):
    def __init__(self, parent: Type, member: drgn.TypeMember, name: str | None) -> None:
        super().__init__(parent, name, Type(member.type))
        self.bitpos = member.bit_offset
        self.bitsize = member.bit_field_size or 0
        self.member = member


class _StaticField(Field):
    """A static member, which has no place in the class's objects."""

    def __init__(self, parent: Type, name: str, type_: drgn.Type) -> None:
        super().__init__(parent, name, Type(type_))
        self._is_static = True


class _Enumerator(Field):
    def __init__(self, parent: Type, name: str, value: int) -> None:
        super().__init__(parent, name, None)
        self.enumval = value


class _Item(Field):
    """A dimension of an array, or a parameter of a function."""

    bitpos = 0


class Type:
    """A type of the program."""

    __slots__ = ("_type",)

    def __init__(self, type_: drgn.Type) -> None:
        self._type = type_

    @property
    def code(self) -> int:
        """One of ``TYPE_CODE_*``."""
        return _CODES[self._type.kind]

    @property
    def name(self) -> str | None:
        """The name without ``struct``; None of pointers, arrays and what has none."""
        kind = self._type.kind
        if kind in _TAGGED:
            return self.tag
        if kind in (TypeKind.POINTER, TypeKind.ARRAY, TypeKind.FUNCTION):
            return None
        if kind is TypeKind.VOID:
            return "void"
        return self._type.name

    @property
    def tag(self) -> str | None:
        """The name behind ``struct``, ``union`` or ``enum``."""
        if self._type.kind not in _TAGGED:
            return None
        from .names import tag_of

        return tag_of(self._type)

    @property
    def sizeof(self) -> int:
        """Size in bytes; 1 of what has none, as GDB has it."""
        return size_of(self._type)

    @property
    def alignof(self) -> int:
        """Alignment in bytes; 0 if it is not known."""
        try:
            return drgn.alignof(self._type)
        except (TypeError, ValueError):
            return 0

    @property
    def dynamic(self) -> bool:
        """Whether the size depends on data: no type's does here."""
        return False

    @property
    def is_signed(self) -> bool:
        """Whether a scalar type has a sign."""
        plain = self._type.unaliased()
        if plain.kind is TypeKind.INT:
            return plain.is_signed
        if plain.kind is TypeKind.ENUM and plain.type is not None:
            return plain.type.unaliased().is_signed
        if plain.kind in (TypeKind.BOOL, TypeKind.POINTER):
            return False
        raise ValueError("Type must be a scalar type")

    is_scalar = property(
        lambda self: (
            self._type.unaliased_kind()
            not in (*COMPOUND, TypeKind.ARRAY, TypeKind.FUNCTION, TypeKind.VOID)
        )
    )

    @property
    def objfile(self) -> None:
        """Types belong to the program."""
        return

    # What it is made of.

    def fields(self) -> list[Any]:
        """Members, enumerators or parameters. Raises TypeError of other types."""
        return list(self._fields())

    def _fields(self) -> Iterator[Field]:
        plain = self._type.unaliased()
        if plain.kind in COMPOUND:
            static = _static_fields(self, plain)
            for index, member in enumerate(plain.members or ()):
                yield from static.get(index, ())
                if member.name is None and _is_base(plain, index, member):
                    base = Type(member.type)
                    field = _MemberField(self, member, base.name)
                    field.is_base_class = True
                    yield field
                else:
                    yield _MemberField(self, member, member.name)
            yield from static.get(len(plain.members or ()), ())
        elif plain.kind is TypeKind.ENUM:
            for each in plain.enumerators or ():
                yield _Enumerator(self, enumerator_name(plain, each.name), each.value)
        elif plain.kind is TypeKind.FUNCTION:
            for parameter in plain.parameters:
                yield _Item(self, None, Type(parameter.type))
        elif plain.kind is TypeKind.ARRAY:
            yield _Item(self, None, self)
        else:
            raise TypeError("Type is not a structure, union, enum, or function type.")

    def keys(self) -> list[str]:
        """The names of the fields."""
        return [field.name or "" for field in self._fields()]

    def values(self) -> list[Any]:
        """The fields."""
        return self.fields()

    def items(self) -> list[tuple[str, Any]]:
        """The fields with their names."""
        return [(field.name or "", field) for field in self._fields()]

    def iterkeys(self) -> Iterator[str]:
        """The names of the fields."""
        return iter(self.keys())

    def itervalues(self) -> Iterator[Any]:
        """The fields."""
        return self._fields()

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        """The fields with their names."""
        return iter(self.items())

    __iter__ = iterkeys

    def __len__(self) -> int:
        return len(self.fields())

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    has_key = __contains__

    def get(self, name: str, default: Any = None) -> Any:
        """The field of a name."""
        try:
            return self[name]
        except KeyError:
            return default

    def __getitem__(self, name: str) -> Any:
        for field in self._fields():
            if field.name == name:
                return field
        raise KeyError(name)

    def __bool__(self) -> bool:
        return True

    def target(self) -> Type:
        """What it points to, has elements of, is another name of, or returns."""
        kind = self._type.kind
        if kind in (
            TypeKind.POINTER,
            TypeKind.ARRAY,
            TypeKind.FUNCTION,
            TypeKind.TYPEDEF,
        ):
            return Type(self._type.type)
        raise RuntimeError("Type does not have a target.")

    def range(self) -> tuple[int, int]:
        """The first and the last index, or the smallest and the largest value."""
        plain = self._type.unaliased()
        if plain.kind is TypeKind.ARRAY:
            return 0, (plain.length or 0) - 1
        if plain.kind is TypeKind.ENUM and plain.enumerators:
            values = [each.value for each in plain.enumerators]
            return values[0], values[-1]
        raise RuntimeError("This type does not have a range.")

    def template_argument(self, number: int, block: Any = None) -> Any:
        """A template's argument: a type or a value."""
        if number < 0:
            raise RuntimeError("Template argument number must be non-negative")
        plain = self._type.unaliased()
        found = list(getattr(plain, "template_parameters", ()))
        if number >= len(found):
            kind = "No argument" if found else "This is not a template: no argument"
            raise RuntimeError(f"{kind} {number} in template.")
        argument = found[number].argument
        if isinstance(argument, drgn.Type):
            return Type(argument)
        from .value import Value

        return Value(argument)

    # Other types made of it.

    def pointer(self) -> Type:
        """The type of pointers to it."""
        return Type(self._type.prog.pointer_type(self._type))

    def reference(self) -> Type:
        """The type of references to it, which are pointers here."""
        return self.pointer()

    def array(self, first: int, last: int | None = None) -> Type:
        """The type of arrays of it, up to an index, or from one to another."""
        length = first + 1 if last is None else last - first + 1
        if length < 0:
            raise ValueError("Array length must not be negative")
        return Type(self._type.prog.array_type(self._type, length))

    vector = array

    def const(self) -> Type:
        """The type with ``const`` and no other qualifier."""
        return Type(self._type.qualified(Qualifiers.CONST))

    def volatile(self) -> Type:
        """The type with ``volatile`` and no other qualifier."""
        return Type(self._type.qualified(Qualifiers.VOLATILE))

    def unqualified(self) -> Type:
        """The type without ``const`` and ``volatile``."""
        return Type(self._type.unqualified())

    def strip_typedefs(self) -> Type:
        """What typedefs stand for; the qualifiers of all stay."""
        type_, qualifiers = self._type, self._type.qualifiers
        while type_.kind is TypeKind.TYPEDEF:
            type_ = type_.type
            qualifiers |= type_.qualifiers
        return Type(type_.qualified(qualifiers))

    def optimized_out(self) -> Any:
        """A value of the type that is optimized out."""
        from .value import Value

        return Value(drgn.Object(self._type.prog, self._type))

    def __str__(self) -> str:
        return type_text(self._type)

    def __repr__(self) -> str:
        return f"<gdb.Type code={self.code} {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Type):
            return NotImplemented
        return self._type is other._type or _same(self._type, other._type)

    __hash__ = object.__hash__


def _same(one: drgn.Type, other: drgn.Type) -> bool:
    """Whether types are equal, whatever typedefs they are named by."""
    mine, theirs = Type(one).strip_typedefs()._type, Type(other).strip_typedefs()._type
    if mine.kind != theirs.kind or mine.qualifiers != theirs.qualifiers:
        return False
    if mine.kind in (TypeKind.POINTER, TypeKind.ARRAY):
        if mine.kind is TypeKind.ARRAY and mine.length != theirs.length:
            return False
        return _same(mine.type, theirs.type)
    if mine.kind in _TAGGED and mine.tag is not None:
        return mine.tag == theirs.tag and mine.size == theirs.size
    return mine == theirs


def _static_fields(of: Type, plain: drgn.Type) -> dict[int, list[Field]]:
    """The static members of a class, by how many members are before them."""
    found: dict[int, list[Field]] = {}
    if plain.language.name != "C":
        from .session import current

        for before, name, type_ in current().lookups.static_members(plain):
            found.setdefault(before, []).append(_StaticField(of, name, type_))
    return found


def _is_base(plain: drgn.Type, index: int, member: drgn.TypeMember) -> bool:
    """Whether a member without a name is a base class, not an anonymous member."""
    kind = member.type.unaliased_kind()
    return kind in COMPOUND and member.type.unaliased().tag is not None


def enumerator_name(enum: drgn.Type, name: str) -> str:
    """An enumerator's name, with the namespaces of C++ and that of an enum class."""
    if enum.language.name == "C":
        return name
    scope = tag_of(enum) or ""
    if not is_scoped(enum):
        scope = scope.rpartition("::")[0]
    return f"{scope}::{name}" if scope else name


def size_of(type_: drgn.Type) -> int:
    """``sizeof``; 1 of functions and void, 0 of what is incomplete, as GDB has it."""
    kind = type_.unaliased_kind()
    if kind in (TypeKind.VOID, TypeKind.FUNCTION):
        return 1
    try:
        return drgn.sizeof(type_)
    except TypeError:
        return 0


def find_type(name: str) -> Type:
    """The type of a name in C's or C++'s words. Raises ``gdb.error``."""
    from .session import current

    found = current().find_type(name)
    if found is None:
        words = name.split()
        if len(words) == 2 and words[0] in ("struct", "union", "enum"):
            raise error(f"No {words[0]} type named {words[1]}.")
        raise error(f"No type named {name}.")
    return Type(found)


def lookup_type(name: str, block: Any = None) -> Type:
    """The type of a name, as ``gdb.lookup_type`` has it."""
    return find_type(name.strip())
