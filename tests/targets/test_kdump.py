"""Kdump files: versions, compressions, flattened, split, malformed."""

from __future__ import annotations

import errno
import mmap
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from dump_builders import FLAGS, PAGE, VMCOREINFO, flattened, kdump, note, prstatus

from drgn.engine.errors import BadDataError, FaultError
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import NO_WINDOW, Memory
from drgn.engine.memory.search import search_bytes
from drgn.engine.platform import Architecture, Platform
from drgn.engine.targets import kdump_pages, page_image
from drgn.engine.targets.base import Target
from drgn.engine.targets.kdump_flat import dump_file
from drgn.engine.targets.kdump_header import read_header
from drgn.engine.targets.kdump_pages import KdumpPart
from drgn.engine.targets.open import open_core

_EXCLUDED = "could not read memory from kdump: Excluded page"
_NOISE = np.random.default_rng(7).integers(0, 256, PAGE, np.uint8).tobytes()
_PAGES = {
    1: b"one ".ljust(PAGE, b"1"),
    2: b"two ".ljust(PAGE, b"2"),
    7: _NOISE,
    8: bytes(PAGE),
    40: b"forty".ljust(PAGE, b"4"),
}


def _open(
    tmp_path: Path, *files: bytes, names: str = "dump.{}"
) -> tuple[Target, Memory]:
    paths = []
    for number, data in enumerate(files):
        path = tmp_path / names.format(number)
        path.write_bytes(data)
        paths.append(str(path))
    return _attach(open_core(paths[0] if len(paths) == 1 else paths))


def _attach(target: Target) -> tuple[Target, Memory]:
    memory = Memory()
    target.attach(memory)
    return target, memory


def _read(memory: Memory, address: int, size: int) -> bytes:
    return memory.read(address, size, physical=True)


def _fault(memory: Memory, address: int, size: int = 1) -> str:
    with pytest.raises(FaultError) as info:
        _read(memory, address, size)
    return str(info.value)


@pytest.mark.parametrize("compression", FLAGS)
@pytest.mark.parametrize("flat", [False, True])
def test_compressions(tmp_path: Path, compression: str, flat: bool) -> None:
    data = kdump(_PAGES, compression=compression)
    target, memory = _open(tmp_path, flattened(data) if flat else data)
    assert target.flags == ProgramFlags.IS_LINUX_KERNEL
    assert target.platform == Platform(Architecture.X86_64)
    assert target.vmcoreinfo == VMCOREINFO
    for frame, page in _PAGES.items():
        assert _read(memory, frame * PAGE, PAGE) == page
    assert _read(memory, 2 * PAGE - 2, 6) == b"11two "
    assert _read(memory, 7 * PAGE + 5, PAGE) == (_NOISE + bytes(5))[5 : PAGE + 5]


def test_excluded_pages(tmp_path: Path) -> None:
    _, memory = _open(tmp_path, kdump(_PAGES))
    assert _fault(memory, 0) == f"{_EXCLUDED}: 0x0"
    assert _fault(memory, 2 * PAGE, 2 * PAGE) == f"{_EXCLUDED}: 0x3000"
    assert "could not find physical memory segment" in _fault(memory, 64 * PAGE)


def _no_memory(size: int) -> mmap.mmap:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


@pytest.mark.parametrize("size", [1, 64, PAGE, 2 * PAGE + 3])
@pytest.mark.parametrize("missing", [[], ["_private"], ["_private", "_file"]])
def test_gather_is_as_read(
    tmp_path: Path, size: int, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kdump_pages, "_BATCH", 3)
    monkeypatch.setattr(kdump_pages, "_HELD_BYTES", 4 * PAGE)
    for kind in missing:
        monkeypatch.setattr(page_image, kind, _no_memory)
    _, memory = _open(tmp_path, kdump(_PAGES))
    addresses = [frame * PAGE + at for frame in range(66) for at in (0, 5, PAGE - 1)]
    rows, valid = memory.read_many(addresses, size, physical=True)
    for address, row, good in zip(addresses, rows, valid, strict=True):
        try:
            assert good == (row.tobytes() == _read(memory, address, size))
        except FaultError:
            assert not good and not row.any()


