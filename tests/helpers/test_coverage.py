"""Every public name of the helpers is compared with upstream, and with other words.

A name counts as covered where it is used: in a differential case
(``tests/oracle/cases/helpers_*.py``), and in a test whose expectations were made
without us: by the guest (``test_facts*.py``), or by hand.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drgn.helpers import _lazy

TESTS = Path(__file__).parent.parent

#: Modules about text and types, of which a guest knows nothing: any test will do.
BY_HAND = {"format", "prog", "type", "memory", "stack"}
#: Names for which no guest has an example, and a test has one by hand.
NO_EXAMPLE = {
    "ktime_to_ns",  # test_layouts.py
}


def names_used(paths: list[Path]) -> set[str]:
    """Names of helpers that files import and use; an import alone is no use.

    A variable or a member of a structure that is called like a helper is none.
    """
    assert paths
    used: set[str] = set()
    for path in paths:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        imported = {
            alias.asname or alias.name
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if (getattr(node, "module", None) or alias.name).startswith("drgn.helpers")
        }
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used |= {node.id} & imported
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in imported  # a module
            ):
                used.add(node.attr)
    return used


def test_names_used(tmp_path: Path) -> None:
    file = tmp_path / "case.py"
    file.write_text(
        "from drgn.helpers.linux import find_task, for_each_task, mm, task_cpu\n"
        "import os.path as path_lookup\n"
        "cpu_curr = find_task(prog, 1).task_rq.task_state_to_char\n"
        "print(cpu_curr, path_lookup)\n"
        "task_cpu = mm.totalram_pages\n"
    )
    assert names_used([file]) == {"find_task", "mm", "totalram_pages"}


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_every_name_is_compared_with_upstream(package: str) -> None:
    used = names_used(sorted((TESTS / "oracle/cases").glob("*.py")))
    missing = {
        f"{module}.{name}"
        for module, names in _lazy.exported_names(package).items()
        for name in names
        if name not in used
    }
    assert not missing


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_every_name_is_compared_with_other_words(package: str) -> None:
    facts = names_used(sorted((TESTS / "helpers").glob("test_facts*.py")))
    by_hand = names_used(sorted((TESTS / "helpers").glob("test_*.py")))
    missing = {
        name
        for module, names in _lazy.exported_names(package).items()
        for name in names
        if name not in (by_hand if module in BY_HAND else facts)
        # Each tests one bit: test_every_flag() goes through all of them.
        and not name.startswith("Page")
    }
    assert missing <= NO_EXAMPLE


def exported_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    for package in (*_lazy.PACKAGES, "drgn.helpers.experimental"):
        for module, names in _lazy.exported_names(package).items():
            home = importlib.import_module(f"{package}.{module}")
            for name in names:
                found = getattr(home, name)
                if inspect.isfunction(found):
                    yield f"{module}.{name}", found


def test_every_name_is_described() -> None:
    """What it takes, what it raises itself, and an example."""
    missing = set()
    for name, function in exported_functions():
        text = inspect.getdoc(function) or ""
        # What changes a kernel cannot be tried on a dump.
        if ">>> " not in text and not name.startswith("kmodify."):
            missing.add(f"{name}: example")
        # That of the program is written for all alike.
        parameters = set(inspect.signature(function).parameters) - {"prog"}
        described = set(re.findall(r"^:param (\w+):", text, re.M))
        missing |= {f"{name}: {parameter}" for parameter in parameters - described}
        source = inspect.getsource(inspect.unwrap(function))
        raised = set(re.findall(r"^ +raise (\w+)\(", source, re.M))
        described = set(re.findall(r"^:raises (\w+):", text, re.M))
        missing |= {f"{name}: {error}" for error in raised - described}
    assert not missing
