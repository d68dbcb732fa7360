"""Numbers in the formats of ``print/x``, ``x/8xb`` and so on."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

from drgn import Object, TypeKind

from .errors import error
from .strings import char_text
from .types import size_of

LETTERS = "xduotacfszi"


def float_text(value: float, size: int) -> str:
    """A floating value, exact to its size."""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    digits = {2: 5, 4: 9, 8: 17}.get(size, 18)
    return f"{value:.{digits}g}"


def long_double_text(value: Decimal) -> str:
    """A floating value of 80 bits, with as many digits as it has."""
    if not value.is_finite():
        return str(value).lower().replace("infinity", "inf")
    text = f"{value:.18g}"
    if "e" in text or "." not in text:
        return text
    return text.rstrip("0").rstrip(".")


def char_value_text(value: int, prefix: str = "") -> str:
    """``97 'a'``."""
    code = value & 255 if not prefix else value
    return f"{value} {prefix}'{char_text(code, chr(39))}'"


def bits_of(obj: Object) -> tuple[int, int]:
    """The bits of a scalar as an unsigned number, and how many bytes they are."""
    size = size_of(obj.type_)
    value: Any = obj.value_()
    if isinstance(value, float):
        data = struct.pack("<f" if size == 4 else "<d", value)
        return int.from_bytes(data, "little"), len(data)
    width = obj.bit_field_size_ or size * 8
    return int(value) & ((1 << width) - 1), size


def formatted(obj: Object, letter: str, symbol: Any, padded: bool = False) -> str:
    """A scalar in a format; ``symbol(address)`` is what stands behind an address."""
    bits, size = bits_of(obj)
    width = obj.bit_field_size_ or size * 8
    if letter == "x":
        return f"0x{bits:0{size * 2}x}" if padded else f"{bits:#x}"
    if letter == "z":
        return f"0x{bits:0{size * 2}x}"
    if letter == "d":
        return str(bits - (1 << width) if bits >> (width - 1) else bits)
    if letter == "u":
        return str(bits)
    if letter == "o":
        return f"0{bits:o}" if bits else "0"
    if letter == "t":
        return f"{bits:0{size * 8}b}" if padded else f"{bits:b}"
    if letter == "c":
        signed = obj.type_.unaliased_kind() is not TypeKind.INT or (
            obj.type_.unaliased().is_signed
        )
        low = bits & 255
        return char_value_text(low - 256 if signed and low > 127 else low)
    if letter == "a":
        text = symbol(bits)
        return f"{bits:#x} {text}" if text else f"{bits:#x}"
    if letter == "f":
        if isinstance(obj.value_(), float):
            return float_text(obj.value_(), size)
        if size in (4, 8):
            data = bits.to_bytes(size, "little")
            return float_text(struct.unpack("<f" if size == 4 else "<d", data)[0], size)
        return str(obj.value_())
    raise error(f'Undefined output format "{letter}".')
