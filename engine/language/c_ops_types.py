"""The types of C's expressions: decay, promotions, usual arithmetic conversions.

Section numbers are those of C11. A type is always paired with the size of a bit
field in bits, None for what is no bit field: like gcc, a bit field that is wider than
int keeps its width in expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..objects.codec import Codec, codec_of
from ..types.kinds import PrimitiveType, TypeKind

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type

    TypeBits = tuple[Type, int | None]

INT, BOOL, FLOAT = TypeKind.INT, TypeKind.BOOL, TypeKind.FLOAT
ENUM, POINTER = TypeKind.ENUM, TypeKind.POINTER
ARRAY, FUNCTION = TypeKind.ARRAY, TypeKind.FUNCTION
INTEGERS = (INT, BOOL, ENUM)
ARITHMETIC = (INT, BOOL, ENUM, FLOAT)

# Conversion rank (6.3.1.1) of the standard types that promotion leaves as they are.
# Other types rank below those of the same width.
_RANKS: dict[PrimitiveType | None, int] = {
    PrimitiveType.C_INT: 1,
    PrimitiveType.C_UNSIGNED_INT: 1,
    PrimitiveType.C_LONG: 2,
    PrimitiveType.C_UNSIGNED_LONG: 2,
    PrimitiveType.C_LONG_LONG: 3,
    PrimitiveType.C_UNSIGNED_LONG_LONG: 3,
}
_BELOW_INT = (
    PrimitiveType.C_CHAR,
    PrimitiveType.C_SIGNED_CHAR,
    PrimitiveType.C_UNSIGNED_CHAR,
    PrimitiveType.C_SHORT,
    PrimitiveType.C_UNSIGNED_SHORT,
)
_UNSIGNED = {
    1: PrimitiveType.C_UNSIGNED_INT,
    2: PrimitiveType.C_UNSIGNED_LONG,
    3: PrimitiveType.C_UNSIGNED_LONG_LONG,
}
_STANDARD_FLOATS = (PrimitiveType.C_FLOAT, PrimitiveType.C_DOUBLE)
_WIDEST = 64


def rvalue_type(type: Type) -> Type:
    """The type of a value of ``type`` in an expression.

    It has no qualifiers, and arrays and functions have become pointers (6.3.2.1).
    """
    codec = codec_of(type)
    found = codec.rvalue
    if found is None:
        under = codec.under
        if codec.kind is ARRAY:
            found = codec_of(under.type).pointer_to()
        elif codec.kind is FUNCTION:
            found = codec.pointer_to()
        else:
            found = type.unqualified()
        codec.rvalue = found
    return found


def _is_wide(codec: Codec, bits: int | None) -> bool:
    return (
        codec.kind is not FLOAT
        and codec.size is not None
        and codec.bit_size(bits) > _WIDEST
    )


def check_platform(codec: Codec) -> None:
    """Raise ValueError if the program has no platform, which values would need."""
    if codec.scalar:
        codec.type.prog._is_little_endian()
    elif codec.kind is ARRAY or codec.kind is FUNCTION:
        codec.type.prog._require_address_size()


def check_width(codec: Codec, bits: int | None) -> None:
    """Raise NotImplementedError for integers that operators do not take."""
    if _is_wide(codec, bits):
        raise NotImplementedError(
            "operations on integer values larger than 64 bits are not yet supported"
        )


def check_source(codec: Codec, bits: int | None) -> None:
    """Raise OverflowError for integers that are not converted to other types."""
    if _is_wide(codec, bits):
        raise OverflowError("integer type is too big")


def promote(type: Type, bits: int | None) -> TypeBits:
    """The integer promotions (6.3.1.1); other types are returned as they are.

    Raises ValueError for an incomplete enum.
    """
    codec = codec_of(type)
    if bits is None:
        found = codec.promoted
        if found is None:
            found = codec.promoted = _promote(codec, None)
        return found
    return _promote(codec, bits)


def _promote(codec: Codec, bits: int | None) -> TypeBits:
    type = codec.type
    if codec.kind not in INTEGERS:
        return type, bits
    if not codec.scalar:
        raise ValueError("operand cannot have incomplete enum type")
    if codec.kind is ENUM:
        # An enum acts as the integer type that it is compatible with.
        type = codec.under.type
        codec = codec_of(type)
    if bits is None and codec.under.primitive in _RANKS:
        return type, None
    types = type.prog._types
    int_type = types.primitive(PrimitiveType.C_INT)
    int_codec = codec_of(int_type)
    int_bits = int_codec.bit_size(None)
    width = codec.bit_size(bits)
    if codec.kind is BOOL:
        return int_type, None
    if width < int_bits or (width == int_bits and codec.signed):
        return int_type, None
    # What ranks below int is one of the two, even if it is wider.
    small = bits is None and codec.under.primitive in _BELOW_INT
    if width == int_bits or small:
        return types.primitive(PrimitiveType.C_UNSIGNED_INT), None
    return type, bits


def common_type(left: TypeBits, right: TypeBits) -> TypeBits:
    """The usual arithmetic conversions (6.3.1.8) of two arithmetic types."""
    codec = codec_of(left[0])
    if codec.common is None:
        codec.common = {}
    key = (left[1], right)
    found = codec.common.get(key)
    if found is None:
        found = codec.common[key] = _common_type(left, right)
    return found


def _common_type(left: TypeBits, right: TypeBits) -> TypeBits:
    lcodec, rcodec = codec_of(left[0]), codec_of(right[0])
    lfloat, rfloat = lcodec.kind is FLOAT, rcodec.kind is FLOAT
    if lfloat or rfloat:
        if lfloat != rfloat:
            return left if lfloat else right
        return left if _float_rank(lcodec) > _float_rank(rcodec) else right
    left, right = promote(*left), promote(*right)
    lcodec, rcodec = codec_of(left[0]), codec_of(right[0])
    check_width(lcodec, left[1])
    check_width(rcodec, right[1])
    order = _compare_ranks(left, right)
    if lcodec.signed == rcodec.signed:
        return left if order > 0 else right
    signed, unsigned = (left, right) if lcodec.signed else (right, left)
    if not order or (order > 0) is not lcodec.signed:
        return unsigned
    if codec_of(signed[0]).bit_size(signed[1]) > codec_of(unsigned[0]).bit_size(
        unsigned[1]
    ):
        return signed
    # Only a standard type ranks above another of its width.
    rank = _RANKS[codec_of(signed[0]).under.primitive]
    return signed[0].prog._types.primitive(_UNSIGNED[rank]), None


def _compare_ranks(left: TypeBits, right: TypeBits) -> int:
    """Which promoted type has the greater rank: above 0 if it is the left one."""
    lcodec, rcodec = codec_of(left[0]), codec_of(right[0])
    no_bit_fields = left[1] is None and right[1] is None
    lrank = _RANKS.get(lcodec.under.primitive, 0)
    rrank = _RANKS.get(rcodec.under.primitive, 0)
    lwidth, rwidth = lcodec.bit_size(left[1]), rcodec.bit_size(right[1])
    if no_bit_fields and (lwidth == rwidth or (lrank and rrank)):
        return lrank - rrank
    return lwidth - rwidth


def _float_rank(codec: Codec) -> tuple[int, int]:
    assert codec.size is not None
    return codec.size, 0 if codec.under.primitive in _STANDARD_FLOATS else 1


def literal_type(prog: Program, value: int) -> Type:
    """The type of an integer literal (6.4.4.1), decimal and without a suffix.

    Raises OverflowError if no type can hold it, ValueError if those can not that the
    program has in the place of C's.
    """
    types = prog._types
    magnitude = abs(value)
    for primitive in (
        PrimitiveType.C_INT,
        PrimitiveType.C_LONG,
        PrimitiveType.C_LONG_LONG,
    ):
        type = types.primitive(primitive)
        if magnitude >> (codec_of(type).bit_size(None) - 1) == 0:
            return type
    if magnitude >> _WIDEST:
        raise OverflowError("int too big to convert")
    type = types.primitive(PrimitiveType.C_UNSIGNED_LONG_LONG)
    if magnitude >> codec_of(type).bit_size(None):
        raise ValueError("integer literal is too large")
    return type


def similar_pointers(left: Type, right: Type) -> bool:
    """Whether one may subtract pointers of these types from one another.

    Raises TypeError if what they point to has no size.
    """
    lcodec, rcodec = codec_of(left), codec_of(right)
    lsize, rsize = referent_size(lcodec), referent_size(rcodec)
    lreferent, rreferent = lcodec.under.type, rcodec.under.type
    return lreferent.unaliased_kind() is rreferent.unaliased_kind() and lsize == rsize


def referent_size(codec: Codec) -> int:
    """By how many bytes a pointer moves; like gcc, that is 1 for ``void *``."""
    if codec.element is None and codec.under.type.unaliased_kind() is TypeKind.VOID:
        return 1
    return codec.element_of()[1]
