"""Opening /proc/kcore by sudo, with a sudo of the tests' own on PATH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from drgn.standalone import cli, sudo

RUNS = '#!/bin/sh\necho "$1 $2" > {log}\nshift 3\nexec "$@"\n'
REFUSES = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sudo that runs what it is told to."""
    path = tmp_path / "sudo"
    path.write_text(RUNS.format(log=tmp_path / "log"))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    return path


def test_the_file_is_opened_by_another_process(fake: Path, tmp_path: Path) -> None:
    path = tmp_path / "100%p"
    path.write_text("contents")
    fd = sudo.open_as_root(str(path))
    assert os.read(fd, 100) == b"contents"
    assert not os.get_inheritable(fd)
    os.close(fd)
    prompt = (tmp_path / "log").read_text()
    # sudo itself puts the user's name in place of the first %p.
    assert (
        prompt == f"-p [sudo] password for %p, to open {tmp_path}/100%%p for drgn: \n"
    )


def test_the_caller_says_how(fake: Path, tmp_path: Path) -> None:
    from drgn.internal.sudohelper import open_via_sudo

    path = tmp_path / "new"
    fd = open_via_sudo(path, os.O_WRONLY | os.O_CREAT, 0o600)
    assert os.write(fd, b"contents") == 8
    os.close(fd)
    assert path.read_text() == "contents"
    assert path.stat().st_mode & 0o777 == 0o600


def test_errors_are_those_of_the_other_process(fake: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as info:
        sudo.open_as_root(missing)
    assert info.value.filename == missing


def test_sudo_may_refuse(fake: Path, tmp_path: Path) -> None:
    fake.write_text(REFUSES)
    with pytest.raises(PermissionError, match="^sudo: could not open /proc/kcore$"):
        sudo.open_as_root("/proc/kcore")


def test_when_it_would_help(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sudo.can_open_as_root()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not sudo.can_open_as_root()
    monkeypatch.undo()
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not sudo.can_open_as_root()


class Kernel:
    """A program whose kernel the user must not read."""

    opened: int | None = None

    def set_kernel(self) -> None:
        raise PermissionError(13, "Permission denied", "/proc/kcore")

    def set_core_dump(self, fd: int) -> None:
        self.opened = fd
        os.fstat(fd)


def test_command_line(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prog: Any = Kernel()
    monkeypatch.setattr(
        sudo, "open_as_root", lambda path: os.open(os.devnull, os.O_RDONLY)
    )
    cli._open_kernel(prog)
    assert prog.opened is not None
    with pytest.raises(OSError):
        os.fstat(prog.opened)  # Whoever needs it has duplicated it.
    fake.unlink()
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(PermissionError, match="/proc/kcore"):
        cli._open_kernel(prog)
