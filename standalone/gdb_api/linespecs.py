"""Places in the source as GDB takes them: FUNCTION, FILE:LINE, LINE, *ADDRESS."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import drgn
from drgn.target import line_starts

from .errors import error
from .places import full_name, line_at, relative_name
from .session import Session
from .symbols import lookup_function


class Linespec(NamedTuple):
    """A place: a line of a file, and where its code begins (None: it has none)."""

    filename: str
    path: str
    """Of the file on the machine that compiled it."""
    line: int
    address: int | None


def places(session: Session, text: str, code: bool = True) -> list[Linespec]:
    """The places that a text means: several, if several files have the name.

    Without ``code``, lines of the current file have no addresses. Raises ``gdb.error``
    if the text means none.
    """
    text = text.strip()
    if text.startswith("*"):
        return [_of_address(session, text[1:])]
    file, _, last = text.rpartition(":")
    if re.fullmatch(r"[+-]?[0-9]+", last) and not file.endswith(":"):
        default = current_place(session)
        name = file or (default.path if default else "")
        if not name:
            raise error('No symbol table is loaded.  Use the "file" command.')
        line = int(last[:18])
        if last[0] in "+-":
            line += default.line if default else 0
        if not file and default is not None and not code:
            return [Linespec(default.filename, default.path, line, None)]
        return _of_line(session, name.strip("\"'"), line)
    if file and not file.endswith(":"):
        return [_of_function(session, last.strip(), file)]
    return [_of_function(session, text, None)]


def current_place(session: Session) -> Linespec | None:
    """The line after those that were shown last, or the selected frame's, or main's."""
    listed = session.listed
    if listed is not None:
        return Linespec(listed.filename, listed.path, listed.end, None)
    if session.has_stack():
        return _at(session, session.frame().pc)
    main = lookup_function("main")
    if main is None or main._obj.address_ is None:
        return None
    return _at(session, main._obj.address_)


def _at(session: Session, address: int) -> Linespec | None:
    found = line_at(session, address)
    if found is None:
        return None
    path = full_name(session, address, found.filename)
    return Linespec(found.filename, path, found.line, address)


def _of_address(session: Session, text: str) -> Linespec:
    from .evaluate import evaluate_address

    address = evaluate_address(session, text)
    return _at(session, address) or Linespec("", "", 0, address)


def _of_line(session: Session, name: str, line: int) -> list[Linespec]:
    try:
        found = line_starts(session.prog, name, line)
    except (drgn.BadDataError, ValueError) as reason:
        raise error(str(reason)) from None
    if not found:
        raise error(f"No source file named {name}.")
    return [
        Linespec(
            relative_name(directory, filename),
            os.path.join(directory or "", filename),
            line,
            address,
        )
        for filename, directory, address in found
    ]


def _of_function(session: Session, name: str, file: str | None) -> Linespec:
    found = lookup_function(name)
    if file is not None:
        try:
            obj = session.prog.function(name, file)
        except LookupError:
            _of_line(session, file, 1)  # Fails if it is no file.
            raise error(f'Function "{name}" not defined in "{file}".') from None
        address = obj.address_
    else:
        address = None if found is None else found._obj.address_
    if address is None:
        raise error(f'Function "{name}" not defined.')
    return _at(session, address) or Linespec("", "", 0, address)
