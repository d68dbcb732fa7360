"""Source lines of addresses, and what is around them."""

from __future__ import annotations

import os
from typing import NamedTuple

import drgn
from drgn import StackFrame
from drgn.target import frame_statement, source_directory, statement_at

from .session import Session


class Line(NamedTuple):
    """A line of a source file and the code of it, from ``start`` to before ``end``."""

    filename: str
    line: int
    start: int
    end: int


def location(session: Session, pc: int) -> tuple[str, int] | None:
    """File and line of the innermost function's code at an address."""
    found = line_at(session, pc)
    return None if found is None else (found.filename, found.line)


def frame_place(session: Session, frame: StackFrame) -> tuple[str, int] | None:
    """File and line of a frame."""
    found = frame_statement(frame)
    if found is None or not found[0]:
        return None
    return short_name(session, frame.pc, found[0]), found[1]


def short_name(session: Session, pc: int, filename: str) -> str:
    """The name of a file as the compiler was given it."""
    return relative_name(_directory(session, pc), filename)


def relative_name(home: str | None, filename: str) -> str:
    """The name of a file, without the directory that the compiler ran in."""
    if home and home[0] == "/" and filename.startswith(home.rstrip("/") + "/"):
        return filename[len(home.rstrip("/")) + 1 :]
    return filename


def full_name(session: Session, pc: int, filename: str) -> str:
    """The path of a file that `location()` gives."""
    return os.path.join(_directory(session, pc) or "", filename)


def _directory(session: Session, pc: int) -> str | None:
    try:
        return source_directory(session.prog, pc)
    except (drgn.BadDataError, drgn.FaultError):
        return None


def line_at(session: Session, pc: int) -> Line | None:
    """The line that an address is in, with the code around the address."""
    found = statement_at(session.prog, pc)
    if found is None or not found.filename:
        return None
    name = short_name(session, pc, found.filename)
    return Line(name, found.line, found.start, found.end)


def symbol_of(session: Session, address: int) -> drgn.Symbol | None:
    """The symbol that an address is in."""
    try:
        return session.prog.symbol(address)
    except (LookupError, ValueError, OverflowError):
        return None
