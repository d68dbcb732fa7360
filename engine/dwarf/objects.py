"""DIEs -> Objects: variables, functions, enumerators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import AbsenceReason
from ..objects.codec import codec_of
from ..objects.object import Object
from ..types.kinds import TypeKind
from ..types.layout import type_size
from . import constants as dw
from . import opcodes as op
from .expr_context import ExprContext, Unavailable
from .forms import ADDRESSES, CONSTANTS
from .location import LIST_FORMS
from .pieces import evaluated

if TYPE_CHECKING:
    from ..errors import BadDataError
    from ..platform import ByteOrder
    from ..types.type import Type
    from .die import Die
    from .info import DebugInfo
    from .unit import Unit

_MAX_NUMBER = 64  # Bytes; more than any register has.

_OPTIMIZED_OUT = AbsenceReason.OPTIMIZED_OUT


def variable(debug: DebugInfo, die: Die) -> Object:
    """The object of a DW_TAG_variable, or of a template parameter that is a value.

    It is absent if it was optimized out. Raises BadDataError if the DIE is malformed,
    and TypeError or OverflowError if no object can have its type.
    """
    types = debug.types_of(die.unit.file)
    # A variable can be of any type, if only to tell where it is.
    is_variable = die.tag == dw.DW_TAG_variable
    type = types.attribute_type(die) if is_variable else types.object_type(die)
    codec_of(type)  # Arrays have elements with a size, and are not too large.
    for origin in die.origins():
        location = origin.attr(dw.DW_AT_location)
        if isinstance(location, memoryview):
            return _located(debug, origin, type, location)
        if location is not None:
            if origin.form(dw.DW_AT_location) not in LIST_FORMS:
                raise origin.invalid(dw.DW_AT_location)
            # A list of places where it is as the program runs: there is no pc.
            return Object._absent(type, _OPTIMIZED_OUT)
        value = origin.attr(dw.DW_AT_const_value)
        if value is not None:
            return Object._from_buffer(type, _constant_bytes(origin, type, value))
    return Object._absent(type, _OPTIMIZED_OUT)


def _located(debug: DebugInfo, die: Die, type: Type, location: memoryview) -> Object:
    if not len(location):
        return Object._absent(type, _OPTIMIZED_OUT)
    unit = die.unit
    address: int | None = None
    if location[0] == op.DW_OP_addr and len(location) == 1 + unit.address_size:
        address = unit.file.unsigned(location[1:])
    elif location[0] in (op.DW_OP_addrx, op.DW_OP_GNU_addr_index):
        from .reader import uleb128

        try:
            index, end = uleb128(location, 1)
        except (IndexError, ValueError):
            raise die.error("DW_AT_location is truncated") from None
        if end == len(location):
            address = unit.address_at_index(index)
    if address is not None:
        return _at(type, debug.module_of(die.unit.file)._to_address(address))
    return evaluated(die, type, location, _GlobalContext(debug, unit))


def _at(type: Type, address: int | None) -> Object:
    if address is None:  # The section is not loaded.
        return Object._absent(type, AbsenceReason.OTHER)
    return Object._ref(type, address)


class _GlobalContext(ExprContext):
    """What the location of a global variable can depend on: there are no registers."""

    __slots__ = ("_debug",)

    def __init__(self, debug: DebugInfo, unit: Unit) -> None:
        super().__init__(unit)
        self._debug = debug

    def read(self, address: int, size: int) -> bytes:
        return self._debug.prog.read(address, size)

    def address(self, file_address: int) -> int:
        assert self.unit is not None
        address = self._debug.module_of(self.unit.file)._to_address(file_address)
        if address is None:  # The section is not loaded.
            raise Unavailable
        return address


def _constant_bytes(die: Die, type: Type, value: object) -> bytes:
    """What DW_AT_const_value says that there would be in memory."""
    kind = type.unaliased().kind if type.is_complete() else None
    if isinstance(value, int):
        if kind in _NUMBERS and die.form(dw.DW_AT_const_value) in CONSTANTS:
            size = type_size(type)
            if size > _MAX_NUMBER:
                raise die.error(f"DW_AT_const_value is a number for {size} bytes")
            if _is_signed(type) and _may_be_negative(die.unit):
                value = _signed_as_stored(value, die.form(dw.DW_AT_const_value))
            return _number_bytes(value, size, die.unit.file.order == "<")
        raise _no_constant(die, kind)
    if isinstance(value, str):
        if kind is not TypeKind.ARRAY:
            raise _no_constant(die, kind)
        data = value.encode("utf-8", "surrogateescape") + b"\0"
    else:
        assert isinstance(value, memoryview)
        data = bytes(value)
    codec = codec_of(type)
    if codec.size is None:
        raise codec.no_values("create object with")
    if len(data) < codec.size:
        raise die.error("DW_AT_const_value block is too small")
    return data[: codec.size]


_INTEGERS = frozenset((TypeKind.INT, TypeKind.BOOL, TypeKind.ENUM, TypeKind.POINTER))
_NUMBERS = _INTEGERS | {TypeKind.FLOAT}


def _no_constant(die: Die, kind: TypeKind | None) -> BadDataError:
    if kind in _INTEGERS:
        return die.error("invalid DW_AT_const_value")
    return die.error("unknown DW_AT_const_value form")


def _is_signed(type: Type) -> bool:
    type = type.unaliased()
    if type.kind is TypeKind.ENUM:
        assert type.type is not None
        type = type.type.unaliased()
    return type.kind is TypeKind.INT and type.is_signed


def _may_be_negative(unit: Unit) -> bool:
    """Whether a constant in a form of fixed size may be less than zero.

    Such a form has no sign of its own (DWARF 5, section 7.5.5). gcc has it for numbers
    that are not negative, and so 200 in a byte is no -56. Of whoever leaves out its
    name, which it must not in a partial unit, the sign is the type's.
    """
    root = unit.root
    return root.tag != dw.DW_TAG_partial_unit and not root.has(dw.DW_AT_producer)


def _signed_as_stored(value: int, form: int | None) -> int:
    bits = _FIXED_BITS.get(form)
    return value - (1 << bits) if bits and value >> (bits - 1) == 1 else value


_FIXED_BITS: dict[int | None, int] = {
    dw.DW_FORM_data1: 8,
    dw.DW_FORM_data2: 16,
    dw.DW_FORM_data4: 32,
    dw.DW_FORM_data8: 64,
}


def _number_bytes(value: int, size: int, little_endian: bool) -> bytes:
    order: ByteOrder = "little" if little_endian else "big"
    return (value & (1 << 8 * size) - 1).to_bytes(size, order)


def function(debug: DebugInfo, die: Die) -> Object:
    """The object of a DW_TAG_subprogram; absent if there is no code for it."""
    type = debug.type_of(die)
    address = entry_address(die)
    if address is None:
        return Object._absent(type, _OPTIMIZED_OUT)
    return _at(type, debug.module_of(die.unit.file)._to_code(address))


def entry_address(die: Die) -> int | None:
    """The file address where a function starts; None if there is no code for it."""
    if die.form(dw.DW_AT_low_pc) in ADDRESSES:
        low = die.attr(dw.DW_AT_low_pc)
        assert isinstance(low, int)
        return low
    ranges = die.ranges()
    if not ranges:
        return None
    entry = die.attr(dw.DW_AT_entry_pc)
    if isinstance(entry, int):
        if die.form(dw.DW_AT_entry_pc) == dw.DW_FORM_addr:
            return entry
        if any(low <= entry < high for low, high in ranges):
            return entry
    return ranges[0][0]


def constant(debug: DebugInfo, die: Die, name: str) -> Object | None:
    """The enumerator of a name in a DW_TAG_enumeration_type; None if it has none."""
    from .enumerators import enumerator_value

    for child in die.children():
        if child.tag == dw.DW_TAG_enumerator and child.name == name:
            type = debug.type_of(die)
            if not type.is_complete():
                return None
            return Object(debug.prog, type, enumerator_value(type, child))
    return None
