"""x86-64 page tables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgn.engine.errors import FaultError
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.paging import Linear, PageTable
from drgn.engine.memory.segments import BufferSegment
from drgn.engine.memory.x86_64 import X86_64PageTable

_PRESENT, _PSE, _PROT_NONE = 1, 1 << 7, 1 << 8
_SIZE = 1 << 20


class _Machine:
    """A megabyte of physical memory with page tables in it; the root is at 0x1000."""

    def __init__(self, levels: int = 4, me_mask: int = 0) -> None:
        self.ram = bytearray(_SIZE)
        self.levels = levels
        self.me_mask = me_mask
        self._next = 0x2000
        self.memory = Memory()
        self.memory.add(BufferSegment(0, _SIZE, memoryview(self.ram)), physical=True)
        self.memory.mmu = X86_64PageTable(self.memory.physical, 0x1000, levels, me_mask)

    @property
    def table(self) -> PageTable:
        assert self.memory.mmu is not None
        return self.memory.mmu

    def entry(self, address: int, depth: int, value: int) -> None:
        """Set the entry for an address in the table at a depth (0 is the PTE's)."""
        table = 0x1000
        for level in range(self.levels - 1, depth, -1):
            place = table + (address >> (12 + 9 * level) & 511) * 8
            entry = int.from_bytes(self.ram[place : place + 8], "little")
            if not entry:
                entry = self._next | _PRESENT | self.me_mask
                self._next += 0x1000
                self.ram[place : place + 8] = entry.to_bytes(8, "little")
            table = entry & ~self.me_mask & ~0xFFF
            if table >= _SIZE:  # It is a leaf that was set before.
                return
        place = table + (address >> (12 + 9 * depth) & 511) * 8
        self.ram[place : place + 8] = (value & 2**64 - 1).to_bytes(8, "little")
        self.memory.invalidate()


def _unmapped(machine: _Machine, address: int) -> bool:
    with pytest.raises(FaultError) as info:
        machine.memory.translate(address)
    return (info.value.message, info.value.address) == (
        "address is not mapped",
        address,
    )


@pytest.mark.parametrize("levels", [4, 5])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_pages_of_each_size(levels: int, depth: int) -> None:
    machine = _Machine(levels)
    size = 0x1000 << 9 * depth
    address = 2**64 - 5 * (1 << 30)
    leaf = _PRESENT | (_PSE if depth else 0)
    machine.entry(address, depth, 3 * size | leaf)
    assert machine.memory.translate(address + 0x123) == 3 * size + 0x123
    assert machine.memory.translate(address + size - 1) == 4 * size - 1
    assert _unmapped(machine, address + size) and _unmapped(machine, address - 1)


@pytest.mark.parametrize(
    ("levels", "address", "canonical"),
    [
        (4, 2**47 - 1, True),
        (4, 2**47, False),
        (4, 2**64 - 2**47, True),
        (4, 2**64 - 2**47 - 1, False),
        (5, 2**47, True),
        (5, 2**56 - 1, True),
        (5, 2**56, False),
        (5, 2**64 - 2**56 - 1, False),
        (5, 2**64 - 2**56, True),
    ],
)
def test_only_canonical_addresses(levels: int, address: int, canonical: bool) -> None:
    machine = _Machine(levels)
    # Whatever the upper bits are: the lower ones are mapped.
    machine.entry(address & ~0xFFF, 0, 0x5000 | _PRESENT)
    if canonical:
        assert machine.memory.translate(address) == 0x5000 + (address & 0xFFF)
    else:
        assert _unmapped(machine, address)
    valid = machine.memory.translate_many([address])[1]
    assert valid.tolist() == [canonical]


def test_the_last_byte_is_in_no_segment() -> None:
    with pytest.raises(FaultError, match="^could not find memory segment: 0xf{16}$"):
        _Machine().memory.read(2**64 - 1, 1)


@pytest.mark.parametrize("bits", [46, 52])
def test_prot_none_entries_are_inverted(bits: int) -> None:
    """Of 46 bits before Linux 4.17 (b83ce5ee9147), the others are zero then."""
    machine = _Machine()
    pfns = (1 << bits) - 0x1000
    machine.entry(0x400000, 0, (0x7000 ^ pfns) | _PROT_NONE)
    assert machine.memory.translate(0x400010) == 0x7010


def test_a_huge_page_that_is_being_split_is_there() -> None:
    machine = _Machine()
    pfns = 0x000F_FFFF_FFFF_F000
    machine.entry(0x400000, 1, (0x600000 ^ pfns) | _PSE)
    assert machine.memory.translate(0x400010) == 0x600010


def test_swapped_out_pages_are_not_mapped() -> None:
    machine = _Machine()
    machine.entry(0x400000, 0, 0x7000 << 9)
    assert _unmapped(machine, 0x400000)


def test_encryption_mask() -> None:
    bit = 1 << 47
    machine = _Machine(me_mask=bit)
    machine.entry(0x400000, 0, 0x7000 | bit | _PRESENT)
    assert machine.memory.translate(0x400000) == 0x7000


def test_read_crosses_pages_that_are_not_neighbours() -> None:
    machine = _Machine()
    machine.entry(0x400000, 0, 0x90000 | _PRESENT)
    machine.entry(0x401000, 0, 0x80000 | _PRESENT)
    machine.ram[0x90FFE:0x91000] = b"ab"
    machine.ram[0x80000:0x80002] = b"cd"
    assert machine.memory.read(0x400FFE, 4) == b"abcd"
    assert machine.memory.read_array(0x400FFE, 4).tobytes() == b"abcd"
    with pytest.raises(FaultError) as info:
        machine.memory.read(0x401FFE, 4)
    assert info.value.address == 0x402000


@pytest.mark.parametrize("gone", [None, 33, 39, 40])
def test_read_crosses_many_pages(gone: int | None) -> None:
    """Over the end of a table, from and to the middle of pages."""
    machine = _Machine()
    start, pages = 0x5F0000, 41
    frames = [0x40 + (17 * i) % pages for i in range(pages)]
    for i, frame in enumerate(frames):
        machine.ram[frame << 12 : frame + 1 << 12] = bytes([i]) * 4096
        if i != gone:
            machine.entry(start + (i << 12), 0, frame << 12 | _PRESENT)
    expected = b"".join(bytes([i]) * 4096 for i in range(pages))[100:-100]
    if gone is None:
        assert machine.memory.read(start + 100, len(expected)) == expected
        return
    with pytest.raises(FaultError) as info:
        machine.memory.read(start + 100, len(expected))
    assert str(info.value) == f"address is not mapped: {start + (gone << 12):#x}"
    before = (gone << 12) - 100
    assert machine.memory.read(start + 100, before) == expected[:before]


def test_read_over_a_table_outside_of_memory() -> None:
    machine = _Machine()
    for i in range(16):
        machine.entry(0x5F0000 + (i << 12), 0, 0x80000 + (i << 12) | _PRESENT)
    machine.entry(0x600000, 1, 0x7000_0000 | _PRESENT)
    with pytest.raises(FaultError) as info:
        machine.memory.read(0x5F0000, 0x20000)
    assert str(info.value) == "could not find physical memory segment: 0x70000000"


def test_neighbours_are_one_view() -> None:
    machine = _Machine()
    machine.entry(0x400000, 0, 0x80000 | _PRESENT)
    machine.entry(0x401000, 0, 0x81000 | _PRESENT)
    assert not machine.memory.read_array(0x400FFE, 4).flags.owndata


def test_virtual_segments_come_before_the_page_table() -> None:
    machine = _Machine()
    machine.memory.add(BufferSegment(0x400000, 4, memoryview(b"abcd")))
    machine.entry(0x400000, 0, 0x80000 | _PRESENT)
    machine.memory.mmu = machine.table
    assert machine.memory.read(0x400000, 6) == b"abcd\0\0"


def test_table_outside_of_memory() -> None:
    machine = _Machine()
    machine.entry(0x400000, 1, 0x7000_0000 | _PRESENT)
    with pytest.raises(FaultError) as info:
        machine.memory.translate(0x401000)
    assert info.value.address == 0x7000_0008
    assert "physical" in info.value.message
    assert machine.memory.translate_many([0x401000])[1].tolist() == [False]


def test_read_vm_uses_the_given_table() -> None:
    machine = _Machine()
    root = 0xF0000
    pgd = 2**64 - 0x1000
    machine.entry(pgd, 0, root | _PRESENT)
    # The user's tables: root -> 0xF1000 -> 0xF2000 -> 0xF3000 -> 0x80000
    for table in (0xF0000, 0xF1000, 0xF2000):
        machine.ram[table : table + 8] = (table + 0x1000 | _PRESENT).to_bytes(
            8, "little"
        )
    machine.ram[0xF3008:0xF3010] = (0x80000 | _PRESENT).to_bytes(8, "little")
    machine.ram[0x80000:0x80004] = b"user"
    machine.memory.invalidate()
    assert machine.memory.read_vm(pgd, 0x1000, 4) == b"user"
    assert machine.memory.translate(0x1000, pgd) == 0x80000
    with pytest.raises(FaultError) as info:
        machine.memory.read_vm(pgd, 0, 4)
    assert str(info.value) == "address is not mapped: 0x0"


def test_walk_joins_neighbours_and_knows_both_halves() -> None:
    machine = _Machine()
    machine.entry(0x400000, 0, 0x80000 | _PRESENT)
    machine.entry(0x401000, 0, 0x81000 | _PRESENT)
    machine.entry(0x402000, 0, 0x90000 | _PRESENT)
    machine.entry(2**64 - (1 << 21), 1, 1 << 21 | _PSE | _PRESENT)
    assert list(machine.table.walk(0, 2**64)) == [
        (0x400000, 0x80000, 0x2000),
        (0x402000, 0x90000, 0x1000),
        (2**64 - (1 << 21), 1 << 21, 1 << 21),
    ]
    assert list(machine.table.walk(0x400800, 0x401800)) == [(0x400800, 0x80800, 0x1000)]


def test_walk_of_tables_that_refer_to_each_other() -> None:
    machine = _Machine()
    for index in range(512):
        place = 0x1000 + index * 8
        machine.ram[place : place + 8] = (0x1000 | _PRESENT).to_bytes(8, "little")
    found = list(itertools.islice(machine.table.walk(0, 2**64), 3))
    assert found == [(i * 0x1000, 0x1000, 0x1000) for i in range(3)]
    # Nothing is mapped here, in 2**27 tables.
    for index in range(512):
        for table in (0x1000, 0x2000, 0x3000):
            place = table + index * 8
            target = table + 0x1000 | _PRESENT
            machine.ram[place : place + 8] = target.to_bytes(8, "little")
    with pytest.raises(FaultError, match="too many page tables"):
        next(machine.table.walk(0, 2**64, 1000))
    with pytest.raises(FaultError, match="direct map"):
        _ = machine.memory.direct_map


def test_the_direct_map_is_found() -> None:
    machine = _Machine()
    base = 2**64 - (1 << 46)
    machine.entry(2**64 - (1 << 31), 0, 0x3000 | _PRESENT)
    for offset in range(0, 0x8000, 0x1000):
        machine.entry(base + offset, 0, offset | _PRESENT)
    assert machine.memory.direct_map == base


def test_the_direct_map_below_the_shadow_of_kasan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With debug_pagealloc, little of memory may be mapped in its place."""
    machine = _Machine()
    base = 0xFFFF_8880_0000_0000
    machine.entry(base + 0x80000, 0, 0x80000 | _PRESENT)
    machine.entry(base + 0x90000, 0, 0x90000 | _PRESENT)
    # Terabytes of the same page, by the same three tables.
    zeros = 0xF0000
    for address in range(0xFFFF_EC00_0000_0000, 0xFFFF_FC00_0000_0000, 1 << 39):
        machine.entry(address, 3, 0xF1000 | _PRESENT)
    for table, target in ((0xF1000, 0xF2000), (0xF2000, 0xF3000), (0xF3000, zeros)):
        entries = (target | _PRESENT).to_bytes(8, "little") * 512
        machine.ram[table : table + 4096] = entries
    present = PageTable._present
    visited = []

    def count(table: PageTable, at: int, *rest: int) -> list[tuple[int, int]]:
        visited.append(at)
        return present(table, at, *rest)

    monkeypatch.setattr(PageTable, "_present", count)
    assert machine.memory.direct_map == base
    assert len(visited) < 1000


def test_no_direct_map() -> None:
    with pytest.raises(FaultError, match="direct map"):
        _ = _Machine().memory.direct_map


@pytest.mark.parametrize("levels", [0, 3, 6])
def test_other_numbers_of_levels(levels: int) -> None:
    with pytest.raises(ValueError, match="4 or 5 levels"):
        X86_64PageTable(Memory().physical, 0, levels)


_ADDRESSES = st.lists(
    st.integers(0x3FF000, 0x406000)
    | st.integers(2**64 - 0x600000, 2**64 - 1)
    | st.integers(0, 2**64 - 1),
    max_size=40,
)
_ENTRIES = st.lists(
    st.tuples(
        st.sampled_from([0x400000, 0x401000, 0x402000, 0x404000, 2**64 - 0x400000]),
        st.integers(0, 2),
        st.integers(0, 0x110).map(lambda page: page << 12),
        st.integers(0, 0x1FF),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(_ENTRIES, _ADDRESSES, st.integers(1, 5000), st.sampled_from([4, 5]))
def test_many_as_one(
    entries: list[tuple[int, int, int, int]],
    addresses: list[int],
    size: int,
    levels: int,
) -> None:
    """Arrays agree with single reads whatever is in the page tables."""
    machine = _Machine(levels)
    for page in range(0x40, _SIZE >> 12):
        machine.ram[page << 12 : (page << 12) + 8] = b"page%04x" % page
    for address, depth, target, bits in entries:
        machine.entry(address, depth, target | bits)
    memory = machine.memory
    physical, mapped = memory.translate_many(addresses)
    rows, valid = memory.read_many(addresses, size)
    # So many that numpy looks, and again when it is known where pages are.
    for _ in range(2):
        some = memory.read_many(addresses * 50, size)
        assert (some[0] == np.tile(rows, (50, 1))).all()
        assert (some[1] == np.tile(valid, 50)).all()
    for index, address in enumerate(addresses):
        try:
            expected = memory.translate(address)
        except FaultError:
            assert not mapped[index]
        else:
            assert mapped[index] and physical[index] == expected
        try:
            data = memory.read(address, size)
        except FaultError:
            assert not valid[index] and not rows[index].any()
        else:
            assert valid[index] and rows[index].tobytes() == data


@pytest.mark.parametrize("levels", [4, 5])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_is_linear_needs_no_tables(levels: int, depth: int) -> None:
    machine = _Machine(levels)
    size = 0x1000 << 9 * depth
    address = 2**64 - 5 * (1 << 39)
    # Of the next, nothing is mapped, of this one, the table is not there.
    machine.entry(address, depth, _SIZE | _PRESENT)
    machine.entry(address - 0x1000, 0, 0x5000 | _PRESENT)
    with pytest.raises(FaultError) as info:
        machine.memory.translate(address)
    assert info.value.address == _SIZE
    end = address + size + 0x1000
    asked = []

    def linear() -> list[Linear]:
        asked.append(1)
        return [Linear(address - 0x2000, address + 0x1800, 0), Linear(end, end + 4, 0)]

    machine.table.linear = linear
    assert machine.table.lookup(address + 0x1234) == (0x3234, 0x1800 - 0x1234)
    with pytest.raises(FaultError):
        machine.memory.translate(address + 0x1800)
    assert asked
    asked.clear()
    assert machine.memory.translate(address - 0x1000) == 0x5000
    assert _unmapped(machine, end) and _unmapped(machine, address - 0x2000)
    assert not asked
    found = list(machine.table.walk(address - 0x2000, end + 4))
    assert found == [(address - 0x1000, 0x5000, 0x1000), (address, 0x2000, 0x1800)]
    wanted = [address - 0x2000, address - 0xFFF, address + 0x1234, address + 0x1800]
    where, left = machine.table.translate_many(np.array([*wanted, end], np.uint64))
    assert left.tolist() == [0, 0xFFF, 0x1800 - 0x1234, 0, 0]
    assert where[1:3].tolist() == [0x5001, 0x3234]
