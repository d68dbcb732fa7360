"""Type.dtype, read_array, gather, to_numpy and columns on mock memory."""

from __future__ import annotations

import inspect
import struct
from typing import Any

import numpy as np
import pytest

import drgn
from drgn import (
    Architecture,
    FaultError,
    Object,
    Platform,
    PlatformFlags,
    Program,
    TypeEnumerator,
    TypeMember,
)

BASE = 0xFFFF0000


def make(memory: bytes = b"", *, little: bool = True) -> Program:
    flags = PlatformFlags.IS_64_BIT
    if little:
        flags |= PlatformFlags.IS_LITTLE_ENDIAN
    prog = Program(Platform(Architecture.X86_64, flags))
    if memory:
        prog.add_memory_segment(
            BASE,
            len(memory),
            lambda address, count, offset, physical: memory[offset : offset + count],
        )
    return prog


def ints(prog: Program) -> Any:
    return prog.int_type("int", 4, True)


def node_type(prog: Program) -> Any:
    """A node with padding, a bit field, an anonymous union and a pointer."""
    int_type = ints(prog)
    uint = prog.int_type("unsigned int", 4, False)
    char = prog.int_type("char", 1, True)
    anonymous = prog.union_type(
        None, 4, [TypeMember(int_type, "i"), TypeMember(uint, "u")]
    )
    type = prog.struct_type(
        "node",
        40,
        [
            TypeMember(int_type, "id", 0),
            TypeMember(Object(prog, uint, 0, bit_field_size=3), "low", 32),
            TypeMember(Object(prog, int_type, 0, bit_field_size=5), "high", 35),
            TypeMember(anonymous, None, 64),
            TypeMember(prog.array_type(char, 8), "name", 96),
            TypeMember(lambda: prog.pointer_type(type), "next", 192),
            TypeMember(prog.float_type("double", 8), "weight", 256),
        ],
    )
    return type


def node(
    id: int, low: int, high: int, i: int, name: bytes, next: int, w: float
) -> bytes:
    return struct.pack("<iIi8s4xQd", id, low | (high & 31) << 3, i, name, next, w)


def nodes() -> tuple[Program, Any, list[int]]:
    addresses = [BASE, BASE + 40, BASE + 80]
    memory = (
        node(1, 5, -16, -1, b"one", addresses[1], 0.5)
        + node(2, 0, 15, 7, b"two", addresses[2], 1.5)
        + node(3, 7, -1, 9, b"eight888", 0, 2.5)
    )
    prog = make(memory)
    return prog, node_type(prog), addresses


@pytest.mark.parametrize(
    ("make_type", "expected"),
    [
        (lambda p: p.int_type("int", 4, True), "<i4"),
        (lambda p: p.int_type("unsigned long", 8, False), "<u8"),
        (lambda p: p.int_type("u16", 2, False, "big"), ">u2"),
        (lambda p: p.int_type("__int128", 16, True), "V16"),
        (lambda p: p.bool_type("_Bool", 1), "?"),
        (lambda p: p.bool_type("bool32", 4), "<u4"),
        (lambda p: p.float_type("_Float16", 2), "<f2"),
        (lambda p: p.float_type("float", 4), "<f4"),
        (lambda p: p.float_type("double", 8), "<f8"),
        (lambda p: p.float_type("long double", 16), "V16"),
        (lambda p: p.pointer_type(p.void_type()), "<u8"),
        (lambda p: p.typedef_type("t", ints(p)), "<i4"),
        (
            lambda p: p.enum_type("e", ints(p), [TypeEnumerator("A", 0)]),
            "<i4",
        ),
        (lambda p: p.array_type(ints(p), 3), ("<i4", (3,))),
        (lambda p: p.array_type(p.array_type(ints(p), 2), 3), ("<i4", (3, 2))),
        (lambda p: p.array_type(ints(p)), ("<i4", (0,))),
    ],
)
def test_scalar_and_array_dtype(make_type: Any, expected: Any) -> None:
    assert make_type(make()).dtype == np.dtype(expected)


