"""Packets of GDB's remote protocol, on a pair of streams."""

from __future__ import annotations

from typing import BinaryIO

_MAX_PACKET = 1 << 20
_ESCAPED = b"#$}*"


class BadPacket(Exception):
    """What arrives is no packet of GDB's."""


class Connection:
    """Takes GDB's packets, which it acknowledges until GDB wants that no longer."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self.acknowledges = True

    def receive(self) -> bytes | None:
        """The next packet, None at the end. Raises BadPacket and OSError.

        Acknowledgements, and the interrupts of what does not run, are skipped.
        """
        while True:
            byte = self._source.read(1)
            if not byte:
                return None
            if byte != b"$":
                continue
            data = self._until_hash()
            if data is None:
                return None
            checksum = self._source.read(2)
            if self.acknowledges and not _is_sum(data, checksum):
                self._send_raw(b"-")
                continue
            if self.acknowledges:
                self._send_raw(b"+")
            return _unescaped(data)

    def _until_hash(self) -> bytes | None:
        data = bytearray()
        while (byte := self._source.read(1)) != b"#":
            if not byte:
                return None
            data += byte
            if len(data) > _MAX_PACKET:
                raise BadPacket(f"a packet has more than {_MAX_PACKET} bytes")
        return bytes(data)

    def send(self, data: bytes) -> None:
        """Send a packet. Raises OSError."""
        escaped = bytearray()
        for byte in data:
            if byte in _ESCAPED:
                escaped += b"}" + bytes((byte ^ 0x20,))
            else:
                escaped.append(byte)
        self._send_raw(b"$%b#%02x" % (bytes(escaped), sum(escaped) & 0xFF))

    def _send_raw(self, data: bytes) -> None:
        self._sink.write(data)
        self._sink.flush()


def _is_sum(data: bytes, checksum: bytes) -> bool:
    try:
        return int(checksum, 16) == sum(data) & 0xFF
    except ValueError:
        return False


def _unescaped(data: bytes) -> bytes:
    if b"}" not in data:
        return data
    found = bytearray()
    rest = iter(data)
    for byte in rest:
        found.append(next(rest, 0) ^ 0x20 if byte == 0x7D else byte)
    return bytes(found)
