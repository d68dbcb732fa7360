"""``drgn --gdb ARGS...``: the prompt, a script or code over a GDB that is started."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..execute import run_code, run_script
from .mi import GdbError, GdbLost
from .session import GdbSession, run_prompt


def run_with_gdb(args: argparse.Namespace, gdb_arguments: Sequence[str]) -> int:
    """Run what the command line says. Returns the exit status."""
    try:
        session = GdbSession(gdb_arguments, args.quiet)
    except (GdbLost, GdbError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: gdb: {error.strerror}", file=sys.stderr)
        return 1
    _register_command(session)
    # Python would end at once, and leave GDB and the program that it runs.
    for number in signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        if args.exec is not None:
            argv = ["-e", *args.args]
            run_code(session.prog, args.exec, "<string>", argv, session.follow)
        elif args.args:
            run_script(session.prog, args.args, session.follow)
        elif sys.stdin.isatty():
            run_prompt(session)
        else:
            source = sys.stdin.read()
            run_code(session.prog, source, "<stdin>", [""], session.follow)
    finally:
        session.close()
    return 0


def _end(number: int, frame: object) -> NoReturn:
    """End as a shell says of who was ended by a signal."""
    sys.exit(128 + number)


def _register_command(session: GdbSession) -> None:
    from drgn.commands import raw_command

    @raw_command(
        name="gdb",
        description="give GDB a line",
        usage="**gdb** *command*",
        long_description="Print what GDB says to one of its own commands. If that"
        " runs the program, wait until it stops.",
    )
    def _cmd_gdb(prog: Any, name: str, args: str, **kwargs: Any) -> None:
        session.execute(args)