@pytest.mark.parametrize("advice", [mmap.MADV_HUGEPAGE, -1])
@pytest.mark.parametrize("missing", [[], ["_private"]])
def test_many_pages_that_follow_each_other(
    tmp_path: Path, advice: int, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may have huge pages for them, or not know what that is."""
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", advice)
    for kind in missing:
        monkeypatch.setattr(page_image, kind, _no_memory)
    frames = range(3, 3 + 1100)
    pages = {frame: struct.pack("<Q", frame) * (PAGE // 8) for frame in frames}
    _, memory = _open(tmp_path, kdump(pages, frames=frames.stop))
    size = len(frames) * PAGE
    assert _read(memory, 3 * PAGE + 8, size - 8) == b"".join(pages.values())[8:]


def test_what_was_located_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its page is forgotten when there are too many."""
    monkeypatch.setattr(kdump_pages, "_HELD_BYTES", 2 * PAGE)
    _, memory = _open(tmp_path, kdump(_PAGES))
    forgotten = memory.pages
    forgotten[1] = memory.window = (PAGE, PAGE, b"")
    found = memory.physical.locate(PAGE + 1, 3)
    assert found is not None
    assert memory.physical.locate(PAGE + 1, PAGE) is None
    assert _read(memory, 2 * PAGE, 4) == b"two "
    assert memory.physical.locate(PAGE + 1, PAGE) == (found[0], PAGE + 1)
    assert forgotten
    assert _read(memory, 40 * PAGE, 5) == b"forty"
    assert not forgotten and memory.window == NO_WINDOW
    buffer, offset = found
    assert bytes(buffer[offset : offset + 3]) == b"ne "
    again = memory.physical.locate(PAGE + 1, 3)
    assert again is not None and again[0] is not buffer
    assert memoryview(buffer).readonly


@pytest.mark.parametrize("parts", [[(0, 64)], [(0, 21), (21, 64)], [(3, 40)]])
@pytest.mark.parametrize("held", [1.0, 0.99, 0.97])
def test_pages_read_together_are_as_each_alone(
    tmp_path: Path, parts: list[tuple[int, int]], held: float
) -> None:
    """With what is excluded, of zeros, of another part or behind the file's end."""
    random = np.random.default_rng(31)
    frames = np.flatnonzero(random.random(64) < 0.8).tolist()
    pages = {f: bytes([f * (f % 3) % 256]) * PAGE for f in frames}
    files = [kdump(pages, part=part) for part in parts]
    files = [data[: int(len(data) * held)] for data in files]
    _, alone = _open(tmp_path, *files)
    contents: list[bytes | None] = []
    for frame in range(64):
        try:
            contents.append(_read(alone, frame * PAGE, PAGE))
        except FaultError:
            contents.append(None)
    for first, end in random.integers(0, 65, (200, 2)).tolist():
        if first >= end:
            continue
        _, together = _open(tmp_path, *files)
        expected = contents[first:end]
        if None in expected:
            lost = first + expected.index(None)
            with pytest.raises(FaultError) as info:
                _read(together, first * PAGE, (end - first) * PAGE)
            assert info.value.address == lost * PAGE
            assert str(info.value) == _fault(alone, lost * PAGE)
        else:
            data = _read(together, first * PAGE, (end - first) * PAGE)
            assert data == b"".join(page for page in expected if page is not None)


def test_search_leaves_out_what_is_excluded(tmp_path: Path) -> None:
    _, memory = _open(tmp_path, kdump({**_PAGES, 3: b"4" * PAGE}))
    search = search_bytes(memory, b"2" * 8 + b"4" * 8)
    assert list(search.set_address_range(physical=True)) == [3 * PAGE - 8]
    with pytest.raises(FaultError, match=_EXCLUDED):
        list(search.set_address_range(0, 0x10000, physical=True))


@pytest.mark.parametrize("parts", [[None], [(0, 8), (8, 64)], [(0, 7), (7, 64)]])
def test_what_is_readable(tmp_path: Path, parts: list[tuple[int, int] | None]) -> None:
    _, memory = _open(tmp_path, *[kdump(_PAGES, part=part) for part in parts])
    ((_, _, segment),) = memory.physical
    runs = [(1, 3), (7, 9), (40, 41)]
    whole = [(first * PAGE, end * PAGE) for first, end in runs]
    assert list(segment.readable(0, 64 * PAGE)) == whole
    # From and to anywhere, in bits of the same bytes of the bitmap and of others.
    for start in range(PAGE // 2, 42 * PAGE, PAGE):
        for end in (start + 1, start + 9 * PAGE, 64 * PAGE):
            assert list(segment.readable(start, end)) == [
                (max(low, start), min(high, end))
                for low, high in whole
                if low < end and start < high
            ]


@pytest.mark.parametrize("given", [[0, 1], [1, 0], [0], [1]])
def test_split(tmp_path: Path, given: list[int]) -> None:
    """Of one part, the others are found beside it."""
    parts = [kdump(_PAGES, part=(0, 8)), kdump(_PAGES, part=(8, 64))]
    paths = [tmp_path / f"dump.split{number}" for number in (1, 2)]
    for path, data in zip(paths, parts, strict=True):
        path.write_bytes(data)
    (tmp_path / "dump.split3").write_bytes(kdump(_PAGES, part=(8, 64), release=b"5"))
    (tmp_path / "dump.split4").write_bytes(b"nonsense")
    chosen = [str(paths[number]) for number in given]
    _, memory = _attach(open_core(chosen if len(chosen) > 1 else chosen[0]))
    for frame, page in _PAGES.items():
        assert _read(memory, frame * PAGE, PAGE) == page
    assert _fault(memory, 50 * PAGE).startswith(_EXCLUDED)


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    _, memory = _open(tmp_path, kdump(_PAGES, part=(0, 8)))
    assert _read(memory, 7 * PAGE, PAGE) == _NOISE
    assert "part of the split dump that was not given" in _fault(memory, 8 * PAGE)
    assert _fault(memory, 50 * PAGE).startswith(_EXCLUDED)


def test_parts_of_several_dumps(tmp_path: Path) -> None:
    one = kdump(_PAGES, part=(0, 8))
    other = kdump(_PAGES, part=(8, 64), release=b"5.10")
    with pytest.raises(BadDataError, match=r"dump.1: not a part of the same dump"):
        _open(tmp_path, one, other)


@pytest.mark.parametrize("version", range(1, 7))
@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (64, ">"), (32, "<")])
def test_header_versions(tmp_path: Path, version: int, bits: int, order: str) -> None:
    data = kdump(_PAGES, version=version, bits=bits, order=order, machine=b"")
    target, memory = _open(tmp_path, data)
    assert _read(memory, 40 * PAGE, 5) == b"forty"
    assert target.vmcoreinfo == (VMCOREINFO if version >= 3 else None)
    assert target.platform is not None
    assert target.platform.is_64_bit == (bits == 64)
    assert target.platform.is_little_endian == (order == "<")


