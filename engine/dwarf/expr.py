"""DWARF expressions and location descriptions (DWARF 5, sections 2.5 and 2.6).

An expression is run by a small stack machine. What it knows of the world (registers,
memory, the frame) is an `ExprContext`, so that the same machine serves variables,
frame bases and call frame information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import constants as dw
from . import opcodes as op
from .base_type import BaseType, convert, from_bytes, reinterpret
from .expr_arithmetic import BINARY, RELATIONS, SHIFTS, binary, to_signed
from .expr_context import (
    BYTES,
    EMPTY,
    MEMORY,
    REGISTER,
    VALUE,
    ExprContext,
    ExprError,
    Piece,
    Unavailable,
    Unsupported,
)
from .expr_operators import (
    CONSTANTS,
    FLOW,
    LOCATIONS,
    PIECES,
    STACK,
    TYPED,
    Purpose,
)
from .reader import sleb128, uleb128

if TYPE_CHECKING:
    from ..platform import ByteOrder
    from .unit import Unit

_MAX_STEPS = 10_000
_MAX_DEPTH = 64  # Of calls.
_NOWHERE = Piece(EMPTY, 0)


class Typed(NamedTuple):
    """An operand of a base type; operands without a type are plain ints."""

    value: int | float
    type: BaseType


Operand = int | Typed


def evaluate(
    expression: bytes | memoryview,
    context: ExprContext,
    *,
    address_size: int = 8,
    little_endian: bool = True,
    initial: int | None = None,
    purpose: Purpose | None = None,
) -> list[Piece]:
    """Where an object is, as its pieces in order; at least one.

    ``initial`` is pushed first; ``purpose`` is that of what is no location. Raises
    ExprError for what is malformed, Unavailable, Unsupported, and whatever the context
    raises.
    """
    machine = _Machine(context, address_size, little_endian, purpose)
    if initial is not None:
        machine.stack.append(initial & machine.mask)
    try:
        return machine.location(memoryview(expression))
    except IndexError:
        raise ExprError("DWARF expression stack underflow") from None
    except ZeroDivisionError:
        raise ExprError("division by zero in DWARF expression") from None


def evaluate_value(
    expression: bytes | memoryview,
    context: ExprContext,
    *,
    address_size: int = 8,
    little_endian: bool = True,
    initial: int | None = None,
    purpose: Purpose | None = None,
) -> int:
    """The number that an expression leaves on the stack; errors as `evaluate()`.

    A lone register or implicit value, which is no such expression, is taken as well
    unless the ``purpose`` has no place for it.
    """
    (piece, *more) = evaluate(
        expression,
        context,
        address_size=address_size,
        little_endian=little_endian,
        initial=initial,
        purpose=purpose,
    )
    if more or piece.bit_size is not None:
        raise ExprError("expression has pieces where a value is wanted")
    if piece.kind == REGISTER:
        assert isinstance(piece.value, int)
        return context.register(piece.value)
    if piece.kind == EMPTY:
        raise Unavailable
    if isinstance(piece.value, bytes):
        return int.from_bytes(piece.value, "little" if little_endian else "big")
    return piece.value


def _uleb128(code: memoryview, position: int) -> tuple[int, int]:
    try:
        return uleb128(code, position)
    except (IndexError, ValueError):
        raise ExprError("expected ULEB128 number") from None


def _sleb128(code: memoryview, position: int) -> tuple[int, int]:
    try:
        return sleb128(code, position)
    except (IndexError, ValueError):
        raise ExprError("expected SLEB128 number") from None


class _Machine:
    """The stack machine."""

    __slots__ = (
        "address_size",
        "context",
        "depth",
        "little_endian",
        "mask",
        "pending",
        "pieces",
        "purpose",
        "stack",
        "steps",
    )

    def __init__(
        self,
        context: ExprContext,
        address_size: int,
        little_endian: bool,
        purpose: Purpose | None,
    ) -> None:
        self.context = context
        self.purpose = purpose
        self.address_size = address_size
        self.little_endian = little_endian
        self.mask = (1 << address_size * 8) - 1
        self.stack: list[Operand] = []
        self.pieces: list[Piece] = []
        self.pending: Piece | None = None
        self.steps = 0
        self.depth = 0

    # Results

    def location(self, code: memoryview) -> list[Piece]:
        """Run a whole expression."""
        self.run(code)
        if not self.pieces:
            return [self._take_piece(None)]
        if self.pending is not None:
            raise ExprError("DWARF expression ends in the middle of a piece")
        return self.pieces

    def _take_piece(self, bit_size: int | None, bit_offset: int = 0) -> Piece:
        piece, self.pending = self.pending, None
        if piece is None:
            if not self.stack:
                return Piece(EMPTY, 0, bit_size)
            piece = Piece(MEMORY, self._pop_integer() & self.mask)
        return piece._replace(bit_size=bit_size, bit_offset=bit_offset)

    def _goes_on(self, piece: Piece) -> Exception:
        """Why there is no value where operators follow a location."""
        if piece.kind == REGISTER:
            assert isinstance(piece.value, int)
            self.context.register(piece.value)  # It may be unknown already.
        if piece.kind == EMPTY:
            return Unavailable()
        if self.purpose is not None:
            return ExprError(f"stray operations in {self.purpose.name} expression")
        return Unsupported("DWARF expression goes on after a location")

    # Operands

    def _number(
        self, code: memoryview, position: int, size: int, *, signed: bool = False
    ) -> int:
        data, _ = self._bytes(code, position, size)
        order: ByteOrder = "little" if self.little_endian else "big"
        return int.from_bytes(data, order, signed=signed)

    def _block(self, code: memoryview, position: int) -> tuple[memoryview, int]:
        length, position = _uleb128(code, position)
        return self._bytes(code, position, length)

    def _bytes(
        self, code: memoryview, position: int, length: int
    ) -> tuple[memoryview, int]:
        available = len(code) - position
        if length > available:
            raise ExprError(f"expected at least {length} bytes, have {available}")
        return code[position : position + length], position + length

    def _unit(self) -> Unit:
        if self.context.unit is None:
            raise Unsupported("operator needs a unit where there is none")
        return self.context.unit

    def _base_type(self, code: memoryview, position: int) -> tuple[BaseType, int]:
        offset, position = _uleb128(code, position)
        return BaseType.of(self._unit(), offset), position

    # The stack

    def _push(self, value: int) -> None:
        self.stack.append(value & self.mask)

    def _pop_integer(self) -> int:
        operand = self.stack.pop()
        if isinstance(operand, int):
            return operand
        if isinstance(operand.value, float):
            raise ExprError("DWARF expression takes a float for an integer")
        return operand.value

    def _read(self, address: int, size: int) -> bytes:
        return self.context.read(address & self.mask, size)

    def _read_unsigned(self, address: int, size: int) -> int:
        return int.from_bytes(
            self._read(address, size), "little" if self.little_endian else "big"
        )

    # Execution

    def run(self, code: memoryview) -> None:
        """Run operators; locations that they end in are left in `pending`."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ExprError("DWARF expressions call each other too deeply")
        position, end = 0, len(code)
        while position < end:
            self.steps += 1
            if self.steps > _MAX_STEPS:
                raise ExprError("DWARF expression executed too many operations")
            operator = code[position]
            position += 1
            purpose = self.purpose
            if self.pending is not None and (purpose or operator not in PIECES):
                raise self._goes_on(self.pending)
            if purpose is not None and operator in purpose.invalid:
                raise ExprError(
                    f"invalid opcode {operator:#x} for {purpose.name} expression"
                )
            if op.DW_OP_breg0 <= operator <= op.DW_OP_breg31:
                offset, position = _sleb128(code, position)
                register = self.context.register(operator - op.DW_OP_breg0)
                self._push(register + offset)
            elif op.DW_OP_lit0 <= operator <= op.DW_OP_lit31:
                self.stack.append(operator - op.DW_OP_lit0)
            elif op.DW_OP_reg0 <= operator <= op.DW_OP_reg31:
                self.pending = Piece(REGISTER, operator - op.DW_OP_reg0)
            elif operator in BINARY:
                self._binary(operator)
            elif operator in CONSTANTS:
                size, signed = CONSTANTS[operator]
                self._push(self._number(code, position, size, signed=signed))
                position += size
            elif operator in FLOW:
                position = self._flow(operator, code, position)
            elif operator in STACK:
                position = self._shuffle(operator, code, position)
            elif operator in LOCATIONS:
                position = self._locate(operator, code, position)
            elif operator in TYPED:
                position = self._typed(operator, code, position)
            else:
                position = self._other(operator, code, position)
        self.depth -= 1

    def _binary(self, operator: int) -> None:
        """Arithmetic, logical and relational operators (2.5.1.4 and 2.5.1.5)."""
        right = self.stack.pop()
        left = self.stack.pop()
        if isinstance(left, int) and isinstance(right, int):
            self._push(binary(operator, left, right, self.mask))
            return
        # Only the amount of a shift may be generic where the other is not.
        if isinstance(left, int) or (isinstance(right, int) and operator not in SHIFTS):
            raise ExprError("DWARF expression mixes types")
        amount = right if isinstance(right, int) else right.value
        result = left.type.apply(operator, left.value, amount)
        if operator in RELATIONS:
            self.stack.append(int(result))
        else:
            self.stack.append(Typed(convert(result, left.type), left.type))

    def _flow(self, operator: int, code: memoryview, position: int) -> int:
        """Control flow (2.5.1.5)."""
        if operator in (op.DW_OP_skip, op.DW_OP_bra):
            target = position + 2 + self._number(code, position, 2, signed=True)
            position += 2
            if operator == op.DW_OP_skip or self._pop_integer():
                if not 0 <= target <= len(code):
                    raise ExprError("DWARF expression branch is out of bounds")
                return target
            return position
        if operator == op.DW_OP_nop:
            return position
        size = {op.DW_OP_call2: 2, op.DW_OP_call4: 4}.get(operator)
        unit = self._unit()
        if size is None:
            size = unit.offset_size
            offset = unit.sections.base + self._number(code, position, size)
            die = unit.file.die_at(offset)
        else:
            offset = unit.offset + self._number(code, position, size)
            die = unit.die_at(offset)
        location = die.attr(dw.DW_AT_location)
        if isinstance(location, memoryview):
            self.run(location)
        return position + size

    def _shuffle(self, operator: int, code: memoryview, position: int) -> int:
        """Stack operations (2.5.1.3) and unary operators (2.5.1.4)."""
        stack = self.stack
        if operator == op.DW_OP_dup:
            stack.append(stack[-1])
        elif operator == op.DW_OP_drop:
            stack.pop()
        elif operator == op.DW_OP_over:
            stack.append(stack[-2])
        elif operator == op.DW_OP_pick:
            index = self._number(code, position, 1)
            position += 1
            stack.append(stack[-1 - index])
        elif operator == op.DW_OP_swap:
            stack[-1], stack[-2] = stack[-2], stack[-1]
        elif operator == op.DW_OP_rot:
            stack[-1], stack[-2], stack[-3] = stack[-2], stack[-3], stack[-1]
        elif operator == op.DW_OP_plus_uconst:
            number, position = _uleb128(code, position)
            operand = stack.pop()
            if isinstance(operand, int):
                self._push(operand + number)
            else:
                value = convert(operand.value + number, operand.type)
                stack.append(Typed(value, operand.type))
        elif operator in (op.DW_OP_abs, op.DW_OP_neg, op.DW_OP_not):
            self._unary(operator)
        elif operator == op.DW_OP_deref:
            self._push(self._read_unsigned(self._pop_integer(), self.address_size))
        elif operator == op.DW_OP_deref_size:
            size = self._number(code, position, 1)
            position += 1
            if size > self.address_size:
                raise ExprError(f"DW_OP_deref_size has invalid size {size}")
            self._push(self._read_unsigned(self._pop_integer(), size))
        elif operator == op.DW_OP_constu:
            number, position = _uleb128(code, position)
            self._push(number)
        else:
            number, position = _sleb128(code, position)
            self._push(number)
        return position

    def _unary(self, operator: int) -> None:
        """DW_OP_abs, DW_OP_neg and DW_OP_not."""
        operand = self.stack.pop()
        if isinstance(operand, int):
            value: int | float = to_signed(operand, self.mask)
        else:
            value = operand.value
        if operator == op.DW_OP_abs:
            value = abs(value)
        elif operator == op.DW_OP_neg:
            value = -value
        elif isinstance(value, int):
            value = ~value
        else:
            raise ExprError("DWARF expression takes a float for an integer")
        if isinstance(operand, int):
            self._push(int(value))
        else:
            self.stack.append(Typed(convert(value, operand.type), operand.type))

    def _locate(self, operator: int, code: memoryview, position: int) -> int:
        """Register and implicit locations, pieces (2.6.1)."""
        if operator == op.DW_OP_piece:
            size, position = _uleb128(code, position)
            self.pieces.append(self._take_piece(size * 8))
        elif operator == op.DW_OP_bit_piece:
            size, position = _uleb128(code, position)
            offset, position = _uleb128(code, position)
            self.pieces.append(self._take_piece(size, offset))
        elif operator == op.DW_OP_regx:
            register, position = _uleb128(code, position)
            self.pending = Piece(REGISTER, register)
        elif operator == op.DW_OP_implicit_value:
            length, position = _uleb128(code, position)
            if length > len(code) - position:
                raise ExprError("DW_OP_implicit_value size is out of bounds")
            block, position = self._bytes(code, position, length)
            self.pending = Piece(BYTES, bytes(block))
        elif operator == op.DW_OP_stack_value:
            operand = self.stack.pop() if self.stack else None
            if operand is None:
                self.pending = _NOWHERE
            elif isinstance(operand, int):
                self.pending = Piece(VALUE, operand)
            else:
                data = operand.type.to_bytes(operand.value)
                self.pending = Piece(BYTES, data)
        else:
            # The pointer was optimized out, but what it pointed to was not.
            raise Unsupported(op.NAMES[operator])
        return position

    def _typed(self, operator: int, code: memoryview, position: int) -> int:
        """Operators that name a base type (2.5.1.1, 2.5.1.6)."""
        if operator in (op.DW_OP_const_type, op.DW_OP_GNU_const_type):
            type, position = self._base_type(code, position)
            size = self._number(code, position, 1)
            data, position = self._bytes(code, position + 1, size)
            self.stack.append(Typed(from_bytes(bytes(data), type), type))
        elif operator in (op.DW_OP_regval_type, op.DW_OP_GNU_regval_type):
            register, position = _uleb128(code, position)
            type, position = self._base_type(code, position)
            value = self.context.register(register)
            self.stack.append(_reinterpret_generic(value, type, self.address_size))
        elif operator in (
            op.DW_OP_deref_type,
            op.DW_OP_GNU_deref_type,
            op.DW_OP_xderef_type,
        ):
            size = self._number(code, position, 1)
            type, position = self._base_type(code, position + 1)
            if operator == op.DW_OP_xderef_type:
                raise Unsupported("DW_OP_xderef_type")
            if size != type.size:
                raise ExprError("DW_OP_deref_type has another size than its type")
            memory = self._read(self._pop_integer(), size)
            self.stack.append(Typed(from_bytes(memory, type), type))
        else:
            offset, position = _uleb128(code, position)
            operand = self.stack.pop()
            reinterprets = operator in (
                op.DW_OP_reinterpret,
                op.DW_OP_GNU_reinterpret,
            )
            change = self._reinterpreted if reinterprets else self._converted
            self.stack.append(change(operand, offset))
        return position

    def _converted(self, operand: Operand, offset: int) -> Operand:
        """A value as one of the type at an offset in the unit, or of none at 0."""
        value = operand if isinstance(operand, int) else operand.value
        if offset == 0:
            return int(value) & self.mask
        type = BaseType.of(self._unit(), offset)
        return Typed(convert(value, type), type)

    def _reinterpreted(self, operand: Operand, offset: int) -> Operand:
        """The bytes of a value as those of another type, see `_converted()`."""
        if offset == 0:
            if isinstance(operand, int):
                return operand & self.mask
            data = operand.type.to_bytes(operand.value)
            return self._number(memoryview(data), 0, len(data)) & self.mask
        type = BaseType.of(self._unit(), offset)
        if isinstance(operand, int):
            return _reinterpret_generic(operand, type, self.address_size)
        return Typed(reinterpret(operand.value, operand.type, type), type)

    def _other(self, operator: int, code: memoryview, position: int) -> int:
        """Operators that ask the context."""
        context = self.context
        if operator == op.DW_OP_addr:
            address = self._number(code, position, self.address_size)
            self._push(context.address(address))
            return position + self.address_size
        if operator == op.DW_OP_fbreg:
            offset, position = _sleb128(code, position)
            self._push(context.frame_base() + offset)
        elif operator == op.DW_OP_bregx:
            register, position = _uleb128(code, position)
            offset, position = _sleb128(code, position)
            self._push(context.register(register) + offset)
        elif operator == op.DW_OP_call_frame_cfa:
            self._push(context.cfa())
        elif operator in (op.DW_OP_addrx, op.DW_OP_GNU_addr_index):
            index, position = _uleb128(code, position)
            self._push(context.address(self._unit().address_at_index(index)))
        elif operator in (op.DW_OP_constx, op.DW_OP_GNU_const_index):
            index, position = _uleb128(code, position)
            self._push(self._unit().address_at_index(index))
        elif operator in (op.DW_OP_entry_value, op.DW_OP_GNU_entry_value):
            block, position = self._block(code, position)
            self._push(context.entry_value(block))
        elif operator == op.DW_OP_push_object_address:
            self._push(context.object_address())
        elif operator == op.DW_OP_GNU_uninit:
            pass
        else:
            name = op.NAMES.get(operator, f"{operator:#x}")
            raise Unsupported(f"unsupported DWARF expression opcode {name}")
        return position


def _reinterpret_generic(value: int, type: BaseType, address_size: int) -> Typed:
    """The low bytes of an operand without a type as one of a base type."""
    if type.size > address_size:
        raise Unavailable
    data = (value & (1 << type.size * 8) - 1).to_bytes(type.size, type.byte_order)
    return Typed(from_bytes(data, type), type)
