"""Which files a module takes, and where the standard finder finds them."""

from __future__ import annotations

import bz2
import gzip
import logging
import lzma
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from drgn import (
    Architecture,
    DebugInfoOptions,
    MainModule,
    Module,
    ModuleFileStatus,
    Platform,
    Program,
    SupplementaryFileKind,
)
from drgn.engine.elf.file import ElfFile

WANT, HAVE = ModuleFileStatus.WANT, ModuleFileStatus.HAVE
WANT_SUPPLEMENTARY = ModuleFileStatus.WANT_SUPPLEMENTARY

SOURCE = "int number = 3; int function(int a) { return a + number; }"
BUILD_ID = "0102030405060708"


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


class Files:
    """A library, its stripped form with a debug link, and its separate debug file."""

    def __init__(self, directory: Path, library: Path) -> None:
        self.directory = directory
        self.full = directory / "lib.so"
        self.full.write_bytes(library.read_bytes())
        self.debug = directory / "lib.debug"
        self.stripped = directory / "stripped.so"
        run("objcopy", "--only-keep-debug", self.full, self.debug)
        run("strip", "-o", self.stripped, self.full)
        subprocess.run(
            ["objcopy", "--add-gnu-debuglink=lib.debug", self.stripped],
            check=True,
            cwd=directory,
        )

    def with_alt_link(self, name: str, link: str = "sup.debug") -> Path:
        """A file that wants the supplementary file with build ID 0a0b0c0d."""
        section = self.directory / "altlink"
        section.write_bytes(link.encode() + b"\0\x0a\x0b\x0c\x0d")
        path = self.directory / name
        run(
            "objcopy",
            "--add-section",
            f".gnu_debugaltlink={section}",
            self.full,
            path,
        )
        return path

    def with_section(self, file: Path, content: bytes) -> Path:
        """A copy of a file with a .debug_sup section."""
        section = self.directory / "section"
        section.write_bytes(content)
        path = self.directory / f"{file.name}.dwarf5"
        run("objcopy", "--add-section", f".debug_sup={section}", file, path)
        return path


@pytest.fixture
def files(compile_c: Callable[..., Path], tmp_path: Path) -> Files:
    library = compile_c(
        SOURCE, "-g", "-shared", "-fPIC", f"-Wl,--build-id=0x{BUILD_ID}"
    )
    return Files(tmp_path.resolve(), library)


@pytest.fixture
def supplementary(compile_c: Callable[..., Path]) -> Path:
    return compile_c(
        SOURCE, "-g", "-shared", "-fPIC", "-Wl,--build-id=0x0a0b0c0d", suffix=".sup"
    )


@pytest.fixture
def prog() -> Program:
    return Program()


@pytest.fixture
def module(prog: Program) -> Module:
    return prog.extra_module("m", create=True)


def statuses(module: Module) -> tuple[ModuleFileStatus, ModuleFileStatus]:
    return module.loaded_file_status, module.debug_file_status


