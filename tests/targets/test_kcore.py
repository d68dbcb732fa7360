"""The running kernel's memory, from a file of the same form as /proc/kcore."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dump_builders import VMCOREINFO, Load, elf_core, note, prstatus

from drgn.engine.errors import BadDataError
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import Memory
from drgn.engine.targets.kcore import KcoreTarget, open_kernel
from drgn.target import program_from_target

_DIRECT = 0xFFFF888000000000
_VMALLOC = 0xFFFFC90000000000


def test_segments_and_notes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loads = [Load(_DIRECT, b"ab" * 64), Load(_VMALLOC, b"cd" * 64, 2**64 - 1)]
    loads.append(Load(_DIRECT + 0x1000, b"ef" * 64, 0x1000))
    notes = prstatus(1) + note(b"VMCOREINFO", 0, VMCOREINFO)
    path = tmp_path / "kcore"
    path.write_bytes(elf_core(loads, notes))
    target = KcoreTarget(str(path))
    live = ProgramFlags.IS_LIVE | ProgramFlags.IS_LOCAL
    assert target.flags == live | ProgramFlags.IS_LINUX_KERNEL
    assert target.vmcoreinfo == VMCOREINFO and not target.threads()
    memory = Memory()
    target.attach(memory)
    assert memory.read(_DIRECT + 1, 3) == b"bab"
    assert memory.read(_VMALLOC, 2) == b"cd"
    assert memory.read(0x1000, 2, physical=True) == b"ef"
    assert program_from_target(target).core_dump_path == str(path)
    # It is live: what changes is seen.
    path.write_bytes(path.read_bytes().replace(b"ab" * 64, b"xy" * 64))
    assert memory.read(_DIRECT, 2) == b"xy"
    # Only its headers were read, which is no dump that was cut short.
    assert not caplog.records


def test_a_descriptor_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "kcore"
    notes = note(b"VMCOREINFO", 0, VMCOREINFO)
    path.write_bytes(elf_core([Load(_DIRECT, b"ab" * 64)], notes))
    fd = os.open(path, os.O_RDONLY)
    target = KcoreTarget(fd=fd)
    os.close(fd)
    assert target.path == "/proc/kcore"
    memory = Memory()
    target.attach(memory)
    assert memory.read(_DIRECT, 2) == b"ab"


@pytest.mark.parametrize("size", [0, 30, 100, 300])
def test_malformed(tmp_path: Path, size: int) -> None:
    path = tmp_path / "kcore"
    path.write_bytes(elf_core([Load(_DIRECT, b"x")] * 4, prstatus(1))[:size])
    with pytest.raises(BadDataError, match="kcore"):
        KcoreTarget(str(path))


@pytest.mark.skipif(os.path.exists("/proc/kcore"), reason="there is a /proc/kcore")
def test_a_kernel_without_kcore() -> None:
    with pytest.raises(FileNotFoundError, match="/proc/kcore"):
        open_kernel()
