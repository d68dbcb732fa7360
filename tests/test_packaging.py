"""What pyproject.toml says of the package, against the tree."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_package_is_installed() -> None:
    folders = SETUPTOOLS["package-dir"]
    expected = set()
    for package, folder in folders.items():
        for file in (ROOT / folder).rglob("__init__.py"):
            inside = file.parent.relative_to(ROOT / folder).parts
            expected.add(".".join([package, *inside]))
    # helpers/commands is drgn.commands, and so on.
    moved = (
        "drgn.helpers.commands", "drgn.helpers.hosts", "drgn.internal.util",
        "drgn.standalone.start",
    )  # fmt: skip
    found = {name for name in expected if not name.startswith(moved)}
    assert found == set(SETUPTOOLS["packages"])


def test_packages_can_be_walked_through() -> None:
    # In a checkout the package's path holds the folder that the package is in.
    script = (
        "import drgn, pkgutil\n"
        "for module in pkgutil.walk_packages(drgn.__path__, 'drgn.'):\n"
        "    print(module.name)"
    )
    names = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(names) == len(set(names))
    assert {"drgn.cli", "drgn.commands", "drgn.helpers.linux.sched"} <= set(names)
