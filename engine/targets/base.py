"""What a target is: where bytes, threads and mappings of a program come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..flags import ProgramFlags

if TYPE_CHECKING:
    from ..memory.memory import Memory
    from ..platform import Platform

NO_FLAGS = ProgramFlags(0)


class Note(NamedTuple):
    """An ELF note."""

    name: bytes
    type: int
    desc: memoryview


class Mapping(NamedTuple):
    """A file in the address space of a process."""

    start: int
    end: int
    file_offset: int
    path: str


class TargetThread:
    """A thread as the target knows it.

    ``registers`` are those of ``pr_reg`` in ``struct elf_prstatus``, in that order;
    ``prstatus`` is the whole note. ``values`` are registers by name, from a debugger
    that has stopped the thread. All are None where they are not known.
    """

    __slots__ = ("name", "prstatus", "registers", "tid", "values")

    def __init__(
        self,
        tid: int,
        name: str | None = None,
        prstatus: memoryview | None = None,
        registers: memoryview | None = None,
        values: dict[str, int] | None = None,
    ) -> None:
        self.tid = tid
        self.name = name
        self.prstatus = prstatus
        self.registers = registers
        self.values = values

    def __repr__(self) -> str:
        return f"TargetThread({self.tid}, {self.name!r})"


class Target:
    """A source of memory, threads and mappings; each kind of it is a subclass."""

    path: str | None = None
    """The file, as given, if it is one."""
    platform: Platform | None = None
    flags: ProgramFlags = NO_FLAGS
    vmcoreinfo: bytes | None = None
    """What a kernel says of itself (``/sys/kernel/vmcoreinfo``), if it is one."""

    def attach(self, memory: Memory) -> None:
        """Add the segments of memory that this target knows."""
        raise NotImplementedError

    def threads(self) -> Sequence[TargetThread]:
        """The threads of a process, the CPUs' prstatus notes of a kernel.

        Raises BadDataError if the notes are malformed.
        """
        return ()

    def main_thread(self) -> TargetThread | None:
        """The main thread of a process, None if it is not known."""
        return None

    def crashed_thread(self) -> TargetThread | None:
        """The thread of a process that got the fatal signal, None if not known."""
        return None

    def selected_thread(self) -> int | None:
        """The ID of the thread that a debugger's user looks at.

        None if there is no debugger, LookupError if there is no such thread.
        """
        return None

    def thread(self, tid: int) -> TargetThread | None:
        """The thread with an ID, None if there is none."""
        for thread in self.threads():
            if thread.tid == tid:
                return thread
        return None

    def mappings(self) -> Sequence[Mapping]:
        """The files that are mapped into a process."""
        return ()

    def auxv(self) -> dict[int, int]:
        """The auxiliary vector of a process: ``AT_*`` to value."""
        return {}

    def notes(self) -> Iterator[Note]:
        """The notes of a core dump."""
        return iter(())

    def cpu_registers(self) -> Sequence[memoryview]:
        """``pr_reg`` of each CPU of a kernel dump, by the order of the notes."""
        return [
            thread.registers
            for thread in self.threads()
            if thread.registers is not None
        ]
