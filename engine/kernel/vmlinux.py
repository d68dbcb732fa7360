"""vmlinux: what tells a build of the kernel from all others, in the file and in memory.

The build ID is in ``.notes``, the banner in ``.rodata`` (init/version.c); both stay in
the memory of the running kernel.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..elf import constants as elf
from ..elf.file import ElfFile, open_elf
from ..elf.notes import iter_notes
from ..elf.one_symbol import OneSymbol, find_symbol
from ..errors import BadDataError

if TYPE_CHECKING:
    from ..platform import Platform

# Where x86-64 maps the kernel image (arch/x86/include/asm/page_64_types.h).
START_KERNEL_MAP = 0xFFFFFFFF80000000
KERNEL_MAP_END = START_KERNEL_MAP + (1 << 30)

_BANNER = re.compile(rb"Linux version (?=\d)[ -~]*")
_ELF_PAGE = 4096


class Signature(NamedTuple):
    """Bytes that only one build has, and where they are linked to be."""

    address: int
    data: bytes


class Identity(NamedTuple):
    """How a build of the kernel calls itself, as far as it is known."""

    banner: str | None
    build_id: bytes | None

    def __str__(self) -> str:
        names = []
        if self.banner is not None:
            names.append(f'"{self.banner}"')
        if self.build_id is not None:
            names.append(f"build ID {self.build_id.hex()}")
        return ", ".join(names) or "a kernel without a name"


class Vmlinux:
    """A vmlinux file of x86-64."""

    def __init__(self, file: ElfFile) -> None:
        self._file = file
        self._symbols: dict[str, OneSymbol | None] = {}
        loads = [
            segment
            for segment in file.segments
            if segment.type == elf.PT_LOAD
            and START_KERNEL_MAP <= segment.vaddr < KERNEL_MAP_END
        ]
        self.start = min((segment.vaddr for segment in loads), default=0)
        """Where the image is linked to be; 0 if that is not in the kernel's range."""
        self.end = max((segment.vaddr + segment.memsz for segment in loads), default=0)
        found = find_banner(bytes(file.contents(".rodata")))
        self.identity = Identity(found, file.build_id)

    @property
    def path(self) -> str:
        """The file, as it was opened."""
        return self._file.path

    @property
    def platform(self) -> Platform:
        """What it is for."""
        return self._file.platform()

    def symbol(self, name: str) -> OneSymbol | None:
        """A symbol at the address that it is linked to, None if there is none."""
        if name not in self._symbols:
            self._symbols[name] = find_symbol(self._file, name)
        return self._symbols[name]

    def sections(self, offset: int) -> dict[str, int]:
        """Where the sections are that are loaded, of an image that is moved.

        The lowest comes first. That of per-CPU variables is not moved (up to Linux
        6.14): their addresses count from the start of a CPU's area.
        """
        loaded = [s for s in self._file.sections if s.flags & elf.SHF_ALLOC]
        return {
            section.name: section.address + offset * self._is_inside(section.address)
            for section in sorted(loaded, key=lambda section: section.address)
        }

    @property
    def has_other_sections(self) -> bool:
        """Whether there are sections that do not move with the image."""
        return not all(map(self._is_inside, self.sections(0).values()))

    def _is_inside(self, address: int) -> bool:
        return self.start <= address <= self.end

    @cached_property
    def signature(self) -> Signature | None:
        """What to look for in memory: the build ID's note, or else the banner.

        None if the file has neither.
        """
        notes = self._file.section(".notes")
        if notes is not None and self.identity.build_id is not None:
            data = bytes(self._file.contents(notes))
            at = data.find(self.identity.build_id)
            if at >= 0:
                return Signature(notes.address + at, self.identity.build_id)
        rodata = self._file.section(".rodata")
        if rodata is not None and self.identity.banner is not None:
            banner = self.identity.banner.encode()
            at = bytes(self._file.contents(rodata)).find(banner)
            return Signature(rodata.address + at, banner)
        return None


def open_vmlinux(path: str) -> Vmlinux | None:
    """A file as a kernel of x86-64, None if it is something else or cannot be read."""
    try:
        file = open_elf(path)
        if file.type != elf.ET_EXEC or file.machine != elf.EM_X86_64:
            return None
        if file.section(".init.text") is None or file.section("__param") is None:
            return None
        vmlinux = Vmlinux(file)
    except (OSError, BadDataError):
        return None
    return vmlinux if vmlinux.start else None


def find_banner(data: bytes) -> str | None:
    """What the kernel prints when it starts, without its newline."""
    found = _BANNER.search(data)
    return None if found is None else found[0].decode()


def find_build_id(data: bytes) -> bytes | None:
    """The build ID among bytes of a kernel image that start at a page.

    Those of the vDSOs, whole ELF files that the image has in pages of their own, are
    passed over.
    """
    at = data.find(b"GNU\0")
    while at >= 0:
        page = at & -_ELF_PAGE
        if at >= 12 and data[page : page + 4] != elf.ELFMAG:
            for name, kind, desc in iter_notes(data[at - 12 : at + 68]):
                if name == b"GNU" and kind == elf.NT_GNU_BUILD_ID and len(desc) == 20:
                    return bytes(desc)
                break
        at = data.find(b"GNU\0", at + 1)
    return None
