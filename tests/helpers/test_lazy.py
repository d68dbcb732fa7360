"""The packages of helpers have every name, and import a module when asked for one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from drgn.helpers import _lazy

NAMES_OF_UPSTREAM = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__):
    names = importlib.import_module(f"{package.__name__}.{module.name}").__all__
    print(module.name, *sorted(names))
"""


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_table_is_what_the_modules_export(package: str) -> None:
    table = importlib.import_module(f"{package}._names").NAMES
    assert table == _lazy.exported_names(package)


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_names_are_upstreams(package: str, oracle: Path) -> None:
    python = oracle.with_name("python")
    result = subprocess.run(
        [python, "-c", NAMES_OF_UPSTREAM, package],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        cwd="/",
    )
    theirs = {
        module: names
        for module, *names in (line.split() for line in result.stdout.splitlines())
    }
    ours = {
        module: list(names) for module, names in _lazy.exported_names(package).items()
    }
    assert ours == theirs


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_lazy_names_and_all_and_dir(package: str) -> None:
    module = importlib.import_module(package)
    names = module.lazy_names()
    assert sorted(names) == module.__all__
    assert set(names) <= set(dir(module))
    for name, home in names.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name)


def test_unknown_name() -> None:
    linux = importlib.import_module("drgn.helpers.linux")
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        linux.nope  # noqa: B018


def test_imports_only_what_is_used() -> None:
    code = """
import sys
import drgn.helpers.linux, drgn.helpers.common
before = {m for m in sys.modules if m.startswith("drgn.helpers")}
print(*sorted(before))
from drgn.helpers.linux import list_for_each_entry
print(*sorted(m for m in sys.modules if m.startswith("drgn.helpers.linux.")))
print(*sorted({"numpy", "dataclasses", "inspect"} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True
    )
    packages, modules, heavy = result.stdout.splitlines()
    assert packages.split() == [
        "drgn.helpers",
        "drgn.helpers._lazy",
        "drgn.helpers.common",
        "drgn.helpers.common._names",
        "drgn.helpers.linux",
        "drgn.helpers.linux._names",
    ]
    assert modules.split() == [
        "drgn.helpers.linux._names",
        "drgn.helpers.linux._raw",
        "drgn.helpers.linux.list",
    ]
    assert heavy == ""


def test_commands_import_numpy_when_they_read_arrays() -> None:
    code = """
import importlib, pkgutil, sys
import drgn.commands.crash as crash
for module in pkgutil.iter_modules(crash.__path__, crash.__name__ + "."):
    importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith(crash.__name__)]))
print("numpy" in sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True
    )
    modules, has_numpy = result.stdout.splitlines()
    assert int(modules) > 50
    assert has_numpy == "False"
