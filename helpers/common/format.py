"""
Formatting
----------

``drgn.helpers.common.format`` formats flags, strings, numbers and tables as text.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, SupportsFloat, TypeVar, overload

from drgn import IntegerLike, Type

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = (
    "CellFormat",
    "RowOptions",
    "decode_enum_type_flags",
    "decode_flags",
    "double_quote_ascii_string",
    "escape_ascii_character",
    "escape_ascii_string",
    "number_in_binary_units",
    "print_table",
)

_T_co = TypeVar("_T_co", covariant=True)

_ALIGNMENTS = ("<", ">", "=", "^")

_ESCAPES = {
    0: "\\0",
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
}


def escape_ascii_character(
    c: int,
    escape_single_quote: bool = False,
    escape_double_quote: bool = False,
    escape_backslash: bool = False,
) -> str:
    r"""Format one byte as a character, escaping it as C does if need be.

    Bytes that cannot be printed become ``\0``, ``\a``, ``\b``, ``\t``, ``\n``,
    ``\v``, ``\f``, ``\r`` or hexadecimal (``\x7f``).

    :param c: Byte value.
    :param escape_single_quote: Whether ``'`` becomes ``\'``.
    :param escape_double_quote: Whether ``"`` becomes ``\"``.
    :param escape_backslash: Whether ``\`` becomes ``\\``.

    >>> escape_ascii_character(ord("\n"))
    '\\n'
    >>> escape_ascii_character(ord('"'), escape_double_quote=True)
    '\\"'
    """
    if c in _ESCAPES:
        return _ESCAPES[c]
    if not 0x20 <= c < 0x7F:
        return f"\\x{c:02x}"
    char = chr(c)
    if (
        (char == "'" and escape_single_quote)
        or (char == '"' and escape_double_quote)
        or (char == "\\" and escape_backslash)
    ):
        return "\\" + char
    return char


def escape_ascii_string(
    buffer: Iterable[int],
    escape_single_quote: bool = False,
    escape_double_quote: bool = False,
    escape_backslash: bool = False,
) -> str:
    """Escape bytes; see :func:`escape_ascii_character()`.

    :param buffer: Bytes, e.g., :class:`bytes` or :class:`bytearray`.
    :param escape_single_quote: Whether to escape single quotes.
    :param escape_double_quote: Whether to escape double quotes.
    :param escape_backslash: Whether to escape backslashes.

    >>> escape_ascii_string(b"tab\\there\\x80")
    'tab\\\\there\\\\x80'
    """
    return "".join(
        escape_ascii_character(
            c, escape_single_quote, escape_double_quote, escape_backslash
        )
        for c in buffer
    )


def double_quote_ascii_string(buffer: Iterable[int]) -> str:
    """Format bytes as a string in double quotes, escaping quotes and backslashes.

    :param buffer: Bytes, e.g., :class:`bytes` or :class:`bytearray`.

    >>> double_quote_ascii_string(b'say "hi"\\n')
    '"say \\\\"hi\\\\"\\\\n"'
    """
    escaped = escape_ascii_string(
        buffer, escape_double_quote=True, escape_backslash=True
    )
    return f'"{escaped}"'


def decode_flags(
    value: IntegerLike,
    flags: Iterable[tuple[str, int]],
    bit_numbers: bool = True,
    aliases: bool = True,
) -> str:
    """Spell out a bit mask, e.g., ``"BOLD|ITALIC|0x18"``; zero is ``"0"``.

    :param value: Bit mask.
    :param flags: Names and bit numbers or values of the flags, in the order of
        output. Bits without a name are appended as a hexadecimal number.
    :param bit_numbers: Whether *flags* has bit numbers (0 is the least significant
        bit) or values.
    :param aliases: Whether to write every name of a flag or only the first.

    >>> decode_flags(5, [("READ", 0), ("WRITE", 1), ("EXEC", 2)])
    'READ|EXEC'
    >>> decode_flags(0x8001, [("READ", 0x1), ("WRITE", 0x2)], bit_numbers=False)
    'READ|0x8000'
    """
    value = operator.index(value)
    if not value:
        return "0"
    names = []
    known = 0
    for name, flag in flags:
        mask = 1 << flag if bit_numbers else flag
        if value & mask and (aliases or not known & mask):
            names.append(name)
            known |= mask
    if value & ~known:
        names.append(hex(value & ~known))
    return "|".join(names)


def decode_enum_type_flags(
    value: IntegerLike, type: Type, bit_numbers: bool = True
) -> str:
    """Spell out a bit mask whose flags are an enumerated type's enumerators.

    :param value: Bit mask.
    :param type: Enumerated type.
    :param bit_numbers: Whether the enumerators are bit numbers or values.
    :raises TypeError: if *type* is incomplete

    >>> decode_enum_type_flags(3, prog.type("enum pageflags"))
    'PG_locked|PG_referenced'
    """
    enumerators = type.enumerators
    if enumerators is None:
        raise TypeError("cannot decode incomplete enumerated type")
    return decode_flags(value, [(e.name, e.value) for e in enumerators], bit_numbers)


def number_in_binary_units(n: SupportsFloat, precision: int = 1) -> str:
    """Format a number with a unit of 1024, 1024², etc., e.g., ``"1.2K"``.

    Exact numbers are written without a fraction, numbers below 1024 without a
    unit.

    :param n: Number.
    :param precision: Digits of the fraction.

    >>> number_in_binary_units(1280)
    '1.2K'
    >>> number_in_binary_units(1 << 30, 0)
    '1G'
    """
    units = ("", "K", "M", "G", "T", "P", "E", "Z", "Y")
    number = float(n)
    unit = 0
    while abs(number) >= 1024 and unit < len(units) - 1:
        number /= 1024
        unit += 1
    if number.is_integer():
        precision = 0
    return f"{number:.{precision}f}{units[unit]}"


class CellFormat:
    """A value together with how :func:`print_table()` shall format it.

    :param value: Value.
    :param format_spec: Format specification, as of :func:`format()`, without a width.

    >>> print_table([("NAME", "SIZE"), ("vda", CellFormat(4096, "x"))])
    NAME  SIZE
    vda   1000
    """

    __slots__ = ("_flags", "_rest", "_value")

    def __init__(self, value: Any, format_spec: str) -> None:
        # The width belongs between the fill, alignment, sign and "#" and the rest.
        end = 0
        if format_spec[1:2] in _ALIGNMENTS:
            end = 2
        elif format_spec[:1] in _ALIGNMENTS:
            end = 1
        while format_spec[end : end + 1] in ("+", "-", " ", "z", "#"):
            end += 1
        if format_spec[end : end + 1].isdigit():
            raise ValueError("format_spec must not have width")
        self._value = value
        self._flags = format_spec[:end]
        self._rest = format_spec[end:]

    def __str__(self) -> str:
        return format(self._value, self._flags + self._rest)

    def __format__(self, format_spec: str) -> str:
        return format(self._value, self._flags + format_spec + self._rest)


class RowOptions(Sequence[_T_co], Generic[_T_co]):
    """A row together with how :func:`print_table()` shall format it.

    :param row: Row.
    :param group: The row's columns are aligned with the rows of this group only.
    """

    __slots__ = ("_group", "_row")

    def __init__(self, row: Sequence[_T_co], *, group: Hashable = 0) -> None:
        self._row = row
        self._group = group

    @overload
    def __getitem__(self, index: int) -> _T_co: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_T_co]: ...

    def __getitem__(self, index: int | slice) -> _T_co | Sequence[_T_co]:
        return self._row[index]

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, x: object, /) -> bool:
        return x in self._row

    def __iter__(self) -> Iterator[_T_co]:
        return iter(self._row)

    def __reversed__(self) -> Iterator[_T_co]:
        return reversed(self._row)

    def count(self, value: Any) -> int:
        return self._row.count(value)

    def index(self, *args: Any) -> int:
        return self._row.index(*args)


def print_table(
    rows: Sequence[Sequence[Any]],
    *,
    sep: str = "  ",
    file: SupportsWrite[str] | None = None,
) -> None:
    """Print rows of values as a table.

    Numbers are aligned to the right, other values to the left; a
    :class:`CellFormat` says otherwise for its cell, a :class:`RowOptions` for its
    row. Rows may have different lengths. The last cell of a row is not padded to its
    right.

    :param rows: Rows of cells.
    :param sep: Column separator.
    :param file: File to write to (``sys.stdout`` by default).

    >>> print_table([("PID", "COMM"), (1, "init"), (162, "wait-files")])
    PID  COMM
      1  init
    162  wait-files
    """
    groups: dict[Hashable, list[int]] = {}
    texts = [[_text(cell) for cell in row] for row in rows]
    for row, cells in zip(rows, texts, strict=True):
        widths = groups.setdefault(_group(row), [])
        widths.extend([0] * (len(cells) - len(widths)))
        widths[: len(cells)] = map(max, widths, map(len, cells))
    write = (sys.stdout if file is None else file).write
    for row, cells in zip(rows, texts, strict=True):
        padded = list(map(_pad, row, cells, groups[_group(row)]))
        if padded:
            padded[-1] = padded[-1].rstrip()
        write(sep.join(padded) + "\n")


def _text(cell: Any) -> str:
    return cell if type(cell) is str else str(cell)


def _group(row: Sequence[Any]) -> Hashable:
    return row._group if isinstance(row, RowOptions) else 0


def _pad(cell: Any, text: str, width: int) -> str:
    if isinstance(cell, (int, float, CellFormat)):
        return format(cell, str(width or ""))
    return text.ljust(width)
