"""What a guest has written about itself, and how it is told that there is none."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from . import build, packages
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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (packages.LabError("no apt"), build.CANNOT_BE_HAD),
        (packages.GuestError("the guest never said a word"), 1),
        (OSError(28, "No space left on device", "live.elf"), 1),
    ],
)
def test_a_lab_that_cannot_be_built(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    status: int,
) -> None:
    """What is missing is said apart from what is wrong."""

    def choose(*_: object) -> None:
        raise error

    monkeypatch.setattr(packages, "choose", choose)
    monkeypatch.setattr("sys.argv", ["kernel-lab"])
    assert build.main() == status
    assert capsys.readouterr().err == f"kernel-lab: {error}\n"


@pytest.mark.parametrize("hangs", [0, 1, 2])
def test_a_guest_that_hangs_is_booted_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hangs: int
) -> None:
    boots = []

    def boot(directory: Path, guest: build.Guest, dumps: build.Dumps) -> None:
        boots.append(directory)
        if len(boots) <= hangs:
            raise packages.GuestError(f"the guest never said 'LAB live' ({len(boots)})")
        dumps["live.elf"] = ["live.elf"]

    dumps: build.Dumps = {}
    guest = build.Guest(tmp_path / "vmlinuz", tmp_path / "initramfs.gz")
    if hangs < 2:
        build.once_more(boot, tmp_path, guest, dumps)
        assert dumps == {"live.elf": ["live.elf"]}
    else:
        with pytest.raises(packages.GuestError, match=r"\(2\)"):
            build.once_more(boot, tmp_path, guest, dumps)
    assert len(boots) == min(hangs, 1) + 1
    assert capsys.readouterr().err.count("booting it once more") == (hangs > 0)
