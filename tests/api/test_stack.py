"""Traces of program counters on each architecture."""

from __future__ import annotations

import pytest

from drgn import Architecture, Platform, PlatformFlags, Program


@pytest.mark.parametrize("arch", Architecture, ids=lambda arch: arch.name)
def test_architectures(arch: Architecture) -> None:
    prog = Program(Platform(arch, PlatformFlags.IS_64_BIT))
    if prog.platform is not None and prog.platform.registers:
        assert str(prog.stack_trace_from_pcs([1])) == "#0  0x1"
    else:
        with pytest.raises(NotImplementedError, match="^stack traces are not"):
            prog.stack_trace_from_pcs([1])


def test_platform_is_needed() -> None:
    with pytest.raises(ValueError, match="^cannot create stack trace without platform"):
        Program().stack_trace_from_pcs([1])
