"""A machine behind a debugging stub, such as QEMU's, as far as GDB can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import gdb

from drgn import FaultError
from drgn.gdb_process import CHUNK
from drgn.guest import (
    AddressSpace,
    ControlRegisters,
    Guest,
    StoppedSegment,
    ram_ranges,
)

from .selection import selected_thread
from .target import registers_of

_PHYSICAL_SIZE = 1 << 52


class Stub(Guest):
    """The machine that an inferior is.

    Memory is physical where the stub has QEMU's packet for that (since QEMU 4.1).
    """

    def __init__(self, inferior: gdb.Inferior) -> None:
        self._inferior = inferior
        self._connection = inferior.connection
        self._physical_depth = 0
        self._registers: dict[int, dict[str, int]] = {}
        self._probed = False
        self.running = False

    def probe(self) -> None:
        """Find out what the stub can do; once, and while the machine is stopped."""
        if self._probed:
            return
        self._probed = True
        if self._packet("qqemu.PhyMemMode") in (b"0", b"1"):
            self.physical = AddressSpace("physical ")
            for start, end in self._ram():
                self.physical.add(
                    StoppedSegment(
                        start, end - start, self, self._read_physical, physical=True
                    )
                )

    def _packet(self, packet: str) -> bytes:
        """The stub's answer, empty if it does not know the packet."""
        try:
            return bytes(self._connection.send_packet(packet))
        except (RuntimeError, AttributeError):  # Lost, or before GDB 12.
            return b""

    def _ram(self) -> list[tuple[int, int]]:
        """Where there is memory. Elsewhere are devices, or QEMU makes zeroes up."""
        try:
            text = str(gdb.execute("monitor info mtree -f", to_string=True))
        except gdb.error:
            text = ""
        return list(ram_ranges(text)) or [(0, _PHYSICAL_SIZE)]

    def changed(self) -> None:
        """Forget the registers: the machine has run."""
        self._registers.clear()

    def is_running(self) -> bool:
        return self.running

    # Processors.

    def threads(self) -> list[gdb.InferiorThread]:
        """The processors: the selected one first, then by number."""
        selected = gdb.selected_thread()
        threads = sorted(self._inferior.threads(), key=lambda thread: thread.num)
        return sorted(threads, key=lambda thread: thread != selected)

    def registers(self, thread: gdb.InferiorThread) -> dict[str, int]:
        """The registers of a processor; ValueError if it is running."""
        if thread.num in self._registers:
            return self._registers[thread.num]
        registers = registers_of(thread)
        if not self.running:  # A breakpoint's callback may ask more than once.
            self._registers[thread.num] = registers
        return registers

    def control_registers(self) -> Sequence[ControlRegisters]:
        found = []
        for thread in self.threads():
            try:
                values = self.registers(thread)
            except (gdb.error, ValueError):
                continue
            if "cr3" in values:
                found.append(
                    ControlRegisters(
                        values["cr3"], values.get("cr0"), values.get("cr4")
                    )
                )
        return found

    # Memory.

    @contextmanager
    def physical_mode(self) -> Iterator[None]:
        """Let GDB's addresses of memory be physical for a while."""
        if self._physical_depth:
            yield
            return
        was = self._packet("qqemu.PhyMemMode")
        self._physical_depth += 1
        try:
            self._packet("Qqemu.PhyMemMode:1")
            yield
        finally:
            self._physical_depth -= 1
            if was != b"1":
                self._packet("Qqemu.PhyMemMode:0")

    def _read_physical(self, address: int, size: int) -> bytes:
        self._check_connected(address)
        with self.physical_mode():
            return self._read(address, size)

    def reads(self) -> Sequence[_Reader]:
        return [_Reader(self, thread) for thread in self.threads()]

    def write(self, address: int, data: bytes, physical: bool) -> None:
        self._check_connected(address)
        with self.physical_mode() if physical else nullcontext():
            try:
                self._inferior.write_memory(address, data)
            except gdb.error:
                raise FaultError("could not write memory", address) from None

    def _check_connected(self, address: int) -> None:
        inferior = self._inferior
        if not inferior.is_valid() or inferior.connection is not self._connection:
            raise FaultError("could not read memory: the guest is gone", address)
        if self.running:
            # To QEMU any packet is an interrupt while the guest runs. For a
            # breakpoint's callback it only seems to.
            try:
                gdb.newest_frame()
            except gdb.error:
                raise FaultError(
                    "could not read memory: the guest is running", address
                ) from None

    def _read(self, address: int, size: int) -> bytes:
        read_memory = self._inferior.read_memory
        pieces = []
        while size:
            part = min(size, CHUNK - address % CHUNK)
            try:
                pieces.append(bytes(read_memory(address, part)))
            except gdb.error as error:
                raise self._fault(address, error) from None
            address += part
            size -= part
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _fault(self, address: int, error: Exception) -> FaultError:
        if isinstance(error, gdb.MemoryError):
            return FaultError("could not read memory", address)
        # Such as that the connection was closed.
        return FaultError(f"could not read memory: {error}".rstrip("."), address)


class _Reader:
    """Reads as one processor translates addresses."""

    def __init__(self, stub: Stub, thread: gdb.InferiorThread) -> None:
        self._stub = stub
        self._thread = thread

    def __call__(self, address: int, size: int) -> bytes:
        self._stub._check_connected(address)
        with selected_thread(self._thread):
            return self._stub._read(address, size)
