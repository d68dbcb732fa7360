"""``disassemble``, and ``x/i``: instructions with their addresses and symbols."""

from __future__ import annotations

import re

from .command import Entry
from .errors import MemoryError, error
from .evaluate import evaluate_address
from .instructions import counted, instructions
from .places import symbol_of
from .session import Session, current

_MODIFIERS = re.compile(r"/([a-zA-Z]*)\s*")


def disassemble(arguments: str, from_tty: bool) -> None:
    """Print instructions: disassemble [/r] [ADDRESS | START,END | START,+LENGTH]."""
    session = current()
    raw = False
    match = _MODIFIERS.match(arguments)
    if match is not None:
        for letter in match[1]:
            if letter in "ms":
                raise error("Source lines among instructions are not shown here.")
            if letter != "r":
                raise error("Invalid disassembly modifier.")
            raw = True
        arguments = arguments[match.end() :]
    first, _, last = arguments.partition(",")
    if last.strip():
        start = evaluate_address(session, first)
        end = evaluate_address(session, last.strip().removeprefix("+"))
        if last.strip().startswith("+"):
            end += start
        session.write(f"Dump of assembler code from {start:#x} to {end:#x}:\n")
        name = None
    else:
        if not first.strip() and not session.has_stack():
            raise error("No frame selected.")
        at = evaluate_address(session, first) if first.strip() else session.frame().pc
        symbol = symbol_of(session, at)
        if symbol is None or not symbol.size:
            raise error("No function contains specified address.")
        start, end = symbol.address, symbol.address + symbol.size
        name = session.lookups.symbol_text(start)[1:-1]
        session.write(f"Dump of assembler code for function {name}:\n")
    pc = _pc(session)
    for each in instructions(session, start, end):
        place = _place(session, each.address)
        if name is not None:
            place = f" <+{each.address - start}>"
        octets = f"{each.octets.hex(' '):<19}\t" if raw else ""
        mark = "=>" if each.address == pc else "  "
        session.write(f"{mark} {each.address:#018x}{place}:\t{octets}{each.text}\n")
    session.write("End of assembler dump.\n")


def _pc(session: Session) -> int | None:
    return session.frame().pc if session.has_stack() else None


def _place(session: Session, address: int) -> str:
    """`` <symbol+offset>``, with an offset of 0 too."""
    text = session.lookups.symbol_text(address)
    if text and "+" not in text:
        text = f"{text[:-1]}+0>"
    return f" {text}" if text else ""


def examine(session: Session, address: int, count: int) -> tuple[int, int]:
    """Print instructions as ``x/i`` does; where the last is, and the one after it.

    Raises ``gdb.MemoryError`` where one cannot be read.
    """
    pc, last = _pc(session), address
    found = []
    try:
        found = counted(session, address, count)
    finally:
        for each in found:
            where = session.lookups.address_text(each.address)
            mark = "=>" if each.address == pc else "  "
            session.write(f"{mark} {where}:\t{each.text}\n")
            last, address = each.address, each.address + len(each.octets)
        if len(found) < count:
            where = session.lookups.address_text(address)
            session.write(f"   {where}:\t")
    if len(found) < count:
        raise MemoryError(f"Cannot access memory at address {address:#x}")
    return last, address


def register(root: Entry) -> None:
    """Put the commands in the tree."""
    root.add("disassemble", disassemble, disassemble.__doc__ or "")
