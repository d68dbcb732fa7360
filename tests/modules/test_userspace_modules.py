"""The modules of live processes and of their core dumps."""

from __future__ import annotations

import logging
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dump_builders import Load, elf_core, note

from drgn import (
    MainModule,
    MissingDebugInfoError,
    Module,
    ModuleFileStatus,
    Program,
    SharedLibraryModule,
    UnsupportedOperation,
    VdsoModule,
)

SOURCE = r"""
#include <stdio.h>
#include <unistd.h>
int global_variable = 7;
int main(void)
{
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
"""


class Process:
    def __init__(self, path: Path, pid: int) -> None:
        self.path = path
        self.pid = pid
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        self.maps = [line.split(None, 5) for line in maps]

    def range_of(self, path: str) -> tuple[int, int]:
        """Start of the first and end of the last mapping of a file."""
        bounds = [
            [int(text, 16) for text in fields[0].split("-")]
            for fields in self.maps
            if fields[-1].strip() == path
        ]
        return bounds[0][0], bounds[-1][1]


@pytest.fixture(scope="module")
def process(compile_c) -> Iterator[Process]:
    path = compile_c(SOURCE, "-g", "-Wl,--build-id")
    with subprocess.Popen([path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield Process(path, child.pid)
        child.kill()


@pytest.fixture(scope="module")
def core(process: Process, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcore") is None:
        pytest.skip("no gcore")
    prefix = tmp_path_factory.mktemp("core") / "core"
    subprocess.run(
        ["gcore", "-o", prefix, str(process.pid)], check=True, capture_output=True
    )
    return Path(f"{prefix}.{process.pid}")


@pytest.fixture(params=["live", "core"])
def prog(request: pytest.FixtureRequest, process: Process) -> Program:
    prog = Program()
    if request.param == "live":
        prog.set_pid(process.pid)
    else:
        prog.set_core_dump(request.getfixturevalue("core"))
    prog.set_enabled_debug_info_finders(["standard"])
    return prog


def of_kind(prog: Program, kind: type[Module]) -> list[Module]:
    return [module for module in prog.modules() if isinstance(module, kind)]


def test_are_found_in_order(prog: Program, process: Process) -> None:
    loaded = list(prog.loaded_modules())
    assert all(new for _, new in loaded)
    kinds = [type(module) for module, _ in loaded]
    assert kinds[:2] == [MainModule, VdsoModule]
    assert set(kinds[2:]) == {SharedLibraryModule}
    assert loaded[0][0].name == str(process.path)
    assert loaded[1][0].name == "linux-vdso.so.1"
    names = {Path(module.name).name.split(".")[0] for module, _ in loaded[2:]}
    assert {"libc", "ld-linux-x86-64"} <= names
    again = list(prog.loaded_modules())
    assert [module for module, _ in again] == [module for module, _ in loaded]
    assert not any(new for _, new in again)


def test_build_ids_and_addresses(prog: Program, process: Process) -> None:
    prog.create_loaded_modules()
    for module in prog.modules():
        assert module.build_id
        assert module.address_range is not None
    main = prog.main_module()
    notes = subprocess.run(
        ["readelf", "-n", process.path], check=True, capture_output=True, text=True
    ).stdout
    assert main.build_id is not None
    assert main.build_id.hex() in notes
    assert main.address_range == process.range_of(str(process.path))
    (vdso,) = of_kind(prog, VdsoModule)
    assert vdso.address_range == process.range_of("[vdso]")
    for module in of_kind(prog, SharedLibraryModule):
        path = str(Path(module.name).resolve())
        start, end = module.address_range or (0, 0)
        # What is beyond the file is mapped from nothing.
        assert start == process.range_of(path)[0]
        assert end >= process.range_of(path)[1]
        assert prog.module(module.dynamic_address) == module


def test_how_they_are_found_is_logged(
    prog: Program, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "drgn"):
        prog.load_debug_info(main=True)
        assert prog.language.name == "C"
    start, end = process.range_of(str(process.path))
    for text in (
        f"AT_PHDR is mapped from file {process.path} at offset 0x40",
        f"main bias is {start:#x}",
        f"got address range {start:#x}-{end:#x} from mapped program headers",
        'read vDSO soname "linux-vdso.so.1"',
        "found end of link_map list",
        f"{process.path}: using loadable file with debug info {process.path}",
        "set default language to C from main()",
    ):
        assert text in caplog.messages
    maps = [text for text in caplog.messages if text.startswith("read link_map = ")]
    libraries = [module for module, _ in list(prog.loaded_modules())[2:]]
    assert [text.split('"')[1] for text in maps] == [m.name for m in libraries]
    for module, text in zip(libraries, maps, strict=True):
        assert isinstance(module, SharedLibraryModule)
        assert f".l_ld = {module.dynamic_address:#x}," in text


def test_given_file(
    prog: Program, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "drgn"):
        prog.load_debug_info([process.path, "/bin/true"])
    assert [record.message for record in caplog.records] == [
        "provided file /bin/true did not match any loaded modules; ignoring"
    ]
    main = prog.main_module()
    assert main.debug_file_path == str(process.path)
    assert main.debug_file_bias == process.range_of(str(process.path))[0]
    assert prog["global_variable"].value_() == 7
    for module in prog.modules():
        if module != main:
            assert module.debug_file_status is ModuleFileStatus.WANT


def test_main_only(prog: Program, process: Process) -> None:
    prog.load_debug_info(main=True)
    assert prog.main_module().loaded_file_path == str(process.path)
    assert prog["global_variable"].value_() == 7


def test_missing_ones_are_told(prog: Program, caplog: pytest.LogCaptureFixture) -> None:
    # Nobody has debugging information of the vDSO.
    with (
        caplog.at_level(logging.WARNING, "drgn"),
        pytest.raises(MissingDebugInfoError, match="^missing some debugging symbols; "),
    ):
        prog.load_default_debug_info()
    assert "missing debugging symbols for linux-vdso.so.1" in [
        record.message for record in caplog.records
    ]
    (vdso,) = of_kind(prog, VdsoModule)
    assert vdso.loaded_file_path == "[vdso]"
    assert vdso.address_range is not None
    start = vdso.address_range[0]
    assert vdso.loaded_file_bias == start
    assert prog.symbol("__vdso_getcpu").address > start
    for module in of_kind(prog, SharedLibraryModule):
        assert module.loaded_file_status is ModuleFileStatus.HAVE
    address = prog.symbol("puts").address
    assert "libc" in prog.module(address).name


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ([], "supplementary debugging symbols"),
        (
            ["--only-keep-debug"],
            "executable file and supplementary debugging symbols",
        ),
    ],
)
def test_missing_supplementary_files_are_told(
    prog: Program,
    process: Process,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    options: list[str],
    missing: str,
) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.write_bytes(b"sup.debug\0\1\2\3\4")
    added = f".gnu_debugaltlink={link}"
    command = ["objcopy", *options, "--add-section", added, process.path, file]
    subprocess.run(command, check=True)
    prog.set_enabled_debug_info_finders([])
    prog.create_loaded_modules()
    prog.main_module().try_file(file)
    with (
        caplog.at_level(logging.WARNING, "drgn"),
        pytest.raises(MissingDebugInfoError),
    ):
        prog.load_default_debug_info()
    assert caplog.records[0].message == f"missing {missing} for {process.path}"


@pytest.mark.parametrize(
    ("most", "shown"),
    [("0", 0), ("1", 1), ("2 of them", 2), (" +3", 3), ("100", 3), ("-1", 3)]
    + [("", 0), ("all", 0)],
)
def test_how_many_missing_ones_are_named(
    prog: Program,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    most: str,
    shown: int,
) -> None:
    monkeypatch.setenv("DRGN_MAX_DEBUG_INFO_ERRORS", most)
    prog.debug_info_options.directories = []
    prog.debug_info_options.try_build_id = False
    prog.set_enabled_debug_info_finders([])
    with caplog.at_level(logging.WARNING, "drgn"), pytest.raises(MissingDebugInfoError):
        prog.load_debug_info(default=True)
    messages = [record.message for record in caplog.records]
    wanted = sum(module.wants_debug_file() for module in prog.modules())
    assert wanted >= 3
    named = [m for m in messages if m.startswith("missing")]
    assert len(named) == (wanted if most in ("-1", "100") else shown)
    more = [f"... missing {wanted - len(named)} more"] if len(named) < wanted else []
    assert messages[len(named) :] == more


def test_threads(prog: Program, process: Process) -> None:
    (thread,) = prog.threads()
    assert thread.tid == process.pid
    assert prog.thread(process.pid).tid == prog.main_thread().tid == process.pid
    name = prog.main_thread().name
    assert name is not None
    assert len(name) >= 15
    assert process.path.name.startswith(name)
    with pytest.raises(LookupError, match="^thread with ID 1 not found$"):
        prog.thread(1)
    with pytest.raises(UnsupportedOperation, match="only defined for the Linux kernel"):
        _ = thread.object


def test_crashed_thread(process: Process, core: Path) -> None:
    live = Program()
    live.set_pid(process.pid)
    with pytest.raises(UnsupportedOperation, match="only defined for core dumps"):
        live.crashed_thread()
    dump = Program()
    dump.set_core_dump(core)
    assert dump.crashed_thread().tid == process.pid
    with pytest.raises(LookupError, match="^crashed thread not found$"):
        Program().crashed_thread()
    with pytest.raises(LookupError, match="^main thread not found$"):
        Program().main_thread()
    assert list(Program().threads()) == []


def test_list_of_libraries_that_runs_in_circles(core: Path, process: Process) -> None:
    """A damaged list ends, and what was found before stays."""
    prog = Program()
    prog.set_core_dump(core)
    found = list(prog.loaded_modules())
    library = next(m for m, _ in found if isinstance(m, SharedLibraryModule))
    data = core.read_bytes()
    # l_ld of the first library in its link_map; l_next is the word that follows.
    position = data.index(library.dynamic_address.to_bytes(8, "little"))
    damaged = Program()
    path = core.with_name("damaged")
    start = position - 16
    loop = next(
        segment.vaddr + start - segment.offset
        for segment in _segments(core)
        if segment.offset <= start < segment.offset + segment.filesz
    )
    path.write_bytes(
        data[: position + 8] + loop.to_bytes(8, "little") + data[position + 16 :]
    )
    damaged.set_core_dump(path)
    names = [module.name for module, _ in damaged.loaded_modules()]
    assert names == [module.name for module, _ in found][:3]


def test_core_without_a_list_of_files(core: Path) -> None:
    """What emulators and Linux before 3.7 write; the program headers are in memory."""
    whole, bare = Program(), Program()
    whole.set_core_dump(core)
    data = core.read_bytes()
    assert data.count(b"ELIF") >= 1
    position = data.index(b"ELIF")  # The type of NT_FILE.
    path = core.with_name("bare")
    path.write_bytes(data[:position] + bytes(4) + data[position + 4 :])
    bare.set_core_dump(path)
    whole.create_loaded_modules()
    bare.create_loaded_modules()
    main = bare.main_module()
    assert main.name == ""
    assert main.build_id == whole.main_module().build_id
    assert main.address_range == whole.main_module().address_range
    assert [(m.name, m.build_id) for m in of_kind(bare, SharedLibraryModule)] == [
        (m.name, m.build_id) for m in of_kind(whole, SharedLibraryModule)
    ]
    bare.load_debug_info([whole.main_module().name])
    assert bare["main"].address_ == bare.symbol("main").address


def test_main_module_whose_headers_are_not_in_a_core(tmp_path: Path) -> None:
    auxv = struct.pack("<6Q", 3, 0x400040, 5, 6, 0, 0)  # AT_PHDR, AT_PHNUM
    core = tmp_path / "core"
    core.write_bytes(elf_core([Load(0x7000, bytes(64))], note(b"CORE", 6, auxv)))
    prog = Program()
    prog.set_core_dump(core)
    ((main, new),) = prog.loaded_modules()
    assert (type(main), main.name, new) == (MainModule, "", True)
    assert main.build_id is main.address_range is None


def _segments(core: Path):
    from drgn.engine.elf.constants import PT_LOAD
    from drgn.engine.elf.file import open_elf

    return [segment for segment in open_elf(core).segments if segment.type == PT_LOAD]
