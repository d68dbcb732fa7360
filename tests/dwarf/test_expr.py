"""DWARF expressions, operator by operator."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf import opcodes as op
from drgn.engine.dwarf.expr import evaluate, evaluate_value
from drgn.engine.dwarf.expr_context import (
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
from drgn.engine.dwarf.expr_operators import CALL_FRAME, FRAME_BASE, Purpose

MEMORY_BYTES = bytes(range(0x10, 0x30))
BASE_TYPES = {
    1: (4, dw.DW_ATE_signed),
    2: (1, dw.DW_ATE_unsigned),
    3: (8, dw.DW_ATE_float),
    4: (4, dw.DW_ATE_float),
    5: (2, dw.DW_ATE_signed),
    6: (8, dw.DW_ATE_signed),
}


class Context(ExprContext):
    """A frame with three registers and 32 bytes of memory at 0x100."""

    def register(self, number: int) -> int:
        try:
            return {0: 5, 7: 0x100, 40: 0xFFFFFFFFFFFFFFFE}[number]
        except KeyError:
            raise Unavailable from None

    def read(self, address: int, size: int) -> bytes:
        return MEMORY_BYTES[address - 0x100 : address - 0x100 + size]

    def address(self, file_address: int) -> int:
        return file_address + 0x1000

    def frame_base(self) -> int:
        return 0x200

    def cfa(self) -> int:
        return 0x300

    def object_address(self) -> int:
        return 0x400

    def entry_value(self, expression: memoryview) -> int:
        return {bytes([op.DW_OP_reg0 + 5]): 0x500}[bytes(expression)]


def context() -> Context:
    def die_at(offset: int) -> SimpleNamespace:
        if offset == 0x50:  # For DW_OP_call*.
            return SimpleNamespace(
                attr=lambda at: memoryview(bytes([op.DW_OP_lit0 + 9]))
            )
        if offset == 0x60:  # It calls itself.
            return SimpleNamespace(
                attr=lambda at: memoryview(bytes([op.DW_OP_call2, 0x60, 0]))
            )
        size, encoding = BASE_TYPES.get(offset, (0, 0))
        attributes = {dw.DW_AT_byte_size: size, dw.DW_AT_encoding: encoding}
        return SimpleNamespace(tag=dw.DW_TAG_base_type, attr=attributes.get)

    unit: Any = SimpleNamespace(
        offset=0,
        offset_size=4,
        die_at=die_at,
        address_at_index=lambda index: 0x10 * index,
        file=SimpleNamespace(die_at=die_at, order="<"),
        sections=SimpleNamespace(base=0),
    )
    return Context(unit)


def run(code: bytes, **options: Any) -> list[Piece]:
    return evaluate(code, context(), **options)


def value(*code: bytes | int) -> int:
    """The number that operators leave on the stack, as a signed one."""
    joined = b"".join(c if isinstance(c, bytes) else bytes([c]) for c in code)
    number = evaluate_value(joined + bytes([op.DW_OP_stack_value]), context())
    return number - (1 << 64) if number >> 63 else number


def const(number: int) -> bytes:
    return bytes([op.DW_OP_const8s]) + struct.pack("<q", number)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (b"\x08\xff", 255),
        (b"\x09\xff", -1),
        (b"\x0a\xff\xff", 0xFFFF),
        (b"\x0b\xfe\xff", -2),
        (b"\x0c\xff\xff\xff\xff", 0xFFFFFFFF),
        (b"\x0d\xfd\xff\xff\xff", -3),
        (b"\x0e" + b"\xff" * 8, -1),
        (b"\x0f\x01\0\0\0\0\0\0\x80", -(2**63) + 1),
        (b"\x10\x80\x01", 128),
        (b"\x11\x7f", -1),
        (b"\x30", 0),
        (b"\x4f", 31),
        (b"\x03" + struct.pack("<Q", 0x10), 0x1010),
        (b"\xa1\x03", 0x1030),
        (b"\xa2\x03", 0x30),
        (b"\x70\x03", 8),
        (b"\x77\x7f", 0xFF),
        (b"\x92\x28\x01", -1),
        (b"\x91\x78", 0x1F8),
        (b"\x9c", 0x300),
        (b"\x97", 0x400),
        (b"\xa3\x01\x55", 0x500),
        (b"\xf3\x01\x55", 0x500),
    ],
)
def test_literals_and_registers(code: bytes, expected: int) -> None:
    assert value(code) == expected


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        (op.DW_OP_plus, 2**63 - 1, 1, -(2**63)),
        (op.DW_OP_minus, 0, 1, -1),
        (op.DW_OP_mul, 2**62, 8, 0),
        (op.DW_OP_div, -7, 2, -3),
        (op.DW_OP_div, 7, -2, -3),
        (op.DW_OP_mod, 7, 3, 1),
        (op.DW_OP_mod, -1, 10, (2**64 - 1) % 10),
        (op.DW_OP_and, 12, 10, 8),
        (op.DW_OP_or, 12, 10, 14),
        (op.DW_OP_xor, 12, 10, 6),
        (op.DW_OP_shl, 3, 2, 12),
        (op.DW_OP_shl, 1, 64, 0),
        (op.DW_OP_shr, -1, 60, 15),
        (op.DW_OP_shr, -1, 64, 0),
        (op.DW_OP_shra, -8, 1, -4),
        (op.DW_OP_shra, -8, 100, -1),
        (op.DW_OP_eq, 3, 3, 1),
        (op.DW_OP_ne, 3, 3, 0),
        (op.DW_OP_lt, -1, 1, 1),
        (op.DW_OP_le, 1, 1, 1),
        (op.DW_OP_gt, -1, 1, 0),
        (op.DW_OP_ge, 1, 2, 0),
    ],
)
def test_binary_operators(operator: int, left: int, right: int, expected: int) -> None:
    assert value(const(left), const(right), operator) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ([const(-5), op.DW_OP_abs], 5),
        ([const(5), op.DW_OP_neg], -5),
        ([const(5), op.DW_OP_not], -6),
        ([const(5), op.DW_OP_plus_uconst, 0x80, 1], 133),
        ([const(0x100), op.DW_OP_deref], 0x1716151413121110),
        ([const(0x104), op.DW_OP_deref_size, 2], 0x1514),
        ([const(1), op.DW_OP_dup, op.DW_OP_plus], 2),
        ([const(1), const(2), op.DW_OP_drop], 1),
        ([const(1), const(2), op.DW_OP_over], 1),
        ([const(1), const(2), const(3), op.DW_OP_pick, 2], 1),
        ([const(1), const(2), op.DW_OP_swap], 1),
        ([const(1), const(2), const(3), op.DW_OP_rot], 2),
        ([const(1), op.DW_OP_nop], 1),
        ([op.DW_OP_skip, 9, 0, const(1), const(2)], 2),
        ([const(1), const(1), op.DW_OP_bra, 9, 0, const(5)], 1),
        ([const(1), const(0), op.DW_OP_bra, 9, 0, const(5)], 5),
        ([op.DW_OP_call2, 0x50, 0], 9),
        ([op.DW_OP_call4, 0x50, 0, 0, 0], 9),
        ([op.DW_OP_call_ref, 0x50, 0, 0, 0], 9),
    ],
)
def test_stack_memory_and_flow(code: list[bytes | int], expected: int) -> None:
    assert value(*code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # (int)-3 / 2; (short)70000; (unsigned char)-1 to the generic type.
        (b"\xa4\x01\x04\xfd\xff\xff\xff\xa4\x01\x04\2\0\0\0\x1b\xa8\0", -1),
        (const(70000) + b"\xa8\x05\xa8\0", 70000 - 65536),
        (const(-1) + b"\xa8\x02\xa8\0", 255),
        (b"\xa4\x03\x08" + struct.pack("<d", -2.75) + b"\xa8\x06\xa8\0", -2),
        (b"\xa4\x04\x04" + struct.pack("<f", 1.5) + b"\xa9\x01\xa8\0", 0x3FC00000),
        (b"\xa5\x28\x01\xa8\x06\xa8\0", -2),
        (const(0x100) + b"\xa6\x02\x05\xa8\0", 0x1110),
        (const(3) + b"\xa8\x01" + const(5) + b"\xa8\x01\x2d", 1),
        (const(-8) + b"\xa8\x01\x31\x26\xa8\0", -4),
        (const(-8) + b"\xa8\x05\x31\x25\xa8\0", 0x7FFC),
        (const(-8) + b"\xa8\x01\x1f\xa8\0", 8),
    ],
)
def test_typed_operators(code: bytes, expected: int) -> None:
    assert value(code) == expected


def test_typed_stack_value_has_the_bytes_of_its_type() -> None:
    code = const(3) + b"\xa8\x03" + bytes([op.DW_OP_stack_value])
    assert run(code) == [Piece(BYTES, struct.pack("<d", 3.0))]


@pytest.mark.parametrize(
    ("code", "pieces"),
    [
        (b"", [Piece(EMPTY, 0)]),
        (b"\x96", [Piece(EMPTY, 0)]),
        (b"\x9f", [Piece(EMPTY, 0)]),
        (b"\x08\x40", [Piece(MEMORY, 0x40)]),
        (b"\x53", [Piece(REGISTER, 3)]),
        (b"\x90\x21", [Piece(REGISTER, 33)]),
        (b"\x35\x9f", [Piece(VALUE, 5)]),
        (b"\x9e\x03abc", [Piece(BYTES, b"abc")]),
        (
            b"\x53\x93\x08\x93\x04\x08\x40\x93\x02",
            [Piece(REGISTER, 3, 64), Piece(EMPTY, 0, 32), Piece(MEMORY, 0x40, 16)],
        ),
        (b"\x53\x9d\x05\x03", [Piece(REGISTER, 3, 5, 3)]),
        (b"\x31\x9f\x93\x01", [Piece(VALUE, 1, 8)]),
    ],
)
def test_locations(code: bytes, pieces: list[Piece]) -> None:
    assert run(code) == pieces


def test_a_lone_register_is_a_value_where_one_is_wanted() -> None:
    assert evaluate_value(b"\x50", context()) == 5


def test_initial_value() -> None:
    assert evaluate_value(b"\x23\x08", context(), initial=0x300) == 0x308


def test_small_addresses_wrap_around() -> None:
    assert evaluate_value(b"\x09\xff", context(), address_size=4) == 0xFFFFFFFF


def test_big_endian_operands() -> None:
    code = b"\x0a\x01\x02"
    assert evaluate_value(code, context(), little_endian=False) == 0x102


@pytest.mark.parametrize(
    "code",
    [
        b"\x0a\x01",  # Truncated operands,
        b"\x10\x80",
        b"\x9e\x05ab",
        b"\x22",  # too few operands,
        b"\x31\x22",
        b"\x31\x30\x1b",  # division by zero,
        b"\x31\x30\x1d",
        b"\x2f\x00\x10",  # a branch out of the expression,
        b"\x2f\xfd\xff",  # one without an end,
        b"\x98\x60\x00",  # calls without an end,
        b"\x93\x08\x53",  # a piece without a size,
        b"\x31\x94\x09",
        b"\x31\xa8\x09",  # not a base type,
        b"\x31\xa8\x01\x31\x22",  # types that do not match,
        b"\xa4\x01\x02\0\0",
        b"\xa4\x03\x08" + bytes(8) + b"\x20\xa8\0",  # bits of a float,
    ],
)
def test_malformed(code: bytes) -> None:
    with pytest.raises((ExprError, ValueError)):
        run(code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x22", "DWARF expression stack underflow"),
        (b"\x31\x15\x05", "DWARF expression stack underflow"),
        (b"\x31\x30\x1b", "division by zero in DWARF expression"),
        (b"\x31\x30\x1d", "modulo by zero in DWARF expression"),
        (b"\x2f\x00\x10", "DWARF expression branch is out of bounds"),
        (b"\x2f\xfd\xff", "DWARF expression executed too many operations"),
        (b"\x31\x94\x09", "DW_OP_deref_size has invalid size 9"),
        (b"\x9e\x0c\1", "DW_OP_implicit_value size is out of bounds"),
        (b"\x0e\1", "expected at least 8 bytes, have 1"),
        (b"\x10\x80", "expected ULEB128 number"),
        (b"\x11\x80", "expected SLEB128 number"),
    ],
)
def test_messages(code: bytes, message: str) -> None:
    with pytest.raises(ExprError, match=f"^{message}$"):
        run(code)


_NO_VALUES = [
    op.DW_OP_piece,
    op.DW_OP_bit_piece,
    op.DW_OP_implicit_value,
    op.DW_OP_stack_value,
]
_NOT_IN_CALL_FRAMES = [
    op.DW_OP_reg0,
    op.DW_OP_reg31,
    op.DW_OP_regx,
    op.DW_OP_addrx,
    op.DW_OP_constx,
    op.DW_OP_GNU_addr_index,
    op.DW_OP_GNU_const_index,
]


@pytest.mark.parametrize(
    ("purpose", "operator"),
    [
        *[(FRAME_BASE, operator) for operator in _NO_VALUES],
        *[(CALL_FRAME, operator) for operator in _NO_VALUES + _NOT_IN_CALL_FRAMES],
    ],
)
def test_operators_that_have_no_place(purpose: Purpose, operator: int) -> None:
    message = f"^invalid opcode {operator:#x} for {purpose.name} expression$"
    with pytest.raises(ExprError, match=message):
        evaluate_value(bytes([operator, 0, 0]), Context(), purpose=purpose)


@pytest.mark.parametrize(
    ("purpose", "code", "value"),
    [
        (FRAME_BASE, bytes([op.DW_OP_reg0]), 5),
        (FRAME_BASE, bytes([op.DW_OP_breg0, 1]), 6),
        (CALL_FRAME, bytes([op.DW_OP_breg0, 1]), 6),
        (CALL_FRAME, bytes([op.DW_OP_lit31]), 31),
        (CALL_FRAME, bytes([op.DW_OP_bregx, 40, 1]), 0xFFFFFFFFFFFFFFFF),
    ],
)
def test_operators_that_have_their_place(
    purpose: Purpose, code: bytes, value: int
) -> None:
    assert evaluate_value(code, Context(), purpose=purpose) == value


@pytest.mark.parametrize(
    "code",
    [
        b"\x9b",
        b"\xe0",
        b"\xa0\x10\0\0\0\0",
        b"\xfa\0\0\0\0",
        b"\x50\x31",  # Operators after a location,
        b"\x02",  # one that nobody knows.
    ],
)
def test_unsupported(code: bytes) -> None:
    with pytest.raises(Unsupported):
        run(code)


@pytest.mark.parametrize(
    "code", [b"\x71\x00", b"\x92\x30\x00", b"\xa5\x30\x01", b"\x51\x31", b"\x9f\x31"]
)
def test_unknown_registers(code: bytes) -> None:
    with pytest.raises(Unavailable):
        run(code)


def test_without_context() -> None:
    for code in (
        b"\x91\x00",
        b"\x9c",
        b"\xa3\x01\x55",
        b"\x70\x00",
        b"\x30\x06",
    ):
        with pytest.raises(Unavailable):
            evaluate(code, ExprContext())
    with pytest.raises(Unsupported):
        evaluate(b"\x97", ExprContext())
