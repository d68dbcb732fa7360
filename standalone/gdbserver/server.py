"""Answers to GDB's packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drgn import FaultError, Program
from drgn.elf import file_range, open_elf

from .packets import Connection
from .registers import REGISTERS, description, encode, encode_one
from .threads import Threads

_PACKET_SIZE = 0x10000
_OK, _BAD, _FAULT = b"OK", b"E01", b"E0e"
_MAX_READ = _PACKET_SIZE // 2 - 1


class Server:
    """A program that GDB reads and that does not run."""

    def __init__(self, prog: Program, connection: Connection) -> None:
        self._prog = prog
        self._connection = connection
        self._known: Threads | None = None
        self._selected = 0
        self._listed: Iterator[int] = iter(())
        self._ended = False

    def serve(self) -> None:
        """Answer until GDB leaves. Raises BadPacket and OSError."""
        while not self._ended:
            packet = self._connection.receive()
            if packet is None:
                return
            if packet == b"k":
                return
            self._connection.send(self.answer(packet))
            if packet == b"QStartNoAckMode":
                self._connection.acknowledges = False

    def answer(self, packet: bytes) -> bytes:
        """The answer to a packet; empty for what is not known."""
        text = packet.decode("latin-1")
        for start, method in _ANSWERS.items():
            if text.startswith(start):
                try:
                    return method(self, text.removeprefix(start))
                except (ValueError, IndexError, OverflowError):
                    return _BAD
        return b""

    @property
    def _threads(self) -> Threads:
        # Not before GDB asks: it takes a while where there are many.
        if self._known is None:
            self._known = Threads(self._prog)
            self._selected = self._selected or self._known.first
        return self._known

    # What there is.

    def _supported(self, _: str) -> bytes:
        return (
            f"PacketSize={_PACKET_SIZE:x};QStartNoAckMode+;qXfer:features:read+"
        ).encode()

    def _no_acknowledgements(self, _: str) -> bytes:
        return _OK

    def _features(self, arguments: str) -> bytes:
        name, offset, length = _split(arguments, 3)
        if name != "target.xml":
            return b"E00"
        start, size = int(offset, 16), int(length, 16)
        data = description()
        part = data[start : start + size]
        return (b"m" if start + size < len(data) else b"l") + part

    def _attached(self, _: str) -> bytes:
        return b"1"

    def _offsets(self, _: str) -> bytes:
        """How far the main file was moved, by where its first segment is."""
        try:
            module = self._prog.main_module()
        except LookupError:
            return b""
        for path, bias in (
            (module.debug_file_path, module.debug_file_bias),
            (module.loaded_file_path, module.loaded_file_bias),
        ):
            if path is not None and bias:
                start = file_range(open_elf(path))[0]
                return f"TextSeg={start + bias & (1 << 64) - 1:x}".encode()
        return b""

    # Threads and registers.

    def _stopped(self, _: str) -> bytes:
        first = self._threads.first
        return f"T05thread:{first:x};".encode() if first else b"S05"

    def _current(self, _: str) -> bytes:
        return f"QC{self._threads.first:x}".encode()

    def _select(self, arguments: str) -> bytes:
        number = int(arguments[1:], 16)
        if number > 0 and number not in self._threads:
            return _BAD
        self._selected = number if number > 0 else self._threads.first
        return _OK

    def _is_alive(self, arguments: str) -> bytes:
        return _OK if int(arguments, 16) in self._threads else _BAD

    def _first_threads(self, _: str) -> bytes:
        self._listed = iter(self._threads.numbers())
        return self._next_threads("")

    def _next_threads(self, _: str) -> bytes:
        numbers = [number for number, _ in zip(self._listed, range(1024), strict=False)]
        if not numbers:
            return b"l"
        return b"m" + ",".join(f"{number:x}" for number in numbers).encode()

    def _thread_description(self, arguments: str) -> bytes:
        number = int(arguments, 16)
        if number not in self._threads:
            return _BAD
        return self._threads.description(number).encode().hex().encode()

    def _registers(self, _: str) -> bytes:
        return encode(self._threads.registers(self._selected or self._threads.first))

    def _register(self, arguments: str) -> bytes:
        number = int(arguments, 16)
        if number >= len(REGISTERS):
            return _BAD
        selected = self._selected or self._threads.first
        return encode_one(number, self._threads.registers(selected))

    # Memory.

    def _read(self, arguments: str) -> bytes:
        address, length = (int(part, 16) for part in _split(arguments, 2, ","))
        size = min(length, _MAX_READ)
        try:
            return self._prog.read(address, size).hex().encode()
        except FaultError as fault:
            readable = fault.address - address
        if not 0 < readable < size:
            return _FAULT
        try:
            # What can be read before the fault; GDB asks for the rest.
            return self._prog.read(address, readable).hex().encode()
        except FaultError:
            return _FAULT

    # What cannot be done.

    def _refuse(self, _: str) -> bytes:
        return _BAD

    def _monitor(self, _: str) -> bytes:
        return b"drgn gdbserver has no monitor commands\n".hex().encode()

    def _detach(self, _: str) -> bytes:
        self._ended = True
        return _OK


def _split(text: str, count: int, separators: str = ":,") -> list[str]:
    """The parts of a packet's arguments. Raises ValueError for another number."""
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    parts = text.split(separators[0])
    if len(parts) != count:
        raise ValueError(text)
    return parts


# By what packets begin with; longer beginnings come first.
_ANSWERS: dict[str, Callable[[Server, str], bytes]] = {
    "qSupported": Server._supported,
    "QStartNoAckMode": Server._no_acknowledgements,
    "qXfer:features:read:": Server._features,
    "qAttached": Server._attached,
    "qOffsets": Server._offsets,
    "qC": Server._current,
    "qfThreadInfo": Server._first_threads,
    "qsThreadInfo": Server._next_threads,
    "qThreadExtraInfo,": Server._thread_description,
    "qRcmd,": Server._monitor,
    "?": Server._stopped,
    "H": Server._select,
    "T": Server._is_alive,
    "g": Server._registers,
    "p": Server._register,
    "m": Server._read,
    "D": Server._detach,
    "G": Server._refuse,
    "P": Server._refuse,
    "M": Server._refuse,
    "c": Server._refuse,
    "C": Server._refuse,
    "s": Server._refuse,
    "S": Server._refuse,
}
