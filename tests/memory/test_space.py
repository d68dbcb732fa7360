"""Address spaces and the segments in them."""

from __future__ import annotations

import itertools
import os
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgn.engine.errors import FaultError
from drgn.engine.memory.segments import (
    AbsentSegment,
    BufferSegment,
    CallbackSegment,
    Descriptor,
    FileSegment,
    ZeroSegment,
)
from drgn.engine.memory.space import AddressSpace

_DATA = bytes(range(256)) * 16


def _buffer(start: int, data: bytes) -> BufferSegment:
    return BufferSegment(start, len(data), memoryview(data))


def _fault(space: AddressSpace, address: int, size: int) -> tuple[str, int]:
    with pytest.raises(FaultError) as info:
        space.read(address, size)
    return info.value.message, info.value.address


def test_read_across_adjacent_segments() -> None:
    space = AddressSpace()
    space.add(_buffer(0x1000, _DATA))
    space.add(_buffer(0x2000, b"B" * 16))
    assert space.read(0x1FFE, 4) == b"\xfe\xffBB"


def test_empty_read_needs_no_segment() -> None:
    assert AddressSpace().read(0x1000, 0) == b""


@pytest.mark.parametrize(
    ("address", "size", "bad"),
    [(0xFFF, 4, 0xFFF), (0x1FFE, 4, 0x2000), (0x2000, 1, 0x2000), (0, 1, 0)],
)
def test_fault_names_the_first_bad_address(address: int, size: int, bad: int) -> None:
    space = AddressSpace()
    space.add(_buffer(0x1000, _DATA))
    assert _fault(space, address, size) == ("could not find memory segment", bad)


def test_physical_faults_say_so() -> None:
    message, _ = _fault(AddressSpace("physical "), 5, 1)
    assert message == "could not find physical memory segment"


def test_reads_wrap_around() -> None:
    space = AddressSpace()
    space.add(_buffer(2**64 - 2, b"EE"))
    space.add(_buffer(0, b"FF"))
    assert space.read(2**64 - 2, 4) == b"EEFF"
    assert _fault(space, 2**64 - 2, 5)[1] == 2


def test_a_32_bit_space_cuts_off_what_is_beyond() -> None:
    space = AddressSpace()
    space.mask = 2**32 - 1
    space.add(_buffer(2**32 - 2, b"abcd"))
    space.add(_buffer(2**32 + 0x100, b"abcd"))
    assert [(start, end) for start, end, _ in space] == [(2**32 - 2, 2**32)]


def test_a_later_segment_hides_earlier_ones() -> None:
    space = AddressSpace()
    space.add(_buffer(0, b"a" * 8))
    space.add(_buffer(8, b"b" * 8))
    space.add(_buffer(6, b"c" * 4))
    space.add(_buffer(7, b"d"))
    assert space.read(0, 16) == b"aaaaaacdccbbbbbb"


def test_a_segment_below_shows_only_in_gaps() -> None:
    space = AddressSpace()
    space.add(_buffer(4, b"b" * 4))
    space.add_below([_buffer(0, b"a" * 12)])
    assert space.read(0, 12) == b"aaaabbbbaaaa"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_overlaps_as_a_plain_array_has_them(ranges: list[tuple[int, int]]) -> None:
    space = AddressSpace()
    expected: list[int | None] = [None] * 80
    for number, (start, size) in enumerate(ranges):
        space.add(_buffer(start, bytes([number]) * size))
        expected[start : start + size] = [number] * size
    pieces = list(space)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(pieces))
    for address, number in enumerate(expected):
        if number is None:
            assert _fault(space, address, 1)[1] == address
        else:
            assert space.read(address, 1) == bytes([number])


def test_callback_gets_address_size_offset_and_kind() -> None:
    calls = []

    def read(address: int, size: int, offset: int, physical: bool) -> bytearray:
        calls.append((address, size, offset, physical))
        return bytearray(size)

    space = AddressSpace()
    space.add(CallbackSegment(0x1000, 0x100, read, True))
    assert space.read(0x1010, 4) == bytes(4)
    assert calls == [(0x1010, 4, 0x10, True)]


