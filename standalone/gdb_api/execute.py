"""``gdb.execute()``: one line of a command, or several lines."""

from __future__ import annotations

import sys

import drgn

from . import scripts
from .command import find
from .errors import GdbError, error
from .session import Session, current

FAILURES = (
    drgn.FaultError,
    drgn.BadDataError,
    drgn.UnsupportedOperation,
    NotImplementedError,
    OSError,
)
"""What the program may raise besides GDB's own errors."""


def execute(
    command: str, from_tty: bool = False, to_string: bool = False
) -> str | None:
    """Run commands; what they print is returned if ``to_string``."""
    session = current()
    if not to_string:
        _run(session, command, from_tty)
        return None
    with session.capturing() as parts:
        _run(session, command, from_tty)
    return "".join(parts)


def _run(session: Session, text: str, from_tty: bool) -> None:
    # A line of its own is the most frequent, and needs no reader of blocks.
    if "\n" in text or scripts.block_kind(text.strip()):
        scripts.run(text.splitlines(), from_tty)
    else:
        run_line(session, text, from_tty)


def run_line(session: Session, line: str, from_tty: bool) -> None:
    """Run one line, which begins no block. Raises ``gdb.error``, ``gdb.GdbError``."""
    line = line.strip()
    if not line or line.startswith("#"):
        return
    entry, arguments = find(session.root, line)
    if entry.run is None:
        raise error(_must_be_followed(entry.name))
    hooks = session.hooks
    before = hooks.get(f"hook-{entry.name}") if hooks else None
    if before and entry.name not in session.hooked:
        session.hooked.add(entry.name)
        try:
            scripts.run_all(session, before, None, from_tty)
        finally:
            session.hooked.discard(entry.name)
    entry.run(arguments, from_tty)
    after = hooks.get(f"hookpost-{entry.name}") if hooks else None
    if after:
        scripts.run_all(session, after, None, from_tty)


def _must_be_followed(name: str) -> str:
    return f'"{name}" must be followed by the name of a subcommand.'


def run_shown(session: Session, line: str, from_tty: bool = True) -> bool:
    """Run a line that a person typed; failures are printed. Whether it went well."""
    try:
        _run(session, line, from_tty)
    except (scripts.LoopBreakError, scripts.LoopContinueError):
        print("This command cannot be used at the top level.", file=sys.stderr)
        return False
    except (error, GdbError, *FAILURES) as reason:
        session.flush()
        print(str(reason).rstrip("\n"), file=sys.stderr)
        return False
    finally:
        session.flush()
    return True
