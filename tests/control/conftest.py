"""Programs that are run by scripts, in each host that can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

import pytest

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"

PROGRAM = Path(__file__).with_name("program.c")

Run = Callable[..., str]


def _environment() -> dict[str, str]:
    return {
        "PYDRGN_SITE": sysconfig.get_path("purelib"),
        **os.environ,
        "COLUMNS": "80",
        "DEBUGINFOD_URLS": "",
    }


def _gdb() -> str:
    found = shutil.which("gdb")
    if found is None:
        pytest.skip("no gdb")
    return found


_START = ("break main", "run", "delete")


def inside(script: Path, files: Sequence[Path], commands: Sequence[str]) -> list[str]:
    """The command that runs a script inside GDB, after commands of GDB's own."""
    given = [word for command in commands for word in ("-ex", command)]
    return [
        _gdb(), "-nx", "-batch", "-iex", "set language c", "-ex", f"source {LOADER}",
        *given,
        "-ex", f"drgn-script {quote(str(script))}", *map(str, files),
    ]  # fmt: skip


def outside(script: Path, files: Sequence[Path], commands: Sequence[str]) -> list[str]:
    """The command that runs a script with a GDB outside, as above."""
    given = [word for command in commands for word in ("-ex", command)]
    code = f"exec(open({str(script)!r}).read())"
    return [
        sys.executable, "-m", "drgn", "-q", "-e", code,
        "--gdb", "-nx", "-iex", "set language c", *given, *map(str, files),
    ]  # fmt: skip


HOSTS = {"inside": inside, "outside": outside}


@pytest.fixture(scope="session")
def program(compile_c: Callable[..., Path]) -> Path:
    return compile_c(PROGRAM, "-g", "-O0")


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """``host(text, *files, commands=())`` -> what a script prints in each host.

    GDB has opened the files and was given the commands before. Its own words are not
    among what is printed as far as it can be silenced.
    """

    def host(text: str, *files: Path, commands: Sequence[str] = ()) -> str:
        script = tmp_path / "script.py"
        script.write_text(f"print('<<<')\n{text}\nprint('>>>')\n")
        result = subprocess.run(
            HOSTS[request.param](script, files, commands),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not result.stderr.strip() or "Error" not in result.stderr, result.stderr
        return result.stdout.split("<<<\n")[1].split(">>>\n")[0]

    return host


@pytest.fixture
def run(host: Run, program: Path) -> Run:
    """``run(script)`` -> what a script prints that finds the program in main()."""

    def run(text: str, core: Path | None = None) -> str:
        if core is not None:
            return host(text, program, core)
        return host(text, program, commands=_START)

    return run


@pytest.fixture(scope="session", autouse=True)
def _same_python() -> None:
    """Skip where GDB has another Python than the tests."""
    version = "python import sys; print(sys.version_info[:2])"
    argv = [_gdb(), "-nx", "-batch", "-ex", version]
    said = subprocess.run(argv, capture_output=True, text=True).stdout.strip()
    if said != str(tuple(sys.version_info[:2])):
        pytest.skip("GDB has another Python than the tests")
