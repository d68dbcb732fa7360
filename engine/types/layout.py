"""Sizes, alignments and offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform import Architecture
from .definitions import CompoundDefinition, IntDefinition
from .kinds import TypeKind
from .type import Type

if TYPE_CHECKING:
    from ..objects.object import Object

_MAX = 0xFFFFFFFFFFFFFFFF
# The alignment of what is at least this large stays this large.
_MAX_ALIGNMENT = 16
_MAX_FLOAT = 32
_SMALL_MAX_ALIGNMENT = frozenset(
    {Architecture.ARM, Architecture.S390, Architecture.S390X}
)
_BIT_FIELDS = frozenset({TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM})
INCOMPLETE_NAMES = {
    TypeKind.STRUCT: "structure",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
    TypeKind.ENUM: "enumerated",
    TypeKind.ARRAY: "array",
}


def _no_layout(type: Type, what: str) -> TypeError:
    """Why ``type`` has no size or no alignment."""
    kind = type.kind
    if kind is TypeKind.VOID:
        return TypeError(f"cannot get {what} of void type")
    if kind is TypeKind.FUNCTION:
        return TypeError(f"cannot get {what} of function type")
    return TypeError(f"cannot get {what} of incomplete {INCOMPLETE_NAMES[kind]} type")


def type_size(type: Type) -> int:
    """Size of ``type`` in bytes.

    Raises TypeError if it has none and OverflowError if it takes more than
    64 bits.
    """
    count = 1
    while True:
        type = type.unaliased()
        kind = type.kind
        if kind is TypeKind.ARRAY:
            length = type.length
            if length is None:
                raise _no_layout(type, "size")
            count *= length
            type = type.type
            continue
        if kind is TypeKind.ENUM:
            size = None if type.type is None else type.type.size
        elif kind is TypeKind.VOID or kind is TypeKind.FUNCTION:
            size = None
        else:
            size = type.size
        if size is None:
            raise _no_layout(type, "size")
        if count * size > _MAX:
            raise OverflowError("type size is too large")
        return count * size


def sizeof(type_or_obj: Type | Object, /) -> int:
    """Size in bytes of a type or of an object.

    Raises TypeError if it has no size: void, functions, incomplete types, bit
    fields.
    """
    if isinstance(type_or_obj, Type):
        return type_size(type_or_obj)
    if type_or_obj.bit_field_size_ is not None:
        raise TypeError("cannot get size of bit field")
    return type_size(type_or_obj.type_)


def alignof(type: Type, /) -> int:
    """Alignment in bytes of a type.

    Raises TypeError if the type is void, a function or incomplete, flexible arrays
    among its members included, ValueError if the program's platform is not known,
    RecursionError if the type contains itself.
    """
    try:
        return _alignment(type)
    except RecursionError:
        raise RecursionError("maximum type depth exceeded in alignof()") from None


def _alignment(type: Type) -> int:
    type = type.unaliased()
    kind = type.kind
    if not type.is_complete() or kind is TypeKind.FUNCTION:
        raise _no_layout(type, "alignment")
    if kind is TypeKind.ARRAY:
        return _alignment(type.type)
    definition = type._def
    if kind is TypeKind.ENUM:
        return definition.alignment or _alignment(type.type)
    if isinstance(definition, CompoundDefinition):
        members = definition.members or ()
        return definition.alignment or max(
            (_alignment(member.type) for member in members), default=1
        )
    if isinstance(definition, IntDefinition) and definition.alignment is not None:
        return definition.alignment
    return _scalar_alignment(type, definition.size)


def _scalar_alignment(type: Type, size: int) -> int:
    """The greatest power of two in ``size`` that the architecture cares for."""
    platform = type.prog.platform
    if platform is None or platform.arch is Architecture.UNKNOWN:
        raise ValueError("program alignment requirements are not known")
    if platform.arch is Architecture.I386:
        maximum = 16 if size >= 16 else 4
    elif platform.arch in _SMALL_MAX_ALIGNMENT:
        maximum = 8
    else:
        maximum = _MAX_ALIGNMENT
    return min(1 << max(size.bit_length() - 1, 0), maximum)


def offsetof(type: Type, member: str) -> int:
    """Offset in bytes of a member designator such as ``"a.b[3].c"``.

    Raises LookupError if there is no such member, ValueError if it is a bit field
    that does not start at a byte, TypeError where the designator does not fit the
    types and SyntaxError if it is none.
    """
    known = type._offsets
    if known is None:
        known = type._offsets = {}
    found = known.get(member)
    if found is None:
        offset = type.language.bit_offset(type, member)
        if offset % 8:
            raise ValueError("member is not byte-aligned")
        found = known[member] = offset // 8
    return found


def check_bit_field(type: Type, bits: int) -> None:
    """Raise ValueError if a bit field of so many bits cannot be of ``type``."""
    type = type.unaliased()
    if type.kind not in _BIT_FIELDS or not type.is_complete():
        raise ValueError("bit field must be integer")
    if bits > 8 * type_size(type):
        raise ValueError("bit field size is larger than type size")


def check_object_type(type: Type) -> None:
    """Raise what is wrong with ``type`` for an object, even an absent one.

    TypeError for arrays of what has no size, OverflowError for sizes whose bits
    cannot be counted in 64 bits and ValueError for scalars of no or of an unknown
    size.
    """
    type = type.unaliased()
    kind = type.kind
    if kind is TypeKind.VOID or kind is TypeKind.FUNCTION or not type.is_complete():
        return
    size = type_size(type)
    if size > _MAX // 8:
        raise OverflowError("type bit size is too large")
    if kind is TypeKind.FLOAT:
        if not 0 < size <= _MAX_FLOAT:
            raise ValueError(f"unsupported floating-point bit size ({8 * size})")
    elif size == 0:
        if kind is TypeKind.POINTER:
            raise ValueError("unsupported pointer bit size (0)")
        if kind in (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM):
            raise ValueError("unsupported integer bit size (0)")
