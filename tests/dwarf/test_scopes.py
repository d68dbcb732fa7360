"""Functions, inlined calls and blocks around an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf.die import Die
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.dwarf.scopes import (
    declaration_in,
    definition_in,
    local_entries,
    scopes_at,
    split_frames,
)
from drgn.engine.elf.file import open_elf

SOURCE = """
extern int elsewhere;
int external(int);
static int here = 1;
enum everywhere { GLOBAL_A } choice;
volatile int sink;

static inline __attribute__((always_inline)) void innermost(int x)
{
    for (int i = 0; i < x; i++)
        sink = i + here;
}

static inline __attribute__((always_inline)) void inner(int y)
{
    innermost(y + 1);
    sink = external(y);
}

int outer(int z)
{
    enum { LOCAL_A, LOCAL_B };
    static int kept;
    sink = elsewhere;
    {
        int shadow = LOCAL_B;
        {
            volatile int shadow = z;
            inner(shadow);
            sink = shadow;
        }
        kept = shadow;
    }
    return z;
}
"""


@pytest.fixture(scope="module")
def file(compile_c: Any) -> DwarfFile:
    path: Path = compile_c(SOURCE, "-g", "-O0", "-c", suffix=".o")
    return DwarfFile(open_elf(path))


def function(file: DwarfFile, name: str) -> Die:
    (die,) = file.find(name, frozenset((dw.DW_TAG_subprogram,)))
    return die


def chains(file: DwarfFile, name: str) -> set[tuple[str | None, ...]]:
    """Names of the calls, the innermost first, at every address of a function."""
    ((low, high),) = function(file, name).ranges()
    return {
        tuple(
            frame[0].origin_attr(dw.DW_AT_name)
            for frame in split_frames(scopes_at(file, pc))
        )
        for pc in range(low, high)
    }


def test_inlined_calls(file: DwarfFile) -> None:
    assert chains(file, "outer") == {
        ("outer",),
        ("inner", "outer"),
        ("innermost", "inner", "outer"),
    }


def test_a_scope_is_from_its_first_byte_to_its_last(file: DwarfFile) -> None:
    ((low, high),) = function(file, "outer").ranges()
    nested = {die for pc in range(low, high) for die in scopes_at(file, pc)[1:]}
    assert len(nested) == 5
    for die in nested:
        for first, end in die.ranges():
            assert die in scopes_at(file, first)
            assert die in scopes_at(file, end - 1)
            assert die not in scopes_at(file, first - 1)
            assert die not in scopes_at(file, end)


def test_inner_scopes_come_after_outer_ones(file: DwarfFile) -> None:
    ((low, high),) = function(file, "outer").ranges()
    deepest = max((scopes_at(file, pc) for pc in range(low, high)), key=len)
    assert [die.tag for die in deepest] == [
        dw.DW_TAG_subprogram,
        dw.DW_TAG_lexical_block,
        dw.DW_TAG_lexical_block,
        dw.DW_TAG_inlined_subroutine,
        dw.DW_TAG_inlined_subroutine,
        dw.DW_TAG_lexical_block,
    ]
    frames = split_frames(deepest)
    assert [len(frame) for frame in frames] == [2, 1, 3]
    assert [[name for name, _ in local_entries(die)] for die in frames[0]] == [
        ["x"],
        ["i"],
    ]
    assert [[name for name, _ in local_entries(die)] for die in frames[2]] == [
        ["z", "LOCAL_A", "LOCAL_B", "kept"],
        ["shadow"],
        ["shadow"],
    ]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_enumerators_of_a_scoped_enumeration_are_not_seen_around_it(
    compile_c: Any, compiler: str
) -> None:
    source = """
    int f(int x) {
        enum Plain { SEEN }; enum class Scoped { HIDDEN };
        Plain p = SEEN; Scoped s = Scoped::HIDDEN;
        return x + p + int(s);
    }
    """
    path = compile_c(
        source, "-g", "-O0", "-c", "-x", "c++", compiler=compiler, suffix=".o"
    )
    scope = function(DwarfFile(open_elf(path)), "f")
    names = {name for name, _ in local_entries(scope)}
    assert names == {"x", "p", "s", "SEEN"}


NESTED = """
int outer(int x)
{
    volatile int o = x;
    int nested(int y)
    {
        volatile int n = y + o;
        return n;
    }
    return nested(x);
}
"""
LAMBDA = """
int outer(int x)
{
    struct Local {
        int method(int y) { volatile int m = y; return m; }
    } local;
    auto lambda = [x](int z) { volatile int l = z; return l + x; };
    return local.method(x) + lambda(x);
}
"""


@pytest.mark.parametrize(
    ("compiler", "source", "names"),
    [
        ("gcc", NESTED, {"outer": "o", "nested": "n"}),
        ("g++", LAMBDA, {"outer": "x", "method": "m", "operator()": "l"}),
        ("clang++", LAMBDA, {"outer": "x", "method": "m", "operator()": "l"}),
    ],
)
def test_functions_within_functions(
    compile_c: Any, compiler: str, source: str, names: dict[str, str]
) -> None:
    flags = ("-g", "-O0", "-fPIC", "-shared", "-nostdlib")
    language = "-xc" if compiler == "gcc" else "-xc++"
    path: Path = compile_c(source, *flags, language, compiler=compiler)
    file = DwarfFile(open_elf(path))
    text = file.elf.section(".text")
    assert text is not None
    found: dict[str, set[str]] = {}
    for pc in range(text.address, text.address + text.size):
        scopes = scopes_at(file, pc)
        for die in scopes:
            name = scopes[0].origin_attr(dw.DW_AT_name)
            found.setdefault(name, set()).update(n for n, _ in local_entries(die))
    assert found.keys() == names.keys()
    assert all(local in found[name] for name, local in names.items())


def test_no_function(file: DwarfFile) -> None:
    assert scopes_at(file, 0) == []
    assert split_frames([]) == []


def test_names_of_a_unit(file: DwarfFile) -> None:
    unit = function(file, "outer").unit
    for name, tag in (
        ("here", dw.DW_TAG_variable),
        ("outer", dw.DW_TAG_subprogram),
        ("GLOBAL_A", dw.DW_TAG_enumeration_type),
    ):
        found = definition_in(unit, name)
        assert found is not None
        assert found.tag == tag
    for name, tag in (
        ("elsewhere", dw.DW_TAG_variable),
        ("external", dw.DW_TAG_subprogram),
    ):
        assert definition_in(unit, name) is None
        found = declaration_in(unit, name)
        assert found is not None
        assert found.tag == tag
    assert definition_in(unit, "kept") is None
    assert declaration_in(unit, "nothing") is None
