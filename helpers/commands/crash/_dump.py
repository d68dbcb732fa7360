"""Memory as lines: an address, numbers, and the characters that they are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from drgn import Program

from ._output import address_digits

LINE = 16
"""Bytes in a line."""
FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Letters of :mod:`struct` for unsigned numbers by their size."""

PRINTABLE = bytes(range(0x20, 0x7F))
"""The characters that are shown as they are."""

Order = Literal["little", "big"]


def characters(data: bytes) -> str:
    """Bytes as ASCII, a dot for each that cannot be shown."""
    return "".join(chr(byte) if byte in PRINTABLE else "." for byte in data)


def numbers(data: bytes, unit: int, order: Order, signed: bool) -> Sequence[int]:
    """Bytes as numbers of ``unit`` bytes."""
    letter = FORMATS[unit].lower() if signed else FORMATS[unit]
    prefix = "<" if order == "little" else ">"
    return struct.unpack(f"{prefix}{len(data) // unit}{letter}", data)


def lines(
    prog: Program,
    address: int,
    data: bytes,
    unit: int,
    order: Order,
    *,
    signed: bool = False,
    cell: Callable[[int], str] | None = None,
    text: bool = True,
) -> Iterator[str]:
    """Lines of memory.

    ``cell`` formats a number (default: all hexadecimal digits); ``text`` is whether the
    characters follow.
    """
    digits = address_digits(prog)
    if cell is None:
        cell = f"{{:0{2 * unit}x}}".format
    values = numbers(data, unit, order, signed)
    # Where the characters of a full line begin.
    column = digits + 3 + LINE // unit * (2 * unit + 1) + 2
    for i in range(0, len(data), LINE):
        cells = " ".join(map(cell, values[i // unit : (i + LINE) // unit]))
        line = f"{address + i:{digits}x}:  {cells}"
        if text:
            line = line.ljust(column) + characters(data[i : i + LINE])
        yield line
