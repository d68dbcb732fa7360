"""Kernels that were built here, laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import own_kernel
from .packages import LabError


def built(tree: Path) -> Path:
    for name, data in (
        ("include/config/kernel.release", b"6.1.192-mine\n"),
        ("arch/x86/boot/bzImage", b"image"),
        ("vmlinux", b"debug info"),
    ):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tree


def test_kernel_without_modules(tmp_path: Path) -> None:
    tree = built(tmp_path / "tree")
    root = own_kernel.lay_out(tree, tmp_path / "lab")
    assert (root / "boot/vmlinuz-6.1.192-mine").read_bytes() == b"image"
    vmlinux = root / "usr/lib/debug/boot/vmlinux-6.1.192-mine"
    assert vmlinux.read_bytes() == b"debug info"
    # Where depmod and who looks for debug info look, there is nothing.
    for place in (root, root / "usr/lib/debug"):
        assert list((place / "lib/modules/6.1.192-mine").iterdir()) == []


def test_tree_without_a_kernel(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no built kernel"):
        own_kernel.lay_out(tmp_path, tmp_path / "lab")
    (built(tmp_path) / "vmlinux").unlink()
    with pytest.raises(LabError, match="no built kernel"):
        own_kernel.lay_out(tmp_path, tmp_path / "lab")
