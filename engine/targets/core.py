"""ELF core dumps, of processes and of kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .. import log
from ..elf.constants import PT_LOAD, PT_NOTE
from ..elf.notes import iter_notes
from ..errors import BadDataError
from ..flags import ProgramFlags
from ..memory.segments import AbsentSegment, BufferSegment, Segment, ZeroSegment
from . import prstatus
from .base import NO_FLAGS, Mapping, Note, Target, TargetThread

if TYPE_CHECKING:
    from ..elf.file import ElfFile
    from ..elf.headers import Segment as ProgramHeader
    from ..memory.memory import Memory
    from ..memory.space import AddressSpace

_NOT_SAVED = "memory not saved in core dump"
_UNKNOWN_ADDRESS = 2**64 - 1
"""``p_paddr`` of /proc/kcore where memory is not contiguous."""
_QEMU_STATE_SIZE = 440
"""Bytes of a CPU's state in a ``QEMU`` note (QEMU's target/i386/arch_dump.c)."""


class CoreTarget(Target):
    """An ELF core dump.

    It is a kernel's if it has a VMCOREINFO note, or QEMU notes, which only a dump of
    a whole machine has. QEMU writes physical addresses into ``p_vaddr`` too; such
    segments are physical memory only. What a process's dump leaves out is read from the
    files that were mapped, if they are still the same.
    """

    noun = "core dump"

    def __init__(self, elf: ElfFile, path: str) -> None:
        self.path = path
        self.platform = elf.platform()
        self.elf = elf
        self._notes = list(_notes(elf))
        self._threads: list[TargetThread] | None = None
        self.vmcoreinfo = None
        for note in self._notes:
            if note.name == b"VMCOREINFO":
                self.vmcoreinfo = bytes(note.desc)
                break
        is_kernel = self.vmcoreinfo is not None or any(
            len(desc) >= _QEMU_STATE_SIZE for desc in self._descs(b"QEMU", 0)
        )
        self.flags = ProgramFlags.IS_LINUX_KERNEL if is_kernel else NO_FLAGS

    def attach(self, memory: Memory) -> None:
        loads = [header for header in self.elf.segments if header.type == PT_LOAD]
        is_kernel = ProgramFlags.IS_LINUX_KERNEL in self.flags
        # Userspace has no physical addresses, and 0 in all headers.
        has_physical = any(header.paddr for header in loads)
        for header in loads:
            if not is_kernel or header.vaddr != header.paddr:
                for segment in self._segments(header, header.vaddr, is_kernel):
                    memory.virtual.add(segment)
            if has_physical and header.paddr != _UNKNOWN_ADDRESS:
                for segment in self._segments(header, header.paddr, is_kernel):
                    memory.physical.add(segment)
        if not is_kernel:
            self._attach_files(memory.virtual)
        memory.invalidate()

    def _segments(
        self, header: ProgramHeader, address: int, is_kernel: bool
    ) -> Iterator[Segment]:
        """What a program header says of the memory at ``address``."""
        size = min(header.filesz, header.memsz)
        held = max(min(size, self._file_size() - header.offset), 0)
        if held:
            yield self._held(address, held, header.offset)
        if held < size:
            yield AbsentSegment(
                address + held, size - held, "short read from memory file"
            )
        if size < header.memsz:
            left = header.memsz - size
            if is_kernel:
                yield ZeroSegment(address + size, left)
            else:
                yield AbsentSegment(address + size, left, _NOT_SAVED)

    def _file_size(self) -> int:
        return len(self.elf.data)

    def _held(self, address: int, size: int, offset: int) -> Segment:
        """The memory that bytes of the file are, from an offset on."""
        return BufferSegment(address, size, self.elf.data, offset)

    def _attach_files(self, virtual: AddressSpace) -> None:
        """Let the files that were mapped show where the dump holds nothing."""
        try:
            mappings = self.mappings()
        except BadDataError:
            return
        if not mappings:
            return
        from .mapped_files import MappedFiles

        files = MappedFiles(mappings, virtual.copy())
        for start, end, segment in virtual.copy():
            if isinstance(segment, AbsentSegment) and segment.message == _NOT_SAVED:
                for part in files.parts(start, end, _NOT_SAVED):
                    virtual.add(part)
        virtual.add_below(files.parts(0, 2**64, "could not find memory segment"))

    def notes(self) -> Iterator[Note]:
        return iter(self._notes)

    def _descs(self, name: bytes, type: int) -> Iterator[memoryview]:
        for note in self._notes:
            if note.type == type and note.name == name:
                yield note.desc

    def prstatus_threads(self) -> list[TargetThread]:
        """The threads or CPUs in the order of their NT_PRSTATUS notes."""
        if self._threads is None:
            assert self.platform is not None and self.path is not None
            threads = [
                prstatus.thread_of(desc, self.platform, self.path)
                for desc in self._descs(b"CORE", prstatus.NT_PRSTATUS)
            ]
            for desc in self._descs(b"CORE", prstatus.NT_PRPSINFO):
                pid, name = prstatus.main_of(desc, self.platform, self.path)
                for thread in threads:
                    if thread.tid == pid:
                        thread.name = name
                break
            self._threads = threads
        return self._threads

    def threads(self) -> Sequence[TargetThread]:
        if ProgramFlags.IS_LINUX_KERNEL in self.flags:
            return self.prstatus_threads()
        # Upstream lists them backwards, and each ID once.
        return list({t.tid: t for t in reversed(self.prstatus_threads())}.values())

    def main_thread(self) -> TargetThread | None:
        assert self.platform is not None and self.path is not None
        for desc in self._descs(b"CORE", prstatus.NT_PRPSINFO):
            return self.thread(prstatus.main_of(desc, self.platform, self.path)[0])
        return None

    def crashed_thread(self) -> TargetThread | None:
        # Linux writes the thread that got the signal first, gcore the selected one.
        threads = self.prstatus_threads()
        return threads[0] if threads else None

    def mappings(self) -> Sequence[Mapping]:
        assert self.platform is not None and self.path is not None
        for desc in self._descs(b"CORE", prstatus.NT_FILE):
            return prstatus.mappings_of(desc, self.platform, self.path)
        return ()

    def auxv(self) -> dict[int, int]:
        assert self.platform is not None
        for desc in self._descs(b"CORE", prstatus.NT_AUXV):
            return prstatus.auxv_of(desc, self.platform)
        return {}


def warn_if_truncated(elf: ElfFile, size: int) -> None:
    """Say so if a dump of ``size`` bytes was cut short: what is left can be used."""
    end = max(
        (s.offset + s.filesz for s in elf.segments if s.type in (PT_LOAD, PT_NOTE)),
        default=0,
    )
    if end > size:
        log.warning("%s: core dump is truncated: %d of %d bytes", elf.path, size, end)


def _notes(elf: ElfFile) -> Iterator[Note]:
    """The notes of a core dump, up to where one is cut short."""
    for header in elf.segments:
        if header.type == PT_NOTE:
            data = elf.data[header.offset : header.offset + header.filesz]
            for name, type, desc in iter_notes(data, header.align, elf.little_endian):
                yield Note(name, type, desc)
