"""Memory: pages, strings, arrays."""

from __future__ import annotations

import numpy as np
import pytest

from drgn import Object, Program
from drgn.engine.errors import FaultError
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.segments import BufferSegment, CallbackSegment, Segment
from drgn.engine.platform import Architecture, Platform

_PAGE = bytes(range(256)) * 16


@pytest.fixture
def memory() -> Memory:
    result = Memory()
    data = memoryview(b"head" + _PAGE + _PAGE[::-1])
    result.add(BufferSegment(0x1000, 0x2000, data, 4))
    return result


def test_page_says_where_a_page_lies(memory: Memory) -> None:
    buffer, offset = memory.page(0x1234)
    assert bytes(buffer[offset : offset + 4096]) == _PAGE
    assert memory.pages == {1: (0x1000, 0x1000 - 7, buffer)} and offset == 0
    assert memory.read(0x1234, 4) == _PAGE[0x234:0x238]


def test_page_that_is_not_whole(memory: Memory) -> None:
    memory.add(BufferSegment(0x3000, 0x10, memoryview(bytes(16))))
    with pytest.raises(FaultError):
        memory.page(0x3000)
    assert memory.read(0x3000, 16) == bytes(16)


def test_page_of_memory_that_may_change(memory: Memory) -> None:
    calls = []
    memory.add_callback(0x5000, 0x1000, lambda *args: calls.append(args) or b"")
    with pytest.raises(FaultError):
        memory.page(0x5000)
    assert not calls and not memory.pages


def test_adding_memory_forgets_pages(memory: Memory) -> None:
    memory.page(0x1000)
    memory.add(BufferSegment(0x1000, 4, memoryview(b"abcd")))
    assert memory.read(0x1000, 6) == b"abcd" + _PAGE[4:6]


def test_pages_are_bounded(memory: Memory) -> None:
    memory.page_limit = 1
    memory.page(0x1000)
    memory.page(0x2000)
    assert list(memory.pages) == [2]


def test_nothing_is_remembered_if_not_cacheable(memory: Memory) -> None:
    memory.cacheable = False
    memory.page(0x1000)
    assert not memory.pages


def test_32_bit_addresses_wrap() -> None:
    memory = Memory()
    memory.set_platform(Platform(Architecture.I386))
    memory.add(BufferSegment(0x100, 4, memoryview(b"abcd")))
    assert memory.read(2**32 + 0x100, 4) == b"abcd"
    assert memory.read_many([2**32 + 0x101], 2)[0].tobytes() == b"bc"


def test_c_string_ends_at_nul_or_max_size(memory: Memory) -> None:
    memory.add(BufferSegment(0x5FFC, 12, memoryview(b"abcdefgh\0\0\0\0")))
    assert memory.read_c_string(0x5FFC) == b"abcdefgh"
    assert memory.read_c_string(0x5FFC, 3) == b"abc"
    assert memory.read_c_string(0x5FFC, 8) == b"abcdefgh"
    assert memory.read_c_string(0x9000, 0) == b""


def test_c_string_that_runs_into_a_fault(memory: Memory) -> None:
    memory.add(BufferSegment(0x6000, 4, memoryview(b"abcd")))
    with pytest.raises(FaultError) as info:
        memory.read_c_string(0x6000)
    assert info.value.address == 0x6004
    assert memory.read_c_string(0x6000, 4) == b"abcd"


def test_c_string_asks_a_callback_for_no_more_than_it_needs() -> None:
    memory = Memory()
    sizes = []

    def read(address: int, size: int, offset: int, physical: bool) -> bytes:
        sizes.append(size)
        return b"ab\0"[offset : offset + size]

    memory.add(CallbackSegment(0x1000, 3, read, False))
    assert memory.read_c_string(0x1000) == b"ab"
    assert sizes == [1, 1, 1]


def test_read_array_is_a_view_of_one_buffer(memory: Memory) -> None:
    array = memory.read_array(0x1010, 0x1000)
    assert array.tobytes() == memory.read(0x1010, 0x1000)
    assert not array.flags.owndata and not array.flags.writeable


def test_read_array_of_two_segments(memory: Memory) -> None:
    memory.add(BufferSegment(0x3000, 4, memoryview(b"abcd")))
    assert memory.read_array(0x2FFE, 4).tobytes() == b"\x01\x00ab"
    assert memory.read_array(0x9000, 0).tobytes() == b""
    with pytest.raises(FaultError):
        memory.read_array(0x3000, 5)


def test_read_many_marks_what_cannot_be_read(memory: Memory) -> None:
    rows, valid = memory.read_many([0x1000, 0, 0x2FFE, 0x2FFD], 3)
    assert valid.tolist() == [True, False, False, True]
    assert rows.tolist() == [[0, 1, 2], [0, 0, 0], [0, 0, 0], [2, 1, 0]]


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, object])
def test_read_many_takes_any_integers(memory: Memory, dtype: type) -> None:
    rows, valid = memory.read_many(np.array([0x1001, 0x1002], dtype), 1)
    assert valid.all() and rows.tolist() == [[1], [2]]


def test_read_many_rejects_floats(memory: Memory) -> None:
    with pytest.raises(TypeError):
        memory.read_many(np.array([1.0]), 1)


def test_no_page_tables(memory: Memory) -> None:
    with pytest.raises(ValueError, match="page tables"):
        memory.translate(0x1000)


