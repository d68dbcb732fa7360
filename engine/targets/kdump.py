"""Kernel dumps in the kdump format, as makedumpfile and QEMU write them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .. import log
from ..elf.notes import iter_notes
from ..errors import BadDataError
from ..flags import ProgramFlags
from ..platform import Architecture, Platform, PlatformFlags
from . import prstatus
from .base import Note, Target, TargetThread
from .core_file import map_core
from .kdump_flat import DumpFile, dump_file
from .kdump_header import KdumpHeader, read_header
from .kdump_pages import KdumpPart, KdumpSegment

if TYPE_CHECKING:
    from ..memory.memory import Memory

_MACHINES = {
    "x86_64": Architecture.X86_64,
    "i386": Architecture.I386,
    "i686": Architecture.I386,
    "aarch64": Architecture.AARCH64,
    "ppc64": Architecture.PPC64,
    "ppc64le": Architecture.PPC64,
    "riscv64": Architecture.RISCV64,
    "s390x": Architecture.S390X,
    "loongarch64": Architecture.LOONGARCH64,
}

# sizeof(struct elf_prstatus), where a header does not name the machine
_PRSTATUS_SIZES = {336: Architecture.X86_64, 392: Architecture.AARCH64}


class KdumpTarget(Target):
    """A kdump file, or the parts of a split one."""

    noun = "core dump"
    flags = ProgramFlags.IS_LINUX_KERNEL

    def __init__(self, parts: Sequence[KdumpPart]) -> None:
        header = parts[0].header
        self.path = header.path
        self._parts = parts
        for part in parts:
            # What is left of it can still be looked at.
            if part.is_truncated:
                log.warning("%s: core dump is truncated", part.header.path)
        self._notes = [
            Note(*note) for note in iter_notes(header.notes, 4, header.little_endian)
        ]
        self.platform = _platform(header, self._notes)
        self.vmcoreinfo = header.vmcoreinfo
        self.phys_base = header.phys_base
        for note in self._notes:
            if self.vmcoreinfo is None and note.name == b"VMCOREINFO":
                self.vmcoreinfo = bytes(note.desc)

    def attach(self, memory: Memory) -> None:
        # Those around a page are seldom held when it is first looked at.
        memory.chunk_pages = 1
        segment = KdumpSegment(self._parts, memory.forget_pages)
        memory.add(segment, physical=True)

    def notes(self) -> Iterator[Note]:
        return iter(self._notes)

    def threads(self) -> Sequence[TargetThread]:
        assert self.platform is not None and self.path is not None
        return [
            prstatus.thread_of(note.desc, self.platform, self.path)
            for note in self._notes
            if note.name == b"CORE" and note.type == prstatus.NT_PRSTATUS
        ]


def open_kdump(files: Sequence[DumpFile]) -> KdumpTarget:
    """Open the parts of a kdump file.

    If it is a single part of a split dump, the others are looked for beside it.

    Raises BadDataError if a file is malformed, or if they are parts of several dumps.
    """
    parts = [KdumpPart(file, read_header(file)) for file in files]
    if not parts:
        raise ValueError("no kdump file")
    first = parts[0].header
    if len(parts) == 1 and first.is_split:
        parts += _siblings(parts[0])
    for part in parts[1:]:
        if not _same_dump(first, part.header):
            raise BadDataError(
                f"{part.header.path}: not a part of the same dump as {first.path}"
            )
    return KdumpTarget(parts)


def _same_dump(one: KdumpHeader, other: KdumpHeader) -> bool:
    return (
        one.is_split == other.is_split
        and one.utsname == other.utsname
        and one.block_size == other.block_size
        and one.frames == other.frames
        and one.vmcoreinfo == other.vmcoreinfo
        and one.bitmap == other.bitmap
    )


def _siblings(part: KdumpPart) -> list[KdumpPart]:
    """The other parts of a split dump: files beside it with another number."""
    directory, name = os.path.split(part.header.path)
    stem = name.rstrip("0123456789")
    found = []
    try:
        entries = sorted(os.listdir(directory or "."))
    except OSError:
        return []
    for entry in entries:
        if entry == name or entry.rstrip("0123456789") != stem:
            continue
        try:
            file = dump_file(*map_core(os.path.join(directory, entry)))
            other = KdumpPart(file, read_header(file))
        except (OSError, BadDataError):
            continue
        if _same_dump(part.header, other.header):
            found.append(other)
    return found


def _platform(header: KdumpHeader, notes: Sequence[Note]) -> Platform:
    """The platform by the machine's name, else by the notes that it wrote."""
    arch = _MACHINES.get(header.utsname["machine"])
    if arch is None and header.word_size == 8 and header.little_endian:
        for note in notes:
            if note.name == b"CORE" and note.type == prstatus.NT_PRSTATUS:
                arch = _PRSTATUS_SIZES.get(len(note.desc))
                break
    flags = PlatformFlags(0)
    if header.word_size == 8:
        flags |= PlatformFlags.IS_64_BIT
    if header.little_endian:
        flags |= PlatformFlags.IS_LITTLE_ENDIAN
    return Platform(arch or Architecture.UNKNOWN, flags)
