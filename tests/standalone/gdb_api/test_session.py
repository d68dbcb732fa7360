"""The session of GDB's commands without GDB."""

from __future__ import annotations

import pytest

import drgn
from drgn.standalone.gdb_api.errors import error
from drgn.standalone.gdb_api.session import Session


def test_what_is_printed_goes_to_the_innermost_capture() -> None:
    session = Session(drgn.Program())
    with session.capturing() as outer:
        session.write("a")
        with session.capturing() as inner:
            session.write("b")
        session.write("c")
    assert (outer, inner) == (["a", "c"], ["b"])


def test_captures_of_the_same_text_are_told_apart() -> None:
    session = Session(drgn.Program())
    with session.capturing() as outer:
        with session.capturing():
            pass
        session.write("a")
    assert outer == ["a"]


def test_history_counts_from_both_ends() -> None:
    session = Session(drgn.Program())
    with pytest.raises(error, match=r"^History is empty\.$"):
        session.history_value(0)
    assert [session.record(value) for value in "xyz"] == [1, 2, 3]
    assert [session.history_value(number) for number in (1, 3, 0, -1)] == [
        "x",
        "z",
        "z",
        "y",
    ]
    with pytest.raises(error, match=r"^History has not yet reached \$4\.$"):
        session.history_value(4)
