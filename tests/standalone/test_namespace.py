"""The names of the prompt, which are imported when they are used."""

from __future__ import annotations

import pytest

from drgn import Architecture, Platform, Program
from drgn.helpers.common.memory import identify_address
from drgn.hosts.namespace import LazyGlobals, default_globals


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


def test_who_goes_through_them_finds_all(prog: Program) -> None:
    every = default_globals(prog)
    assert "identify_address" not in LazyGlobals(prog).here()
    assert set(LazyGlobals(prog)) == set(every)
    assert LazyGlobals(prog).keys() == every.keys()
    assert dict(LazyGlobals(prog).items()) == every
    assert identify_address in LazyGlobals(prog).values()


def test_copies_have_all(prog: Program) -> None:
    every = default_globals(prog)
    assert dict(LazyGlobals(prog)) == every
    assert {**LazyGlobals(prog), "own": 1} == {**every, "own": 1}
    assert eval("sorted(dir())", LazyGlobals(prog)) == sorted({*every, "__builtins__"})


def test_what_the_user_has_defined_stays(prog: Program) -> None:
    names = LazyGlobals(prog)
    names["identify_address"] = 1
    assert dict(names)["identify_address"] == 1


def test_copy_is_as_lazy(prog: Program) -> None:
    names = LazyGlobals(prog)
    names["own"] = 1
    copy = names.copy()
    assert copy.here() == names.here()
    assert copy["identify_address"] is identify_address
    assert "identify_address" not in names.here()
