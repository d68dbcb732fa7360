"""Columns of members of many objects, pointers followed a column at a time."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..objects.object import Object
from ..types.kinds import TypeKind
from ..types.members import find_member
from .dtype import dtype_of
from .read import as_addresses
from .rows import Rows

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type

_TOKEN = re.compile(r"\s*(?:(->|\.)\s*)?(?:([A-Za-z_]\w*)|\[\s*(\w+)\s*\])")
_CHAR_NAMES = ("char", "signed char", "unsigned char")


class _Place(NamedTuple):
    """Where a column of values lies: at an offset in rows, and its type."""

    type: Type
    rows: Rows
    offset: int = 0
    bit_offset: int = 0
    bit_field_size: int | None = None

    def want(self) -> None:
        """Say that the column will be read."""
        self.rows.want(self.offset, self.dtype().itemsize)

    def dtype(self) -> np.dtype[Any]:
        """What is read in each row: octets where it is of bits."""
        if not self.is_of_bits():
            return dtype_of(self.type)
        assert self.bit_field_size is not None
        octets = (self.bit_offset + self.bit_field_size + 7) // 8
        return np.dtype((np.uint8, (octets,)))

    def is_of_bits(self) -> bool:
        return self.bit_field_size is not None or self.bit_offset != 0


def columns(
    objects: Iterable[Object] | Any,
    *paths: str,
    type: str | Type | None = None,
    prog: Program | None = None,
) -> dict[str, Any]:
    """Members of many objects as one masked array per path.

    ``objects`` are structure references or pointers to them, all of one type, or
    addresses (any integers or an array) with ``type`` and ``prog`` given. A path
    is written as in C: ``"pid"``, ``"mm->total_vm"``, ``"se.avg.util_avg"``,
    ``"sched_class->name[0]"``; a dot follows pointers too.

    Returns a dict from path to a masked array of n rows, in order of the paths.
    A row is masked where a pointer on its way is NULL or memory cannot be read, and
    where ``objects`` is a masked array that is masked there.
    Arrays of char become bytes (dtype ``S``, cut at the first null byte by
    numpy), bit fields integers. The dict is what pandas.DataFrame takes.

    Raises LookupError for a member that does not exist, ValueError for a path that
    cannot be parsed, and TypeError for addresses that are no integers.
    """
    root = _root(objects, type, prog)
    prog = root.type.prog
    places: dict[tuple[str, ...], _Place] = {(): root}
    targets: dict[tuple[Rows, int], Rows] = {}
    wanted: dict[str, _Place] = {}
    for path in paths:
        tokens = _parse(path)
        for i in range(1, len(tokens) + 1):
            prefix = tokens[:i]
            if prefix not in places:
                places[prefix] = _step(prog, places[prefix[:-1]], prefix[-1], targets)
        column = places[tokens]
        column.want()
        wanted[path] = column
    result: dict[str, Any] = {}
    for path, column in wanted.items():
        values, valid = _load(column)
        mask = ~valid
        if values.ndim > 1:
            mask = np.broadcast_to(
                mask.reshape((-1,) + (1,) * (values.ndim - 1)), values.shape
            ).copy()
        result[path] = np.ma.MaskedArray(values, mask)
    return result


def _root(objects: Any, type: str | Type | None, prog: Program | None) -> _Place:
    if type is None:
        objects = list(objects)
        if not objects:
            raise ValueError("columns of no objects need a type")
        first = objects[0]
        if not isinstance(first, Object):
            raise TypeError("columns of addresses need a type and a program")
        found = first.type_.unaliased()
        if found.kind is TypeKind.POINTER:
            found = found.type.unaliased()
    else:
        if prog is None:
            if isinstance(type, str):
                raise TypeError("columns of addresses need a type and a program")
            prog = type.prog
        found = prog.type(type).unaliased()
    prog = found.prog
    addresses = as_addresses(objects)
    rows = Rows(prog, lambda: (addresses, addresses != 0))
    return _Place(found, rows)


@functools.lru_cache
def _parse(path: str) -> tuple[str, ...]:
    """The steps of a path: names, and indices as ``[n]``."""
    steps = []
    position = 0
    while position < len(path):
        match = _TOKEN.match(path, position)
        if match is None or (position > 0 and not match[1] and match[2]):
            raise ValueError(f"invalid path {path!r} at {path[position:]!r}")
        steps.append(match[2] if match[2] else f"[{int(match[3], 0)}]")
        position = match.end()
    if not steps:
        raise ValueError("empty path")
    return tuple(steps)


def _follow(
    prog: Program, place: _Place, targets: dict[tuple[Rows, int], Rows]
) -> _Place:
    """The place that a column of pointers points to."""
    place.want()

    def find() -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        values, valid = _load(place)
        addresses = values.astype(np.uint64)
        return addresses, valid & (addresses != 0)

    key = place.rows, place.offset
    if key not in targets:
        targets[key] = Rows(prog, find)
    return _Place(place.type.type.unaliased(), targets[key])


def _step(
    prog: Program, place: _Place, step: str, targets: dict[tuple[Rows, int], Rows]
) -> _Place:
    kind = place.type.kind
    if step.startswith("["):
        index = int(step[1:-1])
        if kind is TypeKind.POINTER:
            place = _follow(prog, place, targets)
            element = place.type
        elif kind is TypeKind.ARRAY:
            element = place.type.type.unaliased()
        else:
            raise TypeError(f"'{place.type.type_name()}' is not an array or pointer")
        offset = index * dtype_of(element).itemsize
        return _Place(element, place.rows, place.offset + offset)
    if kind is TypeKind.POINTER:
        place = _follow(prog, place, targets)
    member, bit_offset = find_member(place.type, step)
    bit_offset += place.bit_offset
    return _Place(
        member.type.unaliased(),
        place.rows,
        place.offset + bit_offset // 8,
        bit_offset % 8,
        member.bit_field_size,
    )


def _load(place: _Place) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if place.is_of_bits():
        return _load_bits(place)
    dtype = place.dtype()
    values, valid = place.rows.read(place.offset, dtype)
    if _is_string(place.type):
        values = np.ascontiguousarray(values).view(f"S{dtype.itemsize}").reshape(-1)
    return values, valid


def _is_string(type: Type) -> bool:
    if type.kind is not TypeKind.ARRAY or not type.length:
        return False
    element = type.type.unaliased()
    return (
        element.kind is TypeKind.INT
        and element.size == 1
        and element.name in _CHAR_NAMES
    )


def _load_bits(place: _Place) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read a column of bit fields of at most 64 bits."""
    integer = place.type
    if integer.kind is TypeKind.ENUM:
        integer = integer.type.unaliased()
    assert place.bit_field_size is not None
    size, shift = place.bit_field_size, place.bit_offset
    little = integer.byteorder == "little"
    raw, valid = place.rows.read(place.offset, place.dtype())
    octets = raw.shape[1]
    value = np.zeros(len(raw), np.uint64)
    # The ninth octet of a field that straddles a word is shifted in last.
    for i in range(octets):
        position = i * 8 - shift if little else shift + size - 8 * (i + 1)
        octet = raw[:, i].astype(np.uint64)
        if position >= 0:
            value |= octet << np.uint64(position)
        else:
            value |= octet >> np.uint64(-position)
    value &= np.uint64((1 << size) - 1)
    if integer.kind is TypeKind.INT and integer.is_signed and size:
        sign = np.uint64(1 << (size - 1))
        return ((value ^ sign) - sign).view(np.int64), valid
    return value, valid
