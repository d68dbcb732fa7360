"""Lookups by the name of a source file, however the compiler was told of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import Program
from drgn.engine.dwarf import constants as dw

SOURCE = """
struct same {{ int {name}; }};
static struct same variable;
static int function(void) {{ return variable.{name}; }}
int entry_{name}(void) {{ return function(); }}
"""


@pytest.fixture(
    scope="module",
    params=[(compiler, dwarf) for compiler in ("gcc", "clang") for dwarf in "45"],
    ids="-".join,
)
def sources(
    request, tmp_path_factory: pytest.TempPathFactory, debug_program
) -> tuple[Path, Program]:
    """``a/x.c`` and ``b/x.c``, compiled in ``b``."""
    compiler, dwarf = request.param
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    directory = tmp_path_factory.mktemp("sources").resolve()
    for name in "ab":
        (directory / name).mkdir()
        (directory / name / "x.c").write_text(SOURCE.format(name=name))
    objects = []
    for source in ("../a/x.c", "x.c"):
        objects.append(directory / f"{len(objects)}.o")
        subprocess.run(
            [compiler, "-g", f"-gdwarf-{dwarf}", "-c", source, "-o", objects[-1]],
            check=True,
            cwd=directory / "b",
        )
    return directory, debug_program(*objects)


@pytest.mark.parametrize(
    ("filename", "member"),
    [
        ("a/x.c", "a"),
        ("b/x.c", "b"),
        ("./b/x.c", "b"),
        ("b/../a/x.c", "a"),
        ("{directory}/a/x.c", "a"),
        ("{directory}/b/x.c", "b"),
        ("{name}/b/x.c", "b"),
        ("c/x.c", None),
        ("../a/x.c", None),
        ("/x.c", None),
        ("{directory}/x.c", None),
        ("x.h", None),
    ],
)
def test_filenames(
    sources: tuple[Path, Program], filename: str, member: str | None
) -> None:
    directory, prog = sources
    filename = filename.format(directory=directory, name=os.path.basename(directory))
    if member is None:
        for lookup, name in (
            (prog.type, "struct same"),
            (prog.variable, "variable"),
            (prog.function, "function"),
        ):
            with pytest.raises(LookupError, match=f"could not find .*'{name}' in "):
                lookup(name, filename)
        return
    assert prog.type("struct same", filename).members[0].name == member
    assert prog.variable("variable", filename).type_.members[0].name == member
    function = prog.function("function", filename)
    assert function.prog_ is prog


# Version 4: no directories, and the file "a.c".
LINE_HEADER = b"\1\1\1\xfb\x0e\x0d" + bytes(12) + b"\0" + b"a.c\0\0\0\0" + b"\0"


@pytest.mark.parametrize(
    ("number", "filename"), [(1, "a.c"), (1, "/src/a.c"), (0, ""), (2, ""), (None, "")]
)
def test_numbers_of_files(debug_program, number: int | None, filename: str) -> None:
    struct = D(dw.DW_TAG_structure_type, name="s", byte_size=4)
    if number is not None:
        struct.attributes.append((dw.DW_AT_decl_file, A(dw.DW_FORM_data1, number)))
    root = D(dw.DW_TAG_compile_unit, name="a.c", comp_dir="/src", stmt_list=0)
    sections = dwarf_asm.assemble([Unit([struct], version=4, root=root)])
    program = b"\4\0" + len(LINE_HEADER).to_bytes(4, "little") + LINE_HEADER
    sections[".debug_line"] = len(program).to_bytes(4, "little") + program
    prog = debug_program(dwarf_asm.elf(sections))
    if filename:
        assert prog.type("struct s", filename) is prog.type("struct s")
    else:  # The name of its unit does not say where it is declared.
        with pytest.raises(LookupError, match="could not find 'struct s' in 'a.c'"):
            prog.type("struct s", "a.c")
