"""Whatever is in a dump: a right answer or an exception of drgn's, and quickly."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from dump_builders import (
    PAGE,
    VMCOREINFO,
    Load,
    elf_core,
    flattened,
    kdump,
    note,
    prpsinfo,
    prstatus,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drgn.engine.errors import BadDataError, FaultError
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.search import search_bytes
from drgn.engine.memory.x86_64 import X86_64PageTable
from drgn.engine.targets.open import open_core

_NOTES = prstatus(7) + prpsinfo(7, b"name") + note(b"CORE", 6, bytes(range(64)))
_FILES = {
    "core": lambda: elf_core(
        [Load(0x1000, b"abcd" * 64), Load(0x2000, b"x" * 64, memsz=0x1000)], _NOTES
    ),
    "core of 32 bits": lambda: elf_core([Load(0x1000, b"a" * 99)], _NOTES, bits=32),
    "vmcore": lambda: elf_core(
        [Load(0xFFFF888000000000, b"abcd" * 64, 0x1000), Load(0, bytes(64), 0)],
        prstatus(0) + note(b"VMCOREINFO", 0, VMCOREINFO),
        extended_numbering=True,
    ),
    "kdump": lambda: kdump({1: b"a" * PAGE, 3: b"b" * PAGE}, notes=_NOTES),
    "kdump zstd": lambda: kdump({1: b"a" * PAGE}, compression="zstd"),
    "kdump lzo": lambda: kdump({1: b"a" * PAGE}, compression="lzo"),
    "kdump snappy": lambda: kdump({1: b"a" * PAGE}, compression="snappy"),
    "flattened": lambda: flattened(kdump({1: b"a" * PAGE}, notes=_NOTES)),
}


@functools.cache
def _file(kind: str) -> bytes:
    return _FILES[kind]()


def _use(path: Path) -> None:
    """Do what a session does with a dump."""
    target = open_core(str(path))
    memory = Memory()
    assert target.platform is not None
    memory.set_platform(target.platform)
    target.attach(memory)
    for ask in (
        target.threads,
        target.main_thread,
        target.crashed_thread,
        target.mappings,
        target.auxv,
        lambda: list(target.notes()),
    ):
        try:
            ask()
        except BadDataError:
            pass
    memory.mmu = X86_64PageTable(memory.physical, 0x1000)
    for address in (0, 0x1000, 0x1FFE, 0x2000, 0x3000, 2**64 - 4):
        for physical in (False, True):
            try:
                data = memory.read(address, 8, physical)
            except FaultError:
                data = None
            rows, valid = memory.read_many([address], 8, physical)
            assert (rows.tobytes() if valid[0] else None) == data
    first = next(iter(memory.physical), None)
    if first is not None:
        end = min(first[1], first[0] + 0x10000)
        search = search_bytes(memory, b"abcd" * 2)
        try:
            list(search.set_address_range(first[0], end - 1, physical=True))
        except FaultError:
            pass


@pytest.mark.parametrize("kind", _FILES)
def test_the_untouched_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(_file(kind))
    _use(path)


@pytest.mark.parametrize("kind", _FILES)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    head=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.floats(0, 1),
)
def test_changed_bytes(
    kind: str,
    changes: list[tuple[float, int]],
    head: list[tuple[int, int]],
    cut: float | None,
    tmp_path: Path,
) -> None:
    data = bytearray(_file(kind))
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    for index, value in head:
        # Headers are at the beginning, of a file and of the flattened one in it, and
        # the sub-header is in the second block.
        for base in (0, 4096):
            if base + index < len(data):
                data[base + index] = value
    if cut is not None:
        del data[int(cut * len(data)) :]
    path = tmp_path / "dump"
    path.write_bytes(data)
    try:
        _use(path)
    except (BadDataError, ValueError) as error:
        # By the name of the file one knows that the message is ours; this one has none.
        assert str(path) in str(error) or str(error).startswith("not an ELF core file")