def test_platform_and_threads_by_notes(tmp_path: Path) -> None:
    """QEMU leaves fields of utsname out."""
    notes = prstatus(1) + prstatus(2) + note(b"QEMU", 0, bytes(440))
    target, _ = _open(tmp_path, kdump(_PAGES, machine=b"", notes=notes))
    assert target.platform == Platform(Architecture.X86_64)
    assert [thread.tid for thread in target.threads()] == [1, 2]


@pytest.mark.parametrize("flat", [False, True])
def test_truncated_files_open_if_the_headers_are_there(
    tmp_path: Path, flat: bool, caplog: pytest.LogCaptureFixture
) -> None:
    _open(tmp_path, flattened(kdump(_PAGES)) if flat else kdump(_PAGES))
    assert not caplog.messages
    data = kdump(_PAGES)[:-20]
    if flat:
        head = struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(4096, b"\0")
        data = head + struct.pack(">qq", 0, len(data) + 20) + data
    _, memory = _open(tmp_path, data)
    assert caplog.messages == [f"{tmp_path}/dump.0: core dump is truncated"]
    assert _read(memory, 1 * PAGE, 4) == b"one "
    assert "dump.0 is truncated" in _fault(memory, 40 * PAGE)


@pytest.mark.parametrize("part", [None, (5, 90)])
@pytest.mark.parametrize("last", [89, 90, 96])
def test_a_file_without_its_last_byte_is_truncated(
    tmp_path: Path, part: tuple[int, int] | None, last: int
) -> None:
    """Whether the last frame is dumped, or not, or is another part's."""
    pages = dict.fromkeys([*range(85), 89, last], _NOISE)
    data = kdump(pages, frames=97, part=part, compression="zlib")
    for cut in (0, 1):
        path = tmp_path / f"{cut}"
        path.write_bytes(data[: len(data) - cut])
        file = dump_file(str(path), memoryview(path.read_bytes()))
        assert KdumpPart(file, read_header(file)).is_truncated == bool(cut)