@pytest.mark.parametrize(
    "make_type",
    [
        lambda p: p.void_type(),
        lambda p: p.function_type(p.void_type(), ()),
        lambda p: p.struct_type("incomplete"),
        lambda p: p.enum_type("incomplete"),
    ],
)
def test_no_dtype(make_type: Any) -> None:
    type_ = make_type(make())
    with pytest.raises(AttributeError, match="has no dtype"):
        type_.dtype  # noqa: B018
    # Whatever lists the attributes goes on.
    assert ("kind", type_.kind) in inspect.getmembers(type_)


def test_struct_dtype() -> None:
    _, type, _ = nodes()
    dtype = type.dtype
    assert dtype.itemsize == 40
    assert {name: dtype.fields[name][1] for name in dtype.names} == {
        "id": 0,
        "i": 8,
        "u": 8,
        "name": 12,
        "next": 24,
        "weight": 32,
    }
    assert type.dtype is dtype


def test_struct_dtype_leaves_out_what_has_none() -> None:
    prog = make()
    gone, void = prog.struct_type("gone"), prog.void_type()
    members = [
        TypeMember(ints(prog), "a", 0),
        TypeMember(gone, "incomplete", 32),
        TypeMember(prog.function_type(void, ()), "function", 32),
        TypeMember(void, "void", 32),
        TypeMember(gone, None, 64),
        TypeMember(ints(prog), None, 64),
        TypeMember(prog.float_type("double", 8), "a", 128),
        TypeMember(ints(prog), "b", 96),
    ]
    dtype = prog.struct_type("odd", 24, members).dtype
    assert dtype.names == ("a", "b")
    assert dtype["a"] == np.dtype("<i4")
    assert [dtype.fields[name][1] for name in dtype.names] == [0, 12]


def test_read_array() -> None:
    prog, type, addresses = nodes()
    array = prog.read_array(type, BASE, 3)
    assert array["id"].tolist() == [1, 2, 3]
    assert array["i"].tolist() == [-1, 7, 9]
    assert array["u"].tolist() == [2**32 - 1, 7, 9]
    assert array["next"].tolist() == [addresses[1], addresses[2], 0]
    assert prog.read_array(type, BASE, 0).shape == (0,)
    assert prog.read_array("unsigned char", BASE, 4).tolist() == [1, 0, 0, 0]
    with pytest.raises(FaultError) as info:
        prog.read_array(type, BASE, 4)
    assert info.value.address == BASE + 120
    with pytest.raises(ValueError, match="negative count"):
        prog.read_array(type, BASE, -1)


def test_read_array_of_arrays() -> None:
    prog = make(bytes(range(12)))
    array = prog.read_array(prog.array_type(prog.type("unsigned char"), 3), BASE, 4)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_gather_masks_what_cannot_be_read() -> None:
    prog, type, addresses = nodes()
    wanted = [addresses[2], 0, addresses[0], BASE + 100]
    result = prog.gather(type, wanted)
    assert result["id"].tolist() == [3, None, 1, None]
    # The last one lies inside the memory, but not the whole node does.
    assert prog.gather("int", wanted).tolist()[:3] == [3, None, 1]
    assert prog.gather("int", [BASE + 116]).tolist() == [0x40040000]


def test_masked_addresses_are_masked() -> None:
    prog, type, addresses = nodes()
    prog.add_memory_segment(0, 64, lambda *_: bytes(64))  # NULL can be read.
    mask = [False, True, False]
    some = np.ma.MaskedArray(np.array(addresses, np.uint64), mask)
    for wanted in (some, some.astype(np.int64)):
        assert prog.gather(type, wanted)["id"].tolist() == [1, None, 3]
        found = drgn.columns(wanted, "id", "weight", type=type)
        assert found["id"].tolist() == [1, None, 3]
        assert found["weight"].mask.tolist() == mask


@pytest.mark.parametrize(
    "wanted",
    [
        [1.0],
        np.array([0xFFFF888000000000], float),  # as pandas has integers beside NaN
        np.array(["1"]),
        np.array([True]),
        np.array([1.0], object),
        "1",
        ["1"],
        [[1]],
        [None],
    ],
)
def test_addresses_are_integers(wanted: Any) -> None:
    prog, type, _ = nodes()
    with pytest.raises(TypeError):
        prog.gather(type, wanted)
    with pytest.raises(TypeError):
        drgn.columns(wanted, "id", type=type)


