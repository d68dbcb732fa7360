"""What a lab is built of compiles, where the lab itself is there from before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .initramfs import build_workload, check_programs
from .packages import LabError


def test_workload(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    build_workload(tmp_path / "workload")
    assert (tmp_path / "workload").stat().st_mode & 0o100


def test_missing_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("gcc", "cpio", "busybox", "mke2fs", "mkfs.btrfs", "setpriv"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    text = r"no depmod, qemu-system-x86_64 \(apt-get install kmod qemu-system-x86\)"
    with pytest.raises(LabError, match=text):
        check_programs()
