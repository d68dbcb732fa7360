"""What ``source drgn.py`` does when it has found the package."""

from __future__ import annotations

import __main__

from . import current

_installed = False


def install() -> None:
    """Define ``prog``, the commands and the function; the first time only."""
    global _installed
    if not _installed:
        from . import commands

        commands.register()
        current.connect()
        _installed = True
    current.follow(vars(__main__))
