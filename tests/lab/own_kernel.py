"""A kernel that was built here, laid out as Debian's packages are unpacked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .packages import LabError


def release(tree: Path) -> str:
    """What ``uname -r`` will print of the kernel built in ``tree``.

    Raises LabError if no kernel was built there.
    """
    try:
        return (tree / "include/config/kernel.release").read_text().strip()
    except OSError as error:
        raise LabError(f"{tree} has no built kernel: {error}") from error


def lay_out(tree: Path, directory: Path) -> Path:
    """Copy a built kernel and its modules into ``directory/root``."""
    version = release(tree)
    root = directory / "root"
    shutil.rmtree(root, ignore_errors=True)
    debug = root / "usr/lib/debug"
    places = {
        "arch/x86/boot/bzImage": root / f"boot/vmlinuz-{version}",
        "vmlinux": debug / f"boot/vmlinux-{version}",
    }
    modules = Path("lib/modules") / version
    if (tree / "modules.order").exists():  # CONFIG_MODULES
        for name in ("modules.order", "modules.builtin"):  # what depmod reads
            places[name] = root / modules / name
    for module in tree.rglob("*.ko"):
        path = str(module.relative_to(tree))
        places[path] = debug / modules / "kernel" / path
    for path, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy(tree / path, place)
        except OSError as error:
            raise LabError(f"{tree} has no built kernel: {error}") from error
    (debug / modules).mkdir(parents=True, exist_ok=True)
    shutil.copytree(debug / modules, root / modules, dirs_exist_ok=True)
    if stripped := list((root / modules).rglob("*.ko")):
        subprocess.run(["strip", "--strip-debug", *stripped], check=True)
    return root
