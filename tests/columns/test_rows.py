"""Members that are read together: the same values as each alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from drgn import Architecture, FaultError, Platform, Program, TypeMember, columns

_SIZE = 0x400


def _program(readable: Callable[[int, int], bool]) -> Program:
    """A page of random bytes, of which some cannot be read."""
    data = np.random.default_rng(5).bytes(0x4000)

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        for byte in range(address, address + count):
            if not readable(byte, 1):
                raise FaultError("a hole", byte)
        return data[offset : offset + count]

    prog = Program(Platform(Architecture.X86_64))
    prog.add_memory_segment(0x10000, len(data), read)
    return prog


def _structure(prog: Program) -> None:
    u32 = prog.int_type("unsigned int", 4, False)
    u64 = prog.int_type("unsigned long", 8, False)
    char = prog.int_type("char", 1, True)
    places = {0: u32, 4: u32, 200: u64, 250: u64, 0x3F8: u64}
    members = [
        TypeMember(type, f"at_{offset}", 8 * offset) for offset, type in places.items()
    ]
    members.append(TypeMember(prog.array_type(char, 4), "text", 8 * 8))
    members.append(TypeMember(prog.array_type(u64, 0), "nothing", 8 * 16))
    structure = prog.struct_type("s", _SIZE, members)
    prog.register_type_finder(
        "mock",
        lambda prog, kinds, name, filename: structure if name == "s" else None,
        enable_index=0,
    )


_PATHS = ("at_0", "at_4", "text", "nothing", "at_200", "at_250", "at_1016", "at_0")


@pytest.mark.parametrize("hole", [None, 0x10003, 0x10404, 0x108F0, 0x10CFF])
def test_as_each_alone(hole: int | None) -> None:
    prog = _program(lambda byte, count: byte != hole)
    _structure(prog)
    addresses = [0x10000, 0x10400, 0, 0x10800, 0x10C00]
    together = columns(addresses, *_PATHS, type="struct s", prog=prog)
    assert list(together) == list(dict.fromkeys(_PATHS))
    for path, column in together.items():
        alone = columns(addresses, path, type="struct s", prog=prog)[path]
        assert column.dtype == alone.dtype
        assert column.shape == alone.shape
        assert column.tolist() == alone.tolist()
    assert together["at_0"].mask.tolist() == [
        hole == 0x10003, False, True, False, False
    ]  # fmt: skip
    assert together["at_4"].mask.tolist() == [
        False, hole == 0x10404, True, False, False
    ]  # fmt: skip
    assert together["at_250"].mask.tolist() == [
        False, False, True, False, hole == 0x10CFF
    ]  # fmt: skip
