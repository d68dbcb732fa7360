"""``gdb.Inferior`` and ``gdb.InferiorThread``: the program and its threads."""

from __future__ import annotations

from typing import Any

import drgn

from .errors import MemoryError, error
from .instructions import MACHINES, counted, instructions
from .kernel_threads import AnyThread, thread_key
from .session import current
from .value import ADDRESSES

_MAX_READ = 1 << 31
_PART = 1 << 20
"""How much is searched at once."""


class Inferior:
    """The program."""

    num = 1

    @property
    def pid(self) -> int:
        """The process's ID; 1 of a kernel, as over the remote protocol."""
        session = current()
        if session.is_kernel():
            return 1
        try:
            return session.prog.main_thread().tid
        except (LookupError, ValueError):
            return 0

    was_attached = False

    @property
    def progspace(self) -> Any:
        """The program's files."""
        return current().progspace()

    @property
    def connection_num(self) -> int:
        """There is one."""
        return 1

    def is_valid(self) -> bool:
        """Always."""
        return True

    def threads(self) -> tuple[InferiorThread, ...]:
        """The threads, the last one first, as GDB has them."""
        made = (InferiorThread(t, n) for n, t in enumerate(current().threads(), 1))
        return tuple(made)[::-1]

    def architecture(self) -> Architecture:
        """The program's."""
        return Architecture()

    def read_memory(self, address: Any, length: Any) -> memoryview:
        """Bytes. Raises ``gdb.MemoryError``."""
        start, size = int(address), int(length)
        if size < 0 or size > _MAX_READ:
            raise ValueError("Invalid length.")
        try:
            return memoryview(bytearray(current().prog.read(start & ADDRESSES, size)))
        except (drgn.FaultError, ValueError, OverflowError) as reason:
            at = getattr(reason, "address", start)
            raise MemoryError(f"Cannot access memory at address {at:#x}") from None

    def write_memory(self, address: Any, buffer: Any, length: Any = None) -> None:
        """Write bytes, where the target can be written to."""
        data = buffer.encode() if isinstance(buffer, str) else bytes(buffer)
        data = data if length is None else data[: int(length)]
        try:
            current().prog.write(int(address) & ADDRESSES, data)
        except (drgn.FaultError, ValueError, drgn.UnsupportedOperation) as reason:
            where = int(address) & ADDRESSES
            raise MemoryError(f"Cannot access memory at address {where:#x}") from reason

    def search_memory(self, address: Any, length: Any, pattern: Any) -> int | None:
        """The first address at which bytes are; None if they are nowhere."""
        if int(length) <= 0:
            raise ValueError("Search range is empty.")
        sought = pattern.encode() if isinstance(pattern, str) else bytes(pattern)
        if not sought:
            raise ValueError("Pattern is empty.")
        start, end = int(address), int(address) + int(length)
        while start < end:
            size = min(end - start, _PART + len(sought) - 1)
            found = bytes(self.read_memory(start, size)).find(sought)
            if found >= 0:
                return start + found
            start += _PART
        return None

    def __repr__(self) -> str:
        return f"<gdb.Inferior num={self.num}, pid={self.pid}>"


class InferiorThread:
    """A thread of the program."""

    def __init__(self, thread: AnyThread, num: int) -> None:
        self._thread, self.num = thread, num
        self.global_num = num

    @property
    def ptid(self) -> tuple[int, int, int]:
        """Process, thread, and a number that only some targets have."""
        return Inferior().pid, self._thread.tid, 0

    @property
    def name(self) -> str | None:
        """The thread's name where it is known."""
        return self._thread.name

    @property
    def inferior(self) -> Inferior:
        """The program."""
        return Inferior()

    @property
    def details(self) -> None:
        """Nothing more is known."""
        return

    def is_valid(self) -> bool:
        """Always: a dump's threads stay."""
        return True

    def is_stopped(self) -> bool:
        """A dump's threads do not run."""
        return True

    def is_running(self) -> bool:
        """A dump's threads do not run."""
        return False

    def is_exited(self) -> bool:
        """A dump's threads have not exited."""
        return False

    def switch(self) -> None:
        """Select it."""
        current().select_thread(self._thread)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InferiorThread):
            return NotImplemented
        return thread_key(self._thread) == thread_key(other._thread)

    def __hash__(self) -> int:
        return hash(self._thread.tid)


class Architecture:
    """The machine of the program."""

    def name(self) -> str:
        """GDB's name of it ("i386:x86-64")."""
        platform = current().prog.platform
        if platform is None:
            raise error("No architecture is known.")
        name = platform.arch.name
        return MACHINES.get(name, name.lower())

    def disassemble(
        self, start_pc: int, end_pc: int | None = None, count: int | None = None
    ) -> list[dict[str, Any]]:
        """Instructions, each with ``addr``, ``asm`` and ``length``.

        Those that begin from ``start_pc`` to ``end_pc``, and no more than ``count``;
        without both, the one at ``start_pc``. Raises as ``x/i`` does.
        """
        start = int(start_pc) & ADDRESSES
        if end_pc is None:
            found = counted(current(), start, 1 if count is None else count)
        else:
            found = instructions(current(), start, int(end_pc) + 1)[:count]
        return [
            {"addr": each.address, "asm": each.text, "length": len(each.octets)}
            for each in found
        ]

    def registers(self, group: str | None = None) -> list[Any]:
        """The registers, each with its ``name``."""
        from types import SimpleNamespace

        platform = current().prog.platform
        found = [] if platform is None else platform.registers
        return [SimpleNamespace(name=each.names[0]) for each in found]


def inferiors() -> tuple[Inferior, ...]:
    """The only one."""
    return (Inferior(),)


def selected_inferior() -> Inferior:
    """The only one."""
    return Inferior()


def selected_thread() -> InferiorThread | None:
    """The selected thread; None if there is none."""
    session = current()
    thread = session.thread()
    if thread is None:
        return None
    return InferiorThread(thread, session.thread_number(thread))