def test_integers_of_a_program_come_from_pages_that_are_known() -> None:
    data = bytes(range(256)) * 33
    prog = Program(Platform(Architecture.I386))
    prog._memory.add(BufferSegment(0x1000, len(data), memoryview(data)))
    assert prog.read_u8(0x1000) == 0 and 1 in prog._memory.pages
    for address in (0x1000, 0x1004, 0x1FFC, 0x1FFE, 0x1FFF, 0x2001):
        expected = int.from_bytes(data[address - 0x1000 :][:4], "little")
        assert prog.read_u32(address) == prog.read_word(address) == expected
        assert prog.read_u32(address + 2**32) == expected
    # Physical memory is not what the pages hold, and what is added hides them.
    with pytest.raises(FaultError):
        prog.read_u32(0x1000, True)
    prog.add_memory_segment(0x1000, 4, lambda *_: b"\1\0\0\0")
    assert prog.read_u32(0x1000) == 1
    with pytest.raises(FaultError):
        prog.read_u32(0x1000 + len(data) - 2)


def test_pages_in_one_buffer_are_found_together() -> None:
    memory = Memory()
    data = memoryview(bytes(range(256)) * 16 * 40)
    memory.add(BufferSegment(0x8000, len(data), data))
    memory.page(0x12345)
    assert set(memory.pages) == set(range(0x10, 0x20))
    # What is not wholly there is found by the page.
    memory.page(0x8000)
    assert set(memory.pages) == {8, *range(0x10, 0x20)}
    assert memory.read(0x8FFE, 4) == data[0xFFE:0x1002]


def test_windows_end_with_the_memory() -> None:
    data = bytes(range(256)) * 16 * 16
    prog = Program(Platform(Architecture.X86_64))
    prog._memory.add(BufferSegment(0x10000, len(data), memoryview(data)))
    for address in (0x10000, 0x1FFF0, 0x1FFF8, 0x1FFFC):
        number = Object(prog, "int", address=address)
        expected = int.from_bytes(data[address & 0xFFFF :][:4], "little", signed=True)
        assert number.value_() == number.value_() == expected
    with pytest.raises(FaultError):
        Object(prog, "int", address=0x1FFFE).value_()
    # And with what is known of it.
    prog.add_memory_segment(0x10000, 4, lambda *_: b"\1\0\0\0")
    assert Object(prog, "int", address=0x10000).value_() == 1


class _Slow(BufferSegment):
    """Counts what is read of it; page 3 cannot be read whole."""

    slow = True
    hole = 0x3800

    def __init__(self, start: int, data: bytes) -> None:
        super().__init__(start, len(data), memoryview(data))
        self.sizes: list[int] = []

    def read(self, address: int, size: int) -> bytes:
        self.sizes.append(size)
        if address <= self.hole < address + size:
            raise FaultError("a hole", self.hole)
        return bytes(super().read(address, size))

    # Not as BufferSegment, which has it all at hand.
    gather = Segment.gather
    locate = Segment.locate


def test_slow_memory_is_gathered_by_pages() -> None:
    data = np.random.default_rng(1).bytes(0x5000)
    segment = _Slow(0x1000, data)
    memory = Memory()
    memory.cacheable = False
    memory.add(segment)
    addresses = [0x5123, 0x1001, 0x1FFE, 0x5000, 0x1001, 0x3000, 0x37FE, 0x37FC, 0x1FFC]
    rows, valid = memory.read_many(addresses, 4)
    assert valid.tolist() == [True] * 6 + [False, True, True]
    for address, row, good in zip(addresses, rows, valid, strict=True):
        if good:
            assert row.tobytes() == data[address - 0x1000 :][:4]
    # Two pages, one in vain, and what is alone: two in the bad page, two across.
    assert sorted(segment.sizes) == [4, 4, 4, 4, 4096, 4096, 4096]


@pytest.mark.parametrize("size", [1, 8, 100, 4096, 5000])
@pytest.mark.parametrize("count", [40, 2000])
def test_many_in_pages_whose_places_are_known(size: int, count: int) -> None:
    """In one buffer, not all as far from it, in parts of pages and in another."""
    random = np.random.default_rng(size)
    buffer, other = (memoryview(random.bytes(0x6000)) for _ in range(2))
    memory = Memory()
    pieces = [(1, 4), (2, 5), (3, 0), (4, 1), (6, 3), (7, 2), (9, 3)]
    for page, place in pieces:
        part = 0xA00 if page == 9 else 0x1000
        memory.add(BufferSegment(page << 12, part, buffer, place << 12))
    memory.add(BufferSegment(0xA000, 0x2000, other))
    memory.add_callback(0xC000, 0x1000, lambda address, size, *_: b"c" * size)
    for _ in range(4):
        addresses = random.integers(0, 0xE000, count, np.uint64)
        rows, valid = memory.read_many(addresses, size)
        for address, row, good in zip(addresses.tolist(), rows, valid, strict=True):
            try:
                assert row.tobytes() == memory.read(address, size) and good
            except FaultError:
                assert not good and not row.any()


def test_many_after_memory_has_changed() -> None:
    memory = Memory()
    memory.add(BufferSegment(0x1000, 0x2000, memoryview(b"a" * 0x2000)))
    addresses = [0x1100] * 100
    for letter in b"aab":
        if letter == ord("b"):
            memory.add(BufferSegment(0x1000, 0x2000, memoryview(b"b" * 0x2000)))
        assert (memory.read_many(addresses, 3)[0] == letter).all()


def test_what_changes_is_not_remembered_for_many() -> None:
    memory = Memory()
    letters = bytearray(b"a")
    memory.add_callback(0x1000, 0x1000, lambda _, size, *__: bytes(letters) * size)
    assert (memory.read_many([0x1100] * 100, 3)[0] == ord("a")).all()
    letters[:] = b"b"
    assert (memory.read_many([0x1100] * 100, 3)[0] == ord("b")).all()
