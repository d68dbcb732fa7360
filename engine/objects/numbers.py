"""Objects as Python's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..language import c_ops_convert
from ..types.kinds import TypeKind
from .codec import codec_of

if TYPE_CHECKING:
    from .construct import State
    from .object import Object

_INTEGERS = (TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM)
_REALS = (*_INTEGERS, TypeKind.FLOAT)
_INDICES = (*_INTEGERS, TypeKind.POINTER)
_ALL = (*_REALS, TypeKind.POINTER)


def _number(obj: Object, kinds: tuple[TypeKind, ...], message: str) -> Any:
    """The value if its kind is one of ``kinds``, else TypeError."""
    codec = codec_of(obj._type_)
    if codec.kind not in kinds or not codec.scalar:
        raise TypeError(message.format(obj._type_.type_name()))
    return obj.value_()


def _to_round(obj: Object) -> Any:
    """The value, to be rounded."""
    codec = codec_of(obj._type_)
    if codec.kind is TypeKind.ENUM and not codec.scalar:
        raise codec.no_values("read object with")
    return _number(obj, _REALS, "cannot round '{}'")


def _whole(rounded: Callable[[float], int], obj: Object) -> int:
    value = _to_round(obj)
    # A bool stays one.
    return value if isinstance(value, int) else rounded(value)


class Numbers:
    """Has the conversions to bool, int and float."""

    __slots__ = ()

    _state_: State

    def __bool__(self: Object) -> bool:  # type: ignore[misc]
        type, address, value, bits = self._state_
        codec = type._codec
        if codec is not None and codec.scalar:
            if address is None:
                return bool(value if value.__class__ is int else self.value_())
            if bits is None:
                # Loops ask it of each pointer, and then for what that points to: so
                # the value is kept, until memory changes.
                memory = codec.memory
                base, size, buffer = memory.window
                offset = address - base
                if 0 <= offset < size:
                    value = codec.decode(buffer, offset)[0]
                    self._state_ = (type, address, value, memory.epoch)
                    return value != 0  # type: ignore[no-any-return]
            return bool(self.value_())
        return c_ops_convert.truth(self)

    def __int__(self: Object) -> int:  # type: ignore[misc]
        codec = self._state_[0]._codec
        if codec is not None and codec.plain:
            return int(self.value_())
        return int(_number(self, _ALL, "cannot convert '{}' to int"))

    def __float__(self: Object) -> float:  # type: ignore[misc]
        return float(_number(self, _REALS, "cannot convert '{}' to float"))

    def __index__(self: Object) -> int:  # type: ignore[misc]
        codec = self._state_[0]._codec
        if codec is not None and codec.plain:
            return int(self.value_())
        return int(
            _number(self, _INDICES, "'{}' object cannot be interpreted as an integer")
        )

    def __trunc__(self: Object) -> int:  # type: ignore[misc]
        return _whole(math.trunc, self)

    def __floor__(self: Object) -> int:  # type: ignore[misc]
        return _whole(math.floor, self)

    def __ceil__(self: Object) -> int:  # type: ignore[misc]
        return _whole(math.ceil, self)

    def __round__(self: Object, ndigits: SupportsIndex | None = None) -> Any:  # type: ignore[misc]
        """To an int, or to ``ndigits`` decimal digits as an object of this type."""
        value = _to_round(self)
        if ndigits is None:
            return round(value)
        value = codec_of(self._type_).fit(round(value, ndigits), None)
        return self.__class__._val(self._type_, value)
