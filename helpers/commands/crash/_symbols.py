"""Addresses of functions and variables as text."""

from __future__ import annotations

from drgn import Program


def symbol_name(prog: Program, address: int) -> str | None:
    """The symbol that an address is in, with its offset if it has one, or None."""
    try:
        symbol = prog.symbol(address)
    except LookupError:
        return None
    offset = address - symbol.address
    return symbol.name + (f"+{offset}" if offset else "")


def symbol_or_address(prog: Program, address: int) -> str:
    """The symbol that an address is in, or else the address."""
    return symbol_name(prog, address) or f"{address:x}"
