"""Searching memory. What is expected is what upstream finds in the same memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgn import Architecture, FaultError, Platform, Program
from drgn.engine.memory import memmem
from drgn.engine.memory import search as search_module
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.regex import compile_pattern
from drgn.engine.memory.search import search_bytes, search_regex, search_uint
from drgn.engine.memory.segments import AbsentSegment, BufferSegment


def _program(
    *segments: tuple[int, bytes], arch: Architecture = Architecture.X86_64
) -> Program:
    prog = Program(Platform(arch))
    for start, data in segments:
        prog.add_memory_segment(
            start,
            len(data),
            lambda address, size, offset, physical, data=data: data[
                offset : offset + size
            ],
        )
    return prog


_GAP = (
    (0x1000, b"abcabcabc" + bytes(7) + b"ab"),
    (0x1012, b"cab"),
    (0x3000, b"xxabc"),
)


def test_matches_cross_segments_but_no_gaps() -> None:
    found = list(_program(*_GAP).search_memory(b"abc"))
    assert found == [0x1000, 0x1003, 0x1006, 0x1010, 0x3002]


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [
        (0x1000, 0x3004, [0x1000, 0x1003, 0x1006, 0x1010, 0x3002]),
        (0x1002, 0x1010, [0x1003, 0x1006]),
        (0x1003, 0x1004, []),
        (0, 0x1004, [0x1000]),
        (0x2000, 0x2100, []),
        (0x3001, None, [0x3002]),
        (0x3004, None, []),
        (None, 0x1001, []),
        (None, 0x1002, [0x1000]),
    ],
)
def test_address_range(
    minimum: int | None, maximum: int | None, expected: list[int]
) -> None:
    search = _program(*_GAP).search_memory(b"abc")
    assert search.set_address_range(minimum, maximum) is search
    assert list(search) == expected


def test_address_range_starts_over() -> None:
    search = _program(*_GAP).search_memory(b"abc")
    assert next(search) == 0x1000
    assert next(search.set_address_range(0x1000)) == 0x1000


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((10, 5), ValueError), ((-1,), OverflowError), ((0, 2**64), OverflowError)],
)
def test_bad_address_range(arguments: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        _program().search_memory(b"a").set_address_range(*arguments)


def test_physical_memory() -> None:
    prog = _program(*_GAP)
    prog.add_memory_segment(0x10, 5, lambda *_: b"zzabc", physical=True)
    assert list(prog.search_memory(b"abc").set_address_range(physical=True)) == [0x12]


def test_matches_do_not_overlap() -> None:
    prog = _program((0x1001, b"aaaaaa"))
    assert list(prog.search_memory(b"aa")) == [0x1001, 0x1003, 0x1005]
    assert list(prog.search_memory(b"aaa", alignment=2)) == [0x1002]


@pytest.mark.parametrize("alignment", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("needle", [b"needle", b"a longer needle"])
def test_alignment(alignment: int, needle: bytes) -> None:
    data = bytearray(0x1000)
    places = [0x20, 0x108, 0x214, 0x302, 0x405]
    for place in places:
        data[place : place + len(needle)] = needle
    found = list(
        _program((0x1003, bytes(data))).search_memory(needle, alignment=alignment)
    )
    expected = [0x1003 + p for p in places if not (0x1003 + p) % alignment]
    assert found == expected


def test_matches_across_windows() -> None:
    needles = [b"x", b"xyz", b"needle!", b"a needle of many bytes"]
    for needle in needles:
        data = bytearray(3 << 18)
        places = [place - back for place in (1 << 16, 1 << 18) for back in (1, 40)]
        if len(needle) > 2:
            places += [(2 << 18) - len(needle) + 1]
        for place in places:
            data[place : place + len(needle)] = needle
        memory = Memory()
        memory.add(BufferSegment(0, len(data), memoryview(data)))
        assert list(search_bytes(memory, needle)) == sorted(places)
        pattern = compile_pattern(needle)
        assert [a for a, _ in search_regex(memory, pattern, bytes)] == sorted(places)


def test_a_needle_that_is_everywhere() -> None:
    memory = Memory()
    memory.add(BufferSegment(0, 1 << 17, memoryview(bytes(1 << 17))))
    assert list(search_bytes(memory, bytes(16))) == list(range(0, 1 << 17, 16))


def test_integers_are_aligned() -> None:
    prog = _program((0x1001, b"aaaaaa"))
    assert list(prog.search_memory_u16(0x6161)) == [(0x1002, 0x6161), (0x1004, 0x6161)]
    assert list(prog.search_memory_u32(0x61616161)) == []


@pytest.mark.parametrize(
    ("values", "mask", "expected"),
    [
        (((0x100, 0x201),), 0, [0x100]),
        ((0x100,), 0xFF00, [0x100]),
        (((0, 0xFF),), 0xFF00, []),
        ((0x100, (0x504, 0x504), 0x1110), 0xFF00, [0x100, 0x504, 0x1110]),
        (((0x0302, 0x0706),), 0, [0x302, 0x504, 0x706]),
    ],
)
def test_integer_values_and_ranges(
    values: tuple[Any, ...], mask: int, expected: list[int]
) -> None:
    prog = _program((0x1000, bytes(range(64))))
    found = list(prog.search_memory_u16(*values, ignore_mask=mask))
    assert [value for _, value in found] == expected


def test_big_endian() -> None:
    prog = _program((0x1000, b"abcdabcd"), arch=Architecture.S390X)
    assert list(prog.search_memory_u32(0x61626364)) == [
        (0x1000, 0x61626364),
        (0x1004, 0x61626364),
    ]
    assert list(prog.search_memory_u16(0x61FF, ignore_mask=0xFF)) == [
        (0x1000, 0x6162),
        (0x1004, 0x6162),
    ]
    assert list(prog.search_memory(0x6162636461626364)) == [0x1000]


def test_words_of_32_bits() -> None:
    prog = _program((0x1000, b"abcdabcd"), (2**32 - 4, b"wxyz"), arch=Architecture.I386)
    assert list(prog.search_memory(0x64636261)) == [0x1000, 0x1004]
    assert [a for a, _ in prog.search_memory_word((0, 2**32 - 1))] == [
        0x1000,
        0x1004,
        2**32 - 4,
    ]
    assert list(prog.search_memory(b"ab").set_address_range(2**32, 2**33)) == []
    with pytest.raises(OverflowError):
        prog.search_memory(2**32)


def test_the_end_of_the_address_space() -> None:
    prog = _program((0, b"ab"), (2**64 - 2, b"cd"))
    assert list(prog.search_memory(b"da")) == []
    assert list(prog.search_memory(b"d")) == [2**64 - 1]
    last = 2**64 - 2
    assert list(prog.search_memory_u16((0, 0xFFFF))) == [(0, 0x6261), (last, 0x6463)]


def test_a_range_that_cannot_be_read_faults_after_what_can() -> None:
    memory = Memory()
    memory.add(BufferSegment(0x1000, 16, memoryview(b"abcd" * 4)))
    memory.add(AbsentSegment(0x1010, 16, "not saved"))
    assert len(list(search_bytes(memory, b"abcd"))) == 4
    found = []
    with pytest.raises(FaultError) as info:
        for address in search_bytes(memory, b"abcd").set_address_range(0x1004, 0x2000):
            found.append(address)
    assert found == [0x1004, 0x1008, 0x100C] and info.value.address == 0x1010


def test_a_fault_of_a_callback() -> None:
    prog = _program((0x1000, b"abc"))

    def read(address: int, size: int, offset: int, physical: bool) -> bytes:
        raise FaultError("nope", address + 1)

    prog.add_memory_segment(0x1003, 0x10, read)
    with pytest.raises(FaultError, match="nope: 0x1004"):
        list(prog.search_memory(b"bcd"))


def test_no_memory() -> None:
    prog = _program()
    assert list(prog.search_memory(b"a")) == []
    assert list(prog.search_memory_u64(1)) == []


def test_no_platform() -> None:
    prog = Program()
    search = prog.search_memory(b"a")
    with pytest.raises(ValueError, match="address size is not known"):
        next(search)
    with pytest.raises(ValueError, match="word size is not known"):
        prog.search_memory(5)
    with pytest.raises(ValueError, match="byte order is not known"):
        prog.search_memory_u16(5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.search_memory(b""), ValueError, "needle cannot be empty"),
        (lambda p: p.search_memory(b"a", alignment=3), ValueError, "power of 2"),
        (lambda p: p.search_memory(b"a", alignment=0), ValueError, "power of 2"),
        (lambda p: p.search_memory(5, alignment=2), TypeError, "only allowed with"),
        (lambda p: p.search_memory(None), TypeError, "must be bytes, str, int"),
        (lambda p: p.search_memory(bytearray(b"a")), TypeError, "not bytearray"),
        (lambda p: p.search_memory(-1), OverflowError, "negative"),
        (lambda p: p.search_memory(2**64), OverflowError, "too big"),
        (lambda p: p.search_memory_u16(), ValueError, "at least one value"),
        (lambda p: p.search_memory_u16(2**16), OverflowError, "uint16_t"),
        (lambda p: p.search_memory_u16((1, 2, 3)), TypeError, r"\(int, int\)"),
        (lambda p: p.search_memory_u16("a"), TypeError, "integer"),
        (lambda p: p.search_memory_u16(1, ignore_mask=-1), OverflowError, "negative"),
        (lambda p: p.search_memory_regex(5), TypeError, "bytes or str"),
        (lambda p: p.search_memory_regex("("), Exception, "pcre2 error"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(_program())


def test_uint_at_every_offset_of_a_window() -> None:
    for start in range(9):
        memory = Memory()
        data = bytes(range(64))
        memory.add(BufferSegment(start, len(data), memoryview(data)))
        found = dict(search_uint(memory, 8, True, [], [(0, 2**64 - 1)]))
        places = range(-start % 8, 57, 8)
        assert found == {
            start + p: int.from_bytes(data[p : p + 8], "little") for p in places
        }


def _places(data: bytes, start: int, needle: bytes, alignment: int) -> list[int]:
    """Where ``needle`` is in ``data``, which lies at ``start``."""
    found: list[int] = []
    done = 0
    for place in range(len(data)):
        aligned = not (start + place) % alignment
        if aligned and place >= done and data.startswith(needle, place):
            found.append(start + place)
            done = place + len(needle)
    return found


@given(
    parts=st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=40), st.booleans()), max_size=4
    ),
    start=st.integers(0, 17),
    needle=st.text("ab", min_size=1, max_size=7).map(str.encode),
    alignment=st.sampled_from([1, 2, 4, 8]),
)
def test_segments_of_buffers_and_others(
    parts: list[tuple[str, bool]], start: int, needle: bytes, alignment: int
) -> None:
    memory = Memory()
    data = "".join(text for text, _ in parts).encode()
    address = start
    for text, is_buffer in parts:
        piece = text.encode()
        if is_buffer:
            # The buffer goes on where the segment ends.
            view = memoryview(b"bab" + piece + needle)
            memory.add(BufferSegment(address, len(piece), view, 3))
        else:
            memory.add_callback(
                address,
                len(piece),
                lambda _, size, offset, __, piece=piece: piece[offset : offset + size],
            )
        address += len(piece)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_WINDOW", 16)
        patch.setattr(search_module, "_CALLBACK_WINDOW", 8)
        found = list(search_bytes(memory, needle, alignment))
    assert found == _places(data, start, needle, alignment)


def test_buffers_with_a_gap_between() -> None:
    memory = Memory()
    for start, data in ((0x1000, b"..nee"), (0x1005, b"dle.needle.n"), (0x2000, b"n")):
        memory.add(BufferSegment(start, len(data), memoryview(data)))
    assert list(search_bytes(memory, b"needle")) == [0x1002, 0x1009]
    assert list(search_bytes(memory, b"n")) == [0x1002, 0x1009, 0x1010, 0x2000]
    limited = search_bytes(memory, b"needle").set_address_range(0x1003, 0x100E)
    assert list(limited) == [0x1009]


@given(
    text=st.text("ab", max_size=200).map(str.encode),
    needle=st.text("ab", min_size=1, max_size=12).map(str.encode),
    bounds=st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
def test_find_in_a_buffer_by_many_threads(
    text: bytes, needle: bytes, bounds: tuple[int, int]
) -> None:
    start, stop = sorted(min(bound, len(text)) for bound in bounds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memmem, "_FIRST_BLOCK", 1)
        patch.setattr(memmem, "_THREAD_BLOCK", 4)
        patch.setattr(memmem, "_thread_count", lambda: 3)
        found = memmem.find(memoryview(text), needle, start, stop)
    assert found == text.find(needle, start, stop)
