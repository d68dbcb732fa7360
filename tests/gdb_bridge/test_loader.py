"""Sourcing drgn.py: what it finds, what it says if not, what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"


def _without_site(tmp_path: Path, **more: str) -> dict[str, str]:
    hidden = ("PYDRGN_SITE", "VIRTUAL_ENV", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "XDG_DATA_HOME": str(tmp_path / "data"), **more}


def test_nothing_heavy_is_imported(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "python import sys",
        "python heavy = ['numpy', 'numba', 'elftools', 'drgn.engine.elf.file']",
        "python print([name for name in heavy if name in sys.modules])",
        program=list_program,
    )
    assert result.out == "[]\n"


def test_no_names_are_left(gdb: Any) -> None:
    result = gdb(
        "python before = set(globals())",
        f"source {LOADER}",
        "python print(sorted(set(globals()) - before - {'before'}))",
        source=False,
    )
    names = {"importlib", "os", "sys", "annotations", "prog"}
    assert set(eval(result.out)) <= names


def test_twice_is_harmless(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "python old = prog",
        f"source {LOADER}",
        "python print(prog is old)",
        'drgn prog["counter"]',
        program=list_program,
    )
    assert result.lines == ["True", "(int)7"]
    assert not result.err


def test_sourced_by_a_script(gdb: Any, list_program: Path, tmp_path: Path) -> None:
    script = tmp_path / "init.py"
    script.write_text(f"import gdb\ngdb.execute('source {LOADER}')\n")
    environment = _without_site(tmp_path)
    result = gdb(
        f"source {script}",
        'drgn prog["counter"]',
        source=False,
        program=list_program,
        environment=environment,
    )
    # Found beside the loader, or asked for in the checkout's name.
    assert result.out == "(int)7\n" or str(LOADER.parents[1]) in result.err


def test_path_is_not_displaced(gdb: Any) -> None:
    result = gdb(
        "python import sys; old = list(sys.path)",
        f"source {LOADER}",
        "python print(sys.path[:len(old)] == old)",
        source=False,
    )
    assert result.out == "True\n"


def test_environment_of_another_python(gdb: Any, tmp_path: Path) -> None:
    major, minor = sys.version_info[:2]
    site = tmp_path / "env" / "lib" / f"python{major}.{minor + 1}" / "site-packages"
    core = site / "numpy" / "_core"
    core.mkdir(parents=True)
    (core / f"_multiarray_umath.cpython-{major}{minor + 1}-any.so").touch()
    result = gdb(
        "print 1 + 1",
        environment=_without_site(tmp_path, PYDRGN_SITE=str(tmp_path / "env")),
    )
    place = tmp_path / "data" / "pydrgn" / f"{major}.{minor}"
    assert result.out == "$1 = 2\n"
    assert len(result.err.splitlines()) == 1
    assert f"GDB's Python {major}.{minor}: python{major}.{minor} -m venv {place}" in (
        result.err
    )


def test_another_python_in_site_packages_itself(gdb: Any, tmp_path: Path) -> None:
    core = tmp_path / "site" / "numpy" / "_core"
    core.mkdir(parents=True)
    (core / "_multiarray_umath.cpython-399-x86_64-linux-gnu.so").touch()
    result = gdb(environment=_without_site(tmp_path, PYDRGN_SITE=str(core.parents[1])))
    site = f"PYDRGN_SITE={core.parents[1]}"
    assert result.err.startswith(f"pydrgn: nothing is installed in {site} for GDB's")


def test_another_drgn(gdb: Any, tmp_path: Path) -> None:
    # A package of that name that is not ours, found before ours.
    other = tmp_path / "other" / "drgn"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    result = gdb(
        f"python import sys; sys.path.insert(0, {str(other.parent)!r})",
        f"source {LOADER}",
        "print 1 + 1",
        source=False,
    )
    assert result.out == "$1 = 2\n"
    assert result.err == (
        f"pydrgn: GDB's Python has another drgn in its path: {other}/__init__.py\n"
    )


def test_loader_is_not_the_package(gdb: Any) -> None:
    room = str(LOADER.parent)
    result = gdb(
        f"python import sys; sys.path.insert(0, {room!r})",
        f"source {LOADER}",
        "print 1 + 1",
        source=False,
    )
    assert result.out == "$1 = 2\n"
    assert (
        result.err == f"pydrgn: GDB's Python has another drgn in its path: {LOADER}\n"
    )


def test_gdb_without_python(gdb: Any) -> None:
    """It takes the file for commands of its own, as one does that is told to."""
    result = gdb(
        "set script-extension off", f"source {LOADER}", "print 1 + 1", source=False
    )
    assert result.out == "$1 = 2\n"
    where, what = result.err.splitlines()
    assert where.startswith(f"{LOADER}:")
    assert 'Undefined command: "drgn_needs_a_GDB_with_Python"' in what


def test_script_option() -> None:
    from_cli = [sys.executable, "-m", "drgn", "--gdb-script"]
    path = subprocess.check_output(from_cli, text=True).strip()
    assert os.path.samefile(path, LOADER)


def test_gdb_is_started(gdb_program: str, list_program: Path) -> None:
    result = subprocess.run(
        [
            sys.executable, "-m", "drgn", "gdb", "-nx", "-batch",
            "-ex", "drgn prog['counter']", list_program,
        ],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={"PYDRGN_SITE": _purelib(), **os.environ},
    )  # fmt: skip
    assert result.stdout == "(int)7\n"


def _purelib() -> str:
    import sysconfig

    return sysconfig.get_path("purelib")
