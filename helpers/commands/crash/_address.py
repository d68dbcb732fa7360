"""Addresses and symbols as arguments."""

from __future__ import annotations

import re
from typing import NamedTuple

from drgn import Architecture, PlatformFlags, Program

from ._cpuspec import Cpuspec, parse_cpuspec

# Where the kernel and user space each have a whole address space.
_SEPARATE_SPACES = (Architecture.S390, Architecture.S390X)
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")


def parse_hex(text: str) -> int | None:
    """The value of hexadecimal digits, with 0x or without; None for other text."""
    return int(text, 16) if _HEX.fullmatch(text) else None


def address_argument(text: str) -> int:
    """A hexadecimal address of an argument. Raises ValueError."""
    value = parse_hex(text)
    if value is None or value >> 64:
        raise ValueError(f"not a hexadecimal address: {text!r}")
    return value


def is_user_address(prog: Program, address: int) -> bool:
    """Whether an address is in the half that user space has.

    Raises ValueError where the address alone does not tell.
    """
    platform = prog.platform
    if (
        platform is None
        or platform.arch in _SEPARATE_SPACES
        or not platform.flags & PlatformFlags.IS_64_BIT
    ):
        raise ValueError(f"whose address is {address:#x}? Use -u or -k")
    return address < 1 << 63


class Location(NamedTuple):
    """An address or a symbol, and CPUs after a colon."""

    address: int | None
    symbol: str | None
    cpus: Cpuspec | None

    def resolve(self, prog: Program) -> int:
        """The address, or the symbol's. Raises LookupError for an unknown symbol."""
        if self.address is not None:
            return self.address
        assert self.symbol is not None
        return prog.symbol(self.symbol).address

    def code(self) -> str:
        """An expression of the address."""
        if self.address is not None:
            return f"{self.address:#x}"
        return f'prog.symbol("{self.symbol}").address'


def parse_location(prog: Program, text: str) -> Location:
    """Parse ``address_or_symbol[:cpuspec]``. Raises ValueError for a wrong cpuspec.

    What could be a symbol or hexadecimal (``a0``) is the symbol if there is one.
    """
    name, colon, cpus = text.partition(":")
    cpuspec = parse_cpuspec(cpus) if colon else None
    value = parse_hex(name)
    if value is None or (name[0].isalpha() and _has_symbol(prog, name)):
        return Location(None, name, cpuspec)
    return Location(value, None, cpuspec)


def _has_symbol(prog: Program, name: str) -> bool:
    try:
        prog.symbol(name)
    except LookupError:
        return False
    return True
