"""Files of columns: kept, found again, and never trusted when they are wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from array import array
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drgn.engine import cache

KEY = b"\xab\xcd"
STAMP = (1234, 5678)
COLUMNS = {
    "numbers": memoryview(array("q", [1, -2, 3])),
    "small": memoryview(array("I", [7])),
    "none": memoryview(array("q")),
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def store(version: int = 1, key: bytes = KEY, stamp: tuple[int, int] = STAMP) -> bool:
    return cache.store_columns("test", version, key, stamp, COLUMNS)


def load(
    version: int = 1, key: bytes = KEY, stamp: tuple[int, int] = STAMP
) -> dict[str, list[int]] | None:
    columns = cache.load_columns("test", version, key, stamp)
    if columns is None:
        return None
    return {name: column.tolist() for name, column in columns.items()}


EXPECTED = {"numbers": [1, -2, 3], "small": [7], "none": []}


def test_columns_come_back() -> None:
    assert load() is None
    assert store()
    assert load() == EXPECTED
    assert cache.store_columns("test", 1, KEY, STAMP, {})
    assert load() == {}


def test_columns_are_computed_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"contents")
    computed = []

    def columns(number: int, path: Path = source, code: str = "q") -> list[int]:
        def compute() -> cache.Columns:
            computed.append(number)
            return {"numbers": memoryview(array("q", [number]))}

        found = cache.cached_columns(
            "test", 1, KEY, str(path), lambda c: c["numbers"].format == code, compute
        )
        return found["numbers"].tolist()

    assert columns(1) == columns(2) == [1]
    assert computed == [1]
    # Others that are wanted are computed, and what is of a file that has changed.
    assert columns(3, code="Q") == [3]
    source.write_bytes(b"other contents")
    assert columns(4) == columns(5) == [4]
    # There is no telling whether these changed.
    assert columns(6, tmp_path / "none") == [6]
    assert computed == [1, 3, 4, 6]


def test_damaged_columns_are_computed_again(tmp_path: Path, directory: Path) -> None:
    source = tmp_path / "source"
    source.touch()

    def columns(number: int) -> list[int]:
        found = cache.cached_columns(
            "test",
            1,
            KEY,
            str(source),
            lambda columns: True,
            lambda: {"numbers": memoryview(array("q", [number]))},
        )
        return found["numbers"].tolist()

    assert columns(1) == [1]
    (file,) = directory.iterdir()
    file.write_bytes(file.read_bytes()[:-8] + (7).to_bytes(8, sys.byteorder))
    assert columns(2) == [2]


@pytest.mark.parametrize(
    "other",
    [{"version": 2}, {"key": b"\xab"}, {"stamp": (1234, 0)}, {"stamp": (0, 5678)}],
)
def test_columns_of_something_else_are_not_taken(other: dict[str, object]) -> None:
    store()
    assert load(**other) is None  # type: ignore[arg-type]
    # Not even if the file is found under the other's name.
    path = cache.cache_path("test", KEY)
    os.rename(path, cache.cache_path("test", other.get("key", KEY)))  # type: ignore[arg-type]
    assert load(**other) is None  # type: ignore[arg-type]


def test_a_file_cut_short_anywhere_is_not_taken() -> None:
    store()
    path = Path(cache.cache_path("test", KEY))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert load() is None
    path.write_bytes(whole)
    assert load() == EXPECTED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_header_or_table_is_not_taken(data: st.DataObject) -> None:
    store()
    path = Path(cache.cache_path("test", KEY))
    whole = bytearray(path.read_bytes())
    numbers = bytes(COLUMNS["numbers"].cast("B"))
    position = data.draw(st.integers(0, whole.index(numbers) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    # What pads the columns does not matter.
    assert load() in (None, EXPECTED)
    if position < cache._HEADER.size + 3 * cache._COLUMN.size:
        assert load() is None


def test_which_elements_are_intact(monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged byte spoils the block that it is in, and no other."""
    monkeypatch.setattr(cache, "_BLOCK", 16)
    assert store()
    path = Path(cache.cache_path("test", KEY))
    whole = bytearray(path.read_bytes())
    # Elements 0 and 1 of "numbers" are in one block, 2 and all of "small" in the next.
    place = whole.index(bytes(COLUMNS["numbers"].cast("B")))
    for damaged, spoiled in ((place + 15, {0, 1}), (place + 16, {2})):
        path.write_bytes(whole)
        columns = cache.load_columns("test", 1, KEY, STAMP)
        assert columns is not None
        assert all(map(columns.intact, columns))
        torn = bytearray(whole)
        torn[damaged] ^= 1
        path.write_bytes(torn)
        columns = cache.load_columns("test", 1, KEY, STAMP)
        assert columns is not None
        assert not columns.intact("numbers")
        for i in range(3):
            assert columns.intact("numbers", i, i + 1) == (i not in spoiled)
        assert columns.intact("small") == (2 not in spoiled)
        assert columns.intact("none")


