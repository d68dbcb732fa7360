"""drgn.helpers.common.format."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest

from drgn import Object, Program, TypeEnumerator
from drgn.helpers.common.format import (
    CellFormat,
    RowOptions,
    decode_enum_type_flags,
    decode_flags,
    double_quote_ascii_string,
    escape_ascii_character,
    escape_ascii_string,
    number_in_binary_units,
    print_table,
)

FLAGS = [("BOLD", 0), ("ITALIC", 1), ("BIG", 3), ("LARGE", 3)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "BOLD"),
        (3, "BOLD|ITALIC"),
        (8, "BIG|LARGE"),
        (0x35, "BOLD|0x34"),
        (-1, "BOLD|ITALIC|BIG|LARGE|-0xc"),
    ],
)
def test_decode_flags(value: int, text: str) -> None:
    assert decode_flags(value, FLAGS) == text


def test_decode_flags_by_value() -> None:
    assert decode_flags(5, [("A", 1), ("B", 4)], bit_numbers=False) == "A|B"
    assert decode_flags(8, FLAGS, aliases=False) == "BIG"


def test_decode_enum_type_flags(mock: Program) -> None:
    styles = mock.enum_type(
        "style",
        mock.int_type("unsigned int", 4, False),
        [TypeEnumerator("BOLD", 0), TypeEnumerator("UNDERLINE", 2)],
    )
    assert decode_enum_type_flags(5, styles) == "BOLD|UNDERLINE"
    assert decode_enum_type_flags(2, styles, bit_numbers=False) == "UNDERLINE"
    with pytest.raises(TypeError, match="incomplete"):
        decode_enum_type_flags(1, mock.enum_type("unknown"))


def test_escape() -> None:
    assert escape_ascii_string(b"\0\a\b\t\n\v\f\r\x1f\x7f\xff A'\"\\") == (
        r"\0\a\b\t\n\v\f\r\x1f\x7f\xff A" + "'\"\\"
    )
    for char, option in (
        ("'", "escape_single_quote"),
        ('"', "escape_double_quote"),
        ("\\", "escape_backslash"),
    ):
        assert escape_ascii_character(ord(char)) == char
        assert escape_ascii_character(ord(char), **{option: True}) == f"\\{char}"
    assert double_quote_ascii_string(b'a"b\\c') == r'"a\"b\\c"'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (10, "10"),
        (1280, "1.2K"),
        (1024 * 1024, "1M"),
        (-5000, "-4.9K"),
        (1 << 90, "1024Y"),
    ],
)
def test_number_in_binary_units(number: int, text: str) -> None:
    assert number_in_binary_units(number) == text


def table(rows: Sequence[Sequence[Any]], **options: Any) -> list[str]:
    file = io.StringIO()
    print_table(rows, file=file, **options)
    return file.getvalue().splitlines()


def test_table() -> None:
    assert table([[2, 2000, 4], ["", 3, 13, 19]]) == [
        "2  2000   4",
        "      3  13  19",
    ]
    assert table([["a", "b"], ["long", 1.5]], sep="|") == ["a   |b", "long|1.5"]
    # Padding is left away behind the last cell of a row only, as upstream does.
    centered = CellFormat("m", "^")
    assert table([["a", "long", "c"], ["b", centered, ""], ["b", centered], []]) == [
        "a  long  c",
        "b   m    ",
        "b   m",
        "",
    ]


def test_table_of_objects(mock: Program) -> None:
    number = Object(mock, mock.int_type("int", 4, True), 5)
    assert table([[number, None], ["a", 1]]) == ["(int)5  None", "a          1"]


def test_table_formats() -> None:
    assert table([["HEX", "X"], [CellFormat(255, "<x"), 1]]) == ["HEX  X", "ff   1"]
    assert table([["WIDER"], [CellFormat(255, "#x")]]) == ["WIDER", " 0xff"]
    assert table([["WIDER"], [CellFormat("a", "^")]]) == ["WIDER", "  a"]
    for spec in ("08x", "<8x", "*^8", "+8d"):
        with pytest.raises(ValueError, match="width"):
            CellFormat(1, spec)


def test_table_groups() -> None:
    rows = [
        ["A", 1],
        RowOptions(["WORD", "LENGTH"], group=1),
        RowOptions(["angstrom", 8], group=1),
        ["B", 20],
    ]
    assert table(rows) == ["A   1", "WORD      LENGTH", "angstrom       8", "B  20"]
