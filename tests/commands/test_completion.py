"""Tab completes Python: names, and members of what can be had without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drgn import Architecture, Object, Platform, Program, TypeMember
from drgn.commands.completion import file_completions, python_completions
from drgn.hosts.namespace import LazyGlobals


class Foo:
    count = 1
    called = False

    def method(self, argument: int) -> int:
        return argument


def call() -> Foo:
    Foo.called = True
    return Foo()


foo = Foo()
NAMES: dict[str, Any] = {"foo": foo, "d": {"k": foo, 1: [foo]}, "i": 1, "call": call}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("foo", ["foo"]),
        ("foo.cou", ["foo.count"]),
        ("foo.meth", ["foo.method("]),
        ("1 + foo.cou", ["foo.count"]),
        ("call(foo.cou", ["foo.count"]),
        ("foo.count.rea", ["foo.count.real"]),
        ("d['k'].cou", [".count"]),
        ('d["k"].cou', [".count"]),
        ("d[1][0].cou", [".count"]),
        ("d[1][-1].cou", [".count"]),
        ("d[1][0:1][0].cou", [".count"]),
        ("d[i][0].count.rea", [".count.real"]),
        ("-d[1][0].cou", [".count"]),
        ("x = d['k'].cou", [".count"]),
        ("if i in d['k'].cou", [".count"]),
        # Nothing is called, and nothing is known of what does not exist.
        ("call().cou", []),
        ("call().x['k'].cou", []),
        ("d[call()].cou", []),
        ("d['nosuch'].cou", []),
        ("nosuch.cou", []),
        ("d[", []),
        ("foo.nosuch", []),
        ("1.", []),
        (".", []),
        ("'\\d'.cou", []),
        ("(" * 300 + "foo.cou", ["foo.count"]),
    ],
)
def test_python_completions(line: str, expected: list[str]) -> None:
    found = python_completions(line, dict(NAMES))
    if line.endswith("["):
        assert "foo" in found
    else:
        assert found == expected
    assert not Foo.called


def test_objects_members() -> None:
    prog = Program(Platform(Architecture.X86_64))
    int_type = prog.int_type("int", 4, True)
    pair = prog.struct_type("pair", 8, [TypeMember(int_type, "first")])
    names = LazyGlobals(prog)
    names["objects"] = [Object(prog, pair, {"first": 1})]
    assert python_completions("objects[0].fir", names) == [".first"]
    assert ".value_()" in python_completions("objects[0].", names)
    assert ".first" in python_completions("objects[0].", names)


def test_members_are_offered_though_they_cannot_be_read() -> None:
    prog = Program(Platform(Architecture.X86_64))
    pair = prog.struct_type("pair", 4, [TypeMember(prog.int_type("i", 4, True), "one")])
    pointer = Object(prog, prog.pointer_type(pair), address=0xFFFF)
    names = {"pointers": [pointer]}
    assert python_completions("pointers[0].on", names) == [".one"]
    every = python_completions("pointers[0].", names)
    assert ".one" in every and not [name for name in every if name.startswith("._")]


def test_helpers_are_offered_before_they_are_imported() -> None:
    names = LazyGlobals(Program(Platform(Architecture.X86_64)))
    assert "escape_ascii_string" not in names.here()
    assert python_completions("print(escape_ascii_s", names) == ["escape_ascii_string("]
    assert "escape_ascii_string" in names.here()
    assert "identify_address" not in names.here()


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("core.2", "core.1", "other", "[a]"):
        (tmp_path / name).touch()
    (tmp_path / "cores").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert file_completions("core") == ["core.1", "core.2", "cores/"]
    assert file_completions("~/core.") == ["~/core.1", "~/core.2"]
    assert file_completions(f"{tmp_path}/oth") == [f"{tmp_path}/other"]
    assert file_completions("[") == ["[a]"]  # No pattern.
    assert file_completions("nosuch") == []
