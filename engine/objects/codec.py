"""How the values of a type are read and written."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import OutOfBoundsError
from ..memory.memory import Memory
from ..types.kinds import TypeKind
from ..types.layout import INCOMPLETE_NAMES, check_object_type, type_size
from .bits import get_bits, put_bits, wrap

if TYPE_CHECKING:
    from ..language.c_format import FormatPlan
    from ..language.c_ops import Plan
    from ..language.c_ops_types import TypeBits
    from ..types.definitions import CompoundDefinition
    from ..types.type import Type

    Decode = Callable[[Any, int], tuple[Any, ...]]

_INT, _BOOL, _FLOAT = TypeKind.INT, TypeKind.BOOL, TypeKind.FLOAT
_ENUM, _POINTER, _ARRAY = TypeKind.ENUM, TypeKind.POINTER, TypeKind.ARRAY
_COMPOUND = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
_SCALAR = (_INT, _BOOL, _FLOAT, _ENUM, _POINTER)
_FLOAT_FORMATS: dict[int | None, str] = {4: "<f", 8: "<d"}
# Codes of the struct module.
_FLOAT_CODES = {4: "f", 8: "d"}
_INT_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}


_NOWHERE = Memory()


def _no_decoder(buffer: Any, offset: int) -> tuple[Any, ...]:
    """For types whose values are not decoded in the fast way."""
    raise NotImplementedError


class Field:
    """A member of a structure as its enclosing structure sees it."""

    __slots__ = ("bit_field_size", "bit_offset", "codec", "end", "name", "type")

    def __init__(
        self, name: str | None, type: Type, bit_offset: int, bit_field_size: int | None
    ) -> None:
        self.name = name
        self.type = type
        self.codec = codec_of(type)
        self.bit_offset = bit_offset
        self.bit_field_size = bit_field_size
        self.end = bit_offset + (bit_field_size or 8 * (self.codec.size or 0))


class Memos:
    """What is worked out once about a type, by the module that needs it."""

    __slots__ = (
        "common",
        "containers",
        "element",
        "format_plan",
        "missing",
        "plans",
        "pointer",
        "promoted",
        "rvalue",
        "with_int",
    )

    common: dict[tuple[int | None, TypeBits], TypeBits] | None
    """c_ops_types: the common types with other types."""
    containers: dict[str, tuple[int, Type, int]] | None
    """convert: container_of by the name of the member."""
    element: tuple[Type, int] | None
    """The type and size of elements or of what is pointed to."""
    format_plan: FormatPlan | None
    """c_format: names of the type, its members and enumerators."""
    missing: dict[str, str] | None
    """access: the errors for attributes that objects do not have."""
    plans: dict[tuple[object, ...], Plan]
    """c_ops: what operators do with this type on the left."""
    pointer: Type | None
    """The type of pointers to this type."""
    promoted: TypeBits | None
    """c_ops_types: the type after the integer promotions."""
    rvalue: Type | None
    """c_ops_types: the type of a value in an expression."""
    with_int: tuple[Type, int, int, int, int | None] | None
    """operators: the operation with a small literal."""

    def __init__(self) -> None:
        for name in Memos.__slots__:
            setattr(self, name, None)
        self.plans = {}


class Codec(Memos):
    """What a type means to the engine; one for each Type, in ``type._codec``.

    ``decode(buffer, offset)`` gives the value of a scalar that is no bit field as a
    tuple of one, ``memory`` is the program's, or an empty one where values are not
    decoded so; both are only there to be fast. ``plain`` is whether these values are
    integers; if they are no bools, ``mask`` has their bits and ``sign`` that of their
    sign, if there is one. ``size`` is in bytes and None for a type without values.
    """

    __slots__ = (
        "_fields",
        "decode",
        "kind",
        "little",
        "mask",
        "memory",
        "plain",
        "scalar",
        "sign",
        "signed",
        "size",
        "type",
        "under",
    )

    decode: Decode
    kind: TypeKind
    little: bool
    mask: int
    memory: Memory
    plain: bool
    scalar: bool
    sign: int
    signed: bool
    size: int | None
    type: Type
    under: Type

    def __init__(self, type: Type) -> None:
        super().__init__()
        under = type.unaliased()
        kind = under.kind
        self.type = type
        self.under = under
        self.kind = kind
        self.memory = _NOWHERE
        self.size = None
        self.little = True
        self.signed = False
        self.scalar = False
        self.decode = _no_decoder
        self.plain = False
        self.mask = self.sign = 0
        self._fields: tuple[Field, ...] | None = None
        if kind is TypeKind.VOID or kind is TypeKind.FUNCTION:
            return
        if not under.is_complete():
            return
        check_object_type(under)
        size = type_size(under)
        self.size = size
        if kind not in _SCALAR:
            return
        self.scalar = True
        integer = under.type if kind is _ENUM else under
        integer = integer.unaliased()
        self.little = integer.byteorder == "little"
        self.signed = integer.kind is _INT and integer.is_signed
        decode = self._decoder(size)
        if decode is not None:
            self.decode = decode
            self.memory = type._prog._memory
            # Without a platform there are values but no expressions.
            self.plain = kind is not _FLOAT and type.prog.platform is not None
        if decode is not None and kind is not _FLOAT and kind is not _BOOL:
            self.mask = (1 << 8 * size) - 1
            self.sign = 1 << (8 * size - 1) if self.signed else 0

    def _decoder(self, size: int) -> Decode | None:
        """The fast way to decode a value, None if the size is not usual."""
        if self.kind is _FLOAT:
            code = _FLOAT_CODES.get(size)
        elif self.kind is _BOOL:
            code = "?" if size == 1 else None
        else:
            code = _INT_CODES.get(size)
            if code is not None and not self.signed:
                code = code.upper()
        if code is None:
            return None
        return struct.Struct(("<" if self.little else ">") + code).unpack_from

    # Scalars.

    def bit_size(self, bit_field_size: int | None) -> int:
        """Size of a value in bits."""
        if bit_field_size is not None:
            return bit_field_size
        assert self.size is not None
        return 8 * self.size

    def get(self, buffer: Any, bit_offset: int, bit_field_size: int | None) -> Any:
        """The scalar at ``bit_offset`` bits of a buffer that holds all of it.

        Raises NotImplementedError for floating-point numbers that are neither
        32 nor 64 bits.
        """
        if (
            self.decode is not _no_decoder
            and bit_field_size is None
            and not bit_offset & 7
        ):
            return self.decode(buffer, bit_offset >> 3)[0]
        bits = self.bit_size(bit_field_size)
        number = get_bits(buffer, bit_offset, bits, self.little)
        return self.from_bits(number, bits)

    def keep(self, buffer: Any, bit_offset: int, bit_field_size: int | None) -> Any:
        """What an Object keeps of the scalar, as `get` has it but for bools."""
        if self.kind is _BOOL:
            bits = self.bit_size(bit_field_size)
            return _kept_bool(get_bits(buffer, bit_offset, bits, self.little))
        return self.get(buffer, bit_offset, bit_field_size)

    def from_bits(self, number: int, bits: int) -> Any:
        """The scalar that ``bits`` bits stand for."""
        if self.kind is _FLOAT:
            self.check_float()
            raw = number.to_bytes(bits >> 3, "little")
            return struct.unpack(_FLOAT_FORMATS[self.size], raw)[0]
        if self.kind is _BOOL:
            return number != 0
        if self.signed and number >> (bits - 1):
            return number - (1 << bits)
        return number

    def to_bits(self, value: Any, bits: int) -> int:
        """The bits that stand for a scalar."""
        if self.kind is _FLOAT:
            self.check_float()
            raw = struct.pack(_FLOAT_FORMATS[self.size], value)
            return int.from_bytes(raw, "little")
        return int(value) & ((1 << bits) - 1)

    def put(
        self, buffer: bytearray, bit_offset: int, bit_field_size: int | None, value: Any
    ) -> None:
        """Store a scalar that `fit` returned."""
        bits = self.bit_size(bit_field_size)
        number = self.to_bits(value, bits)
        put_bits(buffer, bit_offset, bits, self.little, number)

    def fit(self, value: Any, bit_field_size: int | None) -> Any:
        """The number as a scalar of this type: integers wrap, float32 is rounded."""
        kind = self.kind
        if self.mask and bit_field_size is None:
            value = int(value) & self.mask
            return value - self.mask - 1 if value & self.sign else value
        if kind is _FLOAT:
            value = float(value)
            self.check_float()
            return value if self.size == 8 else round_to_single(value)
        bits = self.bit_size(bit_field_size)
        if kind is _BOOL:
            return _kept_bool(int(value) & ((1 << bits) - 1))
        return wrap(int(value), bits, self.signed)

    def check_float(self) -> None:
        """Raise NotImplementedError unless the size is one that Python knows."""
        if self.size not in _FLOAT_FORMATS:
            raise NotImplementedError(
                "float values which are not 32 or 64 bits are not yet supported"
            )

    # Compound types and arrays.

    @property
    def fields(self) -> tuple[Field, ...]:
        """The members, those of unnamed structures and unions in their place.

        Raises RecursionError if the type contains itself: a value would have no end.
        """
        return self._fields or self._find_fields(())

    def _find_fields(self, outer: tuple[CompoundDefinition, ...]) -> tuple[Field, ...]:
        """``outer`` are the definitions that have this type among their members."""
        if self._fields is None:
            definition = self.under._def
            if definition in outer:
                raise RecursionError("maximum object depth exceeded")
            outer = (*outer, definition)
            fields: list[Field] = []
            _collect(fields, definition, 0, outer)
            for field in fields:
                inner = field.codec
                # An array without elements contains nothing.
                while inner.kind is _ARRAY and inner.under.length:
                    inner = codec_of(inner.under.type)
                if inner.kind in _COMPOUND:
                    inner._find_fields(outer)
            self._fields = tuple(fields)
        return self._fields

    def element_of(self) -> tuple[Type, int]:
        """The type of the elements of an array or referent of a pointer, its size.

        Raises TypeError if that has no size, ValueError if the program does not know
        the size of addresses.
        """
        if self.element is None:
            type = self.under.type
            element = (type, type_size(type))
            if self.kind is _POINTER:
                self.type._prog._require_address_size()
            self.element = element
        return self.element

    def length(self) -> int:
        """The number of elements of a complete array."""
        length = self.under.length
        assert length is not None
        return length

    def has_parts(self) -> bool:
        """Whether values of an array or compound type have elements or members."""
        return bool(self.length() if self.kind is _ARRAY else self.under.members)

    def pointer_to(self) -> Type:
        """The type of pointers to this type."""
        if self.pointer is None:
            type = self.type
            self.pointer = type.prog._types.pointer_type(type, language=type.language)
        return self.pointer

    # Errors.

    def obstacle(self) -> str:
        """Why this type has no values: "void", "incomplete structure", ..."""
        if self.kind is TypeKind.VOID:
            return "void"
        if self.kind is TypeKind.FUNCTION:
            return "function"
        return f"incomplete {INCOMPLETE_NAMES[self.kind]}"

    def no_values(self, action: str) -> TypeError:
        """The error for an ``action`` such as "read object with"."""
        return TypeError(f"cannot {action} {self.obstacle()} type")


def _collect(
    fields: list[Field],
    definition: CompoundDefinition,
    base: int,
    outer: tuple[CompoundDefinition, ...],
) -> None:
    for member in definition.members or ():
        type = member.type
        offset = base + member.bit_offset
        if member.name is None:
            inner = type.unaliased()
            if inner.kind in _COMPOUND:
                if inner._def in outer:
                    raise RecursionError("maximum anonymous member depth exceeded")
                _collect(fields, inner._def, offset, (*outer, inner._def))
                continue
        fields.append(Field(member.name, type, offset, member.bit_field_size))


def _kept_bool(number: int) -> int:
    """A bool, or the number if it is none, of which the bytes are to be had again."""
    return number if number > 1 else bool(number)


def check_finite(type: Type) -> None:
    """Raise RecursionError if a structure contains itself."""
    _ = codec_of(type).fields


def codec_of(type: Type) -> Codec:
    """The codec of ``type``; TypeError or OverflowError if its size is impossible."""
    codec = type._codec
    if codec is None:
        codec = type._codec = Codec(type)
    return codec


def round_to_single(value: float) -> float:
    """The nearest number that a 32-bit float can hold."""
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return rounded


def decode(
    codec: Codec, buffer: bytes, bit_offset: int, bit_field_size: int | None
) -> Any:
    """The value at ``bit_offset`` of ``buffer``, see `Object.value_`.

    Raises OutOfBoundsError if the buffer ends before it.
    """
    if codec.size is None:
        raise codec.no_values("read object with")
    if bit_offset + codec.bit_size(bit_field_size) > 8 * len(buffer):
        raise OutOfBoundsError("out of bounds of value")
    if codec.scalar:
        return codec.get(buffer, bit_offset, bit_field_size)
    if codec.kind is _ARRAY:
        return _decode_array(codec, buffer, bit_offset)
    return {
        field.name: decode(
            field.codec, buffer, bit_offset + field.bit_offset, field.bit_field_size
        )
        for field in codec.fields
        if field.codec.size is not None and field.name is not None
    }


def _decode_array(codec: Codec, buffer: bytes, bit_offset: int) -> list[Any]:
    type, size = codec.element_of()
    length = codec.length()
    element = codec_of(type)
    if element.decode is not _no_decoder:
        unpack = element.decode
        first = bit_offset >> 3
        return [unpack(buffer, first + size * i)[0] for i in range(length)]
    return [
        decode(element, buffer, bit_offset + 8 * size * i, None) for i in range(length)
    ]
