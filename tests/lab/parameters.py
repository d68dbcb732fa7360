"""The labs as parameters of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import manifest


def lab_parameters() -> Iterator[object]:
    """Each lab by its kernel; if there is none, a parameter that is skipped."""
    labs = manifest.find_all()
    for lab in labs:
        yield pytest.param(lab, id=lab.kernel)
    if not labs:
        skip = pytest.mark.skip(reason="no kernel lab: run scripts/kernel-lab")
        yield pytest.param(None, marks=skip)
