"""Source lines of addresses, and what is around them."""

from __future__ import annotations

import os
from typing import NamedTuple

import drgn
from drgn import StackFrame
from drgn.target import line_code, source_directory

from .session import Session


class Line(NamedTuple):
    """A line of a source file and the code of it, from ``start`` to before ``end``."""

    filename: str
    line: int
    start: int
    end: int


def location(session: Session, pc: int) -> tuple[str, int] | None:
    """File and line of the innermost function's code at an address."""
    try:
        found = session.prog.source_location(pc)
    except (LookupError, ValueError, drgn.BadDataError):
        return None
    for each in found:
        if each.filename:
            return short_name(session, pc, each.filename), each.line
        break
    return None


def frame_place(session: Session, frame: StackFrame) -> tuple[str, int] | None:
    """File and line of a frame."""
    try:
        found = frame.source()
    except LookupError:
        return None
    if not found.filename:
        return None
    return short_name(session, frame.pc, found.filename), found.line


def short_name(session: Session, pc: int, filename: str) -> str:
    """The name of a file as the compiler was given it."""
    home = _directory(session, pc)
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
    place = location(session, pc)
    code = None if place is None else line_code(session.prog, pc)
    return None if place is None or code is None else Line(*place, *code)


def symbol_of(session: Session, address: int) -> drgn.Symbol | None:
    """The symbol that an address is in."""
    try:
        return session.prog.symbol(address)
    except (LookupError, ValueError, OverflowError):
        return None
