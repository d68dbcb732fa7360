"""Objects: typed values, references to memory, and absent values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..flags import AbsenceReason

if TYPE_CHECKING:
    from ..program import Program
    from ..types.type import Type


class ObjectMeta(type):
    """Has the engine's own constructors of Objects.

    They live here and not on Object because an attribute of Object hides the member
    of that name of every structure in the program.
    """

    def _ref(
        cls,
        prog: Program,
        type: Type,
        address: int,
        bit_offset: int = 0,
        bit_field_size: int | None = None,
    ) -> Object:
        """A reference; the address must fit the program's address size."""
        raise NotImplementedError

    def _val(
        cls, prog: Program, type: Type, value: Any, bit_field_size: int | None = None
    ) -> Object:
        """A value as `Object.value_` returns it, which must fit the type."""
        raise NotImplementedError

    def _from_buffer(
        cls,
        prog: Program,
        type: Type,
        buffer: bytes | bytearray | memoryview,
        bit_offset: int = 0,
        bit_field_size: int | None = None,
    ) -> Object:
        """A value by its binary representation."""
        raise NotImplementedError

    def _absent(
        cls,
        prog: Program,
        type: Type,
        reason: AbsenceReason = AbsenceReason.OTHER,
        bit_field_size: int | None = None,
    ) -> Object:
        """An absent object."""
        raise NotImplementedError


class Object(metaclass=ObjectMeta):
    """A typed value, a reference to one in memory, or an absent value."""

    __slots__ = ()
