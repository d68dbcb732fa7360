"""``list``: lines of source, around a place or from one to another."""

from __future__ import annotations

from .command import Entry
from .errors import error
from .linespecs import Linespec, current_place, places
from .session import Listed, Session, current
from .sources import length, line_text


def list_command(arguments: str, from_tty: bool) -> None:
    """Print lines of source: list [PLACE | FIRST,LAST | FIRST, | ,LAST | - ]."""
    session = current()
    size = session.settings["listsize"]
    count = size if isinstance(size, int) else 1 << 31
    text = arguments.strip()
    if text in ("", "+", "-"):
        _go_on(session, text == "-", count)
        return
    first, comma, last = (part.strip() for part in text.partition(","))
    if not comma:
        found = places(session, first, code=False)
        for place in found:
            if len(found) > 1:
                session.write(
                    f'file: "{place.filename}", line number: {place.line}, '
                    'symbol: "???"\n'
                )
            elif first.startswith("*") and place.line:
                _write_address(session, place)
            if place.line:
                begin = max(place.line - 5, 1)
                _write(session, place, begin, begin + count)
        return
    if not first and not last:
        raise error("Two empty args do not say what lines to list.")
    start = _one(session, first) if first else None
    if start is not None and last.startswith("+"):
        end: Linespec | None = start._replace(line=start.line + _count(last[1:]))
    else:
        end = _one(session, last) if last else None
    if start is not None and end is not None:
        if start.filename != end.filename:
            raise error("Specified first and last lines are in different files.")
        _write(session, start, start.line, end.line + 1)
    elif start is not None:
        _write(session, start, start.line, start.line + count)
    elif end is not None:
        begin = max(end.line + 1 - count, 1)
        _write(session, end, begin, end.line + 1)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise error(f'Function "+{text}" not defined.')
    return int(text[:18])


def _one(session: Session, text: str) -> Linespec:
    found = places(session, text, code=False)
    if len(found) > 1:
        raise error(f"Specified line '{text}' is ambiguous.")
    return found[0]


def _write_address(session: Session, place: Linespec) -> None:
    symbol = session.lookups.symbol_text(place.address or 0)
    name = symbol[1:-1].partition("+")[0]
    session.write(f"{place.address:#x} is in {name} ({place.filename}:{place.line}).\n")


def _go_on(session: Session, backwards: bool, count: int) -> None:
    """The lines after or before those that were printed, or around a place."""
    listed = session.listed
    if listed is None:
        place = current_place(session)
        if place is None:
            raise error('No symbol table is loaded.  Use the "file" command.')
        line = place.line if session.has_stack() else max(place.line - count + 1, 1)
        begin = max(line - 5, 1)
        if backwards and session.has_stack():
            begin = max(begin - count, 1)
        _write(session, place, begin, begin + count)
    elif backwards:
        if listed.first <= 1:
            raise error(f"Already at the start of {listed.filename}.")
        _write(session, listed, max(listed.first - count, 1), listed.first)
    else:
        _write(session, listed, listed.end, listed.end + count)


def _write(session: Session, of: Linespec | Listed, first: int, end: int) -> None:
    name, path = of.filename, of.path
    last = length(path)
    if not last:
        raise error(f"{first}\t{name}: No such file or directory.")
    if first > last:
        raise error(f"Line number {first} out of range; {name} has {last} lines.")
    end = min(end, last + 1)
    if end <= first:
        return
    for line in range(first, end):
        session.write(f"{line}\t{line_text(path, line)}\n")
    session.listed = Listed(name, path, first, end)


def register(root: Entry) -> None:
    """Put the command in the tree."""
    root.add("list", list_command, list_command.__doc__ or "")
