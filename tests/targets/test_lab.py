"""The kernel lab's dumps: every format says the same."""

from __future__ import annotations

import bisect
import re
import struct

import numpy as np
import pytest
from lab.manifest import Lab

from drgn.engine.errors import FaultError
from drgn.engine.flags import ProgramFlags
from drgn.engine.memory.memory import Memory
from drgn.engine.memory.search import search_bytes
from drgn.engine.memory.x86_64 import X86_64PageTable
from drgn.engine.platform import Architecture, Platform
from drgn.engine.targets.base import Target
from drgn.engine.targets.core import CoreTarget
from drgn.engine.targets.open import open_core

_KDUMPS = ["kdump-flat"] + [
    f"kdump.{name}" for name in ("raw", "zlib", "lzo", "snappy", "zstd", "split1")
]
_START_KERNEL_MAP = 0xFFFFFFFF80000000


def _number(target: Target, key: str, base: int = 0) -> int:
    assert target.vmcoreinfo is not None
    found = re.search(rf"^{re.escape(key)}=(.*)$", target.vmcoreinfo.decode(), re.M)
    assert found is not None
    return int(found[1], base)


def _open(lab: Lab, name: str) -> tuple[Target, Memory]:
    target = open_core(_path(lab, name))
    memory = Memory()
    target.attach(memory)
    root = _number(target, "SYMBOL(swapper_pg_dir)", 16) - _START_KERNEL_MAP
    memory.mmu = X86_64PageTable(
        memory.physical,
        root + _number(target, "NUMBER(phys_base)"),
        5 if _number(target, "NUMBER(pgtable_l5_enabled)") else 4,
    )
    return target, memory


def _path(lab: Lab, name: str) -> str:
    path = lab.directory / name
    if not path.exists():
        pytest.skip(f"the lab has no {name}")
    return str(path)


@pytest.mark.parametrize("name", _KDUMPS)
def test_kdump_files_hold_what_the_elf_dump_holds(lab: Lab, name: str) -> None:
    elf_target, elf = _open(lab, "live.elf")
    target, memory = _open(lab, f"live.{name}")
    assert target.platform == elf_target.platform == Platform(Architecture.X86_64)
    assert target.flags == elf_target.flags == ProgramFlags.IS_LINUX_KERNEL
    assert target.vmcoreinfo == elf_target.vmcoreinfo
    registers = [thread.registers for thread in target.threads()]
    assert registers == [thread.registers for thread in elf_target.threads()]
    assert registers
    ((start, end, _),) = [p for p in elf.physical if p[0] == 0]
    frames = np.random.default_rng(3).integers(start >> 12, end >> 12, 500)
    addresses = frames.astype(np.uint64) << np.uint64(12)
    mine, valid = memory.read_many(addresses, 4096, physical=True)
    expected, _ = elf.read_many(addresses, 4096, physical=True)
    assert valid.all() and (mine == expected).all()
    assert memory.direct_map == elf.direct_map


def test_excluded_pages_fault(lab: Lab) -> None:
    _, elf = _open(lab, "live.elf")
    _, memory = _open(lab, "live.kdump.excluded")
    addresses = np.arange(0, 0x1000_0000, 0x10000, np.uint64)
    mine, valid = memory.read_many(addresses, 4096, physical=True)
    expected, _ = elf.read_many(addresses, 4096, physical=True)
    assert (mine[valid] == expected[valid]).all()
    assert 0 < valid.sum() < len(valid)
    for address in addresses[~valid][:10].tolist():
        with pytest.raises(FaultError, match=f"Excluded page: {address:#x}$"):
            memory.read(address, 1, physical=True)
        # Told by the address that was read.
        virtual = memory.direct_map + address + 5
        for read in (memory.read, memory.read_c_string):
            with pytest.raises(FaultError, match=f"Excluded page: {virtual:#x}$"):
                read(virtual, 8)


@pytest.mark.parametrize("name", ["live.elf", "panic.elf", "la57.elf"])
def test_page_tables(lab: Lab, name: str) -> None:
    target, memory = _open(lab, name)
    assert isinstance(target, CoreTarget)
    uts = memory.read(_number(target, "SYMBOL(init_uts_ns)", 16), 4096)
    assert b"Linux\0" in uts and lab.kernel.encode() in uts
    walked = list(memory.page_table().walk(0, 2**64))
    assert walked == sorted(walked)
    edges = [start + at for start, _, size in walked for at in (-1, 0, size - 1, size)]
    addresses = [edge % 2**64 for edge in edges[:: max(1, len(edges) // 1000)]]
    physical, mapped = memory.translate_many(addresses)
    starts = [start for start, _, _ in walked]
    for address, where, good in zip(addresses, physical, mapped, strict=True):
        start, target_at, size = walked[bisect.bisect_right(starts, address) - 1]
        inside = start <= address < start + size
        assert good == inside
        if inside:
            assert where == target_at + address - start
            assert memory.translate(address) == where
    # Each CPU's own table maps the kernel as the kernel's own does.
    states = [note.desc for note in target.notes() if note.name == b"QEMU"]
    assert states
    for state in states:
        (cr3,) = struct.unpack_from("<Q", state, 392 + 3 * 8)
        table = memory.page_table().at(cr3 & ~0x1FFF)
        start, where, _ = max(walked, key=lambda piece: piece[2])
        assert table.lookup(start)[0] == where


def test_null_is_not_mapped(lab: Lab) -> None:
    """QEMU's virtual addresses are physical ones; upstream reads memory at NULL."""
    _, memory = _open(lab, "live.elf")
    with pytest.raises(FaultError, match="address is not mapped: 0x0"):
        memory.read(0, 8)


def test_an_array_of_pages_that_follow_each_other_is_no_copy(lab: Lab) -> None:
    _, elf = _open(lab, "live.elf")
    _, memory = _open(lab, "live.kdump.zlib")
    # In the direct map, which large pages make up.
    address, size = memory.direct_map + (4 << 20) - 8, (4 << 20) + 16
    first, again = (memory.read_array(address, size) for _ in range(2))
    assert np.shares_memory(first, again)
    assert not first.flags.writeable
    assert first.tobytes() == elf.read(address, size)


@pytest.mark.parametrize("name", ["live.elf", "live.kdump.excluded"])
def test_search_finds_the_direct_map(lab: Lab, name: str) -> None:
    target, memory = _open(lab, name)
    address = _number(target, "SYMBOL(init_uts_ns)", 16)
    needle = memory.read(address, 200)
    # Namespaces begin as copies of others.
    found = list(search_bytes(memory, needle))
    assert memory.direct_map + memory.translate(address) in found and len(found) < 5
    here = search_bytes(memory, needle).set_address_range(address, address + 4096)
    assert list(here) == [address]