@pytest.mark.parametrize("size", [1, 24, 48])
def test_truncated_descriptors(
    tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    data = kdump({1: b"x" * PAGE, 2: b"y" * PAGE})
    _open(tmp_path, data[: 4 * PAGE + size])
    assert caplog.messages == [f"{tmp_path}/dump.0: core dump is truncated"]


@pytest.mark.parametrize("size", [8, 300, 464, PAGE, PAGE + 64, 3 * PAGE])
def test_truncated_headers(tmp_path: Path, size: int) -> None:
    with pytest.raises(BadDataError, match=r"dump.0: .*kdump file is truncated"):
        _open(tmp_path, kdump(_PAGES)[:size])


def test_corrupt_pages(tmp_path: Path) -> None:
    for compression in FLAGS:
        data = bytearray(kdump({1: b"x" * PAGE}, compression=compression))
        data[4 * PAGE + 24 :] = b"\xa5" * (len(data) - 4 * PAGE - 24)
        _, memory = _open(tmp_path, bytes(data))
        if compression == "raw":
            assert _read(memory, PAGE, 2) == b"\xa5\xa5"
        else:
            assert "dump.0 has a" in _fault(memory, PAGE)


@pytest.mark.parametrize("size", [PAGE - 1, PAGE + 1, 16 * PAGE])
@pytest.mark.parametrize("compression", [name for name in FLAGS if name != "raw"])
def test_pages_of_a_wrong_size(tmp_path: Path, compression: str, size: int) -> None:
    data = kdump({1: bytes(size)}, compression=compression)
    _, memory = _open(tmp_path, data)
    assert "dump.0 has a" in _fault(memory, PAGE)


def test_a_wrong_checksum(tmp_path: Path) -> None:
    data = bytearray(kdump({1: b"x" * PAGE}))
    data[-1] ^= 1  # The end of a zlib stream is its checksum.
    _, memory = _open(tmp_path, bytes(data))
    assert "dump.0 has a corrupt page" in _fault(memory, PAGE)


@pytest.mark.parametrize("missing", [[], ["_private"]])
def test_a_forked_process_reads_for_itself(
    tmp_path: Path, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in missing:
        monkeypatch.setattr(page_image, kind, _no_memory)
    _, memory = _open(tmp_path, kdump(_PAGES))
    assert _read(memory, PAGE, 3) == b"one"
    child = os.fork()
    if not child:
        os._exit(_read(memory, 2 * PAGE, 3) != b"two")
    assert os.waitpid(child, 0)[1] == 0
    assert _read(memory, 2 * PAGE, 3) == b"two"


@pytest.mark.parametrize(
    ("at", "format", "value", "message"),
    [
        (0, "<q", -1, "bad page descriptor"),
        (0, "<q", 2**62, "is truncated"),
        (8, "<I", 2**32 - 1, "bad page descriptor"),
        (8, "<I", 0, "corrupt|page of 0 bytes"),
        (12, "<I", 3, "unknown compression"),
        (12, "<I", 8, "not written"),
    ],
)
def test_bad_descriptors(
    tmp_path: Path, at: int, format: str, value: int, message: str
) -> None:
    data = bytearray(kdump({1: b"x" * PAGE}))
    struct.pack_into(format, data, 4 * PAGE + at, value)
    _, memory = _open(tmp_path, bytes(data))
    with pytest.raises(FaultError, match=message):
        _read(memory, PAGE, 1)


@pytest.mark.parametrize(
    ("offset", "value"), [(428, 4095), (428, 0), (432, 0), (436, 2**32 - 1), (440, 0)]
)
def test_senseless_headers(tmp_path: Path, offset: int, value: int) -> None:
    """Of a number of frames in an old version the bitmap is the limit."""
    data = bytearray(kdump(_PAGES, version=1))
    struct.pack_into("<I", data, offset, value)
    if offset == 440:
        struct.pack_into("<I", data, offset, 2**31)
    with pytest.raises(BadDataError, match=r"dump.0: .*kdump file"):
        _open(tmp_path, bytes(data))


@pytest.mark.parametrize("size", [12, 40, 4095])
def test_truncated_flattened_header(tmp_path: Path, size: int) -> None:
    with pytest.raises(BadDataError, match=r"dump.0: .*flattened dump is truncated"):
        _open(tmp_path, flattened(kdump(_PAGES))[:size])


def test_flattened_nonsense(tmp_path: Path) -> None:
    data = bytearray(flattened(kdump(_PAGES)))
    struct.pack_into(">q", data, 16, 5)
    with pytest.raises(BadDataError, match="unknown flattened format type 5"):
        _open(tmp_path, bytes(data))
    struct.pack_into(">q", data, 16, 1)
    struct.pack_into(">q", data, 4096, -7)
    with pytest.raises(BadDataError, match="bad block in flattened dump at 0x1010"):
        _open(tmp_path, bytes(data))
