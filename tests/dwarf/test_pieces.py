"""Variables in pieces, as upstream 0.3.0 puts them together."""

from __future__ import annotations

import struct
from typing import Any

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit, uleb

from drgn import AbsenceReason, Program
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf import opcodes as op

MEMORY = bytes((i * 7 + 3) & 0xFF for i in range(256))


def piece(size: int) -> bytes:
    return bytes([op.DW_OP_piece]) + uleb(size)


def bit_piece(size: int, offset: int) -> bytes:
    return bytes([op.DW_OP_bit_piece]) + uleb(size) + uleb(offset)


def implicit(data: bytes) -> bytes:
    return bytes([op.DW_OP_implicit_value, len(data)]) + data


FIVE = bytes([op.DW_OP_lit0 + 5, op.DW_OP_stack_value])
UNKNOWN = bytes([0x01])


def at(address: int, order: str) -> bytes:
    return bytes([op.DW_OP_addr]) + struct.pack(order + "Q", address)


def places(order: str) -> dict[str, bytes]:
    first, second = at(0x1000, order), at(0x1010, order)
    return {
        "all of it": first + piece(8),
        "a longer one": first + piece(2**60),
        "in a row": first + piece(4) + at(0x1004, order) + piece(4),
        "bits in a row": first + bit_piece(12, 0) + first + bit_piece(52, 12),
        "two": first + piece(4) + second + piece(4),
        "one of none": first + piece(0) + second + piece(8),
        "bits": first + bit_piece(12, 4) + second + bit_piece(52, 3),
        "a number": FIVE + bit_piece(12, 0) + first + bit_piece(52, 0),
        "too short": first + piece(4),
        "a gap": piece(4) + first + piece(4),
        "implicit": implicit(bytes(range(1, 9))),
        "implicit, too short": implicit(b"\1\2"),
        "implicit, then memory": implicit(b"\1\2") + piece(4) + first + piece(4),
        "nothing": bytes([op.DW_OP_nop]),
        "what nobody knows": UNKNOWN,
        "a value, and on": FIVE + bytes([op.DW_OP_lit0]),
    }


def variable(debug_program, order: str, type_: str, location: bytes) -> Program:
    def base(name: str, size: int) -> D:
        encoding = A(dw.DW_FORM_data1, dw.DW_ATE_signed)
        return D(dw.DW_TAG_base_type, name=name, byte_size=size, encoding=encoding)

    types = {"int": base("int", 4), "char": base("char", 1)}
    types["s"] = D(
        dw.DW_TAG_structure_type,
        [
            D(dw.DW_TAG_member, name="a", type=types["int"]),
            D(
                dw.DW_TAG_member,
                name="b",
                type=types["char"],
                data_member_location=A(dw.DW_FORM_data1, 4),
            ),
        ],
        name="s",
        byte_size=8,
    )
    variable = D(dw.DW_TAG_variable, name="v", type=types[type_], location=location)
    units = [Unit([*types.values(), variable])]
    prog = debug_program(
        dwarf_asm.elf(dwarf_asm.assemble(units, order=order), order=order)
    )
    assert isinstance(prog, Program)
    prog.add_memory_segment(
        0x1000, len(MEMORY), lambda a, n, offset, p: MEMORY[offset : offset + n]
    )
    return prog


def outcome(prog: Program) -> Any:
    found = prog["v"]
    if found.absent_:
        return found.absence_reason_
    if found.address_ is not None:
        return hex(found.address_), found.bit_offset_
    return found.value_()


GONE = AbsenceReason.OPTIMIZED_OUT
UNSUPPORTED = AbsenceReason.NOT_IMPLEMENTED
HERE = ("0x1000", 0)

#: By place: of an int, a char and a struct, little and big endian.
OUTCOMES: dict[str, dict[str, tuple[Any, Any]]] = {
    "all of it": {"int": (HERE, HERE), "s": (HERE, HERE)},
    "a longer one": {"int": (HERE, HERE), "s": (HERE, HERE)},
    "in a row": {"int": (HERE, HERE), "s": (HERE, HERE)},
    "bits in a row": {"int": (HERE, HERE), "s": (HERE, HERE)},
    "two": {
        "int": (HERE, HERE),
        "s": ({"a": 403769859, "b": 115}, {"a": 50991384, "b": 115}),
    },
    "one of none": {"char": (("0x1010", 0), ("0x1010", 0))},
    "bits": {"char": (("0x1000", 4), ("0x1000", 4))},
    "a number": {"char": (5, 5)},
    "too short": {"int": (HERE, HERE), "s": (GONE, GONE)},
    "a gap": {"int": (GONE, GONE), "s": (GONE, GONE)},
    "implicit": {
        "int": (67305985, 84281096),
        "s": ({"a": 67305985, "b": 5}, {"a": 16909060, "b": 5}),
    },
    "implicit, too short": {
        "int": (513, 258),
        "s": ({"a": 513, "b": 0}, {"a": 0, "b": 0}),
    },
    "implicit, then memory": {
        "s": ({"a": 513, "b": 3}, {"a": 258, "b": 3}),
    },
    "nothing": {"int": (GONE, GONE)},
    "what nobody knows": {"int": (UNSUPPORTED, UNSUPPORTED)},
    "a value, and on": {"int": (UNSUPPORTED, UNSUPPORTED)},
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("place", "type_"),
    [(place, type_) for place, types in OUTCOMES.items() for type_ in types],
)
def test_pieces(debug_program, order: str, place: str, type_: str) -> None:
    prog = variable(debug_program, order, type_, places(order)[place])
    assert outcome(prog) == OUTCOMES[place][type_][order == ">"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("bits", {"a": 49602720, "b": 17}),
        ("a number", {"a": 278933509, "b": -127}),
    ],
)
def test_bits_of_two_places(
    debug_program, place: str, expected: dict[str, int]
) -> None:
    prog = variable(debug_program, "<", "s", places("<")[place])
    assert outcome(prog) == expected
