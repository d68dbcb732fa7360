"""Finders: registration, order, and what a lookup asks them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drgn import (
    Architecture,
    FindObjectFlags,
    Object,
    ObjectNotFoundError,
    Platform,
    Program,
    TypeKind,
    TypeKindSet,
)
from drgn.target import load_later


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


def nothing(*args: Any) -> None:
    return None


def test_own_finders(prog: Program) -> None:
    assert prog.enabled_type_finders() == ["dwarf"]
    assert prog.enabled_object_finders() == ["dwarf"]
    assert prog.enabled_symbol_finders() == ["elf"]
    assert prog.enabled_debug_info_finders() == ["standard", "debuginfod"]
    assert prog.registered_debug_info_finders() == {"standard", "debuginfod"}


def test_enable_index(prog: Program) -> None:
    prog.register_type_finder("a", nothing)
    assert prog.enabled_type_finders() == ["dwarf"]
    prog.register_type_finder("b", nothing, enable_index=0)
    prog.register_type_finder("c", nothing, enable_index=-1)
    prog.register_type_finder("d", nothing, enable_index=100)
    assert prog.enabled_type_finders() == ["b", "dwarf", "c", "d"]
    assert prog.registered_type_finders() == {"a", "b", "c", "d", "dwarf"}
    with pytest.raises(OverflowError):
        prog.register_type_finder("e", nothing, enable_index=-2)


@pytest.mark.parametrize("kind", ["type", "object", "symbol", "debug_info"])
def test_bad_registration(prog: Program, kind: str) -> None:
    register = getattr(prog, f"register_{kind}_finder")
    set_enabled = getattr(prog, f"set_enabled_{kind}_finders")
    enabled = getattr(prog, f"enabled_{kind}_finders")
    register("mine", nothing)
    with pytest.raises(ValueError, match=r"duplicate .*finder name 'mine'"):
        register("mine", nothing)
    with pytest.raises(TypeError, match="must be callable"):
        register("other", 5)
    with pytest.raises(TypeError):
        register(5, nothing)
    with pytest.raises(ValueError, match="'none' not found"):
        set_enabled(["none"])
    with pytest.raises(ValueError, match="'mine' enabled multiple times"):
        set_enabled(["mine", "mine"])
    set_enabled(["mine"])
    assert enabled() == ["mine"]


def test_type_finder_is_asked(prog: Program) -> None:
    asked: list[Any] = []
    foo = prog.struct_type("foo", 0, ())

    def finder(*args: Any) -> Any:
        asked.append(args)
        return foo if args[2] == "foo" else None

    prog.register_type_finder("mine", finder, enable_index=0)
    assert prog.type("struct foo") is foo
    assert prog.type("struct foo", "a/b.c") is foo
    assert asked == [
        (prog, TypeKindSet([TypeKind.STRUCT]), "foo", None),
        (prog, TypeKindSet([TypeKind.STRUCT]), "foo", "a/b.c"),
    ]
    with pytest.raises(LookupError, match=r"^could not find 'struct bar' in 'x\.c'$"):
        prog.type("struct bar", "x.c")
    with pytest.raises(LookupError, match="^could not find 'baz'$"):
        prog.type("baz")
    with pytest.raises(TypeError, match="returned wrong kind of type"):
        prog.type("union foo")


def test_type_finder_bad_answers(prog: Program) -> None:
    prog.register_type_finder("mine", lambda *args: 3, enable_index=0)
    with pytest.raises(TypeError, match="must return Type or None"):
        prog.type("struct foo")
    other = Program(Platform(Architecture.X86_64)).struct_type("foo", 0, ())
    prog.register_type_finder("other", lambda *args: other, enable_index=0)
    with pytest.raises(ValueError, match="wrong program"):
        prog.type("struct foo")


def test_deprecated_type_finder(prog: Program) -> None:
    asked: list[Any] = []
    prog.add_type_finder(lambda *args: asked.append(args))
    with pytest.raises(LookupError):
        prog.type("struct foo")
    assert asked == [(TypeKind.STRUCT, "foo", None)]
    assert prog.enabled_type_finders()[1:] == ["dwarf"]


def test_new_finder_is_asked_after_a_lookup(prog: Program) -> None:
    first = prog.struct_type("foo", 0, ())
    second = prog.struct_type("foo", 0, ())
    prog.register_type_finder("first", lambda *args: first, enable_index=0)
    assert prog.type("struct foo") is first
    prog.register_type_finder("second", lambda *args: second, enable_index=0)
    assert prog.type("struct foo") is second
    prog.set_enabled_type_finders(["first"])
    assert prog.type("struct foo") is first


def test_type_that_was_missing_is_found(prog: Program) -> None:
    for _ in range(2):
        with pytest.raises(LookupError, match="^could not find 'struct foo'$"):
            prog.type("struct foo")
        with pytest.raises(LookupError, match="^could not find 'struct foo' in 'a'$"):
            prog.type("struct foo", "a")
    foo = prog.struct_type("foo", 0, ())
    known: list[Any] = []
    prog.register_type_finder(
        "mine", lambda *args: known[0] if known else None, enable_index=0
    )
    with pytest.raises(LookupError):
        prog.type("struct foo")
    known.append(foo)
    assert prog.type("struct foo") is foo


def test_object_finder_is_asked_every_time(prog: Program) -> None:
    asked: list[Any] = []

    def finder(*args: Any) -> Any:
        asked.append(args)
        return Object(prog, "int", len(asked)) if args[1] == "counter" else None

    prog.register_object_finder("mine", finder, enable_index=0)
    assert prog["counter"].value_() == 1
    assert prog["counter"].value_() == 2
    assert "counter" in prog
    assert "other" not in prog
    assert asked[0] == (prog, "counter", FindObjectFlags.ANY, None)
    prog.variable("counter", "a.c")
    assert asked[-1] == (prog, "counter", FindObjectFlags.VARIABLE, "a.c")


class TestWhatIsLookedForInVain:
    """It is not looked for again, until it may be there."""

    @pytest.fixture
    def load(self, prog: Program, compile_c: Callable[..., Path]) -> Callable[[], None]:
        path = compile_c("int number = 5;", "-g", "-c", suffix=".o")
        return lambda: prog.extra_module("number", create=True).try_file(path)

    def test_once(self, prog: Program, load: Callable[[], None]) -> None:
        load()
        assert "missing" not in prog
        calls: list[str] = []
        sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name))
        try:
            assert "missing" not in prog
        finally:
            sys.setprofile(None)
        assert "_find_object" in calls and "find_object" not in calls

    def test_loaded_later(self, prog: Program, load: Callable[[], None]) -> None:
        assert "number" not in prog
        load()
        assert "number" in prog

    def test_loaded_by_a_finder(self, prog: Program, load: Callable[[], None]) -> None:
        asked: list[str] = []

        def finder(prog: Program, name: str, *args: Any) -> None:
            asked.append(name)
            if asked == [name, name]:
                load()

        prog.register_object_finder("mine", finder, enable_index=0)
        assert "number" not in prog
        assert "number" in prog

    def test_loaded_by_the_last_finder(
        self, prog: Program, load: Callable[[], None]
    ) -> None:
        asked: list[str] = []

        def finder(prog: Program, name: str, *args: Any) -> None:
            asked.append(name)
            if len(asked) == 1:
                load()

        prog.register_object_finder("mine", finder, enable_index=-1)
        assert "number" not in prog  # It was asked for too early.
        assert "number" in prog

    def test_loaded_when_it_is_needed(
        self, prog: Program, load: Callable[[], None]
    ) -> None:
        assert "number" not in prog
        load_later(prog, load)
        assert "number" in prog


@pytest.mark.parametrize(
    ("lookup", "message"),
    [
        (lambda prog: prog["foo"], "could not find 'foo'"),
        (lambda prog: prog.variable("foo"), "could not find variable 'foo'"),
        (lambda prog: prog.function("foo"), "could not find function 'foo'"),
        (
            lambda prog: prog.constant("foo", "a/b.c"),
            "could not find constant 'foo' in 'a/b.c'",
        ),
        (
            lambda prog: prog.object("foo", FindObjectFlags.ANY, "q.c"),
            "could not find 'foo' in 'q.c'",
        ),
    ],
)
def test_object_not_found(prog: Program, lookup: Any, message: str) -> None:
    with pytest.raises(ObjectNotFoundError) as info:
        lookup(prog)
    assert str(info.value) == message
    assert info.value.name == "foo"
    assert isinstance(info.value, KeyError)


def test_object_finder_bad_answers(prog: Program) -> None:
    prog.register_object_finder("mine", lambda *args: 3, enable_index=0)
    with pytest.raises(TypeError, match="must return Object or None"):
        prog["foo"]


def test_symbol_finder_is_asked(prog: Program) -> None:
    asked: list[Any] = []

    def finder(*args: Any) -> list[Any]:
        asked.append(args)
        return []

    prog.register_symbol_finder("mine", finder, enable_index=0)
    with pytest.raises(LookupError, match="^could not find symbol with name 'foo'$"):
        prog.symbol("foo")
    with pytest.raises(LookupError, match="^could not find symbol containing 0x5$"):
        prog.symbol(5)
    assert prog.symbols() == []
    assert prog.symbols("x") == []
    assert asked == [
        (prog, "foo", None, True),
        (prog, None, 5, True),
        (prog, None, None, False),
        (prog, "x", None, False),
    ]
    for bad in (None, []):
        with pytest.raises(TypeError):
            prog.symbol(bad)  # type: ignore[arg-type]
