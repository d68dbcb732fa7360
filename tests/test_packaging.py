"""What pyproject.toml says of the package, against the tree."""

from __future__ import annotations

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
    # helpers/commands is drgn.commands.
    moved = {name for name in expected if name.startswith("drgn.helpers.commands")}
    assert expected - moved == set(SETUPTOOLS["packages"])
