"""Where a lab lives and what it holds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

#: Its presence says that a lab is complete.
MANIFEST = "manifest.json"


def cache_root() -> Path:
    """``$PYDRGN_LAB``, or ``pydrgn-lab`` in the user's cache directory."""
    if chosen := os.environ.get("PYDRGN_LAB"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pydrgn-lab"


class Lab:
    """One kernel version's vmlinux, modules, dumps, and the guest's own words.

    ``kernel``: the version as ``uname -r`` prints it. ``dumps``: name -> path(s), a
    list for the split dump. ``facts``: directory of what the guest wrote down before
    the live dump (``proc/PID/status``, ``proc/mounts``, ``tasks/NAME``, ...).
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with open(directory / MANIFEST) as file:
            self._entries = json.load(file)
        self.format: int = self._entries["format"]
        self.kernel: str = self._entries["kernel"]
        self.vmlinux: Path = directory / self._entries["vmlinux"]
        self.debug_modules: Path = directory / self._entries["debug_modules"]
        self.facts: Path = directory / self._entries["facts"]
        self.dumps: dict[str, list[Path]] = {
            name: [directory / path for path in paths]
            for name, paths in self._entries["dumps"].items()
        }

    def dump(self, name: str) -> Path:
        """The file of a dump that is one file (all but ``live.kdump.split``)."""
        (path,) = self.dumps[name]
        return path

    def module_files(self) -> list[Path]:
        """Files with the debug info of the modules that the guest had loaded."""
        loaded = {line.split()[0] for line in self.fact("proc/modules").splitlines()}
        return sorted(
            path
            for path in self.debug_modules.rglob("*.ko*")
            if path.name.split(".")[0].replace("-", "_") in loaded
        )

    def fact(self, name: str) -> str:
        """Text of one file the guest wrote, e.g. ``proc/mounts``."""
        return (self.facts / name).read_text(errors="replace")

    def task(self, name: str) -> dict[str, str]:
        """What a task of ``guest/workload.c`` said about itself: key -> value."""
        lines = self.fact(f"tasks/{name}").splitlines()
        return dict(line.split(" ", 1) for line in lines)


def write(directory: Path, entries: dict[str, object]) -> None:
    temporary = directory / (MANIFEST + ".tmp")
    temporary.write_text(json.dumps(entries, indent=2) + "\n")
    temporary.rename(directory / MANIFEST)


def find(kernel: str | None = None) -> Lab | None:
    """The lab for the version that starts with ``kernel``, if built.

    By default that is 6.1, or else the oldest that there is.
    """
    wanted = kernel or "6.1."
    found = sorted(cache_root().glob(f"{wanted}*/{MANIFEST}"), key=_version)
    if not found and kernel is None:
        return next(iter(find_all()), None)
    return Lab(found[-1].parent) if found else None


def find_all() -> list[Lab]:
    """Every lab that has been built, by version."""
    found = sorted(cache_root().glob(f"*/{MANIFEST}"), key=_version)
    return [Lab(path.parent) for path in found]


def _version(manifest: Path) -> tuple[list[int], str]:
    """Of kernels that differ only in their flavour, the names decide."""
    name = manifest.parent.name
    return [int(number) for number in re.findall(r"\d+", name)], name
