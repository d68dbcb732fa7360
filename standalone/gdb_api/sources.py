"""Lines of source files, where they are on this machine."""

from __future__ import annotations

import linecache
import os


def line_text(filename: str, line: int) -> str | None:
    """A line of a file; None if the file is not there or has no such line."""
    if not os.path.isfile(filename):
        return None
    text = linecache.getline(filename, line)
    return text.rstrip("\n") if text else None


def length(filename: str) -> int:
    """How many lines a file has; 0 if it is not there."""
    return len(linecache.getlines(filename)) if os.path.isfile(filename) else 0
