"""Programs that the tests of helpers make."""

from __future__ import annotations

import pytest
from mock_kernel import Kernel

from drgn import Architecture, Platform, Program


@pytest.fixture
def mock() -> Program:
    """A program without memory or types."""
    return Program(Platform(Architecture.X86_64))


@pytest.fixture
def kernel(mock: Program) -> Kernel:
    """A program that takes types, variables and memory by hand."""
    return Kernel(mock)
