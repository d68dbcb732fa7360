"""Small files of every kind that can be opened, to be damaged."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from dump_builders import PAGE, Load, elf_core, flattened, kdump, note, prstatus

from drgn.engine.elf.constants import PT_LOAD
from drgn.engine.elf.file import ElfFile

CompileC = Callable[..., Path]
Drgn = Callable[..., subprocess.CompletedProcess[str]]

_SOURCE = Path(__file__).with_name("program.c")
_FLAGS = ("-O1", "-static", "-nostdlib", "-fno-stack-protector", "-Wl,--build-id")
_NO_PIE = ("-fno-pie", "-no-pie")
_KERNEL_START = 0xFFFFFFFF81000000
_KERNEL_PHYSICAL = 0x200000
_PGD, _PUD, _PMD = 0x2000000, 0x2000, 0x3000
"""Physical addresses of the page tables; VMCOREINFO says the first."""
_TABLE, _HUGE = 0x63, 0xE3
FLAT_STEP = 1000
_MEMORY_LIMIT = 8 << 30
_SECONDS = 60


class Files(NamedTuple):
    """A dump, and the file with its debug information."""

    dump: Path
    debug: Path


@pytest.fixture(scope="session")
def program(compile_c: CompileC) -> Path:
    """The program of program.c."""
    return compile_c(_SOURCE, "-g", *_FLAGS, *_NO_PIE)


@pytest.fixture(scope="session")
def programs(program: Path, compile_c: CompileC) -> dict[str, Path]:
    """The same program with debug information of several kinds."""
    dwarf_4 = ("-g", "-gdwarf-4", *_FLAGS, *_NO_PIE)
    compressed = ("-g", "-gz=zlib", *_FLAGS, *_NO_PIE)
    return {
        "DWARF 5": program,
        "DWARF 4": compile_c(_SOURCE, *dwarf_4),
        "compressed": compile_c(_SOURCE, *compressed),
        "relocatable": compile_c(_SOURCE, "-g", "-O1", "-c", suffix=".o"),
    }


@pytest.fixture(scope="session")
def process(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The core dump of the program, where it crashed."""
    if shutil.which("gdb") is None:
        pytest.skip("no gdb")
    core = tmp_path_factory.mktemp("cores") / "core"
    commands = ("-ex", "run", "-ex", f"generate-core-file {core}")
    subprocess.run(
        ["gdb", "-nx", "-batch", *commands, program],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Files(core, program)


@pytest.fixture(scope="session")
def vmlinux(compile_c: CompileC) -> Path:
    """The same program where a kernel would be."""
    place = f"-Wl,-Ttext-segment={_KERNEL_START:#x}"
    return compile_c(_SOURCE, "-g", *_FLAGS, *_NO_PIE, "-mcmodel=kernel", place)


@pytest.fixture(scope="session")
def kernels(
    vmlinux: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Files]:
    """Dumps of that kernel by format."""
    directory = tmp_path_factory.mktemp("kernels")
    elf = ElfFile.from_bytes(vmlinux.read_bytes())
    assert elf.build_id is not None
    info = vmcoreinfo(elf.build_id)
    image = bytearray()
    for header in elf.segments:
        if header.type == PT_LOAD:
            image = image.ljust(header.vaddr - _KERNEL_START, b"\0")
            image += elf.data[header.offset : header.offset + header.filesz]
    pages = {
        _PGD // PAGE: _table({511: _PUD | _TABLE}),
        _PUD // PAGE: _table({510: _PMD | _TABLE}),
        _PMD // PAGE: _table({8: _KERNEL_PHYSICAL | _HUGE}),
    }
    for at in range(0, len(image), PAGE):
        content = bytes(image[at : at + PAGE]).ljust(PAGE, b"\0")
        pages[(_KERNEL_PHYSICAL + at) // PAGE] = content
    dumps = {
        compression: kdump(
            pages,
            frames=_PGD // PAGE + 1,
            compression=compression,
            notes=prstatus(1),
            vmcoreinfo=info,
        )
        for compression in ("zlib", "zstd", "lzo", "snappy")
    }
    dumps["flattened"] = flattened(dumps["zlib"], FLAT_STEP)
    dumps["vmcore"] = elf_core(
        [Load(_KERNEL_START, bytes(image), _KERNEL_PHYSICAL)],
        prstatus(1) + note(b"VMCOREINFO", 0, info),
    )
    dumps["flattened vmcore"] = flattened(dumps["vmcore"], FLAT_STEP)
    files = {}
    for name, content in dumps.items():
        path = directory / name
        path.write_bytes(content)
        files[name] = Files(path, vmlinux)
    return files


def vmcoreinfo(build_id: bytes) -> bytes:
    """The VMCOREINFO of a kernel with a build ID."""
    return (
        b"OSRELEASE=6.1.0\nPAGESIZE=4096\nKERNELOFFSET=0\nNUMBER(phys_base)=0\n"
        b"SYMBOL(swapper_pg_dir)=ffffffff82000000\n"
        b"BUILD-ID=%s\n" % build_id.hex().encode()
    )


def _table(entries: Mapping[int, int]) -> bytes:
    return b"".join(entries.get(i, 0).to_bytes(8, "little") for i in range(512))


@functools.cache
def _ordinary() -> list[str]:
    """What goes before a command so that modes of files count for root too."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def drgn(tmp_path: Path) -> Drgn:
    """``drgn(*arguments, **environment)`` runs the program.

    It may take no more than a minute, and 8 GB of address space, and read and write
    only what the modes of files allow, also for root. Its cache is in
    ``tmp_path / "cache"``.
    """

    def drgn(
        *arguments: object, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        import resource

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))

        environment = {
            **os.environ,
            "PYDRGN_CACHE_DIR": str(tmp_path / "cache"),
            **environment,
        }
        return subprocess.run(
            [*_ordinary(), sys.executable, "-m", "drgn", *map(str, arguments)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=environment,
            preexec_fn=limit,
            check=False,
        )

    return drgn
