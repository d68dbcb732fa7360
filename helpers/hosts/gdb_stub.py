"""A machine behind a debugging stub, such as QEMU's, as far as GDB can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from drgn import FaultError
from drgn.guest import (
    AddressSpace,
    ControlRegisters,
    Guest,
    StoppedSegment,
    ram_ranges,
)
from drgn.hosts.gdb_memory import Unreadable, read_in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

_PHYSICAL_SIZE = 1 << 52


class GdbStub(Guest):
    """The machine that an inferior is, stopped or running.

    Memory is physical where the stub has QEMU's packet for that (since QEMU 4.1). How
    GDB is asked, the hosts say.
    """

    running = False

    def __init__(self) -> None:
        self._physical_depth = 0
        self._registers: dict[int, dict[str, int]] = {}
        self._probed = False

    # Of the host.

    def text(self, command: str) -> str:
        """What a command of GDB prints; nothing if it fails."""
        raise NotImplementedError

    def packet(self, packet: str) -> bytes:
        """The stub's answer to a packet, empty if it does not know that."""
        raise NotImplementedError

    def check(self, verb: str, address: int) -> None:
        """Raise FaultError if the machine is gone, or is running."""
        raise NotImplementedError

    def processors(self) -> Sequence[int]:
        """GDB's numbers of the processors: the selected one first, then in order."""
        raise NotImplementedError

    def read_registers(self, processor: int) -> dict[str, int]:
        """The registers of a processor; ValueError if it is running."""
        raise NotImplementedError

    def selected(self, processor: int) -> AbstractContextManager[None]:
        """Let memory be as a processor translates addresses for a while."""
        raise NotImplementedError

    def read_some(self, address: int, size: int) -> bytes:
        """Read memory; Unreadable with GDB's words, without any if it is not there."""
        raise NotImplementedError

    def write_some(self, address: int, data: bytes) -> None:
        """Write memory; Unreadable if GDB cannot."""
        raise NotImplementedError

    # Of the machine.

    def probe(self) -> None:
        """Find out what the stub can do; once, and while the machine is stopped."""
        if self._probed:
            return
        self._probed = True
        if self.packet("qqemu.PhyMemMode") in (b"0", b"1"):
            self.physical = AddressSpace("physical ")
            for start, end in self._ram():
                self.physical.add(
                    StoppedSegment(
                        start, end - start, self, self._read_physical, physical=True
                    )
                )

    def _ram(self) -> list[tuple[int, int]]:
        """Where there is memory. Elsewhere are devices, or QEMU makes zeroes up."""
        text = self.text("monitor info mtree -f")
        return list(ram_ranges(text)) or [(0, _PHYSICAL_SIZE)]

    def changed(self) -> None:
        """Forget the registers: the machine has run."""
        self._registers.clear()

    def is_running(self) -> bool:
        return self.running

    def registers(self, processor: int) -> dict[str, int]:
        """The registers of a processor; ValueError if it is running."""
        if processor in self._registers:
            return self._registers[processor]
        registers = self.read_registers(processor)
        if not self.running:  # A breakpoint's callback may ask more than once.
            self._registers[processor] = registers
        return registers

    def control_registers(self) -> Sequence[ControlRegisters]:
        found = []
        for processor in self.processors():
            try:
                values = self.registers(processor)
            except ValueError:
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
        was = self.packet("qqemu.PhyMemMode")
        self._physical_depth += 1
        try:
            self.packet("Qqemu.PhyMemMode:1")
            yield
        finally:
            self._physical_depth -= 1
            if was != b"1":
                self.packet("Qqemu.PhyMemMode:0")

    def _read_physical(self, address: int, size: int) -> bytes:
        self.check("read", address)
        with self.physical_mode():
            return self._read(address, size)

    def reads(self) -> Sequence[Callable[[int, int], bytes]]:
        return [_Reader(self, processor) for processor in self.processors()]

    def write(self, address: int, data: bytes, physical: bool) -> None:
        self.check("write", address)
        with self.physical_mode() if physical else nullcontext():
            try:
                self.write_some(address, data)
            except Unreadable:
                raise FaultError("could not write memory", address) from None

    def _read(self, address: int, size: int) -> bytes:
        return read_in_chunks(self.read_some, address, size, _fault)


def _fault(address: int, _size: int, error: Unreadable) -> FaultError:
    # What GDB says is such as that the connection was closed.
    why = f": {error}" if str(error) else ""
    return FaultError(f"could not read memory{why}", address)


class _Reader:
    """Reads as one processor translates addresses."""

    def __init__(self, stub: GdbStub, processor: int) -> None:
        self._stub = stub
        self._processor = processor

    def __call__(self, address: int, size: int) -> bytes:
        self._stub.check("read", address)
        with self._stub.selected(self._processor):
            return self._stub._read(address, size)
