"""Chains are followed from node to node, to addresses or to pointers."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dump_builders import Load, elf_core

from drgn import (
    Architecture,
    BadDataError,
    FaultError,
    Platform,
    PlatformFlags,
    Program,
    chains,
)

BASE = 0xFFFF0000
NODE = 16
NEXT = 8
OFFSET = 4

Walk = Callable[..., list[int]]


def chain(prog: Program, first: int, end: int = 0) -> list[int]:
    """Addresses of nodes, by `Program.chain()`."""
    found = prog.chain(first, NEXT, end)
    assert found.dtype == np.uint64
    return found.tolist()


def follow(prog: Program, first: int, end: int = 0) -> list[int]:
    """The same by `chains.follow()`, whose pointers are to what contains the nodes."""

    def cycle(address: int) -> Exception:
        return BadDataError(f"cycle at {address:#x} in a chain")

    pointer = prog.pointer_type(prog.type("int"))
    found = list(chains.follow(pointer, first, end, NEXT, OFFSET, cycle))
    assert all(obj.type_ is pointer for obj in found)
    return [obj.value_() + OFFSET for obj in found]


WALKS = pytest.mark.parametrize("walk", [chain, follow])


def memory_of(next_nodes: list[int], bits: int, little: bool) -> bytes:
    """Nodes: a word of data, and a pointer to the next."""
    word = ("<" if little else ">") + ("Q" if bits == 64 else "I")
    return b"".join(
        struct.pack(word, i).ljust(NEXT, b"\xff") + struct.pack(word, next).ljust(8)
        for i, next in enumerate(next_nodes)
    )


def program(next_nodes: list[int], *, bits: int = 64, little: bool = True) -> Program:
    """A program whose memory is read by a callback, so that no page of it is kept."""
    flags = PlatformFlags(0)
    if bits == 64:
        flags |= PlatformFlags.IS_64_BIT
    if little:
        flags |= PlatformFlags.IS_LITTLE_ENDIAN
    prog = Program(Platform(Architecture.UNKNOWN, flags))
    memory = memory_of(next_nodes, bits, little)
    prog.add_memory_segment(
        BASE, len(memory), lambda address, count, offset, physical: (
            memory[offset : offset + count]
        )
    )  # fmt: skip
    return prog


def dump(
    path: Path, next_nodes: list[int], *, bits: int = 64, little: bool = True
) -> Program:
    """A program whose memory lies in a file, in which nodes are read where they are."""
    memory = memory_of(next_nodes, bits, little)
    image = elf_core(
        [Load(BASE, memory)], bits=bits, order="<" if little else ">", machine=0
    )
    path.write_bytes(image)
    prog = Program()
    prog.set_core_dump(path)
    return prog


def node(i: int) -> int:
    return BASE + NODE * i


@WALKS
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 1000])
def test_nodes_in_any_order(
    walk: Walk, length: int, bits: int, little: bool, tmp_path: Path
) -> None:
    order = [0, *np.random.default_rng(length).permutation(np.arange(1, length))]
    next_nodes = [0] * length
    for this, next in itertools.pairwise(order):
        next_nodes[this] = node(int(next))
    expected = [node(int(i)) for i in order]
    prog = program(next_nodes, bits=bits, little=little)
    assert walk(prog, node(0)) == expected
    prog = dump(tmp_path / "core", next_nodes, bits=bits, little=little)
    assert walk(prog, node(0)) == expected


@WALKS
def test_empty_chain(walk: Walk) -> None:
    prog = program([])
    assert walk(prog, 0) == []
    assert walk(prog, BASE, BASE) == []


@WALKS
def test_end(walk: Walk) -> None:
    prog = program([node(1), node(2), node(0)])
    assert walk(prog, node(1), node(0)) == [node(1), node(2)]


@WALKS
@pytest.mark.parametrize("tail", [0, 1, 70])
@pytest.mark.parametrize("length", [1, 3, 64, 200])
def test_cycle(walk: Walk, tail: int, length: int) -> None:
    next_nodes = [node(i + 1) for i in range(tail + length)]
    next_nodes[-1] = node(tail)
    with pytest.raises(BadDataError, match="cycle at 0x[0-9a-f]+ in a chain"):
        walk(program(next_nodes), node(0))


@WALKS
def test_fault(walk: Walk, tmp_path: Path) -> None:
    next_nodes = [node(1), 0x1000]
    for prog in (program(next_nodes), dump(tmp_path / "core", next_nodes)):
        with pytest.raises(FaultError) as error:
            walk(prog, node(0))
        assert error.value.address == 0x1008
