"""Files that only the user tells GDB of: code that a program has made or copied."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CODE = """
struct made { int number; struct made *next; };
struct made made_data = { 4242, 0 };
int made_code(int x) { return x + made_data.number; }
"""
_LINE = "line = getattr(gdb, 'execute', gdb)\n"
_START = f"""
import sys
if "gdb" in sys.modules:
    import gdb
{_LINE}
line("set confirm off")
"""

Compile = Callable[..., Path]


def test_relocatable_file(run: Any, compile_c: Compile) -> None:
    file = compile_c(CODE, "-g", "-O0", "-c", suffix=".o")
    out = run(
        _START
        + f"""
line("add-symbol-file {file} 0x70000000 -s .data 0x70009000")
print("known:", prog["made_data"].address_of_().value_() == 0x70009000)
print("known:", prog.symbol(0x70000004), prog.source_location("made_code"))
print("known:", prog.type("struct made").size)
line("remove-symbol-file -a 0x70000000")
print("known:", "made_data" in prog, prog["main"].type_.kind)
"""
    )
    *known, after = [line for line in out.splitlines() if line.startswith("known")]
    assert known[0] == "known: True"
    assert "name='made_code', address=0x70000000" in known[1]
    assert ".c:4" in known[1]
    assert known[2] == "known: 16"
    assert after == "known: False TypeKind.FUNCTION"


def test_sections_that_gdb_was_not_told_of(run: Any, compile_c: Compile) -> None:
    """GDB shows them somewhere near 0; what is in them is nowhere."""
    file = compile_c(CODE, "-g", "-O0", "-c", suffix=".o")
    out = run(
        _START
        + f"""
line("add-symbol-file {file} 0x70000000")
print("known:", prog.symbol("made_code").address == 0x70000000)
print("known:", prog["made_data"].address_, prog.type("struct made").size)
"""
    )
    known = [line for line in out.splitlines() if line.startswith("known")]
    assert known == ["known: True", "known: None 16"]


@pytest.mark.parametrize(
    ("flags", "place"),
    [
        (["-shared", "-fPIC"], "-o 0x70000000"),
        (["-nostdlib", "-static", "-Wl,-e,made_code"], "-o 0x70000000"),
        (["-nostdlib", "-static", "-Wl,-e,made_code"], "0x70000000"),
    ],
)
def test_linked_file(
    run: Any, compile_c: Compile, flags: list[str], place: str
) -> None:
    file = compile_c(CODE, "-g", "-O0", *flags)
    out = run(
        _START
        + f"""
line("add-symbol-file {file} {place}")
line("output/x (long)&made_code")
address = prog["made_code"].address_
print("\\nours", hex(address), prog.module(address))
"""
    )
    theirs, ours = out.splitlines()[-2:]
    assert ours == f"ours {theirs} {ours.split(' ', 2)[2]}"
    assert f"prog.extra_module(name='{file}', id=0x7" in ours


def test_debug_file_of_a_loaded_program(
    host: Any, program: Path, tmp_path: Path
) -> None:
    stripped, debug = tmp_path / "stripped", tmp_path / "elsewhere.debug"
    shutil.copy(program, stripped)
    subprocess.run(["objcopy", "--only-keep-debug", stripped, debug], check=True)
    subprocess.run(["strip", stripped], check=True)
    out = host(
        _START
        + f"""
line("add-symbol-file {debug} -o %#x" % prog.main_module().address_range[0])
print("known:", prog["main"].type_.kind, prog.main_module().debug_file_path)
""",
        stripped,
        commands=["starti"],
    )
    assert out.splitlines()[-1] == f"known: TypeKind.FUNCTION {debug}"


def test_symbols_that_are_moved(host: Any, program: Path) -> None:
    out = host(
        _START
        + f"""
line("symbol-file -o 0x100 {program}")
line("output/x (long)&main")
print("\\nours", hex(prog["main"].address_))
"""
    )
    theirs, ours = out.splitlines()[-2:]
    assert ours == f"ours {theirs}"


def test_libraries_are_none_of_them(host: Any, program: Path) -> None:
    """GDB knows of some before the program's dynamic linker does."""
    out = host(
        _START
        + """
prog.symbol(prog["main"].address_)
prog.run_to("main")
kinds = {type(module).__name__ for module in prog.modules()}
print("known:", sorted(kinds), all(m.address_ranges for m in prog.modules()))
""",
        program,
        commands=["starti"],
    )
    assert out.splitlines()[-1] == (
        "known: ['MainModule', 'SharedLibraryModule', 'VdsoModule'] True"
    )
