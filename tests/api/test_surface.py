"""Every public name of upstream 0.3.0 but the helpers': there, of its kind, callable
with the same arguments.

``names.tsv`` has a name a line: module, qualified name, kind, and a signature, a type
or a value.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import drgn


class Name(NamedTuple):
    module: str
    name: str
    kind: str
    rest: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


NAMES = [
    Name(*line.split("\t"))
    for line in Path(__file__).with_name("names.tsv").read_text().splitlines()
]
# Attributes that only instances have, and how one is made.
INSTANCES: dict[str, Any] = {
    "drgn.FaultError": lambda: drgn.FaultError("message", 1),
    "drgn.ObjectNotFoundError": lambda: drgn.ObjectNotFoundError(name="x"),
    "drgn.SourceLocation": lambda: drgn.SourceLocation("f", 1, 2),
    "drgn.commands.CommandExitStatusError": lambda: commands().CommandExitStatusError(
        "x", 1
    ),
    "drgn.commands.CommandNotFoundError": lambda: commands().CommandNotFoundError("x"),
    "drgn.commands.ParsedCommand": lambda: commands().ParsedCommand("x"),
}
_MISSING = object()


def commands() -> Any:
    return importlib.import_module("drgn.commands")


def named(*kinds: str) -> pytest.MarkDecorator:
    names = [name for name in NAMES if name.kind in kinds]
    return pytest.mark.parametrize("name", names, ids=str)


def get(name: Name) -> Any:
    """What ``name`` stands for, an instance's attribute where a class has none."""
    module = importlib.import_module(name.module)
    if name.kind == "module":
        return module
    *owner, last = name.name.split(".")
    if not owner:
        return getattr(module, last)
    cls = getattr(module, owner[0])
    found = getattr(cls, last, _MISSING)
    if found is _MISSING:
        found = getattr(INSTANCES[f"{name.module}.{owner[0]}"](), last)
    return found


@named("module", "class", "constant", "property")
def test_name(name: Name) -> None:
    found = get(name)
    if name.kind == "class":
        assert isinstance(found, type)


@named("enum-member")
def test_enum_member(name: Name) -> None:
    member = get(name)
    assert isinstance(member, enum.Enum)
    assert name.rest == f"= {member.value}"


@named("method", "function")
def test_callable(name: Name) -> None:
    assert callable(get(name))


def _alternatives(text: str) -> list[str]:
    """The signatures of a name that has several."""
    parts = text.split(" | (")
    return [parts[0], *("(" + part for part in parts[1:])]


class Parameters(NamedTuple):
    """Names of parameters, and how they can be given."""

    positional: list[str]
    keyword: set[str]
    optional: set[str]
    variadic: bool


def _expected(signature: str) -> Parameters | None:
    """The parameters of a signature; None if it is not written as Python's are."""
    text = signature.replace("=...", "=None")
    for name in ("SupportsIndex", "str", "Qualifiers.NONE"):
        text = text.replace(f"<class '{name}'>", name)
    try:
        function = ast.parse(f"def f{text}: ...").body[0]
    except SyntaxError:
        return None
    assert isinstance(function, ast.FunctionDef)
    args = function.args
    positional = [arg.arg for arg in args.posonlyargs + args.args]
    # Upstream marks what must be given by position with underscores, too.
    only = {arg.arg for arg in args.posonlyargs}
    only |= {arg for arg in positional if arg.startswith("__")}
    optional = set(positional[len(positional) - len(args.defaults) :])
    keyword = {arg.arg for arg in args.kwonlyargs}
    optional |= {
        arg.arg
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is not None
    }
    return Parameters(
        positional, keyword | set(positional) - only, optional, args.vararg is not None
    )


# Constructors and methods of which a call is tried, not the signature looked at.
_SIGNATURES = [
    name
    for name in NAMES
    if name.kind in ("method", "function")
    and name.rest.startswith("(")
    and " | (" not in name.rest
    and not name.name.split(".")[-1].startswith("__")
]


@pytest.mark.parametrize("name", _SIGNATURES, ids=str)
def test_signature(name: Name) -> None:
    expected = _expected(name.rest)
    if expected is None:
        pytest.skip("not written as Python's signatures are")
    own = get(name)
    parameters = list(inspect.signature(own).parameters.values())
    if "." in name.name and parameters and parameters[0].name == "self":
        del parameters[0]
    kinds = inspect.Parameter
    if any(p.kind is kinds.VAR_KEYWORD for p in parameters):
        return  # They are checked inside.
    by_position = [
        p.name
        for p in parameters
        if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    by_keyword = {
        p.name
        for p in parameters
        if p.kind in (kinds.KEYWORD_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    }
    optional = {p.name.lstrip("_") for p in parameters if p.default is not kinds.empty}
    assert len(by_position) >= len(expected.positional)
    assert expected.keyword <= by_keyword
    assert {arg.lstrip("_") for arg in expected.optional} <= optional
    variadic = any(p.kind is kinds.VAR_POSITIONAL for p in parameters)
    assert variadic or not expected.variadic
