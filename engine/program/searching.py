"""What may be searched for in memory, and how: the arguments of search_memory*."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..arguments import class_label
from ..memory.search import (
    MemorySearchIterator,
    search_bytes,
    search_regex,
    search_uint,
)
from ..objects.object import Object
from ..types.layout import alignof

if TYPE_CHECKING:
    from .program import Program


def search_memory(
    prog: Program, value: Any, alignment: SupportsIndex | None = None
) -> MemorySearchIterator[int]:
    """See `MemoryAccess.search_memory`.

    An integer is one of the size of an address, an Object its bytes; both are aligned
    as their types are.
    """
    if isinstance(value, (bytes, str)):
        needle = value.encode() if isinstance(value, str) else value
        align = 1 if alignment is None else _unsigned(alignment, 64)
        if not needle:
            raise ValueError("needle cannot be empty")
        if align <= 0 or align & (align - 1):
            raise ValueError("alignment must be power of 2")
        return search_bytes(prog._memory, needle, align, prog._require_address_size)
    if alignment is not None:
        raise TypeError("alignment is only allowed with bytes or str value")
    if isinstance(value, Object):
        align = alignof(value.type_)
        needle = value.to_bytes_()
        if not needle:
            raise ValueError("can't search for object with size 0")
        return search_bytes(prog._memory, needle, align, prog._require_address_size)
    if not hasattr(type(value), "__index__"):
        raise TypeError(
            "value must be bytes, str, int, or drgn.Object, not " + class_label(value)
        )
    size = _word_size(prog)
    number = operator.index(value)
    if size < 8 and number > 2 ** (8 * size) - 1:
        raise OverflowError("value is too large")
    needle = _unsigned(number, 64).to_bytes(
        size, "little" if prog._is_little_endian() else "big"
    )
    return search_bytes(prog._memory, needle, size, prog._require_address_size)


def search_memory_regex(prog: Program, pattern: Any) -> MemorySearchIterator[Any]:
    """See `MemoryAccess.search_memory_regex`."""
    from ..memory.regex import compile_pattern

    if not isinstance(pattern, (bytes, str)):
        raise TypeError("pattern must be bytes or str")
    return search_regex(
        prog._memory,
        compile_pattern(pattern),
        bytes.decode if isinstance(pattern, str) else bytes,
        prog._require_address_size,
    )


def search_memory_uint(
    prog: Program, size: int | None, values: Sequence[Any], ignore_mask: SupportsIndex
) -> MemorySearchIterator[tuple[int, int]]:
    """See `MemoryAccess.search_memory_u64`; ``size`` None is that of an address.

    Bits of ``ignore_mask`` may differ from a value, but not in a range.
    """
    if size is None:
        size = _word_size(prog)
    bits = 8 * size
    numbers = []
    ranges = []
    for value in values:
        if not isinstance(value, tuple):
            numbers.append(_unsigned(value, bits))
            continue
        if len(value) != 2:
            raise TypeError("values must be int or (int, int)")
        ranges.append((_unsigned(value[0], bits), _unsigned(value[1], bits)))
    mask = _unsigned(ignore_mask, bits)
    singles = [(number, mask) for number in numbers]
    if not values:
        raise ValueError("at least one value or range is required")
    return search_uint(
        prog._memory,
        size,
        prog._is_little_endian(),
        singles,
        ranges,
        prog._require_address_size,
    )


def _word_size(prog: Program) -> int:
    if prog.platform is None:
        raise ValueError("program word size is not known")
    return prog.platform.address_size


def _unsigned(value: SupportsIndex, bits: int) -> int:
    """An integer of so many bits; OverflowError if it does not fit."""
    number = operator.index(value)
    if number < 0:
        kind = "int to unsigned" if bits == 64 else "value to unsigned int"
        raise OverflowError(f"can't convert negative {kind}")
    if number >> bits:
        if bits == 64:
            raise OverflowError("int too big to convert")
        if number >> 64:
            raise OverflowError("Python int too large to convert to C unsigned long")
        raise OverflowError(f"Python int too large to convert to C uint{bits}_t")
    return number