@pytest.mark.parametrize("returned", [b"x", b"xxxxx"])
def test_callback_of_the_wrong_size(returned: bytes) -> None:
    space = AddressSpace()
    space.add(CallbackSegment(0, 8, lambda *_: returned, False))
    with pytest.raises(ValueError, match=r"buffer of length \d \(expected 4\)"):
        space.read(0, 4)


@pytest.mark.parametrize(
    "returned", [bytearray(b"abcd"), memoryview(b"abcd"), array("H", b"abcd")]
)
def test_callback_may_return_any_buffer(returned: Any) -> None:
    segment = CallbackSegment(0, 8, lambda *_: returned, False)
    assert segment.read(0, 4) == b"abcd"
    segment = CallbackSegment(0, 8, lambda *_: "abcd", False)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="bytes-like object is required"):
        segment.read(0, 4)


def test_what_a_callback_raises_goes_to_the_reader() -> None:
    def read(address: int, size: int, offset: int, physical: bool) -> bytes:
        raise FaultError("nope", address + 1)

    space = AddressSpace()
    space.add(CallbackSegment(0x10, 8, read, False))
    assert _fault(space, 0x10, 4) == ("nope", 0x11)


def test_absent_and_zero_segments() -> None:
    space = AddressSpace()
    space.add(ZeroSegment(0, 8))
    space.add(AbsentSegment(8, 8, "not saved"))
    assert space.read(2, 6) == bytes(6)
    assert _fault(space, 2, 8) == ("not saved", 8)


def test_file_segment_faults_at_the_end_of_the_file(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "memory")
    with open(path, "wb") as file:
        file.write(_DATA)
    space = AddressSpace()
    space.add(FileSegment(0x1000, 0x10000, Descriptor(path), 0x10))
    assert space.read(0x1000, 4) == _DATA[0x10:0x14]
    bad = 0x1000 + len(_DATA) - 0x10
    assert _fault(space, bad - 2, 4) == ("short read from memory file", bad)


@given(
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0xF00, 0x3100), max_size=30),
    st.integers(1, 70),
)
def test_gather_reads_as_read_does(addresses: list[int], size: int) -> None:
    space = AddressSpace()
    space.add(_buffer(0x1000, _DATA))
    space.add(ZeroSegment(0x2000, 0x40))
    space.add(CallbackSegment(0x2040, 0x40, lambda a, n, o, p: b"c" * n, False))
    space.add(AbsentSegment(0x2080, 0x40, "absent"))
    space.add(_buffer(0x20C0, _DATA[:0x300]))
    space.add(_buffer(2**64 - 16, b"e" * 16))
    out = np.zeros((len(addresses), size), np.uint8)
    valid = np.zeros(len(addresses), np.bool_)
    space.gather(np.array(addresses, np.uint64), out, valid)
    for address, row, good in zip(addresses, out, valid, strict=True):
        try:
            expected = space.read(address, size)
        except FaultError:
            assert not good
        else:
            assert good and row.tobytes() == expected


@pytest.mark.parametrize("start", [0x1000, 0xFFFF888000000000])
def test_where_pages_of_a_buffer_are(start: int) -> None:
    segment = BufferSegment(start, 0x3000, memoryview(bytes(0x3100)), 0x100)
    pages = np.array([start + 0x2000, start], np.uint64)
    buffer, rows, offsets = segment.locate_pages(pages)
    assert buffer is segment.buffer
    assert rows.tolist() == [0, 1] and offsets.tolist() == [0x2100, 0x100]
    assert segment.locate(start + 5, 8) == (buffer, 0x105)


def test_where_zeroes_are() -> None:
    segment = ZeroSegment(0x1000, 0x3000)
    assert segment.locate(0x1234, 4096) == (bytes(4096), 0)
    assert segment.locate(0x1234, 4097) is None
    rows, valid = np.full((2, 8), 7, np.uint8), np.zeros(2, np.bool_)
    segment.gather(np.array([0x1000, 0x3FF8], np.uint64), rows, valid)
    assert not rows.any() and valid.all()


def test_descriptors_are_closed() -> None:
    descriptor = Descriptor(__file__)
    fd = descriptor.fd
    os.fstat(fd)
    del descriptor
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
