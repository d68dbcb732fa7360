"""Lookups by the name of a source file, however the compiler was told of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from drgn import Program

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