class TestTryFile:
    def test_one_file_may_be_both(
        self, files: Files, prog: Program, module: Module
    ) -> None:
        module.try_file(files.full)
        assert statuses(module) == (HAVE, HAVE)
        assert module.loaded_file_path == module.debug_file_path == str(files.full)
        assert module.loaded_file_bias == module.debug_file_bias == 0
        assert module.build_id == bytes.fromhex(BUILD_ID)
        assert prog.platform is not None
        assert prog["number"].address_ == prog.symbol("number").address

    def test_two_files(self, files: Files, module: Module) -> None:
        module.try_file(files.stripped)
        assert statuses(module) == (HAVE, WANT)
        module.try_file(files.debug)
        assert statuses(module) == (HAVE, HAVE)
        assert module.debug_file_path == str(files.debug)

    def test_separate_debug_file_is_not_loadable(
        self, files: Files, module: Module
    ) -> None:
        module.try_file(files.debug)
        assert statuses(module) == (WANT, HAVE)

    def test_files_that_are_not_wanted(self, files: Files, module: Module) -> None:
        module.loaded_file_status = ModuleFileStatus.DONT_WANT
        module.try_file(files.stripped)
        assert statuses(module) == (ModuleFileStatus.DONT_WANT, WANT)
        module.try_file(files.full)
        assert statuses(module) == (ModuleFileStatus.DONT_WANT, HAVE)
        with pytest.raises(ValueError, match="cannot change debug_file_status"):
            module.debug_file_status = WANT

    def test_other_build_id(self, files: Files, module: Module) -> None:
        module.build_id = b"other"
        module.try_file(files.full)
        assert statuses(module) == (WANT, WANT)
        module.try_file(files.full, force=True)
        assert statuses(module) == (HAVE, HAVE)
        assert module.build_id == b"other"

    def test_descriptor_is_taken_and_closed(self, files: Files, module: Module) -> None:
        fd = os.open(files.full, os.O_RDONLY)
        module.try_file("somewhere", fd=fd)
        assert module.loaded_file_path == str(files.full)
        with pytest.raises(OSError):
            os.fstat(fd)
        module.try_file("somewhere", fd=fd)  # Not wanted, and not open.

    def test_files_that_are_no_good(self, module: Module, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        (tmp_path / "text").write_text("hello")
        (tmp_path / "cut").write_bytes(b"\x7fELF\2\1\1")
        (tmp_path / "cut.gz").write_bytes(gzip.compress(b"\x7fELF" * 100)[:-10])
        for name in ("empty", "text", "cut", "cut.gz", "missing", "."):
            module.try_file(tmp_path / name)
        module.try_file("x", fd=12345)
        assert statuses(module) == (WANT, WANT)

    @pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
    def test_compressed_file(
        self, files: Files, module: Module, compress: Callable[[bytes], bytes]
    ) -> None:
        path = files.directory / "lib.compressed"
        path.write_bytes(compress(files.full.read_bytes()))
        module.try_file(path)
        assert statuses(module) == (HAVE, HAVE)
        assert module.prog.type("int").size == 4

    @pytest.mark.parametrize(
        "compress", [gzip.compress, lzma.compress, bz2.compress, zstandard.compress]
    )
    def test_file_compressed_in_parts(
        self, files: Files, module: Module, compress: Callable[[bytes], bytes]
    ) -> None:
        """As programs do that compress in parallel."""
        image = files.full.read_bytes()
        parts = [image[at : at + 5000] for at in range(0, len(image), 5000)]
        assert len(parts) > 2
        path = files.directory / "lib.parts"
        path.write_bytes(b"".join(map(compress, parts)))
        module.try_file(path)
        assert statuses(module) == (HAVE, HAVE)
        assert module.prog.type("int").size == 4

    def test_zstd(self, files: Files, module: Module) -> None:
        path = files.directory / "lib.zst"
        path.write_bytes(zstandard.compress(files.full.read_bytes()))
        module.try_file(path)
        assert statuses(module) == (HAVE, HAVE)


class TestBias:
    def test_extra_module_by_its_address(self, files: Files, module: Module) -> None:
        module.address_range = (0x7000, 0x20000)
        module.try_file(files.full)
        assert module.debug_file_bias == 0x7000

    def test_library_by_its_dynamic_section(self, files: Files, prog: Program) -> None:
        headers = subprocess.run(
            ["readelf", "-lW", files.full], check=True, capture_output=True, text=True
        ).stdout
        dynamic = next(
            int(line.split()[2], 16)
            for line in headers.splitlines()
            if line.split()[:1] == ["DYNAMIC"]
        )
        module = prog.shared_library_module("m", dynamic + 0x10000, create=True)
        module.try_file(files.full)
        assert module.loaded_file_bias == 0x10000
        start, end = module.address_range or (0, 0)
        assert start == 0x10000 < end
        assert start <= prog["number"].address_ < end

    def test_addresses_where_the_module_is_said_to_be(
        self, files: Files, prog: Program, module: Module
    ) -> None:
        """As upstream has it: code is always moved, the rest if that is inside."""
        module.address_range = (0x10000, 0x20000)
        module.try_file(files.full)
        number, function = (prog[name].address_ for name in ("number", "function"))
        assert 0x10000 < function < number < 0x20000  # type: ignore[operator]
        assert prog.symbol(number).name == "number"
        module.address_range = (0x1000, 0x10000)
        assert prog["number"].address_ == number - 0x10000  # type: ignore[operator]
        assert prog.symbol("number").address == prog["number"].address_
        assert prog.symbol(prog["number"].address_).name == "number"
        assert prog["function"].address_ == function
        with pytest.raises(LookupError):
            prog.symbol(number)

    def test_another_module_is_there(self, files: Files, prog: Program) -> None:
        modules = [prog.shared_library_module(n, 0x4000, create=True) for n in "ab"]
        for module in modules:
            module.try_file(files.full)
            assert statuses(module) == (HAVE, HAVE)
        assert modules[0].address_range is not None
        assert modules[1].address_range is None
        assert modules[0].loaded_file_bias == modules[1].loaded_file_bias

    def test_object_file_is_no_library(
        self, compile_c: Callable[..., Path], prog: Program
    ) -> None:
        module = prog.shared_library_module("m", 0x10000, create=True)
        module.try_file(compile_c(SOURCE, "-c", "-g"))
        assert statuses(module) == (WANT, WANT)


class TestSupplementary:
    def test_wanted_and_given(
        self, files: Files, module: Module, supplementary: Path
    ) -> None:
        path = files.with_alt_link("alt.so")
        module.try_file(path)
        assert statuses(module) == (HAVE, WANT_SUPPLEMENTARY)
        assert module.wants_debug_file()
        wanted = module.wanted_supplementary_debug_file()
        assert wanted == (
            SupplementaryFileKind.GNU_DEBUGALTLINK,
            str(path),
            "sup.debug",
            b"\x0a\x0b\x0c\x0d",
        )
        assert wanted.checksum == b"\x0a\x0b\x0c\x0d"
        module.try_file(supplementary)
        assert module.debug_file_status is HAVE
        assert module.debug_file_path == str(path)
        assert module.supplementary_debug_file_path == str(supplementary)
        assert (
            module.supplementary_debug_file_kind
            is SupplementaryFileKind.GNU_DEBUGALTLINK
        )

    def test_of_dwarf_5(
        self, files: Files, module: Module, supplementary: Path
    ) -> None:
        checksum = b"\4\1\2\3\4"
        user = files.with_section(files.full, b"\5\0\0sup.debug\0" + checksum)
        used = files.with_section(supplementary, b"\5\0\1\0" + checksum)
        module.try_file(user)
        assert statuses(module) == (HAVE, WANT_SUPPLEMENTARY)
        wanted = module.wanted_supplementary_debug_file()
        assert wanted[2:] == ("sup.debug", checksum[1:])
        module.try_file(supplementary)
        assert module.debug_file_status is WANT_SUPPLEMENTARY
        module.try_file(used)
        assert module.supplementary_debug_file_path == str(used)

    def test_given_up(self, files: Files, module: Module) -> None:
        module.try_file(files.with_alt_link("alt.so"))
        module.debug_file_status = WANT
        with pytest.raises(ValueError, match="does not want"):
            module.wanted_supplementary_debug_file()
        module.try_file(files.debug)
        assert module.debug_file_status is HAVE

    def test_found_beside_the_file(
        self, files: Files, prog: Program, supplementary: Path
    ) -> None:
        path = files.with_alt_link("alt.so")
        beside = files.directory / "sup.debug"
        beside.write_bytes(supplementary.read_bytes())
        module = prog.extra_module(path, create=True)
        options = DebugInfoOptions(try_supplementary=False)
        prog.find_standard_debug_info([module], options)
        assert module.debug_file_status is WANT_SUPPLEMENTARY
        prog.find_standard_debug_info([module])
        assert module.supplementary_debug_file_path == str(beside)


class TestStandardFinder:
    def test_module_name(self, files: Files, prog: Program) -> None:
        module = prog.extra_module(files.full, create=True)
        options = DebugInfoOptions(try_module_name=False)
        prog.find_standard_debug_info([module], options)
        assert statuses(module) == (WANT, WANT)
        prog.find_standard_debug_info([module])
        assert statuses(module) == (HAVE, HAVE)

    def test_name_of_a_vdso_is_no_path(self, files: Files, prog: Program) -> None:
        module = prog.vdso_module(files.full, 0x4000, create=True)
        prog.find_standard_debug_info([module])
        assert statuses(module) == (WANT, WANT)

    def test_section_headers_behind_a_vdso(self, files: Files) -> None:
        """Linux 6.1's has them on another page than what is loaded of it."""
        image = files.stripped.read_bytes()
        loaded = max(
            segment.offset + segment.filesz
            for segment in ElfFile.from_bytes(image).segments
            if segment.type == 1  # PT_LOAD
        )
        assert loaded < len(image) - 64
        prog = Program(Platform(Architecture.X86_64))
        prog.add_memory_segment(
            0x10000, len(image), lambda a, n, o, p: image[o : o + n]
        )
        module = prog.vdso_module("linux-vdso.so.1", 0x10400, create=True)
        module.address_range = 0x10000, 0x10000 + loaded
        prog.find_standard_debug_info([module])
        assert statuses(module) == (HAVE, WANT)
        assert module.loaded_file_path == "[vdso]"

    def test_debug_link(self, files: Files, prog: Program) -> None:
        module = prog.extra_module(files.stripped, create=True)
        options = DebugInfoOptions(try_debug_link=False)
        prog.find_standard_debug_info([module], options)
        assert statuses(module) == (HAVE, WANT)
        prog.find_standard_debug_info([module])
        assert module.debug_file_path == str(files.debug)

    def test_debug_link_with_another_checksum(
        self, files: Files, prog: Program
    ) -> None:
        with files.debug.open("ab") as file:
            file.write(b"x")
        module = prog.extra_module(files.stripped, create=True)
        prog.find_standard_debug_info([module])
        assert statuses(module) == (HAVE, WANT)

    @pytest.mark.parametrize("build_id", ["none", "0x0908"])
    def test_debug_link_with_the_checksum_of_a_file_with_another_build_id(
        self,
        build_id: str,
        files: Files,
        prog: Program,
        compile_c: Callable[..., Path],
    ) -> None:
        other = compile_c(
            SOURCE, "-g", "-shared", "-fPIC", f"-Wl,--build-id={build_id}"
        )
        files.debug.write_bytes(other.read_bytes())
        link = ("--remove-section", ".gnu_debuglink", files.stripped)
        run("objcopy", *link)
        run("objcopy", f"--add-gnu-debuglink={files.debug}", files.stripped)
        module = prog.extra_module(files.stripped, create=True)
        prog.find_standard_debug_info([module])
        assert module.debug_file_path == str(files.debug)
        assert module.build_id == bytes.fromhex(BUILD_ID)

    def test_debug_link_below_a_directory(self, files: Files, prog: Program) -> None:
        root = files.directory / "root"
        below = Path(f"{root}{files.directory}")
        below.mkdir(parents=True)
        files.debug.rename(below / "lib.debug")
        module = prog.extra_module(files.stripped, create=True)
        prog.debug_info_options.directories = [root]
        prog.find_standard_debug_info([module])
        assert module.debug_file_path == str(below / "lib.debug")

    def test_build_id(self, files: Files, prog: Program, module: Module) -> None:
        directory = files.directory / "debug" / ".build-id" / BUILD_ID[:2]
        directory.mkdir(parents=True)
        debug = directory / f"{BUILD_ID[2:]}.debug"
        files.debug.rename(debug)
        loaded = directory / BUILD_ID[2:]
        files.stripped.rename(loaded)
        prog.debug_info_options.directories = [files.directory / "debug"]
        module.build_id = bytes.fromhex(BUILD_ID)
        prog.find_standard_debug_info([module], DebugInfoOptions())
        assert statuses(module) == (WANT, WANT)
        prog.find_standard_debug_info([module])
        assert module.debug_file_path == str(debug)
        assert module.loaded_file_path == str(loaded)

    @pytest.mark.parametrize(("build_id", "status"), [("none", HAVE), ("0x0908", WANT)])
    def test_path_of_a_build_id(
        self,
        build_id: str,
        status: ModuleFileStatus,
        tmp_path: Path,
        module: Module,
        compile_c: Callable[..., Path],
    ) -> None:
        """The path stands for a build ID, but not against the file's own."""
        file = compile_c(SOURCE, "-g", "-shared", "-fPIC", f"-Wl,--build-id={build_id}")
        path = tmp_path / ".build-id/12/34.debug"
        path.parent.mkdir(parents=True)
        path.write_bytes(file.read_bytes())
        module.build_id = b"\x12\x34"
        options = DebugInfoOptions(directories=[tmp_path])
        module.prog.find_standard_debug_info([module], options)
        assert module.debug_file_status is status

    def test_reuse(self, files: Files, prog: Program, module: Module) -> None:
        module.debug_file_status = ModuleFileStatus.DONT_WANT
        module.try_file(files.full)
        assert module.debug_file_status is ModuleFileStatus.DONT_WANT
        module.debug_file_status = WANT
        options = DebugInfoOptions(try_reuse=False)
        prog.find_standard_debug_info([module], options)
        assert module.debug_file_status is WANT
        prog.find_standard_debug_info([module])
        assert module.debug_file_path == str(files.full)

    def test_modules_of_another_program(self, prog: Program, module: Module) -> None:
        with pytest.raises(ValueError, match="module from wrong program"):
            Program().find_standard_debug_info([module])
        with pytest.raises(TypeError, match="expected Module, not int"):
            prog.find_standard_debug_info([3])  # type: ignore[list-item]
        with pytest.raises(TypeError, match="options must be DebugInfoOptions or None"):
            prog.find_standard_debug_info([], 3)  # type: ignore[arg-type]


class TestOrderOfLookups:
    """Which file has the definition of a name that several have."""

    @pytest.fixture
    def same(self, prog: Program) -> list[Module]:
        """Modules without files that are of the main program and three libraries."""
        modules: list[Module] = [prog.main_module("main", create=True)]
        modules += [prog.extra_module(f"m{i}", create=True) for i in range(3)]
        for i, module in enumerate(modules):
            module.address_range = ((i + 1) << 20, (i + 2) << 20)
        return modules

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            # The newest is searched first, but for the program's own.
            ("123", 3),
            ("321", 1),
            ("1023", 0),
            # What was searched before stays the first.
            ("2?31", 2),
            ("3?210", 3),
        ],
    )
    def test_same_name(
        self,
        compile_c: Callable[..., Path],
        prog: Program,
        same: list[Module],
        order: str,
        found: int,
    ) -> None:
        for one in order:
            if one == "?":
                prog.type("struct s")
                continue
            source = f"struct s {{ char a[{one} + 1]; }} s;"
            path = compile_c(source, "-g", "-shared", "-nostdlib")
            same[int(one)].try_file(path, force=True)
        assert prog.type("struct s").size == found + 1


