"""Packets of GDB's remote protocol."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgn.standalone.gdbserver.packets import BadPacket, Connection


def connection(received: bytes) -> tuple[Connection, io.BytesIO]:
    sink = io.BytesIO()
    return Connection(io.BytesIO(received), sink), sink


def test_packets_are_acknowledged_until_that_is_not_wanted() -> None:
    found, sink = connection(b"$g#67$m0,4#fd")
    assert found.receive() == b"g"
    found.acknowledges = False
    assert found.receive() == b"m0,4"
    assert found.receive() is None
    assert sink.getvalue() == b"+"


@pytest.mark.parametrize("checksum", [b"68", b"zz"])
def test_wrong_checksum_asks_for_the_packet_again(checksum: bytes) -> None:
    found, sink = connection(b"$g#" + checksum + b"$g#67")
    assert found.receive() == b"g"
    assert sink.getvalue() == b"-+"


def test_acknowledgements_and_interrupts_are_skipped() -> None:
    found, _ = connection(b"++\x03-$?#3f")
    assert found.receive() == b"?"


def test_an_unfinished_packet_is_the_end() -> None:
    assert connection(b"$qSuppo")[0].receive() is None


def test_a_packet_without_end_is_refused() -> None:
    with pytest.raises(BadPacket, match="more than 1048576 bytes"):
        connection(b"$" + b"x" * (1 << 21))[0].receive()


@given(st.binary())
def test_what_is_sent_is_received(data: bytes) -> None:
    sender, sink = connection(b"")
    sender.send(data)
    assert connection(sink.getvalue())[0].receive() == data
