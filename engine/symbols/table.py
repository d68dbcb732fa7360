"""The symbol table of an ELF file (gABI, "Symbol Table")."""

from __future__ import annotations


class SymbolTable:
    """Symbols of one file, by name and by file address."""
