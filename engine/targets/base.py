"""What a target is: where bytes, threads and mappings of a program come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..errors import UnsupportedOperation
from ..flags import ProgramFlags

if TYPE_CHECKING:
    from ..memory.memory import Memory
    from ..objects.object import Object
    from ..platform import Platform
    from .control import Breakpoint, SetBreakpoint, Step, Stop

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

    noun: str = "program"
    """What it is, in messages."""
    writable: bool = False
    """Whether its segments of memory can be written to."""
    resolves_names: bool = True
    """Whether it knows where functions and lines are, for breakpoints."""
    path: str | None = None
    """The file, as given, if it is one."""
    platform: Platform | None = None
    flags: ProgramFlags = NO_FLAGS
    vmcoreinfo: bytes | None = None
    """What a kernel says of itself (``/sys/kernel/vmcoreinfo``), if it is one."""
    phys_base: int | None = None
    """Where a kernel of x86-64 is in physical memory, if the dump's headers say that:
    what VMCOREINFO calls so."""

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

    def thread_name(self, thread: TargetThread) -> str | None:
        """The name that a thread of this target has now, None if it is not known."""
        return thread.name

    def mappings(self) -> Sequence[Mapping]:
        """The files that are mapped into a process."""
        return ()

    def executable_path(self) -> str | None:
        """Where the program's own file can be opened, None if only its name is known.

        The file itself, even if it was moved or deleted since.
        """
        return None

    def mapped_path(self, address: int) -> str | None:
        """The same for the file that is mapped at an address."""
        return None

    def auxv(self) -> dict[int, int]:
        """The auxiliary vector of a process: ``AT_*`` to value."""
        return {}

    def notes(self) -> Iterator[Note]:
        """The notes of a core dump."""
        return iter(())

    def cpus(self) -> Sequence[TargetThread]:
        """The processors of a live kernel that a debugger has stopped.

        Their registers are in ``values``; the order is that of their numbers.
        """
        return ()

    def selected_cpu(self) -> TargetThread | None:
        """The one of `cpus` that a debugger's user looks at, if there is one."""
        return None

    def debugger_value(self, obj: Object) -> Any:
        """An object as a value of the debugger that this runs in."""
        raise UnsupportedOperation(f"{self.noun} is not debugged by GDB")

    # What can be controlled has more. Whatever runs the program forgets its memory.

    def _no_control(self) -> NoReturn:
        raise UnsupportedOperation(f"{self.noun} cannot be run or stopped")

    def set_breakpoint(self, breakpoint: Breakpoint, pending: bool) -> SetBreakpoint:
        """Call ``breakpoint.hit(prog)`` where the program reaches ``breakpoint.place``.

        Its condition is for the target to look at. LookupError if there is no such
        place, unless ``pending``: it may come with a shared library. ValueError if the
        condition makes no sense.
        """
        self._no_control()

    def breakpoints(self) -> Sequence[Breakpoint]:
        """Those that were set and still are."""
        return ()

    def resume(self, wait: bool) -> Stop | None:
        """Let the program run, and ``wait`` until it stops, or return None."""
        self._no_control()

    def step(self, step: Step, count: int) -> Stop:
        """Let the selected thread do some steps; it may stop before."""
        self._no_control()

    def finish(self) -> Stop:
        """Run until the selected frame has returned."""
        self._no_control()

    def interrupt(self) -> None:
        """Stop the running program, as soon as possible."""
        self._no_control()

    def call(self, function: Object, arguments: Sequence[Object]) -> Object:
        """Call a function in the selected thread, return what it returns.

        ``arguments`` have the types of its parameters; arrays of characters that are
        values go to where pointers to characters are wanted.
        """
        self._no_control()
