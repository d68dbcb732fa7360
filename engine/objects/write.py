"""Changing what objects refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..language.c_ops_convert import cast_value, check_implicit
from ..types.kinds import TypeKind
from .codec import Codec, codec_of
from .construct import encode
from .read import check_present, read_bytes

if TYPE_CHECKING:
    from .object import Object


def write(obj: Object, value: Any) -> None:
    """See `Object.write_`."""
    codec = codec_of(obj._type_)
    address = obj._address_
    if address is None:
        check_present(obj)
        raise ValueError("cannot write to value, which is not in memory")
    if codec.size is None:
        raise codec.no_values("write object with")
    prog = obj._prog_
    if isinstance(value, obj.__class__):
        if value._prog_ is not prog:
            raise ValueError("object is from different program")
        check_assignable(codec, value)
        bit_field = obj._bits_ is not None or value.bit_field_size_ is not None
        if not bit_field and _same_type(codec, value):
            # What cannot be converted, too: long double.
            prog.write(address, read_bytes(value))
            return
    if not codec.scalar:
        prog.write(address, compound_bytes(codec, value))
        return
    bit_offset, bit_field_size = obj._bits_ or (0, None)
    if isinstance(value, obj.__class__):
        scalar = cast_value(codec, bit_field_size, value)
    else:
        scalar = encode(codec, value, bit_field_size)
    if codec.kind is TypeKind.BOOL:
        scalar = int(bool(scalar))
    size = (bit_offset + codec.bit_size(bit_field_size) + 7) >> 3
    if obj._bits_ is None:
        buffer = bytearray(size)
    else:
        # The bits around it stay as they are.
        prog._check_writable()
        buffer = bytearray(prog._memory.read(address, size))
    codec.put(buffer, bit_offset, bit_field_size, scalar)
    prog.write(address, bytes(buffer))


def check_assignable(codec: Codec, obj: Object) -> None:
    """Raise TypeError unless a type takes the value of an object.

    As an assignment does; arrays of the same type are taken, too.
    """
    if not _same_type(codec, obj):
        check_implicit(codec.type, obj)


def _same_type(codec: Codec, obj: Object) -> bool:
    return codec.under.unqualified() is obj._type_.unaliased().unqualified()


def compound_bytes(codec: Codec, value: Any) -> bytes:
    """The binary representation of a value that is no scalar, given in any form."""
    if hasattr(type(value), "to_bytes_"):
        return read_bytes(value)
    return bytes(encode(codec, value, None))
