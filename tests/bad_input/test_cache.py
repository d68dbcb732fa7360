"""Cache files that are of no use: the answer is right, and the file is made again."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input.conftest import Drgn, vmcoreinfo
from dump_builders import elf_core, note

from drgn.engine import cache
from drgn.engine.cache import _HEADER
from drgn.engine.dwarf import constants as dw
from drgn.engine.dwarf import index
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import open_elf

CompileC = Callable[..., Path]

ALL = frozenset((dw.DW_TAG_structure_type, dw.DW_TAG_variable, dw.DW_TAG_subprogram))
_STRUCTS = 4500
"""So many that their debug information is large enough to be cached."""
_QUESTION = "print(prog.type('struct s77'), prog['v4321'].type_.type_name())"
_ANSWER = "struct s77 {\n\tint a77;\n\tlong b77;\n} struct s4321\n"


@pytest.fixture(scope="module")
def large(compile_c: CompileC) -> Path:
    """A "kernel" with much debug information."""
    return compile_c(_source(""), "-g", "-nostdlib", "-static", "-Wl,--build-id")


def _source(more: str) -> str:
    structs = "".join(
        f"struct s{i} {{ int a{i}; long b{i}; }} v{i};\n" for i in range(_STRUCTS)
    )
    return f"{structs}{more}\nvoid _start(void) {{}}\n"


def dump_of(vmlinux: Path, directory: Path) -> Path:
    build_id = open_elf(vmlinux).build_id
    assert build_id is not None
    path = directory / f"dump-{build_id.hex()}"
    path.write_bytes(elf_core([], note(b"VMCOREINFO", 0, vmcoreinfo(build_id))))
    return path


class Session:
    """Runs of the program on the same files."""

    def __init__(self, drgn: Drgn, vmlinux: Path, directory: Path) -> None:
        self.drgn = drgn
        self.vmlinux = vmlinux
        self.dump = dump_of(vmlinux, directory)
        self.cache = directory / "cache"

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.drgn(
            "-c", self.dump, "-s", self.vmlinux, "-e", _QUESTION, **environment
        )

    def check(self, **environment: str) -> None:
        result = self.run(**environment)
        assert result.stderr == ""
        assert (result.stdout, result.returncode) == (_ANSWER, 0)

    def file(self) -> Path:
        (path,) = self.cache.iterdir()
        return path


@pytest.fixture
def session(drgn: Drgn, large: Path, tmp_path: Path) -> Session:
    session = Session(drgn, large, tmp_path)
    session.check()
    return session


def test_the_file_is_used_as_it_is(session: Session) -> None:
    made = session.file().stat()
    session.check()
    assert session.file().stat().st_ino == made.st_ino


def _other_version(content: bytes) -> bytes:
    # Magic, checksum, version.
    return content[:12] + (99).to_bytes(4, "little") + content[16:]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut in the header": lambda content: content[:40],
    "cut in the table": lambda content: content[: _HEADER.size + 50],
    "cut in the columns": lambda content: content[: len(content) // 2],
    "last byte missing": lambda content: content[:-1],
    "another version": _other_version,
    "another magic": lambda content: b"drgn\0\0\0\0" + content[8:],
    "text": lambda content: b"What is this?\n" * 1000,
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda content: bytes(i * 37 % 251 for i in range(len(content))),
    "a bit in the header": lambda content: _flipped(content, 30),
    "a bit in the table": lambda content: _flipped(content, _HEADER.size + 30),
}


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_file(kind: str, session: Session) -> None:
    path = session.file()
    content = path.read_bytes()
    path.write_bytes(DAMAGE[kind](content))
    session.check()
    assert session.file() == path
    assert path.read_bytes() == content


@pytest.mark.parametrize("column", range(3))
def test_damaged_columns(column: int, session: Session) -> None:
    """Columns that are wrong and have the right sizes."""
    path = session.file()
    content = path.read_bytes()
    start = len(content) * (1 + 2 * column) // 8
    end = len(content) * (2 + 2 * column) // 8
    noise = bytes(i * 37 % 251 for i in range(end - start))
    path.write_bytes(content[:start] + noise + content[end:])
    session.check()
    # Even where this start did not need what is damaged, a later one gets over it.
    session.check()


def test_a_changed_byte_anywhere(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong in the file: names and addresses lead where they did."""
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(index, "_MIN_CACHED_SIZE", 0)
    # So that what is checked at once is not in one block with all else.
    monkeypatch.setattr(cache, "_BLOCK", 64)
    elf = open_elf(program)

    def ask() -> list[object]:
        file = DwarfFile(elf)
        dies = [
            *(
                die
                for name in ("node", "root", "visit")
                for die in file.find(name, ALL)
            ),
            *(file.function_at(pc) for pc in range(0x400FFC, 0x4010B0, 12)),
        ]
        offsets = [die and die.offset for die in dies]
        unit = file.unit_for_pc(0x401010)
        return [*offsets, unit and unit.offset]

    expected = ask()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert DwarfFile(elf).index.cached
    monkeypatch.setattr(cache, "store_columns", lambda *_: True)
    for at in range(0, len(content), 5):
        path.write_bytes(_flipped(content, at))
        assert ask() == expected, at


def test_file_of_another_program(
    session: Session, drgn: Drgn, compile_c: CompileC, tmp_path: Path
) -> None:
    path = session.file()
    content = path.read_bytes()
    source = _source("int more;").replace("struct s77 ", "struct other ")
    other = compile_c(source, "-g", "-nostdlib", "-static", "-Wl,--build-id")
    directory = tmp_path / "other"
    directory.mkdir()
    second = Session(drgn, other, directory)
    second.run(PYDRGN_CACHE_DIR=str(second.cache))
    path.write_bytes(second.file().read_bytes())
    session.check()
    assert path.read_bytes() == content


def test_directory_in_the_place_of_the_file(session: Session) -> None:
    path = session.file()
    path.unlink()
    path.mkdir()
    session.check()
    assert session.file() == path  # Nothing is left behind.


def test_fifo_in_the_place_of_the_file(session: Session) -> None:
    path = session.file()
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    session.check()
    assert path.read_bytes() == content


def test_file_that_cannot_be_read(session: Session) -> None:
    path = session.file()
    content = path.read_bytes()
    path.chmod(0)
    session.check()
    path.chmod(0o600)
    assert path.read_bytes() == content


def test_directory_that_cannot_be_written(session: Session) -> None:
    session.file().unlink()
    session.cache.chmod(0o500)
    session.check()
    session.cache.chmod(0o700)
    assert list(session.cache.iterdir()) == []


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/cache", "/dev/full"])
def test_directory_that_cannot_be_made(place: str, session: Session) -> None:
    session.check(PYDRGN_CACHE_DIR=place)


def test_full_disk(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    session.file().unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Children inherit it; of the answer nothing goes to a file.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, hard))
    try:
        session.check()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(session.cache.iterdir()) == []
