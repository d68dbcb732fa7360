"""Conversions of objects to other types."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

from ..arguments import check_argument
from ..errors import OutOfBoundsError
from ..language.c_ops_convert import cast_value, check_implicit
from ..language.c_ops_types import check_platform
from ..types.kinds import TypeKind
from ..types.members import plain_name
from ..types.type import Type
from .bare import make_value
from .codec import Codec, codec_of
from .construct import check_alignment, check_bit_field, resolve_type
from .object import Object
from .read import check_present, read_bytes

if TYPE_CHECKING:
    from ..program import Program


def NULL(prog: Program, type: str | Type) -> Object:
    """A null pointer, or zero, of a type."""
    return Object(prog, type, 0)


def cast(type: str | Type, obj: Object) -> Object:
    """The value of ``obj``, converted to ``type`` as a cast in the language does.

    Raises TypeError if there is no such cast.
    """
    check_argument("cast", 2, obj, Object, "_drgn.Object")
    prog = obj._prog_
    type = resolve_type(prog, type)
    codec = codec_of(type)
    source = obj._state_[0]._codec
    if codec.mask and source is not None and source.plain:
        # Between integers and pointers, the most frequent.
        return make_value(type, codec.fit(obj._rvalue_(), None))
    if codec.kind is TypeKind.VOID:
        return Object._absent(type)
    check_platform(codec_of(obj._type_))
    if codec.size is None:
        raise codec.no_values("cast to")
    if not codec.scalar:
        raise TypeError(f"cannot cast to '{type.type_name()}'")
    return Object._val(type, cast_value(codec, None, obj))


def reinterpret(type: str | Type, obj: Object) -> Object:
    """The memory of ``obj``, taken as another type: a reference if it is one.

    Raises OutOfBoundsError if ``obj`` is a smaller value.
    """
    check_argument("reinterpret", 2, obj, Object, "_drgn.Object")
    prog = obj._prog_
    type = resolve_type(prog, type)
    check_present(obj)
    codec = codec_of(type)
    if obj._address_ is None:
        size = obj.bit_field_size_
        if size is not None and codec.size is not None and size < 8 * codec.size:
            raise OutOfBoundsError("out of bounds of value")
        return Object._from_buffer(type, read_bytes(obj))
    bit_offset = obj.bit_offset_ or 0
    check_alignment(codec, bit_offset)
    return Object._ref(type, obj._address_, bit_offset)


def implicit_convert(
    type: str | Type, obj: Object, *, bit_field_size: SupportsIndex | None = None
) -> Object:
    """The value of ``obj``, converted to ``type`` as an assignment does.

    Raises TypeError if an assignment would need a cast.
    """
    check_argument("implicit_convert", 2, obj, Object, "_drgn.Object")
    prog = obj._prog_
    type = resolve_type(prog, type)
    codec = codec_of(type)
    size = check_bit_field(codec, bit_field_size)
    check_platform(codec_of(obj._type_))
    check_implicit(type, obj)
    if codec.scalar:
        return Object._val(type, cast_value(codec, size, obj), size)
    if codec.kind is TypeKind.ENUM:
        raise codec.no_values("cast to")
    check_present(obj)
    if obj._address_ is not None:
        return Object._ref(type, obj._address_)
    return Object._val(type, obj._value_)


def container_of(ptr: Object, type: str | Type, member: str) -> Object:
    """A pointer to the structure in which ``ptr`` points at ``member``.

    ``member`` may be a designator such as ``a.b[1]``. Raises TypeError if ``ptr``
    is no pointer or ``type`` no structure, union or class, LookupError if there is
    no such member and ValueError if it does not start at a byte.
    """
    if ptr.__class__ is not Object:
        check_argument("container_of", 1, ptr, Object, "_drgn.Object")
    source = ptr._state_[0]
    prog = source._prog
    if member.__class__ is not str:
        check_argument("container_of", 3, member, str)
    if type.__class__ is not Type or type._prog is not prog:
        type = resolve_type(prog, type)
    if (source._codec or codec_of(source)).kind is not TypeKind.POINTER:
        raise TypeError(
            f"container_of() argument must be a pointer, not '{plain_name(ptr._type_)}'"
        )
    if type._codec is None and type.unaliased_kind() is TypeKind.ARRAY:
        # An array has no members, and one of what has no size no codec.
        type.language.bit_offset(type, member)
    codec = type._codec or codec_of(type)
    known = codec.containers
    found = None if known is None else known.get(member)
    offset, pointer, mask = found or _container(codec, member)
    return make_value(pointer, (ptr.value_() - offset) & mask)


def _container(codec: Codec, member: str) -> tuple[int, Type, int]:
    """The offset of a member, the type of the pointer, and a mask of its bits."""
    type = codec.type
    bit_offset = type.language.bit_offset(type, member)
    if bit_offset % 8:
        raise ValueError("member is not byte-aligned")
    pointer = codec.pointer_to()
    mask = (1 << codec_of(pointer).bit_size(None)) - 1
    if codec.containers is None:
        codec.containers = {}
    found = codec.containers[member] = (bit_offset // 8, pointer, mask)
    return found
