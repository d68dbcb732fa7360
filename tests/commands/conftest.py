"""Dumps that the tests of crash commands look into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import manifest
from lab.manifest import Lab

from drgn import Program


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


def open_dump(lab: Lab, dump: str) -> Program:
    prog = Program()
    prog.set_core_dump(lab.dump(dump))
    prog.load_debug_info([lab.vmlinux])
    return prog


@pytest.fixture(scope="module")
def live(each_lab: Lab) -> Iterator[Program]:
    """The dump of a lab whose guest ran on, right after it wrote its facts."""
    yield open_dump(each_lab, "live.elf")


@pytest.fixture(scope="module")
def panicked(each_lab: Lab) -> Iterator[Program]:
    """The dump of a lab after its panic."""
    yield open_dump(each_lab, "panic.elf")


@pytest.fixture
def scratch(each_lab: Lab) -> Program:
    """A dump for one test alone, which puts other memory over its or loads files."""
    return open_dump(each_lab, "live.elf")
