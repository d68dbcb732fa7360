"""What ``source drgn.py`` does when it has found the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import gdb

import __main__
from drgn.target import register_values

from . import current
from .interactive import InteractivePrompt

if TYPE_CHECKING:
    from drgn import Object

_installed = False


def install() -> None:
    """Define ``prog``, the commands and the function; the first time only."""
    global _installed
    if not _installed:
        # Python's module would take GDB's own readline over, and GDB's TAB with it. GDB
        # means to keep it out, but its finder only comes after all others.
        sys.modules.setdefault("readline", None)  # type: ignore[arg-type]
        from . import commands

        commands.register()
        current.connect()
        register_values(gdb.Value, _converted)
        if not hasattr(sys, "ps1"):
            sys.ps1 = InteractivePrompt()
        _installed = True
    current.follow(vars(__main__))


def _converted(value: gdb.Value) -> Object:
    from .convert import from_gdb_value

    return from_gdb_value(value, current.current_program())