def test_addresses_of_many_kinds() -> None:
    prog, type, addresses = nodes()
    first = Object(prog, type, address=addresses[0])
    for wanted in (
        [np.uint64(addresses[0]), first, first.address_of_()],
        np.array([addresses[0], first, first.address_of_()], object),
        np.array([addresses[0]] * 3, np.int64),
    ):
        assert prog.gather(type, wanted)["id"].tolist() == [1, 1, 1]
    # What is empty has numpy's usual dtype, which is a float's.
    assert prog.gather(type, np.array([])).shape == (0,)
    assert drgn.columns(np.array([]), "id", type=type)["id"].shape == (0,)


def test_to_numpy() -> None:
    prog, type, addresses = nodes()
    obj = Object(prog, type, address=addresses[1])
    assert obj.to_numpy()["weight"] == 1.5
    assert obj.name.to_numpy().tobytes() == b"two".ljust(8, b"\0")
    assert obj.low.to_numpy() == 0
    assert obj.high.to_numpy() == 15
    assert Object(prog, "int", -3).to_numpy() == -3


def test_columns() -> None:
    prog, type, addresses = nodes()
    objects = [Object(prog, type, address=address) for address in addresses]
    result = drgn.columns(
        objects,
        "id",
        "name",
        "low",
        "high",
        "next->id",
        "next->next.name",
        "next.weight",
        "name[2]",
    )
    assert list(result) == [
        "id",
        "name",
        "low",
        "high",
        "next->id",
        "next->next.name",
        "next.weight",
        "name[2]",
    ]
    assert result["id"].tolist() == [1, 2, 3]
    assert result["name"].tolist() == [b"one", b"two", b"eight888"]
    assert result["low"].tolist() == [5, 0, 7]
    assert result["high"].tolist() == [-16, 15, -1]
    assert result["next->id"].tolist() == [2, 3, None]
    assert result["next->next.name"].tolist() == [b"eight888", None, None]
    assert result["next.weight"].tolist() == [1.5, 2.5, None]
    assert result["name[2]"].tolist() == [ord("e"), ord("o"), ord("g")]


def test_columns_of_pointers_and_addresses() -> None:
    prog, type, addresses = nodes()
    pointers = [Object(prog, prog.pointer_type(type), a) for a in (*addresses, 0)]
    assert drgn.columns(pointers, "id")["id"].tolist() == [1, 2, 3, None]
    by_address = drgn.columns(np.array(addresses), "id", type=type)
    assert by_address["id"].tolist() == [1, 2, 3]


def test_columns_errors() -> None:
    _, type, addresses = nodes()
    with pytest.raises(LookupError, match="no member 'nope'"):
        drgn.columns(addresses, "nope", type=type)
    for path in ("", "id!", "id id", "[", "->"):
        with pytest.raises(ValueError, match="path"):
            drgn.columns(addresses, path, type=type)
    with pytest.raises(TypeError):
        drgn.columns(addresses, "id[0]", type=type)
    with pytest.raises(ValueError, match="need a type"):
        drgn.columns([], "id")


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize(
    ("offset", "size"), [(0, 1), (3, 5), (7, 64), (1, 31), (6, 33)]
)
def test_bit_field_column_is_what_the_object_says(
    little: bool, offset: int, size: int
) -> None:
    memory = bytes((i * 73 + 41) & 0xFF for i in range(64))
    prog = make(memory, little=little)
    for signed in (True, False):
        integer = prog.int_type("long long", 8, signed)
        type = prog.struct_type(
            "s",
            16,
            [TypeMember(Object(prog, integer, 0, bit_field_size=size), "f", offset)],
        )
        addresses = [BASE, BASE + 16, BASE + 48]
        expected = [
            Object(prog, type, address=address).f.value_() for address in addresses
        ]
        assert drgn.columns(addresses, "f", type=type)["f"].tolist() == expected
