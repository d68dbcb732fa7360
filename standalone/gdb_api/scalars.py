"""Numbers in the formats of ``print/x``, ``x/8xb`` and so on."""

from __future__ import annotations

import math
import struct
from decimal import Context, Decimal
from typing import Any

from drgn import Object, TypeKind

from .errors import error
from .strings import char_text
from .types import size_of
from .value import ADDRESSES, byteorder, is_long_double, long_double

LETTERS = "xduotacfszi"

# Significant decimal digits, which tell any two numbers of a size apart.
_DIGITS = {2: 5, 4: 9, 8: 17}
_LONG_DOUBLE_DIGITS = 21
# struct's letters, and the bits of the fraction.
_FLOATS = {4: ("f", 23), 8: ("d", 52)}


def float_text(value: float, size: int) -> str:
    """A floating value, exact to its size."""
    if math.isnan(value):
        layout, fraction = _FLOATS.get(size, _FLOATS[8])
        bits = int.from_bytes(struct.pack(f"<{layout}", value), "little")
        sign = "-" if math.copysign(1, value) < 0 else ""
        return f"{sign}nan({bits & ((1 << fraction) - 1):#x})"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.{_DIGITS.get(size, 17)}g}"


def long_double_text(value: Decimal) -> str:
    """A floating value of 80 bits, as C's ``%g`` has it."""
    if not value.is_finite():
        return str(value).lower().replace("infinity", "inf")
    if not value:
        return "0"
    rounded = Context(prec=_LONG_DOUBLE_DIGITS).plus(value)
    exponent = rounded.adjusted()
    if -5 < exponent < _LONG_DOUBLE_DIGITS:
        text = f"{rounded:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits = "".join(map(str, rounded.as_tuple().digits)).rstrip("0")
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    sign = "-" if value < 0 else ""
    mark = "-" if exponent < 0 else "+"
    return f"{sign}{digits[0]}{fraction}e{mark}{abs(exponent):02}"


def char_value_text(value: int, prefix: str = "") -> str:
    """``97 'a'``."""
    code = value & 255 if not prefix else value
    return f"{value} {prefix}'{char_text(code, chr(39))}'"


def bits_of(obj: Object) -> tuple[int, int]:
    """The bits of a scalar as an unsigned number, and how many bytes they are.

    Those of a bit field are widened to its type.
    """
    size = size_of(obj.type_)
    if is_long_double(obj):
        return int.from_bytes(obj.to_bytes_()[:10], "little"), size
    if obj.type_.unaliased_kind() is TypeKind.FLOAT:
        return int.from_bytes(obj.to_bytes_(), byteorder(obj.prog_)), size
    value: Any = obj.value_()
    return int(value) & ((1 << size * 8) - 1), size


def formatted(obj: Object, letter: str, symbol: Any, padded: bool = False) -> str:
    """A scalar in a format; ``symbol(address)`` is what stands behind an address."""
    bits, size = bits_of(obj)
    width = size * 8
    plain = obj.type_.unaliased()
    if letter == "x":
        return f"0x{bits:0{size * 2}x}" if padded else f"{bits:#x}"
    if letter == "z":
        return f"0x{bits:0{size * 2}x}"
    if letter == "d":
        return str(bits - (1 << width) if bits >> (width - 1) else bits)
    if letter == "u":
        return str(bits)
    if letter == "o":
        if padded:
            return f"0{bits:0{(width + 2) // 3}o}"
        return f"0{bits:o}" if bits else "0"
    if letter == "t":
        return f"{bits:0{width}b}" if padded else f"{bits:b}"
    if letter == "c":
        signed = plain.kind is not TypeKind.INT or plain.is_signed
        low = _whole(obj, bits) & 255
        return char_value_text(low - 256 if signed and low > 127 else low)
    if letter == "a":
        address = _whole(obj, bits) & ADDRESSES
        text = symbol(address)
        return f"{address:#x} {text}" if text else f"{address:#x}"
    if letter == "f":
        return _as_float(obj, bits, size)
    raise error(f'Undefined output format "{letter}".')


def _whole(obj: Object, bits: int) -> int:
    """A scalar as a whole number: what is not whole is cut, to 64 bits."""
    kind = obj.type_.unaliased_kind()
    if kind is TypeKind.FLOAT:
        value = long_double(obj) if is_long_double(obj) else obj.value_()
        if math.isnan(value):
            return 0
        return int(max(-(1 << 63), min(value, (1 << 63) - 1)))
    return bits if kind is TypeKind.POINTER else int(obj.value_())


def _as_float(obj: Object, bits: int, size: int) -> str:
    if obj.type_.unaliased_kind() is TypeKind.FLOAT:
        return float_text(obj.value_(), size)
    if size not in _FLOATS:
        return str(int(obj.value_()))
    layout = _FLOATS[size][0]
    value = struct.unpack(f"<{layout}", bits.to_bytes(size, "little"))[0]
    if math.isnan(value):
        # A signaling NaN would not survive as Python's.
        fraction = bits & ((1 << _FLOATS[size][1]) - 1)
        return f"{'-' if bits >> (size * 8 - 1) else ''}nan({fraction:#x})"
    return float_text(value, size)
