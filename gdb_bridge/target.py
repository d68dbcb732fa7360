"""An inferior of GDB as a Target: its memory, threads, registers and mapped files."""

from __future__ import annotations

from collections.abc import Sequence

import gdb

from drgn import FaultError, Program
from drgn.hosts.gdb_memory import GdbSegment, Unreadable
from drgn.hosts.gdb_process import executable_path
from drgn.target import Memory, TargetThread

from .control import InferiorControl
from .memory import read_memory
from .selection import selected_inferior
from .threads import registers_of, tid_of


class InferiorTarget(InferiorControl):
    """An inferior as it is from its start, or from its exec, to its end.

    Without a process there is only what the executable file has.
    """

    def __init__(self, inferior: gdb.Inferior) -> None:
        self.inferior = inferior
        self.pid = inferior.pid
        self._symbols = inferior.progspace.filename
        self.executable = self._symbols or executable_path(self.text("info files"))
        self._connection = inferior.connection if self.pid else None
        connection = self._connection
        self.set_kind(None if connection is None else connection.type)
        self.platform = self.platform_of(inferior.architecture().name())
        self.running = any(thread.is_running() for thread in inferior.threads())
        self._files: Sequence[gdb.Objfile] = ()

    @property
    def alive(self) -> bool:
        """Whether this still is what the inferior runs."""
        inferior = self.inferior
        if not inferior.is_valid() or inferior.pid != self.pid:
            return False
        # All machines behind stubs have the same number.
        return not self.pid or inferior.connection is self._connection

    def is_current(self) -> bool:
        return (
            self.alive
            and self._symbols == self.inferior.progspace.filename
            # What was loaded of a library stays in a Program when the library goes.
            and all(file.is_valid() for file in self._files)
        )

    def load(self, prog: Program) -> None:
        self._files = self.inferior.progspace.objfiles()
        super().load(prog)

    def text(self, command: str) -> str:
        try:
            with selected_inferior(self.inferior):
                return str(gdb.execute(command, to_string=True))
        except gdb.error:
            return ""

    def attach(self, memory: Memory) -> None:
        self._memory = memory
        memory.add(InferiorSegment(self))

    # Threads.

    def threads(self) -> Sequence[TargetThread]:
        if not self.alive:
            return ()
        # GDB does not keep the order of a core dump's notes.
        return [
            self.named(tid_of(thread), thread.name)
            for thread in sorted(self.inferior.threads(), key=tid_of)
        ]

    def thread(self, tid: int) -> TargetThread | None:
        """The thread with an ID and its registers; ValueError if it is running."""
        found = self._thread(tid)
        if found is None:
            return None
        return self.named(tid, found.name, registers_of(found))

    def crashed_thread(self) -> TargetThread | None:
        threads = self.inferior.threads() if self.alive else ()
        if self.kind != "core" or not threads:
            return None
        # The first by the order of the notes.
        return self.thread(tid_of(min(threads, key=_number)))

    def selected_thread(self) -> int:
        """The ID of the selected thread; LookupError if it is none of this program."""
        thread = gdb.selected_thread()
        if thread is None or thread.inferior != self.inferior or not self.alive:
            raise LookupError("no thread of this program is selected in GDB")
        return tid_of(thread)

    def _thread(self, tid: int) -> gdb.InferiorThread | None:
        if self.alive:
            for thread in self.inferior.threads():
                if tid_of(thread) == tid:
                    return thread
        return None


class InferiorSegment(GdbSegment):
    """The memory of the inferior, read by GDB itself."""

    __slots__ = ()
    _target: InferiorTarget

    def read_some(self, address: int, size: int) -> bytes:
        inferior = self._inferior("read", address)
        if gdb.selected_inferior() != inferior:
            with selected_inferior(inferior):
                return self.read_some(address, size)
        try:
            return read_memory(inferior, address, size)
        except gdb.error:  # MemoryError is one.
            raise Unreadable from None

    def write_some(self, address: int, data: bytes) -> None:
        inferior = self._inferior("write", address)
        with selected_inferior(inferior):
            try:
                inferior.write_memory(address, data)
            except gdb.error:
                raise Unreadable from None

    def _inferior(self, verb: str, address: int) -> gdb.Inferior:
        if not self._target.alive:
            raise FaultError(f"could not {verb} memory: the process is gone", address)
        return self._target.inferior


def _number(thread: gdb.InferiorThread) -> int:
    return int(thread.num)
