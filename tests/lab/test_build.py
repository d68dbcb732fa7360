"""What a guest has written about itself."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from .build import unpack_facts


@pytest.mark.parametrize("python", ["this", "3.11.2"])
def test_facts_are_unpacked_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, python: str
) -> None:
    """By Python 3.11.2, too, which is Debian 12's and knows no filters."""
    if python == "3.11.2":
        unpack = tarfile.TarFile.extractall

        def extractall(archive: tarfile.TarFile, path: Path) -> None:
            unpack(archive, path)

        monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    image = tmp_path / "disk"
    with tarfile.open(image, "w") as archive:
        fact = tarfile.TarInfo("sys/vmcoreinfo")
        fact.size = 3
        archive.addfile(fact, io.BytesIO(b"yes"))
    with image.open("ab") as disk:
        disk.write(bytes(1 << 16))
    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "of the last build").touch()
    unpack_facts(image, facts)
    assert [path.name for path in facts.iterdir()] == ["sys"]
    assert (facts / "sys/vmcoreinfo").read_bytes() == b"yes"
