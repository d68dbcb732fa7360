"""The examples in the helpers' docstrings are true of the lab's dumps.

They were made on the 6.1 lab: on its live dump, those of ``panic`` on the other.
Addresses, and numbers of more than one digit, depend on the boot: of them only their
being there is compared. What they print depends on the kernel: on another one they run,
and what is to be true is.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from lab import manifest
from lab.manifest import Lab

import drgn.helpers.arrays
import drgn.helpers.common
import drgn.helpers.linux
from drgn import Program
from drgn.display import displayhook
from drgn.namespace import LazyGlobals

_NUMBER = re.compile(r"\b(0x[0-9a-f]+|[0-9a-f]{16}|\d[\d.]+)\b")


def _modules() -> Iterator[ModuleType]:
    for package in (drgn.helpers.common, drgn.helpers.linux):
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            yield importlib.import_module(found.name)
    yield drgn.helpers.arrays


def _examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in _modules():
        for found in finder.find(module):
            if found.examples:
                yield found


def _public_helpers() -> Iterator[tuple[str, object]]:
    for module in _modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value


class _Checker(doctest.OutputChecker):
    def __init__(self, kernel: str) -> None:
        self.same_kernel = kernel.startswith("6.1.")

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if not (self.same_kernel or want in ("True\n", "False\n")):
            return bool(got) == bool(want)
        want, got = _NUMBER.sub("NUMBER", want), _NUMBER.sub("NUMBER", got)
        return super().check_output(want, got, optionflags)


def _labs() -> Iterator[object]:
    labs = manifest.find_all()
    for lab in labs:
        yield pytest.param(lab, id=lab.kernel)
    if not labs:
        skip = pytest.mark.skip(reason="no kernel lab: run scripts/kernel-lab")
        yield pytest.param(None, marks=skip)


@pytest.fixture(scope="module", params=list(_labs()))
def lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.param
    return lab


def _open(lab: Lab, dump: str) -> Program:
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    prog.load_debug_info([lab.vmlinux])
    return prog


@pytest.fixture(scope="module")
def live(lab: Lab) -> Program:
    return _open(lab, "live.elf")


@pytest.fixture(scope="module")
def panicked(lab: Lab) -> Program:
    return _open(lab, "panic.elf")


@pytest.fixture
def prog(example: doctest.DocTest, request: pytest.FixtureRequest) -> Iterator[Program]:
    """The dump that an example is about, as the default program."""
    if example.name.endswith(".get_kconfig"):
        pytest.skip("Debian's kernels have no CONFIG_IKCONFIG")
    of_panic = example.name.startswith("drgn.helpers.linux.panic.")
    prog: Program = request.getfixturevalue("panicked" if of_panic else "live")
    drgn.set_default_prog(prog)
    yield prog
    drgn.set_default_prog(None)


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: example.name)
def test_example(
    example: doctest.DocTest, lab: Lab, prog: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What doctest shows values with is the prompt's way here.
    monkeypatch.setattr(sys, "__displayhook__", displayhook)
    example.globs = LazyGlobals(prog)
    output: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(
        _Checker(lab.kernel), verbose=False, optionflags=flags
    )
    failed, _ = runner.run(example, out=output.append, clear_globs=False)
    assert not failed, "".join(output)


def test_every_helper_has_an_example() -> None:
    without = [
        name
        for name, helper in _public_helpers()
        if ">>>" not in (helper.__doc__ or "")
    ]
    assert without == []