def test_a_foreign_file_is_not_taken(directory: Path) -> None:
    directory.mkdir()
    path = Path(cache.cache_path("test", KEY))
    for content in (b"", b"SQLite format 3\0" * 100, bytes(4096)):
        path.write_bytes(content)
        assert load() is None
    path.unlink()
    path.mkdir()
    assert load() is None
    assert not store()


def test_a_directory_that_cannot_be_written(directory: Path) -> None:
    directory.write_text("this is a file")
    assert not store()
    assert load() is None


def test_a_full_disk_leaves_nothing_behind(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    assert not store()
    assert list(directory.iterdir()) == []


def test_an_interrupted_store_leaves_nothing_behind(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(fd: int, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(KeyboardInterrupt):
        store()
    assert list(directory.iterdir()) == []


def test_what_killed_processes_left_is_removed(directory: Path) -> None:
    code = (
        "import os, signal; from drgn.engine import cache;"
        "os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL);"
        "cache.store_columns('test', 1, b'1', (1, 1), {'a': memoryview(b'123')})"
    )
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", code]).returncode == -9
        assert len(list(directory.iterdir())) == 1  # The one before is gone.
    alive = directory / f"x.columns.{os.getpid()}.1.tmp"
    foreign = directory / "notes.tmp"
    for path in (alive, foreign):
        path.write_text("")
    assert store()
    assert {*directory.iterdir()} == {
        alive,
        foreign,
        Path(cache.cache_path("test", KEY)),
    }


def test_a_cache_that_may_only_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store()

    def utime(path: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", utime)
    assert load() == EXPECTED


def test_the_least_recently_used_go_first(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4):
        assert store(key=bytes([i + 1]))
        os.utime(cache.cache_path("test", bytes([i + 1])), (i, i))
    size = Path(cache.cache_path("test", b"\1")).stat().st_size
    assert load(key=b"\1") == EXPECTED  # Now it is the most recently used.
    monkeypatch.setattr(cache, "MAX_TOTAL_SIZE", 3 * size)
    assert store(key=b"\5")
    left = [i for i in range(1, 6) if load(key=bytes([i])) is not None]
    assert left == [1, 4, 5]


def test_other_files_are_left_alone(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir()
    (directory / "notes.txt").write_text("mine")
    monkeypatch.setattr(cache, "MAX_TOTAL_SIZE", 0)
    store()
    assert (directory / "notes.txt").read_text() == "mine"


def test_writers_may_race(monkeypatch: pytest.MonkeyPatch) -> None:
    writers = [threading.Thread(target=store) for _ in range(8)]
    for writer in writers:
        writer.start()
    seen = [load() for _ in range(50)]
    for writer in writers:
        writer.join()
    assert all(columns in (None, EXPECTED) for columns in seen)
    assert load() == EXPECTED


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PYDRGN_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"PYDRGN_CACHE_DIR": "", "XDG_CACHE_HOME": "/x"}, "/x/pydrgn"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/pydrgn"),
        ({"HOME": "/h"}, "/h/.cache/pydrgn"),
    ],
)
def test_where_the_files_are(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYDRGN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.cache_directory() == expected


def test_a_key_that_does_not_fit() -> None:
    assert not store(key=b"")
    assert not store(key=bytes(65))


@pytest.mark.parametrize("mtime", [0, 1_700_000_000_123_456_789, -1])
def test_stamp_of_a_file_of_any_time(mtime: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    os.utime(path, ns=(0, mtime))
    stamp = cache.source_stamp(str(path))
    assert stamp == (3, mtime % 2**64)
    assert store(stamp=stamp)
    assert load(stamp=stamp) == EXPECTED


def test_there_is_no_stamp_of_what_is_not_there(tmp_path: Path) -> None:
    assert cache.source_stamp(str(tmp_path / "missing")) is None
