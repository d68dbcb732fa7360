"""Programs that the tests of helpers look into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import manifest
from lab.manifest import Lab
from mock_kernel import Kernel

from drgn import Architecture, Platform, Program


def _labs() -> list[object]:
    found = [pytest.param(lab, id=lab.kernel) for lab in manifest.find_all()]
    none = pytest.param(
        None, marks=pytest.mark.skip(reason="no kernel lab: run scripts/kernel-lab")
    )
    return found or [none]


@pytest.fixture(scope="module", params=_labs())
def each_lab(request: pytest.FixtureRequest) -> Lab:
    """Every lab there is, one after another."""
    lab: Lab = request.param
    return lab


def _open(lab: Lab, dump: str) -> Program:
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    prog.load_debug_info([lab.vmlinux])
    return prog


@pytest.fixture(scope="module")
def live(each_lab: Lab) -> Iterator[Program]:
    """The live dump of a lab."""
    yield _open(each_lab, "live.elf")


@pytest.fixture(scope="module")
def panicked(each_lab: Lab) -> Iterator[Program]:
    """The dump of a lab after its panic."""
    yield _open(each_lab, "panic.elf")


@pytest.fixture
def mock() -> Program:
    """A program without memory or types."""
    return Program(Platform(Architecture.X86_64))


@pytest.fixture
def kernel(mock: Program) -> Kernel:
    """A program that takes types, variables and memory by hand."""
    return Kernel(mock)
