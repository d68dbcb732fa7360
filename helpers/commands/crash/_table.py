"""The module of this package that each command is in."""

from __future__ import annotations

MODULES: dict[str, str] = {
    "!": "session",
    "*": "struct",
    "drgn": "session",
    "exit": "session",
    "help": "session",
    "q": "session",
    "set": "set",
    "struct": "struct",
    "sym": "sym",
    "union": "struct",
}
