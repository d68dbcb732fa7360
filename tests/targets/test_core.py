"""ELF core dumps. Messages and answers are upstream's on the same files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from dump_builders import (
    VMCOREINFO,
    Load,
    elf_core,
    flattened,
    note,
    prpsinfo,
    prstatus,
)

from drgn import Program
from drgn.engine.errors import BadDataError, FaultError
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import Memory
from drgn.engine.platform import Architecture
from drgn.engine.targets.base import Mapping, Target
from drgn.engine.targets.core import CoreTarget
from drgn.engine.targets.open import open_core

_VMCOREINFO_NOTE = note(b"VMCOREINFO", 0, VMCOREINFO)


def _open(tmp_path: Path, data: bytes) -> tuple[Target, Memory]:
    path = tmp_path / "core"
    path.write_bytes(data)
    target = open_core(str(path))
    memory = Memory()
    assert target.platform is not None
    memory.set_platform(target.platform)
    target.attach(memory)
    return target, memory


def _fault(memory: Memory, address: int, size: int, physical: bool = False) -> str:
    with pytest.raises(FaultError) as info:
        memory.read(address, size, physical)
    return str(info.value)


def test_the_path_is_absolute_and_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path.resolve() / "core"
    path.write_bytes(elf_core([Load(0x1000, b"a" * 0x100)]))
    (tmp_path / "link").symlink_to("core")
    monkeypatch.chdir(tmp_path)
    for given in ("core", "./core", "link", b"core", tmp_path / "link", str(path)):
        prog = Program()
        prog.set_core_dump(given)
        assert prog.core_dump_path == str(path)
    assert Program().core_dump_path is None


def test_memory_that_was_not_saved(tmp_path: Path) -> None:
    loads = [Load(0x1000, b"a" * 0x100, memsz=0x200), Load(0x4000, b"", memsz=0x1000)]
    _, memory = _open(tmp_path, elf_core(loads))
    assert memory.read(0x10FE, 2) == b"aa"
    assert _fault(memory, 0x10FE, 4) == "memory not saved in core dump: 0x1100"
    assert _fault(memory, 0x4000, 4) == "memory not saved in core dump: 0x4000"
    assert _fault(memory, 0x1200, 1) == "could not find memory segment: 0x1200"


def test_a_core_that_was_cut_short(tmp_path: Path) -> None:
    whole = elf_core([Load(0x1000, b"a" * 0x100)])
    _, memory = _open(tmp_path, whole[:-0x80])
    assert memory.read(0x1000, 0x80) == b"a" * 0x80
    assert _fault(memory, 0x1000, 0x81) == "short read from memory file: 0x1080"


def test_addresses_of_processes_are_virtual(tmp_path: Path) -> None:
    _, memory = _open(tmp_path, elf_core([Load(0x1000, b"abcd")]))
    message = "could not find physical memory segment"
    assert _fault(memory, 0x1000, 4, physical=True) == f"{message}: 0x1000"
    assert _fault(memory, 0, 4, physical=True) == f"{message}: 0x0"


def test_a_kernel_has_both_kinds_of_addresses(tmp_path: Path) -> None:
    virtual = 0xFFFF888000000000
    loads = [
        Load(virtual, b"abcd", 0, memsz=8),
        Load(virtual + 0x1000, b"efgh", 0x1000),
        Load(0xFFFFC90000000000, b"ijkl", 2**64 - 1),
    ]
    target, memory = _open(tmp_path, elf_core(loads, _VMCOREINFO_NOTE))
    assert target.flags == ProgramFlags.IS_LINUX_KERNEL
    assert target.vmcoreinfo == VMCOREINFO
    assert memory.read(virtual, 8) == b"abcd\0\0\0\0"
    assert memory.read(0x1000, 4, physical=True) == b"efgh"
    assert memory.read(0xFFFFC90000000000, 4) == b"ijkl"
    assert len(list(memory.physical)) == 3


def test_virtual_addresses_that_are_physical_ones_are_not_virtual(
    tmp_path: Path,
) -> None:
    """QEMU writes p_vaddr == p_paddr; upstream reads physical memory at NULL."""
    loads = [Load(0, b"abcd", 0), Load(0x5000, b"efgh", 0x5000)]
    _, memory = _open(tmp_path, elf_core(loads, _VMCOREINFO_NOTE))
    assert memory.read(0x5000, 4, physical=True) == b"efgh"
    assert memory.read(0, 4, physical=True) == b"abcd"
    assert _fault(memory, 0, 4) == "could not find memory segment: 0x0"


@pytest.mark.parametrize("bits", [32, 64])
def test_a_flattened_kernel(tmp_path: Path, bits: int) -> None:
    """As ``makedumpfile -E -F`` writes it; the blocks do not end where pages do."""
    kernel = 0xC0000000
    loads = [
        Load(kernel, bytes(range(250)) * 40, 0x1000, 0x4000),
        Load(kernel + 0x8000, b"b" * 5000, 0x9000),
    ]
    data = elf_core(loads, _VMCOREINFO_NOTE, bits=bits)
    (tmp_path / "plain").mkdir()
    plain, expected = _open(tmp_path / "plain", data)
    target, memory = _open(tmp_path, flattened(data))
    assert type(plain) is CoreTarget
    assert (target.flags, target.platform) == (plain.flags, plain.platform)
    assert target.vmcoreinfo == plain.vmcoreinfo == VMCOREINFO
    for address, size in [(0x1000, 0x4000), (0x9000, 5000)]:
        assert memory.read(address, size, True) == expected.read(address, size, True)
    assert memory.read(kernel + 900, 2500) == (bytes(range(250)) * 40)[900:3400]
    assert memory.read(kernel + 10000 - 4, 8) == bytes([246, 247, 248, 249, 0, 0, 0, 0])
    with pytest.raises(FaultError, match="could not find memory segment"):
        memory.read(kernel + 0x7000, 1)


def test_a_flattened_kernel_that_was_cut_short(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = elf_core([Load(0xC0000000, b"a" * 8000, 0)], _VMCOREINFO_NOTE)
    head = struct.pack(">16sqq", b"makedumpfile", 1, 1).ljust(4096, b"\0")
    cut = head + struct.pack(">qq", 0, len(data)) + data[:-3000]
    _, memory = _open(tmp_path, cut)
    assert memory.read(0xC0000000, 5000) == b"a" * 5000
    with pytest.raises(FaultError, match="short read from memory file: 0xc0001388"):
        memory.read(0xC0000000, 5001)
    assert "core dump is truncated: " in caplog.text


def test_a_flattened_file_that_is_no_core(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not an ELF core file"):
        _open(tmp_path, flattened(elf_core(type=2)))


def test_qemu_notes_make_a_kernel(tmp_path: Path) -> None:
    target, _ = _open(tmp_path, elf_core([], note(b"QEMU", 0, bytes(440))))
    assert target.flags == ProgramFlags.IS_LINUX_KERNEL and target.vmcoreinfo is None
    # Too short for the state of a processor.
    target, _ = _open(tmp_path, elf_core([], note(b"QEMU", 0, bytes(439))))
    assert target.flags == ProgramFlags(0)


def test_threads(tmp_path: Path) -> None:
    registers = bytes(range(216))
    notes = prstatus(102, registers) + prpsinfo(101, b"thename") + prstatus(101)
    target, _ = _open(tmp_path, elf_core([], notes))
    assert [(t.tid, t.name) for t in target.threads()] == [
        (101, "thename"),
        (102, None),
    ]
    main, crashed = target.main_thread(), target.crashed_thread()
    assert main is not None and main.tid == 101
    assert crashed is not None and crashed.tid == 102
    assert crashed.registers is not None and bytes(crashed.registers) == registers
    assert target.thread(5) is None


def test_no_threads(tmp_path: Path) -> None:
    target, _ = _open(tmp_path, elf_core([], prpsinfo(5, b"x")))
    assert not target.threads()
    assert target.main_thread() is None and target.crashed_thread() is None


@pytest.mark.parametrize("name", [b"0123456789abcdef", b"\xff\xfe", b""])
def test_odd_names(tmp_path: Path, name: bytes) -> None:
    target, _ = _open(tmp_path, elf_core([], prstatus(1) + prpsinfo(1, name)))
    main = target.main_thread()
    assert main is not None
    assert main.name == name.decode(errors="backslashreplace")


@pytest.mark.parametrize(("type", "name"), [(1, "NT_PRSTATUS"), (3, "NT_PRPSINFO")])
def test_truncated_notes(tmp_path: Path, type: int, name: str) -> None:
    target, _ = _open(tmp_path, elf_core([], note(b"CORE", type, b"x" * 10)))
    with pytest.raises(BadDataError, match=f"core: {name} is truncated"):
        target.threads()


def test_mapped_files_and_auxv(tmp_path: Path) -> None:
    files = struct.pack("<QQ3Q3Q", 2, 4096, 0x1000, 0x3000, 1, 0x5000, 0x6000, 0)
    auxv = struct.pack("<QQQQQQ", 6, 4096, 0, 0, 9, 1)
    notes = note(b"CORE", 0x46494C45, files + b"/bin/a\0/lib/\xff\0")
    target, _ = _open(tmp_path, elf_core([], notes + note(b"CORE", 6, auxv)))
    assert target.mappings() == [
        Mapping(0x1000, 0x3000, 0x1000, "/bin/a"),
        Mapping(0x5000, 0x6000, 0, os.fsdecode(b"/lib/\xff")),
    ]
    assert target.auxv() == {6: 4096}


@pytest.mark.parametrize("count", [3, 2**63])
def test_mapped_files_that_are_not_there(tmp_path: Path, count: int) -> None:
    files = struct.pack("<QQ3Q", count, 4096, 0x1000, 0x3000, 1) + b"/bin/a\0"
    target, _ = _open(tmp_path, elf_core([], note(b"CORE", 0x46494C45, files)))
    with pytest.raises(BadDataError, match="NT_FILE is truncated"):
        target.mappings()


@pytest.mark.parametrize(
    ("machine", "bits", "order", "arch"),
    [
        (62, 64, "<", Architecture.X86_64),
        (3, 32, "<", Architecture.I386),
        (22, 64, ">", Architecture.S390X),
        (9999, 32, ">", Architecture.UNKNOWN),
    ],
)
def test_platforms(
    tmp_path: Path, machine: int, bits: int, order: str, arch: Architecture
) -> None:
    data = elf_core([Load(0x1000, b"abcd")], machine=machine, bits=bits, order=order)
    target, memory = _open(tmp_path, data)
    platform = target.platform
    assert platform is not None
    assert (platform.arch, platform.is_64_bit, platform.is_little_endian) == (
        arch,
        bits == 64,
        order == "<",
    )
    assert memory.read(0x1000, 4) == b"abcd"


def test_more_segments_than_the_header_counts(tmp_path: Path) -> None:
    loads = [Load(0x1000 * i, b"x" * (i % 3)) for i in range(70000)]
    data = elf_core(loads, prstatus(7), extended_numbering=True)
    target, memory = _open(tmp_path, data)
    assert memory.read(0x1000 * 69998, 1) == b"x"
    assert [t.tid for t in target.threads()] == [7]


def test_by_file_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(elf_core([Load(0x1000, b"abcd")]))
    fd = os.open(path, os.O_RDONLY)
    target = open_core(fd)
    os.close(fd)
    memory = Memory()
    target.attach(memory)
    assert target.path == str(path) and memory.read(0x1000, 4) == b"abcd"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fEL",
        b"\x7fELF" + bytes(100),
        b"text\n" * 100,
        elf_core(type=2),
        elf_core()[:40],
    ],
)
def test_what_is_no_core(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match="^not an ELF core file"):
        _open(tmp_path, data)


def test_truncated_program_headers(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="core: program headers are truncated"):
        _open(tmp_path, elf_core([Load(0, b"x")])[:100])


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        open_core(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nonexistent"):
        open_core(str(tmp_path / "nonexistent"))
    with pytest.raises(OSError, match="Bad file descriptor: '/proc/self/fd/9999'"):
        open_core(9999)
    with pytest.raises(ValueError, match="^not an ELF core file"):
        open_core("/dev/null")


def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(elf_core())
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError, match=str(path)):
            open_core(str(path))
    finally:
        os.seteuid(user)
