"""What a lab is built of compiles, where the lab itself is there from before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .initramfs import build_workload


def test_workload(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    build_workload(tmp_path / "workload")
    assert (tmp_path / "workload").stat().st_mode & 0o100
