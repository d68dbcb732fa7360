"""A machine behind a debugging stub, asked through the GDB that we are in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import gdb

from drgn import FaultError
from drgn.hosts.gdb_memory import Unreadable
from drgn.hosts.gdb_stub import GdbStub

from .memory import read_memory
from .selection import selected_thread
from .threads import registers_of


class Stub(GdbStub):
    """The machine that an inferior is."""

    def __init__(self, inferior: gdb.Inferior) -> None:
        super().__init__()
        self._inferior = inferior
        self._connection = inferior.connection

    def text(self, command: str) -> str:
        try:
            return str(gdb.execute(command, to_string=True))
        except gdb.error:
            return ""

    def packet(self, packet: str) -> bytes:
        try:
            return bytes(self._connection.send_packet(packet))
        except (RuntimeError, AttributeError):  # Lost, or before GDB 12.
            return b""

    def check(self, verb: str, address: int) -> None:
        inferior = self._inferior
        if not inferior.is_valid() or inferior.connection is not self._connection:
            raise FaultError(f"could not {verb} memory: the guest is gone", address)
        if self.running:
            # To QEMU any packet is an interrupt while the guest runs. For a
            # breakpoint's callback it only seems to.
            try:
                gdb.newest_frame()
            except gdb.error:
                raise FaultError(
                    f"could not {verb} memory: the guest is running", address
                ) from None

    # Processors.

    def _threads(self) -> dict[int, gdb.InferiorThread]:
        return {thread.num: thread for thread in self._inferior.threads()}

    def processors(self) -> Sequence[int]:
        selected = gdb.selected_thread()
        if selected is None or selected.inferior != self._inferior:
            return sorted(self._threads())
        return sorted(self._threads(), key=lambda num: (num != selected.num, num))

    def read_registers(self, processor: int) -> dict[str, int]:
        return registers_of(self._threads()[processor])

    def selected(self, processor: int) -> AbstractContextManager[None]:
        return selected_thread(self._threads()[processor])

    # Memory.

    def read_some(self, address: int, size: int) -> bytes:
        try:
            return read_memory(self._inferior, address, size)
        except gdb.MemoryError:
            raise Unreadable from None
        except gdb.error as error:
            raise Unreadable(str(error).rstrip(".")) from None

    def write_some(self, address: int, data: bytes) -> None:
        try:
            self._inferior.write_memory(address, data)
        except gdb.error:
            raise Unreadable from None
