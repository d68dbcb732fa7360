"""A target as its documentation shows one."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

import drgn.target
from drgn import FaultError


def test_the_example_works() -> None:
    code = (drgn.target.__doc__ or "").partition(".. code-block:: python3\n")[2]
    names: dict[str, Any] = {}
    exec(textwrap.dedent(code), names)
    prog = names["prog"]
    assert prog.read(0x1004, 4) == b"ware"
    with pytest.raises(FaultError) as info:
        prog.read(0x1004, 5)
    assert info.value.address == 0x1008
    assert list(prog.search_memory("rm")) == [0x1002]
    [thread] = prog.threads()
    assert (thread.tid, thread.name) == (1, "boot")
    [frame] = thread.stack_trace()
    assert (frame.pc, frame.sp) == (0x1000, 0)
