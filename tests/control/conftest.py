"""Programs that are run by scripts, in each host that can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

LOADER = Path(__file__).parents[2] / "gdb_bridge" / "drgn.py"

PROGRAM = Path(__file__).with_name("program.c")

Run = Callable[[str], str]


def _environment() -> dict[str, str]:
    return {
        "PYDRGN_SITE": sysconfig.get_path("purelib"),
        **os.environ,
        "DEBUGINFOD_URLS": "",
    }


def _gdb() -> str:
    found = shutil.which("gdb")
    if found is None:
        pytest.skip("no gdb")
    return found


def inside(program: Path, script: Path, core: Path | None = None) -> list[str]:
    """The command that runs a script inside GDB, stopped in main()."""
    start = ["-ex", "break main", "-ex", "run", "-ex", "delete"]
    return [
        _gdb(), "-nx", "-batch", "-ex", f"source {LOADER}",
        *([] if core is not None else start),
        "-ex", "echo <<<\\n", "-ex", f"drgn-script {script}", "-ex", "echo >>>\\n",
        str(program), *([] if core is None else [str(core)]),
    ]  # fmt: skip


def outside(program: Path, script: Path, core: Path | None = None) -> list[str]:
    """The command that runs a script with a GDB outside, stopped in main()."""
    start = ["-ex", "break main", "-ex", "run", "-ex", "delete"]
    code = f"print('<<<'); execscript({str(script)!r}); print('>>>')"
    return [
        sys.executable, "-m", "drgn", "-q", "-e", code, "--gdb", "-nx",
        *([] if core is not None else start),
        str(program), *([] if core is None else [str(core)]),
    ]  # fmt: skip


HOSTS = {"inside": inside, "outside": outside}


@pytest.fixture(scope="session")
def program(compile_c: Callable[..., Path]) -> Path:
    return compile_c(PROGRAM, "-g", "-O0")


@pytest.fixture(params=list(HOSTS))
def run(request: pytest.FixtureRequest, program: Path, tmp_path: Path) -> Run:
    """``run(script)`` -> what a script prints that finds the program in main().

    GDB's own words are not among it as far as it can be silenced.
    """

    def run(text: str, core: Path | None = None) -> str:
        script = tmp_path / "script.py"
        script.write_text(text)
        result = subprocess.run(
            HOSTS[request.param](program, script, core),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not result.stderr.strip() or "Error" not in result.stderr, result.stderr
        return result.stdout.split("<<<\n")[1].split(">>>\n")[0]

    return run


@pytest.fixture(scope="session", autouse=True)
def _same_python() -> None:
    """Skip where GDB has another Python than the tests."""
    version = "python import sys; print(sys.version_info[:2])"
    argv = [_gdb(), "-nx", "-batch", "-ex", version]
    said = subprocess.run(argv, capture_output=True, text=True).stdout.strip()
    if said != str(tuple(sys.version_info[:2])):
        pytest.skip("GDB has another Python than the tests")
