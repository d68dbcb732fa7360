"""The "elf" symbol finder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..program import Program
    from .symbol import Symbol


def elf_symbol_finder(
    prog: Program, name: str | None, address: int | None, one: bool
) -> list[Symbol]:
    """Symbols of the modules' ELF files; the best one if ``one``."""
    raise NotImplementedError
