"""Arrays of what must be readable."""

from __future__ import annotations

import numpy as np
import pytest

from drgn import Architecture, FaultError, Platform, Program
from drgn.helpers.linux._readable import read_strings

_BASE = 0x1000
_LONG = b"of a hundred " * 8
_STRINGS = (b"", b"a", b"kmalloc-8", b"x" * 63, b"y" * 64, _LONG, b"the end")


@pytest.mark.parametrize("some", [_STRINGS, _STRINGS[:4], _STRINGS[-1:], (b"",), ()])
@pytest.mark.parametrize("padding", [0, 64])
def test_strings(some: tuple[bytes, ...], padding: int) -> None:
    """Also those behind which nothing can be read."""
    prog = Program(Platform(Architecture.X86_64))
    memory = b"\0".join((*_STRINGS, bytes(padding)))
    prog.add_memory_segment(
        _BASE, len(memory), lambda _, size, offset, __: memory[offset : offset + size]
    )
    starts = np.cumsum([0, *(len(string) + 1 for string in _STRINGS)]).tolist()
    place = dict(zip(_STRINGS, starts, strict=False))
    addresses = np.array([_BASE + place[string] for string in some], np.uint64)
    found = read_strings(prog, addresses)
    assert found.tolist() == list(some)
    assert found.dtype.kind == "S"
    with pytest.raises(FaultError):
        read_strings(prog, np.array([*addresses, _BASE - 8], np.uint64))
