"""Reading the values of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import FaultError, ObjectAbsentError, OutOfBoundsError
from ..flags import AbsenceReason
from ..memory.memory import Epoch
from ..types.kinds import TypeKind
from ..types.members import plain_name
from .codec import Codec, codec_of, decode

if TYPE_CHECKING:
    from ..program import Program
    from .object import Object

_ARRAY, _POINTER = TypeKind.ARRAY, TypeKind.POINTER


def check_present(obj: Object) -> None:
    """Raise ObjectAbsentError if ``obj`` has no value."""
    if obj._value_.__class__ is AbsenceReason:
        raise ObjectAbsentError("object absent")


def read_raw(
    prog: Program,
    codec: Codec,
    address: int,
    bit_offset: int,
    bit_field_size: int | None,
) -> bytes:
    """The bytes in which a value lies; FaultError if they cannot be read.

    Raises TypeError if the type has no values.
    """
    if codec.size is None:
        raise codec.no_values("read object with")
    bits = bit_offset + codec.bit_size(bit_field_size)
    return prog._memory.read(address, (bits + 7) >> 3) if bits else b""


def read_reference(obj: Object, codec: Codec) -> Any:
    """The value of a reference, see `Object.value_`."""
    type, address, _, bits = obj._state_
    if bits.__class__ is Epoch:
        # Its value is of another time.
        obj._state_ = (type, address, None, None)
        return obj.value_()
    bit_offset, bit_field_size = obj._bits_ or (0, None)
    address = obj._address_
    assert address is not None
    return _read_at(obj._prog_, codec, address, bit_offset, bit_field_size)


def _read_at(
    prog: Program,
    codec: Codec,
    address: int,
    bit_offset: int,
    bit_field_size: int | None,
) -> Any:
    try:
        raw = read_raw(prog, codec, address, bit_offset, bit_field_size)
        return decode(codec, raw, bit_offset, bit_field_size)
    except (FaultError, OutOfBoundsError):
        if codec.scalar:
            raise
    # Perhaps only padding cannot be read, or a member lies beyond the end.
    mask = prog._memory.virtual.mask
    if codec.kind is _ARRAY:
        type, size = codec.element_of()
        element = codec_of(type)
        return [
            _read_at(prog, element, (address + i * size) & mask, 0, None)
            for i in range(codec.length())
        ]
    return {
        field.name: _read_at(
            prog,
            field.codec,
            (address + (field.bit_offset >> 3)) & mask,
            field.bit_offset & 7,
            field.bit_field_size,
        )
        for field in codec.fields
        if field.codec.size is not None and field.name is not None
    }


def read_bytes(obj: Object) -> bytes:
    """The binary representation of the value of an object."""
    codec = codec_of(obj._type_)
    if codec.size is None:
        raise codec.no_values("read object with")
    bit_offset, bit_field_size = obj._bits_ or (0, None)
    address = obj._address_
    if address is not None:
        raw = read_raw(obj._prog_, codec, address, bit_offset, bit_field_size)
        if not bit_offset and bit_field_size is None:
            return raw
        return _bits_to_bytes(codec, raw, bit_offset, bit_field_size)
    check_present(obj)
    if not codec.scalar:
        return bytes(obj._value_)
    buffer = bytearray((codec.bit_size(bit_field_size) + 7) >> 3)
    codec.put(buffer, 0, bit_field_size, obj._value_)
    return bytes(buffer)


def _bits_to_bytes(
    codec: Codec, raw: bytes, bit_offset: int, bit_field_size: int | None
) -> bytes:
    from .bits import get_bits, put_bits

    bits = codec.bit_size(bit_field_size)
    buffer = bytearray((bits + 7) >> 3)
    number = get_bits(raw, bit_offset, bits, codec.little)
    put_bits(buffer, 0, bits, codec.little, number)
    return bytes(buffer)


def value_from_buffer(
    codec: Codec, buffer: bytes, bit_offset: int, bit_field_size: int | None
) -> Any:
    """What an Object keeps of a value that lies in ``buffer``.

    Raises OutOfBoundsError if the buffer ends before it.
    """
    end = bit_offset + codec.bit_size(bit_field_size)
    if bit_offset < 0 or end > 8 * len(buffer):
        raise OutOfBoundsError("out of bounds of value")
    if codec.scalar:
        return codec.keep(buffer, bit_offset, bit_field_size)
    return bytes(buffer[bit_offset >> 3 : end >> 3])


def read_string(obj: Object) -> bytes:
    """See `Object.string_`."""
    codec = codec_of(obj._type_)
    memory = obj._prog_._memory
    if codec.kind is _POINTER:
        obj._prog_._require_address_size()
        return memory.read_c_string(obj.value_(), None)
    if codec.kind is not _ARRAY:
        raise TypeError(
            "string() argument must be an array or pointer, "
            f"not '{plain_name(obj._type_)}'"
        )
    address = obj._address_
    if address is not None:
        return memory.read_c_string(address, codec.size)
    check_present(obj)
    raw: bytes = obj._value_
    return raw.partition(b"\0")[0]
