"""Kernel modules by depmod's index and by walking directories."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from drgn import BadDataError
from drgn.engine.modules.kmod import DepmodIndex, KmodWalk, module_name


class _IndexWriter:
    """Writes an index as depmod does: a radix tree, children before their parents."""

    def __init__(self) -> None:
        self.data = bytearray(struct.pack(">III", 0xB007F457, 0x00020001, 0))

    def write(self, entries: Mapping[str, str]) -> bytes:
        root = self._node({name.encode(): value for name, value in entries.items()})
        struct.pack_into(">I", self.data, 8, root)
        return bytes(self.data)

    def _node(self, entries: Mapping[bytes, str]) -> int:
        keys = sorted(entries)
        prefix = keys[0]
        while not all(key.startswith(prefix) for key in keys):
            prefix = prefix[:-1]
        rest = {key[len(prefix) :]: entries[key] for key in keys}
        value = rest.pop(b"", None)
        children = {}
        for first in sorted({key[0] for key in rest}):
            children[first] = self._node(
                {key[1:]: text for key, text in rest.items() if key[0] == first}
            )
        flags = 0
        start = len(self.data)
        if prefix:
            flags |= 0x80000000
            self.data += prefix + b"\0"
        if children:
            flags |= 0x20000000
            low, high = min(children), max(children)
            self.data += bytes([low, high])
            for character in range(low, high + 1):
                self.data += struct.pack(">I", children.get(character, 0))
        if value is not None:
            flags |= 0x40000000
            self.data += struct.pack(">II", 1, 0) + value.encode() + b"\0"
        return start | flags


ENTRIES = {
    "tun": "kernel/drivers/net/tun.ko.xz:",
    "veth": "kernel/drivers/net/veth.ko:",
    "virtio": "kernel/drivers/virtio/virtio.ko:",
    "virtio_blk": "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko",
    "snd_pcm": "kernel/sound/core/snd-pcm.ko: kernel/sound/core/snd.ko",
}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "modules.dep.bin"
    path.write_bytes(_IndexWriter().write(ENTRIES))
    return path


class TestDepmod:
    @pytest.mark.parametrize("name", ENTRIES)
    def test_finds_paths(self, index: Path, name: str) -> None:
        found = DepmodIndex(str(index)).find(name)
        assert found == ENTRIES[name].partition(":")[0]

    @pytest.mark.parametrize("name", ["", "t", "tu", "tuna", "vet", "x", "virtio_"])
    def test_does_not_find_others(self, index: Path, name: str) -> None:
        assert DepmodIndex(str(index)).find(name) is None

    def test_dashes_are_underscores(self, index: Path) -> None:
        found = DepmodIndex(str(index)).find("snd-pcm")
        assert found == "kernel/sound/core/snd-pcm.ko"

    def test_other_files(self, tmp_path: Path) -> None:
        path = tmp_path / "modules.dep.bin"
        with pytest.raises(FileNotFoundError):
            DepmodIndex(str(path))
        path.write_bytes(b"")
        with pytest.raises(BadDataError, match="truncated"):
            DepmodIndex(str(path))
        path.write_bytes(bytes(100))
        with pytest.raises(BadDataError, match="not a depmod index"):
            DepmodIndex(str(path))

    def test_damage_is_told_or_harmless(self, index: Path) -> None:
        good = index.read_bytes()
        paths = {text.partition(":")[0] for text in ENTRIES.values()}
        for position in range(8, len(good)):
            for value in (0x00, 0xFF, good[position] ^ 0x20):
                damaged = bytearray(good)
                damaged[position] = value
                index.write_bytes(damaged)
                try:
                    found = DepmodIndex(str(index)).find("virtio_blk")
                except BadDataError:
                    continue
                # A damaged path is a path that does not exist.
                assert found is None or found in paths or "\0" not in found

    def test_index_of_the_lab(self, labs) -> None:
        found = 0
        for lab in labs:
            for path in lab.directory.glob("root/**/modules.dep.bin"):
                index = DepmodIndex(str(path))
                lines = (path.parent / "modules.dep").read_text().splitlines()
                for line in lines[::50]:
                    file = line.partition(":")[0]
                    name = module_name(file.rpartition("/")[2])
                    assert name is not None
                    assert index.find(name) == file
                    found += 1
        assert found


class TestWalk:
    @pytest.mark.parametrize(
        ("file", "name"),
        [
            ("snd-pcm.ko", "snd_pcm"),
            ("veth.ko.xz", "veth"),
            ("veth.ko.zst", "veth"),
            ("veth.ko.debug", "veth"),
            ("veth.kod", None),
            ("veth.ko.txt", None),
            (".ko", None),
            ("modules.dep", None),
        ],
    )
    def test_names(self, file: str, name: str | None) -> None:
        assert module_name(file) == name

    def test_walks_as_far_as_needed_and_remembers(self, tmp_path: Path) -> None:
        for name in ("a/snd-pcm.ko", "b/c/veth.ko.xz", "b/veth.ko", "d.txt"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (tmp_path / "b" / "loop").symlink_to(tmp_path)
        walk = KmodWalk([str(tmp_path), str(tmp_path / "missing")])
        expected = {f"{tmp_path}/b/c/veth.ko.xz", f"{tmp_path}/b/veth.ko"}
        assert set(walk.files("veth")) == expected
        assert list(walk.files("snd_pcm")) == [f"{tmp_path}/a/snd-pcm.ko"]
        assert set(walk.files("veth")) == expected
        assert list(walk.files("loop")) == []
