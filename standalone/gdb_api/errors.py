"""GDB's exceptions, as its Python has them."""

from __future__ import annotations

# Tracebacks have the names that scripts know.
_MODULE = "gdb"


class error(RuntimeError):
    """What GDB says no to."""

    __module__ = _MODULE


class MemoryError(error):
    """Memory that cannot be read."""

    __module__ = _MODULE


class GdbError(Exception):
    """What a command says no to: shown as one line, without a traceback."""

    __module__ = _MODULE
