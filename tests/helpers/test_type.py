"""drgn.helpers.common.type."""

from __future__ import annotations

import pytest

from drgn import Object, Program, Type, TypeEnumerator, TypeMember
from drgn.helpers.common.type import (
    enum_type_to_class,
    member_at_offset,
    typeof_member,
)


@pytest.fixture
def types(mock: Program) -> dict[str, Type]:
    int_type = mock.int_type("int", 4, True)
    char = mock.int_type("char", 1, True)
    long = mock.int_type("long", 8, True)
    point = mock.struct_type(
        "point", 8, [TypeMember(int_type, "x"), TypeMember(int_type, "y", 32)]
    )
    padded = mock.struct_type(
        "padded", 16, [TypeMember(char, "c"), TypeMember(long, "l", 64)]
    )
    union = mock.union_type(
        "number", 8, [TypeMember(long, "l"), TypeMember(point, "p")]
    )
    anonymous = mock.struct_type(
        "anonymous", 24, [TypeMember(char, "c"), TypeMember(union, None, 64)]
    )
    bits = mock.struct_type(
        "bits",
        4,
        [
            TypeMember(Object(mock, int_type, 0, bit_field_size=4), "low"),
            TypeMember(Object(mock, int_type, 0, bit_field_size=12), "high", 4),
        ],
    )
    nested = mock.struct_type(
        "nested",
        40,
        [
            TypeMember(mock.array_type(padded, 2), "array"),
            TypeMember(mock.pointer_type(point), "pointer", 256),
            TypeMember(mock.array_type(int_type), "flexible", 320),
        ],
    )
    return {t.tag or "": t for t in (point, padded, union, anonymous, bits, nested)}


@pytest.mark.parametrize(
    ("tag", "offset", "name"),
    [
        ("point", 0, "x"),
        ("point", 6, "y+0x2"),
        ("point", 8, "<end>"),
        ("point", 9, "<past end>"),
        ("padded", 3, "<padding between c and l>"),
        ("number", 4, "l+0x4 or p.y"),
        ("anonymous", 2, "<padding between c and <unnamed>>"),
        ("anonymous", 8, "l or p.x"),
        ("anonymous", 16, "<padding at end>"),
        ("bits", 0, "low"),
        ("bits", 1, "high+4 bits"),
        ("nested", 16, "array[1].c"),
        ("nested", 20, "array[1].<padding between c and l>"),
        ("nested", 32, "pointer"),
        ("nested", 46, "flexible[1]+0x2"),
    ],
)
def test_member_at_offset(
    types: dict[str, Type], tag: str, offset: int, name: str
) -> None:
    assert member_at_offset(types[tag], offset) == name


def test_member_at_offset_of_array(mock: Program, types: dict[str, Type]) -> None:
    array = mock.typedef_type("points", mock.array_type(types["point"], 3))
    assert member_at_offset(array, 12) == "[1].y"
    assert member_at_offset(array, 24) == "<end>"


def test_member_at_offset_of_incomplete_structure(mock: Program) -> None:
    unknown = mock.struct_type("unknown")
    assert member_at_offset(unknown, 0) == ""
    assert member_at_offset(unknown, 8) == "+0x8"
    int_type = mock.int_type("int", 4, True)
    members = [TypeMember(int_type, "a"), TypeMember(unknown, "b", 64)]
    outer = mock.struct_type("outer", 16, members)
    assert member_at_offset(outer, 5) == "<padding between a and b>"
    assert member_at_offset(outer, 8) == "<padding between a and b>"
    assert member_at_offset(outer, 9) == "<padding at end>"


def test_member_at_offset_before_the_beginning(
    mock: Program, types: dict[str, Type]
) -> None:
    assert member_at_offset(types["point"], -1) == "<padding at beginning>"
    assert member_at_offset(mock.array_type(types["point"], 2), -4) == "[-1].y"


def test_member_at_offset_errors(mock: Program, types: dict[str, Type]) -> None:
    with pytest.raises(TypeError, match="must be compound type or array"):
        member_at_offset(mock.int_type("int", 4, True), 0)


def test_typeof_member(types: dict[str, Type]) -> None:
    nested = types["nested"]
    assert typeof_member(nested, "array[1].l").name == "long"
    assert typeof_member(nested, "array[1]") == types["padded"]
    assert typeof_member(types["bits"], "high").name == "int"
    assert typeof_member(types["anonymous"], "p.y").name == "int"
    with pytest.raises(LookupError, match="has no member 'q'"):
        typeof_member(nested, "q")
    with pytest.raises(TypeError, match="is not a structure, union, or class"):
        typeof_member(nested, "pointer.x")
    with pytest.raises(TypeError, match="is not an array"):
        typeof_member(nested, "pointer[1]")


def test_enum_type_to_class(mock: Program) -> None:
    enum = mock.enum_type(
        "color",
        mock.int_type("unsigned int", 4, False),
        [TypeEnumerator(name, i) for i, name in enumerate(("C_RED", "C_BLUE", "C_NR"))],
    )
    color = enum_type_to_class(enum, "Color", exclude=("C_NR",), prefix="C_")
    assert [(c.name, c.value) for c in color] == [("RED", 0), ("BLUE", 1)]
    assert color.__name__ == "Color"
    with pytest.raises(TypeError, match="incomplete"):
        enum_type_to_class(mock.enum_type("unknown"), "Unknown")
