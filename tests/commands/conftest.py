"""Programs that the tests of commands change."""

from __future__ import annotations

import pytest
from lab.dumps import open_dump
from lab.manifest import Lab

from drgn import Program


@pytest.fixture
def scratch(each_lab: Lab) -> Program:
    """A dump for one test alone, which puts other memory over its or loads files."""
    return open_dump(each_lab, "live.elf")
