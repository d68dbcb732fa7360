"""The venv that holds upstream's wheel, and nothing of ours.

It is a program to run, never a package to import: ours is called ``drgn`` too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

UPSTREAM = "drgn==0.3.0"


class OracleError(Exception):
    """Upstream's wheel cannot be had; says why."""


def location() -> Path:
    """``$PYDRGN_ORACLE``, or ``pydrgn-oracle`` in the user's cache directory."""
    if chosen := os.environ.get("PYDRGN_ORACLE"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pydrgn-oracle"


def find() -> Path | None:
    """Upstream's ``drgn`` program, if it is installed."""
    program = location() / "bin/drgn"
    return program if program.exists() else None


def install() -> Path:
    """Upstream's ``drgn`` program, installed if need be. Raises OracleError."""
    if program := find():
        return program
    directory = location()
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", directory],
        [directory / "bin/pip", "install", "--quiet", UPSTREAM],
    )
    for command in commands:
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            lines = (result.stdout + result.stderr).strip().splitlines()
            raise OracleError(f"{UPSTREAM}: {lines[-1] if lines else 'pip failed'}")
    return directory / "bin/drgn"


if __name__ == "__main__":
    try:
        print(install())
    except OracleError as error:
        raise SystemExit(f"oracle: {error}") from None
