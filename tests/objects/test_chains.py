"""Pointers that are made in great numbers are what Object() makes one by one."""

from __future__ import annotations

import itertools

import pytest

from drgn import Architecture, Object, Platform, PlatformFlags, Program, chains

WIDTHS = {
    8: PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN,
    4: PlatformFlags.IS_LITTLE_ENDIAN,
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("offset", [0, 16, -8])
def test_pointers(width: int, offset: int) -> None:
    prog = Program(Platform(Architecture.UNKNOWN, WIDTHS[width]))
    pointer = prog.pointer_type(prog.type("int"), size=width)
    addresses = [0, 4, 0x1000, 2 ** (8 * width) - 1]
    made = list(chains.pointers(pointer, addresses, offset))
    mask = 2 ** (8 * width) - 1
    assert [p.value_() for p in made] == [a - offset & mask for a in addresses]
    for p, address in zip(made, addresses, strict=True):
        assert p.type_ is pointer
        assert p == Object(prog, pointer, address - offset & mask)


def test_pointers_are_made_when_asked_for() -> None:
    prog = Program(Platform(Architecture.X86_64))
    pointer = prog.pointer_type(prog.type("int"))
    made = chains.pointers(pointer, itertools.count(0x1000, 4))
    assert [next(made).value_() for _ in range(3)] == [0x1000, 0x1004, 0x1008]
