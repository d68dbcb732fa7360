"""What DWARF expressions ask of the world, and what they answer.

DWARF 5, sections 2.5.1 and 2.6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .unit import Unit


class Unavailable(Exception):
    """A value was optimized out, or what it is computed from is not known."""


class Unsupported(Exception):
    """An operator that exists and whose meaning cannot be had here."""


class ExprError(ValueError):
    """An expression is malformed."""


class Piece(NamedTuple):
    """Where a part of an object is.

    ``kind`` says what ``value`` means: MEMORY an address, REGISTER a register's
    number, VALUE a number as wide as an address, BYTES the bytes themselves, EMPTY
    nothing (optimized out). ``bit_size`` is None if it is the whole object, and
    ``bit_offset`` where the part starts in that location.
    """

    kind: int
    value: int | bytes
    bit_size: int | None = None
    bit_offset: int = 0


MEMORY, REGISTER, VALUE, BYTES, EMPTY = range(5)


class ExprContext:
    """What expressions may ask for; a frame overrides what it knows.

    Each method raises Unavailable for what is not known.
    """

    __slots__ = ("unit",)

    unit: Unit | None
    """The unit of the expression, None in call frame information."""

    def __init__(self, unit: Unit | None = None) -> None:
        self.unit = unit

    def register(self, number: int) -> int:
        """The value of a register."""
        raise Unavailable

    def read(self, address: int, size: int) -> bytes:
        """Memory of the program. FaultError if it cannot be read."""
        raise Unavailable

    def address(self, file_address: int) -> int:
        """The address of the program for one of the file of the unit."""
        raise Unavailable

    def frame_base(self) -> int:
        """The value of DW_AT_frame_base of the function."""
        raise Unavailable

    def cfa(self) -> int:
        """The canonical frame address."""
        raise Unavailable

    def object_address(self) -> int:
        """The address of the object that an attribute of its type is about."""
        raise Unsupported("DW_OP_push_object_address")

    def entry_value(self, expression: memoryview) -> int:
        """What an expression was on entry to the function."""
        raise Unavailable
