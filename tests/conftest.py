"""What tests of several rooms share: the kernel lab, upstream's wheel, compilers.

Nothing here builds the lab or installs the oracle (``scripts/test`` does); a test
that needs one which is not there is skipped, with the reason counted in pytest's
summary.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

# No test is timed by a clock: the machine may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What tools and the system say is compared in English.
os.environ["LC_ALL"] = "C.UTF-8"
# GDB warns where there is none, as in a service's environment.
os.environ.setdefault("HOME", os.path.expanduser("~"))

TESTS = Path(__file__).parent
# At the end, so that no room of the tests can stand before a module.
sys.path.append(str(TESTS))

from lab import keeper, manifest  # noqa: E402
from lab.dumps import open_dump  # noqa: E402
from lab.keeper import SharedGuest  # noqa: E402
from lab.manifest import Lab  # noqa: E402
from oracle import venv  # noqa: E402

from drgn import Program  # noqa: E402

NO_LAB = "no kernel lab: run scripts/kernel-lab"
NO_ORACLE = "no upstream wheel: run python -m oracle.venv in tests/"


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The default kernel's lab (6.1)."""
    found = manifest.find()
    if found is None:
        pytest.skip(NO_LAB)
    return found


@pytest.fixture(scope="session")
def labs() -> list[Lab]:
    """Every lab there is, at least one."""
    found = manifest.find_all()
    if not found:
        pytest.skip(NO_LAB)
    return found


def _labs() -> list[object]:
    found = [pytest.param(lab, id=lab.kernel) for lab in manifest.find_all()]
    none = pytest.param(None, marks=pytest.mark.skip(reason=NO_LAB))
    return found or [none]


@pytest.fixture(scope="module", params=_labs())
def each_lab(request: pytest.FixtureRequest) -> Lab:
    """Every lab there is, one after another."""
    lab: Lab = request.param
    return lab


@pytest.fixture(scope="module")
def live(each_lab: Lab) -> Iterator[Program]:
    """The dump of a lab whose guest ran on, right after it wrote its facts."""
    yield open_dump(each_lab, "live.elf")


@pytest.fixture(scope="module")
def panicked(each_lab: Lab) -> Iterator[Program]:
    """The dump of a lab after its panic."""
    yield open_dump(each_lab, "panic.elf")


@pytest.fixture(scope="session")
def oracle() -> Path:
    """Upstream's ``drgn`` program. Run it; never import it."""
    program = venv.find()
    if program is None:
        pytest.skip(NO_ORACLE)
    return program


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of a session have in common."""
    return _shared(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def shared_guest(shared_directory: Path) -> Callable[[Lab], SharedGuest]:
    """``shared_guest(lab)``: that kernel in QEMU, where the lab dumps it live.

    It is booted once for all workers, and ends with the tests. One debugger at a time
    may use it: see `SharedGuest.lock`. The oldest kernel has PTI, the others have
    page tables of five levels.
    """
    directory = shared_directory
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()

    def shared_guest(lab: Lab) -> SharedGuest:
        if shutil.which("qemu-system-x86_64") is None:
            pytest.skip("no qemu-system-x86_64")
        options = ("max",)
        if lab.kernel == manifest.find_all()[0].kernel:
            options = ("max,la57=off", "pti=on")
        return keeper.share(lab, directory / f"guest-{lab.kernel}", owner, *options)

    return shared_guest


def _shared(base: Path) -> Path:
    """The directory that all workers of a session have in common."""
    if "xdist" in sys.modules and base.name.startswith("popen-"):
        return base.parent
    return base


CompileC = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_c(shared_directory: Path) -> CompileC:
    """``compile_c(source, *flags, compiler="gcc", suffix="")`` -> path of the output.

    ``source`` is C text, or the Path of a file. Without flags it makes a program with
    debug info; pass ``-c`` for an object file. C is that of 2017: in that of 2023,
    which gcc 15 takes, ``_Bool`` has another name. The same source, flags and compiler
    are compiled once in a session (and once for all workers of pytest-xdist); the file
    must not be written to. Skips where the compiler is missing, and raises
    CalledProcessError where it fails.
    """
    directory = shared_directory / "compiled"

    def compile_c(
        source: str | Path,
        *flags: str,
        compiler: str = "gcc",
        suffix: str = "",
        libraries: Sequence[str] = (),
    ) -> Path:
        if shutil.which(compiler) is None:
            pytest.skip(f"no {compiler}")
        text = source.read_text() if isinstance(source, Path) else source
        key = hashlib.sha256(
            "\0".join([compiler, text, *flags, *libraries]).encode()
        ).hexdigest()[:16]
        name = source.stem if isinstance(source, Path) else "program"
        output = directory / f"{name}-{key}{suffix}"
        if output.exists():
            return output
        directory.mkdir(exist_ok=True)
        # The source stays beside the program, as its debug info says.
        file = directory / f"{name}-{key}.c"
        if not file.exists():
            _write(file, text)
        partial = directory / f".{output.name}.{_worker()}"
        is_c = not compiler.endswith("++") and not any("-x" in flag for flag in flags)
        standard = ["-std=gnu17"] if is_c else []
        flags = flags or ("-g", "-O0")
        subprocess.run(
            [compiler, *standard, *flags, "-o", partial, file, *libraries],
            check=True,
            cwd=directory,
        )
        try:
            # Not over the other worker's, of which a process may be running.
            os.link(partial, output)
        except FileExistsError:
            pass
        partial.unlink()
        return output

    return compile_c


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{_worker()}")
    partial.write_text(text)
    partial.rename(path)
