"""Members and elements of objects."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex

from ..arguments import class_label
from ..types.definitions import CompoundDefinition
from ..types.kinds import TypeKind
from ..types.members import no_member, not_compound, plain_name
from . import bare
from .codec import Codec, codec_of
from .read import check_present

if TYPE_CHECKING:
    from ..types.type import Type
    from .object import Object

    # The codec of the pointer that is followed, if one is; type; byte offset; for a
    # bit field or what is not aligned to bytes, (bit offset, bit field size).
    Step = tuple[Codec | None, Type, int, tuple[int, int | None] | None]

_POINTER, _ARRAY = TypeKind.POINTER, TypeKind.ARRAY
_COMPOUND = (TypeKind.STRUCT, TypeKind.UNION, TypeKind.CLASS)
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


def find_step(type: Type, name: str) -> Step:
    """How to get from a value of ``type`` to its member ``name``.

    Remembered in ``type._steps``. Raises TypeError if there are no members, and
    LookupError if it is not one of them.
    """
    under = type.unaliased()
    follow = under.kind is _POINTER
    outer = under.type if follow else type
    definition = outer.unaliased()._def
    if not isinstance(definition, CompoundDefinition):
        codec = codec_of(under)
        # As upstream has it: such a number may be meant as an address.
        unsigned = (
            codec.scalar
            and codec.kind is not TypeKind.FLOAT
            and not codec.signed
            and codec.bit_size(None) <= 64
        )
        if unsigned and not follow:
            raise TypeError(
                f"'{plain_name(type)}' is not a pointer to a structure, union, or class"
            )
        raise not_compound(outer)
    found = definition.find_member(name)
    if found is None:
        raise no_member(outer, name)
    declared, bit_offset = found
    bit_field_size = declared.bit_field_size
    bits = None
    if bit_offset & 7 or bit_field_size is not None:
        bits = (bit_offset & 7, bit_field_size)
    pointer = None
    if follow:
        type.prog._require_address_size()
        pointer = codec_of(type)
    step = (pointer, declared.type, bit_offset >> 3, bits)
    if type._steps is None:
        type._steps = {}
    type._steps[name] = step
    return step


def attribute(obj: Object, name: str) -> Object:
    """`member`, but AttributeError if there is no such member."""
    codec = codec_of(obj._type_)
    if codec.missing is not None and name in codec.missing:
        # Code that serves several kernels asks for what is not there, and often.
        raise AttributeError(codec.missing[name])
    try:
        find_step(obj._type_, name)
    except (LookupError, TypeError) as error:
        if isinstance(error, LookupError):
            message = str(error)
        else:
            message = f"'_drgn.Object' object has no attribute '{name}'"
        if codec.missing is None:
            codec.missing = {}
        codec.missing[name] = message
        raise AttributeError(message) from None
    return member(obj, name)


def member(obj: Object, name: str) -> Object:
    """The member ``name`` of a structure or of what a pointer points to."""
    type, address, _, _ = obj._state_
    steps = type._steps
    step = None if steps is None else steps.get(name)
    if step is None:
        step = find_step(type, name)
    pointer, member_type, offset, bits = step
    if pointer is not None:
        address = obj.value_()
    elif address is None:
        return _member_of_value(obj, step)
    result = bare.new()
    result._state_ = (member_type, address + offset, None, bits)
    return result


def _member_of_value(obj: Object, step: Step) -> Object:
    check_present(obj)
    _, type, offset, bits = step
    bit_offset, bit_field_size = bits or (0, None)
    return obj.__class__._from_buffer(
        type, obj._value_, 8 * offset + bit_offset, bit_field_size
    )


def make_member_property(name: str) -> property:
    """A property that is the member ``name``: `member` written out, for speed."""
    new = bare.new

    def get(self: Object) -> Object:
        type, address, value, bits = self._state_
        try:
            # TypeError: it is None as long as there are no steps.
            pointer, member_type, offset, member_bits = type._steps[name]  # type: ignore[index]
        except (KeyError, TypeError):
            pass
        else:
            if pointer is None:
                if address is None:
                    step = pointer, member_type, offset, member_bits
                    return _member_of_value(self, step)
            elif address is None:
                address = value if value.__class__ is int else self.value_()
            elif bits is pointer.memory.epoch:
                address = value
            else:
                base, size, buffer = pointer.memory.window
                where = address - base
                if 0 <= where < size and bits is None:
                    address = pointer.decode(buffer, where)[0]
                else:
                    address = self.value_()
            result = new()
            result._state_ = (member_type, address + offset, None, member_bits)
            return result
        # The first time. Not in the handler, whose exception errors would have as
        # their context. Has the right exceptions if there is no such member.
        return self.__getattr__(name)  # type: ignore[no-any-return]

    def refuse(self: Object, value: Object | None = None) -> NoReturn:
        raise AttributeError(f"'_drgn.Object' object has no attribute '{name}'")

    return property(get, refuse, refuse)


def subobject(obj: Object, designator: str) -> Object:
    """The member or element that a text such as ``a.b[1]`` names in ``obj``."""
    type = obj._type_
    type, bit_offset, bit_field_size = type.language.subobject(type, designator)
    cls = obj.__class__
    if obj._address_ is not None:
        return cls._ref(type, obj._address_, bit_offset, bit_field_size)
    check_present(obj)
    return cls._from_buffer(type, obj._value_, bit_offset, bit_field_size)


def member_names(type: Type) -> list[str]:
    """The names of the members that objects of ``type`` have as attributes."""
    type = type.unaliased()
    if type.kind is _POINTER:
        type = type.type.unaliased()
    if type.kind not in _COMPOUND:
        return []
    names: list[str] = type._def.member_names()
    return names


def subscript(index: Any) -> int:
    """An integer that an object is subscripted with."""
    if not hasattr(type(index), "__index__"):
        raise TypeError(
            f"object subscript must be integer or slice, not {class_label(index)}"
        )
    return operator.index(index)


def _int64(index: SupportsIndex) -> int:
    number = operator.index(index)
    if not _INT64_MIN <= number <= _INT64_MAX:
        raise OverflowError("int too big to convert")
    return number


def element(obj: Object, index: int) -> Object:
    """Element ``index`` of an array or behind a pointer."""
    if not _INT64_MIN <= index <= _INT64_MAX:
        raise OverflowError("int too big to convert")
    outer, address, _, _ = obj._state_
    codec = outer._codec or codec_of(outer)
    if codec.kind is _POINTER:
        type, size = codec.element or codec.element_of()
        address = obj.value_()
    elif codec.kind is _ARRAY:
        type, size = codec.element or codec.element_of()
        if address is None:
            check_present(obj)
            return obj.__class__._from_buffer(type, obj._value_, 8 * index * size)
    else:
        raise _no_elements(obj)
    result = bare.new()
    result._state_ = (type, address + index * size, None, None)
    return result


def elements(obj: Object, indices: slice) -> Object:
    """The elements from ``start`` to ``stop`` as an array."""
    codec = codec_of(obj._type_)
    start = 0 if indices.start is None else _int64(indices.start)
    if indices.stop is not None:
        stop = _int64(indices.stop)
    elif codec.kind is _ARRAY and codec.under.length is not None:
        stop = codec.under.length
    else:
        name = obj._type_.type_name()
        raise TypeError(f"'{name}' has no length; slice stop must be given")
    if indices.step is not None and operator.index(indices.step) != 1:
        raise ValueError("object slice step must be 1")
    if codec.kind is not _POINTER and codec.kind is not _ARRAY:
        raise _no_elements(obj)
    type, size = codec.element_of()
    address = obj._address_
    if codec.kind is _POINTER:
        address = obj.value_()
    check_present(obj)
    length = max(stop - start, 0)
    array = obj._prog_._types.array_type(type, length, language=type.language)
    codec_of(array)
    cls = obj.__class__
    if address is None:
        return cls._from_buffer(array, obj._value_, 8 * start * size)
    return cls._ref(array, address + start * size)


def _no_elements(obj: Object) -> TypeError:
    return TypeError(f"'{plain_name(obj._type_)}' is not an array or pointer")


def array_length(obj: Object, message: str) -> int:
    """Number of elements of an array; TypeError for what is no complete array."""
    codec = codec_of(obj._type_)
    if codec.kind is not _ARRAY or codec.under.length is None:
        raise TypeError(message.format(obj._type_.type_name()))
    length: int = codec.under.length
    return length


class ElementIterator:
    """Iterates over the elements of an array, forwards or backwards."""

    __slots__ = ("_index", "_left", "_obj", "_step", "_type", "_where")

    def __init__(self, obj: Object, index: int, left: int, step: int) -> None:
        self._obj = obj
        self._index = index
        self._left = left
        self._step = step
        # Where the next one is, if that has an address and a type with a size.
        self._where: int | None = None
        outer, address, _, _ = obj._state_
        if address is not None and left:
            self._type, size = codec_of(outer).element_of()
            self._where = address + index * size
            self._step = step * size

    def __iter__(self) -> Iterator[Object]:
        return self

    def __next__(self) -> Object:
        left = self._left
        if left <= 0:
            raise StopIteration
        self._left = left - 1
        where = self._where
        if where is None:
            index = self._index
            self._index = index + self._step
            return element(self._obj, index)
        self._where = where + self._step
        result = bare.new()
        result._state_ = (self._type, where, None, None)
        return result

    def __length_hint__(self) -> int:
        return self._left
