"""Files that are cut short: what is left is right, and what is missing an error."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from bad_input.conftest import Files
from bad_input.damage import limits, open_dump, open_file
from bad_input.exercise import answers, is_error

from drgn import FaultError, Program
from drgn.engine.elf.file import ElfFile

_SURE = ("type ", "symbol ", "memory ", "physical ", "value table", "value flags")
"""Questions whose answers do not depend on whether other memory can be read."""


def lengths(size: int) -> list[int]:
    """Where to cut: often in the first headers, and all over the file."""
    near = [0, 1, 3, 4, 5, 16, 19, 20, 51, 63, 64, 65, 100, 119, 120, 200, 399, 463]
    return [*near, *(size * n // 40 for n in range(1, 40)), size - 1]


def check(whole: Files, directory: Path, *, cut_debug: bool = False) -> int:
    """Cut a file to all `lengths()`; how many of them could be opened."""
    expected = answers(open_dump(*whole))
    source = whole.debug if cut_debug else whole.dump
    content = source.read_bytes()
    path = directory / source.name
    opened = 0
    for length in lengths(len(content)):
        path.write_bytes(content[:length])
        files = (whole.dump, path) if cut_debug else (path, whole.debug)
        with limits():
            try:
                prog = open_dump(*files)
            except Exception as error:
                assert is_error(error), length
                # What is too short to be any dump is told in upstream's words.
                assert str(path) in str(error) or str(error).startswith(
                    "not an ELF core file"
                )
                continue
            opened += 1
            for question, answer in answers(prog).items():
                if question.startswith(_SURE) and answer != expected[question]:
                    assert "<" in answer, (length, question)
    return opened


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDRGN_CACHE_DIR", str(tmp_path / "cache"))


def test_core(process: Files, tmp_path: Path) -> None:
    assert check(process, tmp_path)


def test_executable(process: Files, tmp_path: Path) -> None:
    # The core dump stays; the file is ignored, with a warning.
    assert check(process, tmp_path, cut_debug=True) == len(lengths(0))


@pytest.mark.parametrize(
    "kind", ["zlib", "zstd", "lzo", "snappy", "flattened", "vmcore"]
)
def test_kernel_dump(kind: str, kernels: dict[str, Files], tmp_path: Path) -> None:
    assert check(kernels[kind], tmp_path)


def test_what_was_cut_off_is_said(
    process: Files,
    kernels: dict[str, Files],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    content = process.dump.read_bytes()
    core = tmp_path / "core"
    core.write_bytes(content[:-20000])
    with caplog.at_level(logging.WARNING, "drgn"):
        Program().set_core_dump(core)
    size = len(content)
    end = max(s.offset + s.filesz for s in ElfFile.from_bytes(content).segments)
    assert caplog.messages == [
        f"{core}: core dump is truncated: {size - 20000} of {end} bytes"
    ]

    dump = tmp_path / "kdump"
    dump.write_bytes(kernels["zlib"].dump.read_bytes()[:-100])
    prog = Program()
    prog.set_core_dump(dump)
    with pytest.raises(FaultError, match=f"{dump} is truncated: 0x203000"):
        prog.read(0x200000, 0x4000, True)


@pytest.mark.parametrize(
    "section", [".debug_info", ".debug_abbrev", ".debug_str", ".debug_line", ".symtab"]
)
def test_section(section: str, program: Path, tmp_path: Path) -> None:
    """Sections that say that they are shorter than they are."""
    content = bytearray(program.read_bytes())
    elf = ElfFile.from_bytes(content)
    header = elf.section(section)
    assert header is not None
    expected = answers(open_file(program))
    size_at = len(content) - 64 * (len(elf.sections) - header.index) + 32
    assert int.from_bytes(content[size_at : size_at + 8], "little") == header.size
    path = tmp_path / "program"
    for size in (0, 1, 2, 7, *(header.size * n // 12 for n in range(1, 12))):
        content[size_at : size_at + 8] = size.to_bytes(8, "little")
        path.write_bytes(content)
        with limits():
            got = answers(open_file(path))
        for question in expected:
            if question.startswith("type ") and got[question] != expected[question]:
                assert "<" in got[question], (size, question)


def test_section_behind_the_end(
    program: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(program.read_bytes())
    elf = ElfFile.from_bytes(content)
    header = elf.section(".debug_info")
    assert header is not None
    size_at = len(content) - 64 * (len(elf.sections) - header.index) + 32
    content[size_at : size_at + 8] = (1 << 40).to_bytes(8, "little")
    path = tmp_path / "program"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "drgn"):
        open_file(path)
    assert caplog.messages == [
        f"{path}: .debug_info: section lies outside of the file; ignoring"
    ]
