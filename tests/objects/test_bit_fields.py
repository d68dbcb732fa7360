"""Scalars of any size, at any bit offset, in both byte orders."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgn import Architecture, Object, Platform, Program, TypeMember

prog = Program(Platform(Architecture.X86_64))


def bits_of(data: bytes, little: bool) -> list[int]:
    """The bits of a buffer in the order in which offsets count them."""
    order = range(8) if little else range(7, -1, -1)
    return [byte >> i & 1 for byte in data for i in order]


def number(bits: list[int], little: bool, signed: bool) -> int:
    """The integer that bits in that order stand for."""
    if not little:
        bits = bits[::-1]
    value = sum(bit << i for i, bit in enumerate(bits))
    if signed and bits[-1]:
        value -= 1 << len(bits)
    return value


@st.composite
def scalars(draw: Any) -> tuple[bytes, int, int, int, bool, bool]:
    """A buffer and where a value lies in it."""
    size = draw(st.integers(1, 16))
    bit_size = draw(st.integers(1, 8 * size))
    bit_offset = draw(st.integers(0, 40))
    data = draw(st.binary(min_size=size + 5, max_size=size + 9))
    return data, size, bit_offset, bit_size, draw(st.booleans()), draw(st.booleans())


@given(scalars())
def test_decode(case: tuple[bytes, int, int, int, bool, bool]) -> None:
    data, size, bit_offset, bit_size, little, signed = case
    order = "little" if little else "big"
    type = prog.int_type("number", size, signed, order)
    bits = bits_of(data, little)[bit_offset : bit_offset + bit_size]
    expected = number(bits, little, signed)
    obj = Object.from_bytes_(
        prog, type, data, bit_offset=bit_offset, bit_field_size=bit_size
    )
    assert obj.value_() == expected
    assert obj.bit_field_size_ == bit_size
    here = Program(Platform(Architecture.X86_64))
    here.add_memory_segment(0x1000, len(data), lambda a, n, o, p: data[o : o + n])
    ref = Object(
        here,
        here.int_type("number", size, signed, order),
        address=0x1000,
        bit_offset=bit_offset,
        bit_field_size=bit_size,
    )
    assert ref.value_() == ref.read_().value_() == expected
    assert ref.to_bytes_() == obj.to_bytes_()


@given(scalars(), st.integers(-(2**130), 2**130))
def test_encode(case: tuple[bytes, int, int, int, bool, bool], value: int) -> None:
    """A member that is stored changes its own bits and no others."""
    _, size, bit_offset, bit_size, little, signed = case
    order = "little" if little else "big"
    type = prog.int_type("number", size, signed, order)
    holder = prog.struct_type(
        "holder",
        size + 6,
        [TypeMember(Object(prog, type, bit_field_size=bit_size), "f", bit_offset)],
    )
    data = Object(prog, holder, {"f": value}).to_bytes_()
    bits = bits_of(data, little)
    field = bits[bit_offset : bit_offset + bit_size]
    wrapped = number(field, little, signed)
    assert (wrapped - value) % (1 << bit_size) == 0
    assert not any(bits[:bit_offset]) and not any(bits[bit_offset + bit_size :])
    assert Object(prog, type, value, bit_field_size=bit_size).value_() == wrapped


@given(st.integers(1, 16), st.booleans(), st.booleans(), st.integers())
def test_whole_integers(size: int, little: bool, signed: bool, value: int) -> None:
    order = "little" if little else "big"
    obj = Object(prog, prog.int_type("number", size, signed, order), value)
    raw = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
    assert obj.to_bytes_() == raw
    assert obj.value_() == int.from_bytes(raw, order, signed=signed)  # type: ignore[arg-type]


@given(st.floats(width=64), st.booleans(), st.integers(0, 7))
def test_floats(value: float, little: bool, bit_offset: int) -> None:
    order = "little" if little else "big"
    for size, code in ((4, "f"), (8, "d")):
        type = prog.float_type("real", size, order)
        raw = Object(prog, type, value).to_bytes_()
        try:
            expected = struct.pack(("<" if little else ">") + code, value)
        except OverflowError:
            expected = struct.pack(
                ("<" if little else ">") + code, float("inf") * (1 if value > 0 else -1)
            )
        assert raw == expected
        holder = prog.struct_type(
            "holder", size + 1, [TypeMember(type, "f", bit_offset)]
        )
        data = Object(prog, holder, {"f": value}).to_bytes_()
        again = Object.from_bytes_(prog, type, data, bit_offset=bit_offset)
        assert again.to_bytes_() == expected


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_booleans(size: int) -> None:
    type = prog.bool_type("flag", size)
    for raw in (b"\0" * size, b"\2" + b"\0" * (size - 1)):
        obj = Object.from_bytes_(prog, type, raw)
        assert obj.value_() is any(raw)


def test_negative_member_leaves_its_neighbours_alone() -> None:
    integer = prog.int_type("int", 4, True)
    type = prog.struct_type(
        "pair",
        1,
        [
            TypeMember(Object(prog, integer, bit_field_size=4), "low", 0),
            TypeMember(Object(prog, integer, bit_field_size=4), "high", 4),
        ],
    )
    obj = Object(prog, type, {"high": 3, "low": -1})
    assert obj.value_() == {"low": -1, "high": 3}
