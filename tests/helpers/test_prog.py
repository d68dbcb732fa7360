"""Helpers that may leave out their program."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from drgn import (
    NoDefaultProgramError,
    Object,
    Program,
    get_default_prog,
    set_default_prog,
)
from drgn.helpers.common.prog import (
    takes_object_or_program_or_default,
    takes_program_or_default,
)


@takes_program_or_default
def with_program(prog: Program, n: object, *, k: int = 1) -> tuple[object, ...]:
    return prog, n, k


@takes_object_or_program_or_default
def with_object(
    prog: Program, obj: Object | None, n: object, *, k: int = 1
) -> tuple[object, ...]:
    return prog, obj, n, k


@pytest.fixture
def number(mock: Program) -> Object:
    return Object(mock, mock.int_type("int", 4, True), 5)


@pytest.fixture
def default(mock: Program) -> Iterator[None]:
    try:
        before = get_default_prog()
    except NoDefaultProgramError:
        before = None
    set_default_prog(mock)
    yield
    set_default_prog(before)


def test_given_program(mock: Program, number: Object) -> None:
    assert with_program(mock, 3) == (mock, 3, 1)
    assert with_program(prog=mock, n=3, k=2) == (mock, 3, 2)
    assert with_object(mock, 3) == (mock, None, 3, 1)
    assert with_object(prog=mock, n=3) == (mock, None, 3, 1)


def test_program_of_an_object(mock: Program, number: Object) -> None:
    assert with_program(number)[0] is mock
    assert with_program(n=number)[0] is mock
    prog, obj, n, _ = with_object(number, 3)
    assert prog is mock and obj is number and n == 3
    prog, obj, n, _ = with_object(number, n=3)
    assert prog is mock and obj is number and n == 3
    # A single object is what the parameter without a default value wants.
    prog, obj, n, _ = with_object(number)
    assert prog is mock and obj is None and n is number
    prog, obj, n, _ = with_object(obj=number, n=3)
    assert prog is mock and obj is number and n == 3


@pytest.mark.usefixtures("default")
def test_default_program(mock: Program) -> None:
    assert with_program(3, k=2) == (mock, 3, 2)
    assert with_program(n=3) == (mock, 3, 1)
    assert with_object(3) == (mock, None, 3, 1)
    assert with_object(n=3, k=2) == (mock, None, 3, 2)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        with_object()


def test_no_default_program() -> None:
    with pytest.raises(NoDefaultProgramError):
        with_program(3)
    with pytest.raises(NoDefaultProgramError):
        with_object(3)


def test_signature_and_documentation() -> None:
    from drgn.helpers.linux.sched import cpu_curr

    assert ":param prog: Program, which may be omitted" in (cpu_curr.__doc__ or "")
    assert list(inspect.signature(cpu_curr).parameters) == ["prog", "cpu"]
    signature = inspect.signature(with_object)
    assert list(signature.parameters) == ["obj", "n", "k"]
    assert str(signature).startswith("(obj: 'Object | Program', n: 'object', *, k")
