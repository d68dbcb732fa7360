"""The command line of ``drgn gdbserver``."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO

from drgn import Architecture, PlatformFlags, Program

from ..execute import fail
from .packets import BadPacket, Connection
from .server import Server

_USAGE = """\
usage: drgn gdbserver [--listen [HOST]:PORT] [OPTION OF DRGN ...]

Serve what drgn opens (-c, -p, -k, ...) to GDB, on standard input and output or on a
port of this machine:

    (gdb) target remote | drgn gdbserver -c vmcore -s vmlinux
"""


def split_listen(argv: Sequence[str]) -> tuple[tuple[str, int] | None, list[str]]:
    """The address to listen at, None for standard input; and the other arguments.

    Ends the process for ``--help``, and for an address that is none.
    """
    parser = argparse.ArgumentParser("drgn gdbserver", add_help=False)
    parser.add_argument("--listen")
    parser.add_argument("-h", "--help", action="store_true")
    args, others = parser.parse_known_args(argv)
    if args.help:
        print(_USAGE, end="")
        sys.exit(0)
    if args.listen is None:
        return None, others
    host, _, port = args.listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        parser.error(f"argument --listen: {args.listen!r} is not [HOST]:PORT")
    return (host or "localhost", int(port)), others


def serve(prog: Program, address: tuple[str, int] | None) -> None:
    """Serve a program to one GDB. Ends the process if that cannot be done."""
    platform = prog.platform
    if platform is None or platform.arch is not Architecture.X86_64:
        fail("error: drgn gdbserver can serve x86-64 only")
    if not platform.flags & PlatformFlags.IS_64_BIT:
        fail("error: drgn gdbserver can serve 64-bit programs only")
    try:
        if address is None:
            # Ctrl-C in GDB is not meant for what it reads from.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _serve(prog, sys.stdin.buffer, sys.stdout.buffer)
        else:
            _listen(prog, address, _serve)
    except (BadPacket, OSError) as error:
        if not isinstance(error, (BrokenPipeError, ConnectionResetError)):
            fail(f"error: {error}")


def _serve(prog: Program, source: BinaryIO, sink: BinaryIO) -> None:
    Server(prog, Connection(source, sink)).serve()


def _listen(
    prog: Program,
    address: tuple[str, int],
    serve: Callable[[Program, BinaryIO, BinaryIO], None],
) -> None:
    with socket.create_server(address) as listener:
        host, port = listener.getsockname()[:2]
        print(f"waiting for GDB at {host}:{port}", file=sys.stderr, flush=True)
        client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, client.makefile("rb") as source, client.makefile("wb") as sink:
        serve(prog, source, sink)
