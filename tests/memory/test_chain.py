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
from drgn.engine.memory.segments import BufferSegment

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


# Addresses and offsets of pages of one buffer, not all as far from it, and another
# buffer, whose last page ends early.
_PIECES = [(0x10000, 0x3000, 0x8000), (0x18000, 0, 0x3000), (0x40000, 0xB000, 0x2000)]
_OTHER = 0x80000, 0, 0x2A00


class _Scattered:
    """Nodes all over memory that lies in buffers."""

    def __init__(self, seed: int, step: int, count: int = 3000) -> None:
        self.prog = Program(
            Platform(
                Architecture.UNKNOWN,
                PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN,
            )
        )
        self.buffer, self.other = bytearray(0xD000), bytearray(_OTHER[2])
        memory, view = self.prog._memory, memoryview(self.buffer)
        for start, offset, size in _PIECES:
            memory.add(BufferSegment(start, size, view, offset))
        start, _, size = _OTHER
        memory.add(BufferSegment(start, size, memoryview(self.other)))
        places = [
            range(start, start + size - 15, step)
            for start, _, size in [*_PIECES, _OTHER]
        ]
        random = np.random.default_rng(seed)
        # Those of the first piece are the most: a walk through the others stops often.
        self.nodes = random.permutation(np.concatenate(places))[:count].tolist()
        for this, next in itertools.pairwise([*self.nodes, 0]):
            self.link(this, next)

    def link(self, this: int, next: int) -> None:
        place = this + 8
        pieces = [(self.buffer, *piece) for piece in _PIECES]
        for buffer, start, offset, size in [*pieces, (self.other, *_OTHER)]:
            if start <= place < start + size:
                struct.pack_into("<Q", buffer, place - start + offset, next)


@pytest.mark.parametrize("step", [16, 20, 8 * 67])
@pytest.mark.parametrize("seed", range(4))
def test_long_chains_in_buffers(seed: int, step: int) -> None:
    """The same the first time, and when it is known where their pages are."""
    scattered = _Scattered(seed, step)
    nodes, prog = scattered.nodes, scattered.prog
    for _ in range(3):
        assert prog.chain(nodes[0], 8).tolist() == nodes
    assert prog.chain(nodes[0], 8, nodes[-1]).tolist() == nodes[:-1]


@pytest.mark.parametrize("end", [0x77000, 2**64 - 8, 2**63, 0x41FF9, 0x82A00])
def test_long_chains_that_leave_memory(end: int) -> None:
    scattered = _Scattered(1, 16)
    nodes, prog = scattered.nodes, scattered.prog
    assert len(prog.chain(nodes[0], 8)) == len(nodes)
    scattered.link(nodes[-1], end)
    with pytest.raises(FaultError) as error:
        prog.chain(nodes[0], 8)
    read = (end + 8) % 2**64
    assert error.value.address in range(read, read + 8)
    assert prog.chain(nodes[0], 8, end).tolist() == nodes


@pytest.mark.parametrize("back", [1, 70, 1000, 2999])
def test_long_cycles_in_buffers(back: int) -> None:
    scattered = _Scattered(2, 16)
    scattered.link(scattered.nodes[-1], scattered.nodes[-back])
    for _ in range(3):
        with pytest.raises(BadDataError, match="cycle at 0x[0-9a-f]+ in a chain"):
            scattered.prog.chain(scattered.nodes[0], 8)
