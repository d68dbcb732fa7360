"""Program.chain() follows pointers from node to node."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from drgn import (
    Architecture,
    BadDataError,
    FaultError,
    Platform,
    PlatformFlags,
    Program,
)

BASE = 0xFFFF0000
NODE = 16


def program(next_nodes: list[int], *, bits: int = 64, little: bool = True) -> Program:
    """Memory of nodes: a word of data, and a pointer to the next."""
    flags = PlatformFlags(0)
    if bits == 64:
        flags |= PlatformFlags.IS_64_BIT
    if little:
        flags |= PlatformFlags.IS_LITTLE_ENDIAN
    prog = Program(Platform(Architecture.UNKNOWN, flags))
    word = ("<" if little else ">") + ("Q" if bits == 64 else "I")
    memory = b"".join(
        struct.pack(word, i).ljust(8, b"\xff") + struct.pack(word, next).ljust(8)
        for i, next in enumerate(next_nodes)
    )
    prog.add_memory_segment(
        BASE, len(memory), lambda address, count, offset, physical: (
            memory[offset : offset + count]
        )
    )  # fmt: skip
    return prog


def node(i: int) -> int:
    return BASE + NODE * i


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 1000])
def test_chain(length: int, bits: int, little: bool) -> None:
    order = [0, *np.random.default_rng(length).permutation(np.arange(1, length))]
    next_nodes = [0] * length
    for this, next in itertools.pairwise(order):
        next_nodes[this] = node(int(next))
    prog = program(next_nodes, bits=bits, little=little)
    found = prog.chain(node(0), 8)
    assert found.dtype == np.uint64
    assert found.tolist() == [node(int(i)) for i in order]


def test_empty_chain() -> None:
    prog = program([])
    assert prog.chain(0).tolist() == []
    assert prog.chain(BASE, 8, BASE).tolist() == []


def test_end() -> None:
    prog = program([node(1), node(2), node(0)])
    assert prog.chain(node(1), 8, node(0)).tolist() == [node(1), node(2)]


@pytest.mark.parametrize("tail", [0, 1, 70])
@pytest.mark.parametrize("length", [1, 3, 64, 200])
def test_cycle(tail: int, length: int) -> None:
    next_nodes = [node(i + 1) for i in range(tail + length)]
    next_nodes[-1] = node(tail)
    with pytest.raises(BadDataError, match="cycle at 0x[0-9a-f]+ in a chain"):
        program(next_nodes).chain(node(0), 8)


def test_fault() -> None:
    with pytest.raises(FaultError) as error:
        program([node(1), 0x1000]).chain(node(0), 8)
    assert error.value.address == 0x1008
