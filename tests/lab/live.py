"""A guest in which our own Python runs drgn: on the running kernel, as its root."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .initramfs import busybox, extend
from .machine import Machine
from .manifest import Lab

GUEST = Path(__file__).parent / "live_guest"
_OUTPUT = 1 << 20
_PACKAGES = ("numpy", "numpy.libs")
"""What drgn imports where an index is there."""
_PARTS = (
    "drgn",
    "drgn.commands",
    "drgn.engine",
    "drgn.helpers",
    "drgn.hosts",
    "drgn.standalone",
)
_LIBRARY = re.compile(r"(?:=> |^\t)(/\S+)", re.M)


def run(lab: Lab, script: str, directory: Path) -> str:
    """What a script prints that a lab's kernel runs, errors included.

    Raises LabError if the guest does not come up.
    """
    disk = _build_disk(lab, script, directory)
    output = directory / "output.img"
    with open(output, "wb") as file:
        file.truncate(_OUTPUT)
    kernel = lab.directory / f"root/boot/vmlinuz-{lab.kernel}"
    initramfs = extend(lab.directory / "initramfs.gz", GUEST, directory / "live.gz")
    with Machine(
        directory, kernel, initramfs, [disk, output],
        memory=1536, append="rdinit=/live-init oops=panic",
    ) as machine:  # fmt: skip
        machine.wait_for("LAB live", 200)
        machine.wait_for("LAB done")
    disk.unlink()  # It is large.
    return output.read_bytes().rstrip(b"\0").decode()


def _build_disk(lab: Lab, script: str, directory: Path) -> Path:
    """A root with this Python, drgn, debugging information and its index."""
    root = directory / "root"
    for name in ("bin", "dev", "proc", "sys", "tmp", "site", "python", "cache"):
        (root / name).mkdir(parents=True)
    _copy_python(root)
    _copy_drgn(root / "site")
    shutil.copy(busybox(), root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    symbols = [word for path in _copy_debug_info(lab, root) for word in ("-s", path)]
    # So that the guest has nothing to compile, which takes minutes there. What is in
    # no file is looked for in all of them.
    subprocess.run(
        [sys.executable, "-m", "drgn", "-q", "-c", lab.dump("live.elf"), *symbols,
         "-e", "assert 'in no file' not in prog"],
        env={**os.environ, "PYDRGN_CACHE_DIR": str(root / "cache")},
        check=True,
    )  # fmt: skip
    (root / "script.py").write_text(script)
    (root / "run").write_text(
        "#!/bin/sh\n"
        "cd / && PYTHONHOME=/python PYTHONPATH=/site PYDRGN_CACHE_DIR=/cache HOME=/"
        ' PATH=/bin exec /python/bin/python3 "$@"\n'
    )
    (root / "run").chmod(0o755)
    disk = directory / "root.img"
    with open(disk, "wb") as file:
        file.truncate(2 << 30)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk], check=True)
    shutil.rmtree(root)
    return disk


def _copy_drgn(site: Path) -> None:
    """Copy the package from where its parts are."""
    ignored = shutil.ignore_patterns("__pycache__")
    for part in _PARTS:
        spec = importlib.util.find_spec(part)
        assert spec is not None and spec.submodule_search_locations is not None
        source = next(filter(os.path.isdir, spec.submodule_search_locations))
        target = site / part.replace(".", "/")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def _copy_python(root: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (root / "python/bin").mkdir()
    python = root / "python/bin/python3"
    shutil.copy(os.path.realpath(sys.executable), python)
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        root / "python/lib" / version,
        ignore=shutil.ignore_patterns("site-packages", "test", "idlelib", "config-*"),
    )
    for name in _PACKAGES:
        source = Path(sysconfig.get_path("purelib")) / name
        if source.exists():
            ignored = shutil.ignore_patterns("tests", "f2py")
            shutil.copytree(source, root / "site" / name, ignore=ignored)
    for library in sorted(_libraries(root)):
        target = root / library.lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def _libraries(root: Path) -> Iterator[str]:
    """The shared libraries of the system that programs in a tree need."""
    files = [root / "python/bin/python3", *root.rglob("*.so*")]
    for file in files:
        found = subprocess.run(["ldd", file], capture_output=True, text=True).stdout
        yield from (name for name in _LIBRARY.findall(found) if str(root) not in name)


def _copy_debug_info(lab: Lab, root: Path) -> list[Path]:
    """Copy vmlinux and the modules' files to where Debian has them."""
    debug = root / "usr/lib/debug"
    vmlinux = debug / f"boot/vmlinux-{lab.kernel}"
    modules = debug / "lib/modules" / lab.kernel
    copies = [(lab.vmlinux, vmlinux)]
    for file in lab.module_files():
        copies.append((file, modules / file.relative_to(lab.debug_modules)))
    for source, target in copies:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        # The index knows its file by the time too, of which the disk has seconds.
        os.utime(target, (1_000_000_000, 1_000_000_000))
    return [target for _, target in copies]