class TestFinders:
    def test_are_called_in_order_while_files_are_wanted(
        self, files: Files, prog: Program, module: Module
    ) -> None:
        calls = []

        def finder(name: str, path: Path) -> None:
            def find(modules: list[Module]) -> None:
                calls.append((name, list(modules)))
                for wanting in modules:
                    wanting.try_file(path)

            prog.register_debug_info_finder(name, find, enable_index=-1)

        finder("first", files.stripped)
        finder("second", files.debug)
        finder("third", files.full)
        prog.set_enabled_debug_info_finders(["first", "second", "third"])
        prog.load_module_debug_info(module)
        assert calls == [("first", [module]), ("second", [module])]
        prog.load_module_debug_info(module)
        assert len(calls) == 2

    def test_none_is_called_for_nothing(self, prog: Program, module: Module) -> None:
        prog.register_debug_info_finder("bad", lambda modules: 1 / 0, enable_index=0)
        module.loaded_file_status = ModuleFileStatus.DONT_WANT
        module.debug_file_status = ModuleFileStatus.DONT_WANT
        prog.load_module_debug_info(module)
        module.debug_file_status = WANT
        with pytest.raises(ZeroDivisionError):
            prog.load_module_debug_info(module)


class TestProvidedFiles:
    def test_ignored_files_are_told(
        self,
        files: Files,
        prog: Program,
        compile_c: Callable[..., Path],
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        text = tmp_path / "text"
        text.write_text("hello")
        without = compile_c(SOURCE, "-shared", "-fPIC", "-Wl,--build-id=none")
        with caplog.at_level(logging.WARNING, "drgn"):
            prog.load_debug_info([files.full, "/missing", text, tmp_path, without])
        assert sorted(record.message for record in caplog.records) == sorted(
            [
                "/missing: No such file or directory; ignoring",
                f"{text}: not an ELF file; ignoring",
                f"{tmp_path}: Is a directory; ignoring",
                f"{without}: no build ID; ignoring",
                f"provided file {files.full} did not match any loaded modules;"
                " ignoring",
            ]
        )
        assert list(prog.modules()) == []

    def test_unmatched_files_are_told_by_build_id_newest_first(
        self,
        files: Files,
        prog: Program,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        copy = tmp_path / "copy"
        copy.write_bytes(files.full.read_bytes())
        with caplog.at_level(logging.WARNING, "drgn"):
            prog.load_debug_info([files.full, "/bin/true", copy])
        assert [record.message.split()[2] for record in caplog.records] == [
            "/bin/true",
            str(files.full),
            str(copy),
        ]

    def test_main_module_of_a_program_without_target(
        self, compile_c: Callable[..., Path], prog: Program
    ) -> None:
        main = prog.main_module("m", create=True)
        assert isinstance(main, MainModule)
        main.try_file(compile_c("int main(void) { return 0; }"))
        assert statuses(main) == (HAVE, HAVE)
