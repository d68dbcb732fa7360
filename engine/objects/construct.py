"""Making objects from the arguments of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..arguments import (
    buffer_bytes,
    can_be_subscripted,
    class_label,
    type_label,
    uint64,
)
from ..errors import OutOfBoundsError
from ..flags import AbsenceReason
from ..language.c_ops_types import literal_type
from ..types import layout
from ..types.kinds import PrimitiveType, TypeKind
from ..types.members import find_member
from ..types.type import Type
from .codec import Codec, codec_of
from .read import value_from_buffer

if TYPE_CHECKING:
    from ..memory.memory import Epoch
    from ..program import Program
    from .object import Object, ObjectMeta

    # Type, address, value, bits: see the properties of Object. A pointer in memory may
    # have its value and, in the place of bits, the epoch in which that was read.
    State = tuple[Type, int | None, Any, tuple[int, int | None] | Epoch | None]

foreign_values: dict[type, Callable[[Any], Object]] = {}
"""Classes of values that others have, such as debuggers, and what makes Objects of
them: ``Object(value)``."""

UNSET: Any = object()
"""The default of an argument for which None is not allowed."""
_OTHER = AbsenceReason.OTHER
_ARRAY = TypeKind.ARRAY


def check_program(function: str, prog: Any) -> None:
    """Raise TypeError unless the first argument is a Program."""
    # Programs live on a higher floor.
    if not hasattr(type(prog), "_memory"):
        raise TypeError(
            f"{function}() argument 1 must be _drgn.Program, not {type_label(prog)}"
        )


def resolve_type(prog: Program, type: Any, expected: str = "Type or str") -> Type:
    """A type that is given as a Type of the program or by its name."""
    if type.__class__ is not Type:
        if isinstance(type, str):
            return prog.type(type)
        raise TypeError(f"type must be {expected}")
    if type.prog is not prog:
        raise ValueError("type is from different program")
    return type


def check_bit_field(codec: Codec, bit_field_size: SupportsIndex | None) -> int | None:
    """The size of a bit field of a type, in bits; ValueError if it cannot be."""
    if bit_field_size is None:
        return None
    size = uint64(bit_field_size)
    if size == 0:
        raise ValueError("bit field size cannot be zero")
    layout.check_bit_field(codec.type, size)
    return size


def check_alignment(codec: Codec, bit_offset: int) -> None:
    """ValueError for what cannot lie at an odd bit; incomplete enums are spared."""
    if bit_offset & 7 and not codec.scalar and codec.kind is not TypeKind.ENUM:
        raise ValueError("non-scalar must be byte-aligned")


def construct(
    prog: Program,
    type: Any,
    value: Any,
    address: SupportsIndex | None,
    absence_reason: AbsenceReason,
    bit_offset: SupportsIndex | None,
    bit_field_size: SupportsIndex | None,
) -> State:
    """The state of an object that ``Object()`` makes."""
    convert = foreign_values.get(prog.__class__)
    if convert is not None and type is value is address is None:
        return convert(prog)._state_
    check_program("Object", prog)
    if absence_reason is not UNSET and not isinstance(absence_reason, AbsenceReason):
        raise TypeError(f"expected AbsenceReason, not {class_label(absence_reason)}")
    if type is not None:
        type = resolve_type(prog, type, "Type, str, or None")
    where = None if address is None else uint64(address)
    offset = None if bit_offset is None else uint64(bit_offset)
    size = None if bit_field_size is None else uint64(bit_field_size)
    if where is not None and value is not None:
        reason = absence_reason is not UNSET
        what = ", value, and absence reason" if reason else " and value"
        raise ValueError(f"object cannot have address{what}")
    if absence_reason is not UNSET and (where is not None or value is not None):
        what = "value" if where is None else "address"
        raise ValueError(f"object cannot have {what} and absence reason")
    if where is not None:
        if type is None:
            raise ValueError("reference must have type")
        return _reference(prog, type, where, offset or 0, size)
    if value is None:
        if type is None:
            raise ValueError("absent object must have type")
        if offset is not None:
            raise ValueError("absent object cannot have bit offset")
        size = check_bit_field(codec_of(type), size)
        kept: Any = _OTHER if absence_reason is UNSET else absence_reason
    else:
        if offset is not None:
            raise ValueError("value cannot have bit offset")
        if type is None:
            return _literal(prog, value, size)
        codec = codec_of(type)
        size = check_bit_field(codec, size)
        kept = encode(codec, value, size)
    return type, None, kept, None if size is None else (0, size)


def _reference(
    prog: Program, type: Type, address: int, bit_offset: int, size: int | None
) -> State:
    codec = codec_of(type)
    size = check_bit_field(codec, size)
    check_alignment(codec, bit_offset)
    prog._require_address_size()
    bits = None
    if bit_offset & 7 or size is not None:
        bits = (bit_offset & 7, size)
    return type, address + (bit_offset >> 3), None, bits


def _literal(prog: Program, value: Any, bit_field_size: int | None) -> State:
    if bit_field_size is not None:
        raise ValueError("literal cannot be bit field")
    if isinstance(value, int):
        type = literal_type(prog, int(value))
        return type, None, codec_of(type).fit(value, None), None
    if isinstance(value, float):
        type = prog._types.primitive(PrimitiveType.C_DOUBLE)
        return type, None, float(value), None
    raise TypeError(f"literal must be int, float, or bool, not '{type_label(value)}'")


def from_bytes(
    cls: ObjectMeta,
    prog: Program,
    type: Any,
    buffer: bytes | bytearray | memoryview,
    bit_offset: SupportsIndex,
    bit_field_size: SupportsIndex | None,
) -> Object:
    """See `Object.from_bytes_`."""
    check_program("from_bytes_", prog)
    raw = buffer_bytes(buffer)
    offset = uint64(bit_offset)
    size = None if bit_field_size is None else uint64(bit_field_size)
    type = resolve_type(prog, type)
    codec = codec_of(type)
    size = check_bit_field(codec, size)
    if offset > 8 * len(raw):
        raise ValueError("buffer is too small")
    if codec.size is None:
        raise codec.no_values("create object with")
    if offset + codec.bit_size(size) > 8 * len(raw):
        raise ValueError("buffer is too small")
    check_alignment(codec, offset)
    return cls._val(type, value_from_buffer(codec, raw, offset, size), size)


# Values.


def encode(codec: Codec, value: Any, bit_field_size: int | None) -> Any:
    """What an Object keeps of a value that the user gives in Python.

    Integers wrap. Raises TypeError for a value that does not fit the type.
    """
    if codec.size is None:
        raise codec.no_values("create value with")
    if codec.scalar:
        return _scalar(codec, value, bit_field_size)
    buffer = bytearray(codec.size)
    _encode_into(buffer, codec, value, 0, None)
    return bytes(buffer)


def _scalar(codec: Codec, value: Any, bit_field_size: int | None) -> Any:
    # Python has its own words for complex numbers.
    cls = type(value)
    real = hasattr(cls, "__float__") or hasattr(cls, "__index__")
    if not real and not hasattr(cls, "__int__") and not isinstance(value, complex):
        raise TypeError(f"'{codec.type.type_name()}' value must be number")
    if codec.kind is TypeKind.FLOAT and not real:
        raise TypeError(f"must be real number, not {cls.__name__}")
    return codec.fit(value, bit_field_size)


def _encode_into(
    buffer: bytearray,
    codec: Codec,
    value: Any,
    bit_offset: int,
    bit_field_size: int | None,
) -> None:
    if codec.size is None:
        raise codec.no_values("create member with")
    if bit_offset + codec.bit_size(bit_field_size) > 8 * len(buffer):
        raise OutOfBoundsError("out of bounds of value")
    if codec.scalar:
        value = _scalar(codec, value, bit_field_size)
        codec.put(buffer, bit_offset, bit_field_size, value)
    elif codec.kind is _ARRAY:
        _encode_array(buffer, codec, value, bit_offset)
    else:
        _encode_members(buffer, codec, value, bit_offset)


def _encode_array(buffer: bytearray, codec: Codec, value: Any, bit_offset: int) -> None:
    try:
        items = iter(value)
    except TypeError:
        raise TypeError(f"'{codec.type.type_name()}' value must be iterable") from None
    element_type, size = codec.element_of()
    element = codec_of(element_type)
    length = codec.length()
    for i, item in enumerate(items):
        if i >= length:
            raise ValueError("too many items in array value")
        _encode_into(buffer, element, item, bit_offset + 8 * i * size, None)


def _encode_members(
    buffer: bytearray, codec: Codec, value: Any, bit_offset: int
) -> None:
    if not can_be_subscripted(value):
        raise TypeError(
            f"'{codec.type.type_name()}' value must be dictionary or mapping"
        )
    for name, item in value.items():
        if not isinstance(name, str):
            raise TypeError("member key must be string")
        member, offset = find_member(codec.under, name)
        _encode_into(
            buffer,
            codec_of(member.type),
            item,
            bit_offset + offset,
            member.bit_field_size,
        )
