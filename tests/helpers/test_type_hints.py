"""The annotations of helpers can be evaluated, as inspectors of signatures do."""

from __future__ import annotations

import importlib
import typing

import pytest

from drgn.helpers import _lazy

# Names that only type checkers know; upstream's annotations are of the same kind.
CHECKERS_ALONE = {
    "print_dmesg",
    "print_table",
    "takes_object_or_program_or_default",
    "takes_program_or_default",
}


@pytest.mark.parametrize("package", _lazy.PACKAGES)
def test_type_hints(package: str) -> None:
    evaluated = 0
    for module, names in _lazy.exported_names(package).items():
        home = importlib.import_module(f"{package}.{module}")
        for name in set(names) - CHECKERS_ALONE:
            if callable(value := getattr(home, name)):
                typing.get_type_hints(value)
                evaluated += 1
    assert evaluated > 10
