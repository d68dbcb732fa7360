"""What VMCOREINFO must say, and what is made of it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from dump_builders import PAGE, Load, elf_core, kdump, note

from drgn import BadDataError, Program
from drgn.engine.kernel.vmcoreinfo import Vmcoreinfo

LINES = [
    "OSRELEASE=6.1.0-56-cloud-amd64",
    "BUILD-ID=3b43fad5034874490492495d552c0af6a5fab235",
    "PAGESIZE=4096",
    "SYMBOL(swapper_pg_dir)=ffffffff82a10000",
    "NUMBER(phys_base)=-73400320",
    "NUMBER(VMALLOC_START)=0xffffcfadc0000000",
    "KERNELOFFSET=1b600000",
]


def text(*lines: str, without: str = "!") -> bytes:
    kept = [line for line in LINES if not line.startswith(without)]
    return "".join(f"{line}\n" for line in [*kept, *lines]).encode()


def test_fields() -> None:
    info = Vmcoreinfo(text())
    assert info.osrelease == "6.1.0-56-cloud-amd64"
    assert info.build_id is not None
    assert info.build_id.hex() == "3b43fad5034874490492495d552c0af6a5fab235"
    assert info.page_size == 4096
    assert info.swapper_pg_dir == info.symbol("swapper_pg_dir") == 0xFFFFFFFF82A10000
    assert info.kaslr_offset == 0x1B600000
    assert info.number("phys_base") == -73400320
    assert info.number("VMALLOC_START") == 0xFFFFCFADC0000000
    assert info.number("missing") is None
    assert info.symbol("missing") is None
    assert info.raw == text()


def test_old_kernels_say_less() -> None:
    info = Vmcoreinfo(text(without="BUILD-ID"))
    assert info.build_id is None
    assert Vmcoreinfo(text(without="KERNELOFFSET")).kaslr_offset == 0


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (b"", "does not contain valid OSRELEASE"),
        (b"OSRELEASE=6.1", "does not contain valid OSRELEASE"),
        (text("OSRELEASE=", without="OSRELEASE"), "does not contain valid OSRELEASE"),
        (text(f"OSRELEASE={'a' * 200}"), "OSRELEASE in VMCOREINFO is too long"),
        (text(without="PAGESIZE"), "does not contain valid PAGESIZE"),
        (text("PAGESIZE=4097"), "does not contain valid PAGESIZE"),
        (text("PAGESIZE=-4096"), "does not contain valid PAGESIZE"),
        (text(without="SYMBOL"), "does not contain valid swapper_pg_dir"),
        (text("PAGESIZE=x"), "number in VMCOREINFO is invalid"),
        (text("KERNELOFFSET=10 "), "number in VMCOREINFO is invalid"),
        (text("KERNELOFFSET=1_0"), "number in VMCOREINFO is invalid"),
        (text("NUMBER(phys_base)="), "number in VMCOREINFO is invalid"),
        (text("NUMBER(sme_mask)=zz"), "number in VMCOREINFO is invalid"),
        (text("SYMBOL(swapper_pg_dir)=-"), "number in VMCOREINFO is invalid"),
        (text("BUILD-ID=zz"), "couldn't parse BUILD-ID in VMCOREINFO"),
    ],
)
def test_bad_ones_are_told(info: bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        Program(vmcoreinfo=info)


ROOT, UPPER, MIDDLE, DATA = 16, 17, 18, 5
IMAGE = 0xFFFFFFFF80000000


def old_kernel() -> dict[int, bytes]:
    """Pages of a kernel whose image is mapped at physical 0, by frame number."""

    def table(**entries: int) -> bytes:
        words = [entries.get(f"_{i}", 0) for i in range(512)]
        return struct.pack("<512Q", *words)

    present, huge = 0x3, 0x80
    return {
        DATA: b"in the image".ljust(PAGE, b"."),
        ROOT: table(_511=UPPER * PAGE | present),
        UPPER: table(_510=MIDDLE * PAGE | present),
        MIDDLE: table(_16=huge | present),  # IMAGE + 16 * 2 MiB
    }


@pytest.mark.parametrize("kind", ["kdump", "elf"])
def test_headers_say_where_kernels_before_4_10_are(tmp_path: Path, kind: str) -> None:
    """VMCOREINFO has no phys_base, and an address of the variable of that name."""
    start = 16 << 21
    info = text("SYMBOL(phys_base)=ffffffff82003010", without="NUMBER(phys_base)")
    top = IMAGE + start + ROOT * PAGE
    info = info.replace(b"ffffffff82a10000", f"{top:x}".encode())
    pages = old_kernel()
    if kind == "kdump":
        data = kdump(pages, vmcoreinfo=info, phys_base=-start)
    else:
        memory = b"".join(pages.get(frame, bytes(PAGE)) for frame in range(ROOT + 4))
        loads = [Load(IMAGE + start + PAGE * ROOT, memory[PAGE * ROOT :], PAGE * ROOT)]
        loads.append(Load(0xFFFF888000000000, memory, 0))
        data = elf_core(loads, note(b"VMCOREINFO", 0, info))
    path = tmp_path / "dump"
    path.write_bytes(data)
    prog = Program()
    prog.set_core_dump(path)
    assert prog.read(IMAGE + start + DATA * PAGE, 12) == b"in the image"
    assert prog.read(0xFFFFFFFF82000000 + DATA * PAGE + 3, 3) == b"the"
