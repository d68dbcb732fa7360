"""Where in the source code is."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import Architecture, Platform, Program, SourceLocation
from drgn.engine.dwarf import constants as dw

from .conftest import ShowStacks
from .stacked import SOURCE, frame_named


def test_source_locations(dumped: ShowStacks) -> None:
    prog = dumped("O2")
    pc = frame_named(prog.main_thread().stack_trace(), "caller").pc - 1
    locations = prog.source_location(pc)
    assert len(locations) == 2
    assert locations.prog is prog
    assert [location.name() for location in locations] == ["inlined", "caller"]
    assert str(locations) == f"#0  {locations[0]}\n#1  {locations[1]}"
    assert str(locations[0]).startswith("inlined at ")
    source = SOURCE.splitlines()
    assert "leaf(p, z" in source[locations[0].line - 1]
    assert "inlined(argc" in source[locations[-1].line - 1]
    start = prog.symbol("caller").address
    for text in (
        hex(start), "caller", f" 0X{start:x} + 0", "caller+0x0", f"{start - 16:#x}+16",
    ):  # fmt: skip
        assert str(prog.source_location(text)) == str(prog.source_location(start))
    with pytest.raises(IndexError, match="source location list index out of range"):
        locations[2]
    frame = frame_named(prog.main_thread().stack_trace(), "caller")
    for location in (locations[0], frame.source()):
        for copied in (copy.copy(location), copy.deepcopy(location)):
            assert copied is not location and type(copied) is SourceLocation
            assert copied == location and copied.name() == location.name()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "expected symbol name or address"),
        ("  ", ValueError, "expected symbol name or address"),
        ("+1", ValueError, "expected symbol name$"),
        ("main+", ValueError, "expected symbol offset"),
        ("main+x", ValueError, "expected symbol offset"),
        ("main+0x", ValueError, "expected symbol offset"),
        ("main+-5", ValueError, "expected symbol offset"),
        ("main+1+2", ValueError, "unexpected input after symbol offset"),
        ("main+5x", ValueError, "unexpected input after symbol offset"),
        ("main 5", ValueError, "unexpected input after symbol name or address"),
        ("12", LookupError, "could not find symbol with name '12'"),
        ("no_such", LookupError, "could not find symbol with name 'no_such'"),
        ("0x0", LookupError, "source code location not found"),
        ("main+0xffffffff", LookupError, "source code location not found"),
        ("0x10000000000000000", OverflowError, "address out of range"),
        ("main+18446744073709551616", OverflowError, "symbol offset out of range"),
        (-1, OverflowError, "can't convert negative int to unsigned"),
        (2**64, OverflowError, "int too big to convert"),
        (1.5, TypeError, "'float' object cannot be interpreted as an integer"),
    ],
)
def test_bad_source_locations(
    dumped: ShowStacks, text: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dumped("O0").source_location(text)


def test_source_location_text() -> None:
    location = SourceLocation("a.c", 1, 2)
    assert tuple(location) == ("a.c", 1, 2)
    assert repr(location) == "SourceLocation(filename='a.c', line=1, column=2)"
    assert location == SourceLocation(filename="a.c", line=1, column=2)
    assert location.name() is None
    assert str(location) == "??? at a.c:1:2"
    assert str(SourceLocation("a.c", 1, 0, lambda: "f")) == "f at a.c:1"
    assert str(SourceLocation("", 1, 2, lambda: "f")) == "f at ??:?"
    with pytest.raises(AttributeError):
        location.line = 3  # type: ignore[misc]


def function(name: str, low: int, high: int) -> D:
    return D(dw.DW_TAG_subprogram, name=name, low_pc=low, high_pc=high - low)


def program_of(functions: list[D], directory: Path) -> Program:
    """A program whose code of [0x1000, 0x1030) is of one unit, without lines."""
    root = D(dw.DW_TAG_compile_unit, name="a.c", low_pc=0x1000, high_pc=0x30)
    image = dwarf_asm.elf(dwarf_asm.assemble([Unit(functions, root=root)]))
    (directory / "image").write_bytes(image)
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("module", create=True)
    module.address_range = (0, 0x10000)
    module.try_file(directory / "image", force=True)
    return prog


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (0x1000, "first at ??:?"),
        # Where the first of two functions has ended is the second.
        (0x1010, "second at ??:?"),
        (0x1020, "??? at ??:?"),
        (0x0FFF, None),
        (0x1030, None),
    ],
)
def test_code_without_lines(tmp_path: Path, address: int, text: str | None) -> None:
    functions = [function("first", 0x1000, 0x1010), function("second", 0x1000, 0x1020)]
    prog = program_of(functions, tmp_path)
    if text is None:
        with pytest.raises(LookupError, match="source code location not found"):
            prog.source_location(address)
    else:
        (location,) = locations = prog.source_location(address)
        assert location == SourceLocation("", 0, 0)
        assert str(locations) == text


def test_code_between_functions(compile_c: Any) -> None:
    """Its line is known, and no name: neither a function's nor a symbol's."""
    source = "int f(int x) { return x; } int main(void) { return f(1); }"
    flags = ["-g", "-O1", "-falign-functions=64", "-no-pie"]
    path = compile_c(source, *flags)
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("module", create=True)
    module.address_range = (0x400000, 0x410000)
    module.try_file(path, force=True)
    symbol = prog.symbol("f")
    end = symbol.address + symbol.size
    inside, behind = prog.stack_trace_from_pcs([end, end + 1])
    assert inside.name == inside.source().name() == "f"
    assert behind.name == hex(end + 1)
    assert behind.source().name() is None
    assert str(behind.source()).startswith("??? at ")
    assert str(prog.source_location(end)) == str(behind.source())


def test_functions_whose_names_are_elsewhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As `gcc -flto -gsplit-dwarf` has them: what is inlined is known all the same."""
    lost = A(dw.DW_FORM_ref_addr, 0x10000)
    call = D(
        dw.DW_TAG_inlined_subroutine, abstract_origin=lost, low_pc=0x1000, high_pc=8
    )
    outer = D(
        dw.DW_TAG_subprogram, [call], abstract_origin=lost, low_pc=0x1000, high_pc=0x10
    )
    prog = program_of([outer, function("known", 0x1010, 0x1020)], tmp_path)
    assert str(prog.source_location(0x1000)) == "#0  ??? at ??:?\n#1  ??? at ??:?"
    assert "DW_TAG_inlined_subroutine has invalid DW_AT_abstract_origin" in caplog.text
    assert str(prog.source_location(0x1008)) == "??? at ??:?"
    assert str(prog.source_location(0x1010)) == "known at ??:?"


def test_code_outside_the_one_range_of_a_unit(compile_c: Any) -> None:
    """Strict DWARF 2 has no range lists, while main() is in a section of its own."""
    source = "int f(void) { return 3; }\nint main(void) { return f(); }\n"
    flags = ("-gdwarf-2", "-gstrict-dwarf", "-O2", "-ffunction-sections")
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("module", create=True)
    module.address_range = (0x400000, 0x410000)
    module.try_file(compile_c(source, *flags))
    for name, line in (("f", 1), ("main", 2)):
        (location,) = prog.source_location(name)
        assert location.line == line
        assert str(location).startswith(f"{name} at ")
