"""Split DWARF: what is in .dwo files and .dwp packages is found as if it were not."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from drgn import Architecture, BadDataError, Object, Platform, Program, StackTrace
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import open_elf

HEADER = """
struct shared { long a; char name[8]; struct shared *next; };
enum color { RED, GREEN = 5 };
typedef struct shared shared_t;
extern shared_t table[3];
int other(int n, shared_t *s);
"""

FIRST = """
#include "p.h"
struct only_a { int x; union { int u; float f; }; };
shared_t table[3] = {{1, "one", 0}, {2, "two", 0}};
struct only_a mine = {7, {9}};
enum color paint = GREEN;
static inline __attribute__((always_inline)) int twice(int k)
{
    volatile int kept = 2 * k;
    return kept;
}
__attribute__((section(".text.far"), noinline)) int far_away(int q)
{
    shared_t here = {q, "far", table};
    for (int i = 0; i < 2; i++) {
        int inner = i + q;
        q += other(inner, &here);
    }
    return q;
}
int main(int argc, char **argv) { return far_away(twice(argc)); }
"""

SECOND = """
#include "p.h"
struct only_b { short s; };
struct only_b hidden = {3};
__attribute__((noinline)) int other(int n, shared_t *s)
{
    int bits = n << 2;
    if (n > 100)
        __builtin_abort();
    return bits + s->a + hidden.s;
}
"""


class Kind(NamedTuple):
    """How a program is compiled."""

    compiler: str
    version: int
    flags: tuple[str, ...] = ()
    split: str = "-gsplit-dwarf"

    def __str__(self) -> str:
        return " ".join((f"{self.compiler}-{self.version}", self.split, *self.flags))


TYPES = "-fdebug-types-section"
KINDS = [
    Kind(compiler, version, flags)
    for compiler in ("gcc", "clang")
    for version in (4, 5)
    for flags in (("-O0",), ("-O2",), ("-O2", TYPES))
] + [Kind("clang", version, ("-O2",), "-gsplit-dwarf=single") for version in (4, 5)]

Build = Callable[[Kind], Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """``build(kind)`` -> a program, with its .dwo files beside it; not to be changed.

    There is nothing where it says that it was compiled.
    """
    built: dict[Kind, Path] = {}

    def build(kind: Kind) -> Path:
        if kind not in built:
            home = tmp_path_factory.mktemp("split")
            for name, text in (("p.h", HEADER), ("a.c", FIRST), ("b.c", SECOND)):
                (home / name).write_text(text)
            nowhere = f"-fdebug-prefix-map={home}=/nowhere"
            options = ["-g", f"-gdwarf-{kind.version}", kind.split, nowhere]
            for source in ("a.c", "b.c"):
                _run(home, kind.compiler, *options, *kind.flags, "-c", source)
            link = ("-no-pie", "-Wl,--build-id", "a.o", "b.o", "-o", "prog")
            _run(home, kind.compiler, *link)
            built[kind] = home / "prog"
        return built[kind]

    return build


def _run(directory: Path, *command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


def load(path: Path, **options: str) -> Program:
    """The program, as if it were at the addresses of its file."""
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("program", 0, create=True)
    module.address_ranges = ((0x400000, 1 << 32),)  # As the file, without PIE.
    for name, value in options.items():
        setattr(prog.debug_info_options, name, (value,))
    module.try_file(path, force=True)
    return prog


def at(prog: Program, pc: int) -> StackTrace:
    # That of a caller is in its call, which is before the address.
    return prog.stack_trace_from_pcs([pc + 1])


def described(obj: Object) -> str:
    return f"{obj.type_.type_name()} at {obj.address_:#x}"


def symbols(path: Path) -> dict[str, int]:
    lines = subprocess.check_output(["nm", path], text=True).splitlines()
    fields = [line.split() for line in lines]
    return {words[2]: int(words[0], 16) for words in fields if len(words) == 3}


def check(prog: Program, path: Path) -> None:
    """Whether types, objects, code and scopes are what the source says."""
    addresses = symbols(path)
    assert str(prog.type("struct only_b")) == "struct only_b {\n\tshort s;\n}"
    assert str(prog.type("struct shared")).split("\n")[1:4] == [
        "\tlong a;",
        "\tchar name[8];",
        "\tstruct shared *next;",
    ]
    assert prog.type("struct only_a", "a.c").members[1].type.members[1].name == "f"
    with pytest.raises(LookupError):
        prog.type("struct only_a", "b.c")
    assert prog.type("struct shared", "p.h").size == 24
    assert prog["GREEN"] == 5
    for name, type in (
        ("table", "shared_t [3]"),
        ("mine", "struct only_a"),
        ("paint", "enum color"),
        ("hidden", "struct only_b"),
        ("main", "int (int argc, char **argv)"),
        ("other", "int (int n, shared_t *s)"),
        ("far_away", "int (int q)"),
    ):
        assert described(prog[name]) == f"{type} at {addresses[name]:#x}"
    assert prog.variable("hidden", "b.c").address_ == addresses["hidden"]
    frame = at(prog, addresses["other"])[0]
    assert frame.name == "other"
    assert frame.locals() == ["n", "s", "bits"]
    assert frame["s"].type_.type_name() == "shared_t *"
    assert frame["hidden"].address_ == addresses["hidden"]
    source = frame.source()
    assert source[0].endswith("b.c")
    assert SECOND.split("\n")[source[1] - 1] in ("{", "    if (n > 100)")
    # `mine` is in another unit.
    with pytest.raises(KeyError):
        frame["mine"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_dwo(kind: Kind, build: Build, caplog: pytest.LogCaptureFixture) -> None:
    path = build(kind)
    check(load(path), path)
    assert not caplog.records


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "-O2" in kind.flags], ids=str
)
def test_inline_frames(kind: Kind, build: Build) -> None:
    path = build(kind)
    prog = load(path)
    start = symbols(path)["main"]
    names = {
        tuple(frame.name for frame in at(prog, pc)) for pc in range(start, start + 12)
    }
    assert ("twice", "main") in names
    for pc in range(start, start + 12):
        for frame in at(prog, pc):
            if frame.name == "twice":
                assert frame.locals() == ["k", "kept"]
                call = FIRST[: FIRST.index("int main")].count("\n") + 1
                outer = at(prog, pc)[1]
                assert outer.source()[0].endswith("a.c")
                assert outer.source()[1] == call


# dwp of binutils reads DWARF 4 only.
PACKAGED = [
    (kind, tool)
    for kind in KINDS
    if kind.split == "-gsplit-dwarf"
    for tool in ("dwp", "llvm-dwp")
    if tool == "llvm-dwp" or kind.version == 4
]


@pytest.mark.parametrize(("kind", "tool"), PACKAGED, ids=str)
def test_package(kind: Kind, tool: str, build: Build, tmp_path: Path) -> None:
    path = build(kind)
    copy = Path(shutil.copy(path, tmp_path))
    _run(path.parent, tool, "a.dwo", "b.dwo", "-o", f"{copy}.dwp")
    check(load(copy), copy)


GCC = Kind("gcc", 5, ("-O0",))


KERNEL = 0xFFFFFFFF81000000


@pytest.mark.parametrize("version", [4, 5])
def test_where_a_kernel_is(version: int, tmp_path: Path) -> None:
    """The addresses of units are above those that a signed number can hold."""
    (tmp_path / "k.c").write_text(
        "static inline __attribute__((always_inline)) int twice(int k)"
        " { volatile int kept = 2 * k; return kept; }\n"
        "int value = 3;\nint start(int k) { return twice(k) + value; }\n"
    )
    flags = [
        f"-gdwarf-{version}",
        "-gsplit-dwarf",
        "-O2",
        "-fno-pie",
        "-mcmodel=kernel",
    ]
    _run(tmp_path, "gcc", "-c", *flags, "-fcf-protection=none", "k.c")
    place = ("-static", "-nostdlib", "-no-pie", "-e", "start", "-Wl,--build-id")
    base = f"-Wl,-Ttext-segment={KERNEL:#x}"
    _run(tmp_path, "gcc", *place, base, "k.o", "-o", "vmlinux")
    prog = Program(Platform(Architecture.X86_64))
    module = prog.extra_module("kernel", 0, create=True)
    module.address_ranges = ((KERNEL, KERNEL + (1 << 20)),)
    module.try_file(tmp_path / "vmlinux", force=True)
    start = prog["start"].address_
    assert start == symbols(tmp_path / "vmlinux")["start"] > KERNEL
    assert prog["value"].address_ == symbols(tmp_path / "vmlinux")["value"]
    assert [frame.name for frame in at(prog, start + 1)] == ["twice", "start"]


@pytest.fixture
def copied(build: Build, tmp_path: Path) -> Path:
    """A program in a directory of its own, with its .dwo files."""
    home = build(GCC).parent
    for name in ("prog", "a.dwo", "b.dwo"):
        shutil.copy(home / name, tmp_path)
    return tmp_path / "prog"


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_missing(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    copied.with_name("b.dwo").unlink()
    prog = load(copied)
    assert prog.type("struct only_a").size == 8
    with pytest.raises(LookupError, match="struct only_b"):
        prog.type("struct only_b")
    assert messages(caplog) == [f"{copied}: split DWARF file b.dwo not found"]
    assert caplog.records[0].levelno == logging.WARNING
    frame = at(prog, symbols(copied)["other"])[0]
    assert frame.locals() == []
    # The lines are in the file itself.
    assert frame.source()[0].endswith("b.c")


def load_without_b(
    program: Path, caplog: pytest.LogCaptureFixture
) -> tuple[Program, str]:
    """A program whose b.dwo is no good, and what was said of that file."""
    prog = load(program)
    assert prog.type("struct only_a").size == 8
    with pytest.raises(LookupError, match="struct only_b"):
        prog.type("struct only_b")
    (message,) = messages(caplog)
    assert message.startswith(f"{program.with_name('b.dwo')}: ")
    return prog, message


def test_of_another_program(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copy(copied.with_name("a.dwo"), copied.with_name("b.dwo"))
    _, message = load_without_b(copied, caplog)
    assert "does not match" in message


def test_debug_directory(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "debug/nowhere"
    place.mkdir(parents=True)
    for name in ("a.dwo", "b.dwo"):
        copied.with_name(name).rename(place / name)
    check(load(copied, directories=str(tmp_path / "debug")), copied)


def test_object_file(copied: Path, build: Build) -> None:
    shutil.copy(build(GCC).with_name("b.o"), copied.with_name("b.o"))
    prog = load(copied.with_name("b.o"))
    assert prog.type("struct only_b").size == 2
    assert prog["other"].type_.parameters[0].name == "n"


def truncated(path: Path) -> None:
    """Cut the last unit, and let the file be as long as it was."""
    elf = open_elf(path)
    section = elf.section(".debug_info.dwo")
    assert section is not None
    data = bytearray(path.read_bytes())
    data[section.offset : section.offset + 4] = b"\xff\xff\xff\x0f"
    path.unlink()  # It is mapped.
    path.write_bytes(data)


def test_corrupt_dwo(copied: Path) -> None:
    truncated(copied.with_name("b.dwo"))
    with pytest.raises(BadDataError, match=r"b\.dwo: unit at 0x0: unit is truncated"):
        load(copied).type("struct only_a")


@pytest.mark.parametrize("content", [b"", b"no", b"\x7fELF\2\1\1" + bytes(60)])
def test_damaged_dwo(
    copied: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """It is as good as none; the other units have theirs."""
    damaged = copied.with_name("b.dwo")
    damaged.unlink()  # It is mapped.
    damaged.write_bytes(content)
    prog, _ = load_without_b(copied, caplog)
    assert at(prog, symbols(copied)["other"])[0].source()[0].endswith("b.c")


def test_damaged_package(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    package = copied.with_name("prog.dwp")
    package.write_text("no")
    check(load(copied), copied)
    assert messages(caplog) == [f"{package}: not an ELF file"]


# The cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "cache"
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(directory))
    return directory


def is_cached(path: Path) -> bool:
    """Whether opening a file takes its index from the cache."""
    import threading

    index = DwarfFile(open_elf(path)).index
    for thread in threading.enumerate():  # One of them writes the index.
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return index.cached


def test_cached(copied: Path, cache: Path) -> None:
    assert not is_cached(copied)
    assert is_cached(copied)
    check(load(copied), copied)


def test_cached_file_changes(copied: Path, cache: Path) -> None:
    assert not is_cached(copied)
    other = copied.with_name("b.dwo")
    os.utime(other, ns=(1, 1))
    assert not is_cached(copied)
    assert is_cached(copied)
    other.rename(other.with_name("away"))
    assert not is_cached(copied)


def test_missing_file_appears(
    copied: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = copied.with_name("b.dwo")
    other.rename(other.with_name("away"))
    assert not is_cached(copied)
    caplog.clear()
    assert is_cached(copied)
    assert messages(caplog) == [f"{copied}: split DWARF file b.dwo not found"]
    other.with_name("away").rename(other)
    assert not is_cached(copied)
    check(load(copied), copied)
