"""GDB's exceptions, as its Python has them."""

from __future__ import annotations


class error(RuntimeError):
    """What GDB says no to."""


class MemoryError(error):
    """Memory that cannot be read."""


class GdbError(Exception):
    """What a command says no to: shown as one line, without a traceback."""
