"""The numpy dtype of a Type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..objects.codec import check_finite
from ..types.kinds import TypeKind

if TYPE_CHECKING:
    from ..types.type import Type

_STRUCTS = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
_INTS = (1, 2, 4, 8)
_FLOATS = (2, 4, 8)


def dtype_of(type: Type) -> np.dtype[Any]:
    """The dtype whose items are laid out in memory as values of ``type`` are.

    - integers, enumerations and booleans of 1, 2, 4 or 8 bytes: that integer (one
      byte wide booleans: bool), in the type's byte order
    - pointers: unsigned integers
    - floats of 2, 4 and 8 bytes: that float
    - arrays: subarrays, an incomplete one of length 0
    - structures, unions and classes: structured, with the members' offsets and
      the type's size; members of unnamed members are fields of the outer type;
      bit fields and unnamed padding have no field (see ``member_array``)
    - whatever numpy has no scalar for (16-byte integers, x87 floats): ``V`` bytes

    Raises TypeError for void, functions and incomplete types.
    """
    memo = type._dtype
    if memo is None:
        memo = type._dtype = _make(type)
    return memo


def _make(type: Type) -> np.dtype[Any]:
    kind = type.kind
    if kind is TypeKind.TYPEDEF:
        return dtype_of(type.type)
    if kind is TypeKind.ARRAY:
        element = dtype_of(type.type)
        return np.dtype((element.base, (type.length or 0, *element.shape)))
    if kind is TypeKind.VOID or kind is TypeKind.FUNCTION or not type.is_complete():
        raise TypeError(f"'{type.type_name()}' has no dtype")
    if kind in _STRUCTS:
        return _structured(type)
    if kind is TypeKind.ENUM:
        return dtype_of(type.type)
    return _scalar(type)


def _scalar(type: Type) -> np.dtype[Any]:
    kind, size = type.kind, type.size
    assert size is not None
    order = "<" if type.byteorder == "little" else ">"
    if kind is TypeKind.FLOAT:
        if size in _FLOATS:
            return np.dtype(f"{order}f{size}")
    elif size in _INTS:
        if kind is TypeKind.BOOL and size == 1:
            return np.dtype(np.bool_)
        signed = kind is TypeKind.INT and type.is_signed
        return np.dtype(f"{order}{'i' if signed else 'u'}{size}")
    return np.dtype((np.void, size))


def _structured(type: Type) -> np.dtype[Any]:
    check_finite(type)
    fields: dict[str, tuple[np.dtype[Any], int]] = {}
    _add_fields(type, 0, fields)
    layout: Any = {
        "names": list(fields),
        "formats": [format for format, _ in fields.values()],
        "offsets": [offset for _, offset in fields.values()],
        "itemsize": type.size,
    }
    dtype: np.dtype[Any] = np.dtype(layout)
    return dtype


def _add_fields(
    type: Type, base: int, fields: dict[str, tuple[np.dtype[Any], int]]
) -> None:
    for member in type.members or ():
        if member.bit_field_size is not None or member.bit_offset % 8:
            continue
        offset = base + member.bit_offset // 8
        member_type = member.type.unaliased()
        if member.name is None:
            if member_type.kind in _STRUCTS and member_type.is_complete():
                _add_fields(member_type, offset, fields)
            continue
        if member.name in fields or not _has_dtype(member_type):
            continue
        fields[member.name] = (dtype_of(member_type), offset)


def _has_dtype(type: Type) -> bool:
    while type.kind is TypeKind.ARRAY:
        type = type.type.unaliased()
    return type.kind is not TypeKind.FUNCTION and (
        type.kind is not TypeKind.VOID and type.is_complete()
    )
