"""Ways in which a file is damaged."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

from drgn import MissingDebugInfoError, Program
from drgn.engine.elf.constants import SHT_NOBITS
from drgn.engine.elf.file import ElfFile

Region = tuple[int, int]
Change = tuple[int, bytes]
"""A place in a file, and what is written there."""

_WORDS = st.sampled_from(
    [
        *(value.to_bytes(1, "little") for value in (0, 1, 2, 8, 0x7F, 0x80, 0xFF)),
        *(value.to_bytes(4, "little") for value in (0, 1 << 31, (1 << 32) - 1)),
        *(value.to_bytes(8, "little") for value in (0, 1 << 40, 1 << 63, 2**64 - 1)),
    ]
)
_MEMORY = 2 << 30
_SECONDS = 20


def elf_regions(path: Path) -> list[Region]:
    """Start and size of what an ELF file is made of: headers, sections, segments."""
    data = path.read_bytes()
    elf = ElfFile.from_bytes(data)
    regions = [(0, 64), (len(data) - 64 * len(elf.sections), 64 * len(elf.sections))]
    regions += [(64, 56 * len(elf.segments))]
    regions += [(s.offset, s.size) for s in elf.sections if s.type != SHT_NOBITS]
    if not elf.sections:
        regions += [(s.offset, min(s.filesz, 4096)) for s in elf.segments]
    return [(start, size) for start, size in regions if size > 0]


def kdump_regions(path: Path) -> list[Region]:
    """Headers, notes, bitmaps, descriptors and pages of a kdump file of `kdump()`."""
    headers = [(0, 464), (4096, 1024), (3 * 4096, 1056), (4 * 4096, 256)]
    return [*headers, (4 * 4096, path.stat().st_size - 4 * 4096)]


def flattened_regions(path: Path, step: int) -> list[Region]:
    """Header and block headers of a flattened file whose blocks are of one size."""
    size = path.stat().st_size
    blocks = range(4096, size - 16, step + 16)
    return [(0, 32), (0, size), *((at, 16) for at in blocks)]


def changes(regions: list[Region]) -> st.SearchStrategy[list[Change]]:
    """A few changes of bytes, as often in a small region as in a large one."""
    anywhere = st.sampled_from(regions).flatmap(
        lambda region: st.integers(region[0], region[0] + region[1] - 1)
    )
    written = _WORDS | st.binary(min_size=1, max_size=2)
    return st.lists(st.tuples(anywhere, written), min_size=1, max_size=4)


def damaged(data: bytes, made: list[Change]) -> bytes:
    """The data with changes made to it; of the same size."""
    result = bytearray(data)
    for at, written in made:
        result[at : at + len(written)] = written
    return bytes(result[: len(data)])


def open_dump(dump: Path, *debug: Path) -> Program:
    prog = Program()
    prog.set_core_dump(dump)
    try:
        prog.load_debug_info(debug, main=True)
    except MissingDebugInfoError:
        pass
    return prog


def open_file(path: Path) -> Program:
    """A Program with nothing but the debug information of a file."""
    prog = Program()
    module = prog.extra_module("file", create=True)
    module.try_file(path, force=True)
    return prog


@contextlib.contextmanager
def limits() -> Iterator[None]:
    """Let what is done take neither long nor much memory."""

    def expired(*_: object) -> None:
        raise AssertionError(f"not done after {_SECONDS} seconds")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + _MEMORY
    handler = signal.signal(signal.SIGALRM, expired)
    signal.alarm(_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
