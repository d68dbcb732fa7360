"""Pages that a core leaves out and the mapped files have."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from dump_builders import Load, elf_core, note

from drgn.engine.elf.constants import PT_LOAD
from drgn.engine.elf.file import ElfFile, open_elf
from drgn.engine.errors import FaultError
from drgn.engine.memory.memory import Memory
from drgn.engine.targets.open import open_core

_BASE = 0x5500_0000_0000
_SOURCE = 'const char text[] = "read-only data"; int main(void) { return text[0]; }'


@pytest.fixture(scope="session")
def program(compile_c: Callable[..., Path]) -> Path:
    return compile_c(_SOURCE, "-g", "-Wl,--build-id")


def _core(path: str, elf: ElfFile, load: Load | None) -> bytes:
    """A core of a process that has mapped a file as its program headers say."""
    size = len(elf.data) + 4095 & ~4095
    files = [(_BASE, _BASE + size, 0)]
    table = struct.pack("<QQ", len(files), 1)
    table += b"".join(struct.pack("<3Q", *file) for file in files)
    table += path.encode() + b"\0"
    return elf_core([] if load is None else [load], note(b"CORE", 0x46494C45, table))


def _memory(tmp_path: Path, core: bytes) -> Memory:
    path = tmp_path / "core"
    path.write_bytes(core)
    memory = Memory()
    open_core(str(path)).attach(memory)
    return memory


def _text_offset(elf: ElfFile) -> int:
    return bytes(elf.data).index(b"read-only data")


def test_what_the_dump_lacks_is_read_from_the_file(
    tmp_path: Path, program: Path
) -> None:
    elf = open_elf(str(program))
    # Linux says how large a mapping is of which it has saved the first page.
    head = Load(_BASE, bytes(elf.data[:4096]), memsz=0x2000)
    memory = _memory(tmp_path, _core(str(program), elf, head))
    offset = _text_offset(elf)
    assert memory.read_c_string(_BASE + offset) == b"read-only data"
    assert memory.read(_BASE + 4090, 100) == elf.data[4090:4190]
    page = offset & ~0xFFF
    buffer, start = memory.page(_BASE + page)
    assert bytes(buffer[start : start + 4096]) == elf.data[page : page + 4096]
    end = _BASE + len(elf.data)
    with pytest.raises(FaultError) as info:
        memory.read(end - 4, 8)
    assert info.value.address == end
    assert any(segment.type == PT_LOAD for segment in elf.segments)


def test_what_the_dump_has_comes_first(tmp_path: Path, program: Path) -> None:
    elf = open_elf(str(program))
    head = Load(_BASE, bytes(elf.data[:4096]) + b"changed")
    memory = _memory(tmp_path, _core(str(program), elf, head))
    assert memory.read(_BASE + 4096, 8) == b"changed" + elf.data[4103:4104]


@pytest.mark.parametrize("case", ["other build", "no header", "no file", "not ELF"])
def test_files_that_are_not_the_same(tmp_path: Path, program: Path, case: str) -> None:
    elf = open_elf(str(program))
    path, head = str(program), bytearray(elf.data[:4096])
    assert elf.build_id is not None
    if case == "other build":
        at = head.index(elf.build_id)
        head[at] ^= 1
    elif case == "no file":
        path = str(tmp_path / "gone")
    elif case == "not ELF":
        path = str(tmp_path / "text")
        Path(path).write_bytes(b"text" * 4000)
    load = None if case == "no header" else Load(_BASE, bytes(head), memsz=0x2000)
    memory = _memory(tmp_path, _core(path, elf, load))
    unsaved = "memory not saved in core dump"
    message = "could not find memory segment" if load is None else unsaved
    with pytest.raises(FaultError, match=message):
        memory.read(_BASE + 0x1000, 4)
    with pytest.raises(FaultError, match="could not find memory segment"):
        memory.read(_BASE + 0x2000, 4)
