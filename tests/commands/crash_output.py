"""Running crash commands in tests, and reading the tables that they print."""

from __future__ import annotations

import contextlib
import io
import re

from drgn import Program
from drgn.commands import run_command


def crash(prog: Program, line: str) -> str:
    """What a crash command prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        run_command(prog, f"crash {line}", globals={"prog": prog})
    return output.getvalue()


def lines_of(prog: Program, line: str) -> list[str]:
    """The lines that a crash command prints."""
    return crash(prog, line).splitlines()


def tables(text: str) -> list[list[list[str]]]:
    """The cells of tables that a blank line parts; two blanks or more part cells."""
    return [
        [re.split(r" {2,}", line.strip()) for line in block.splitlines()]
        for block in text.strip("\n").split("\n\n")
    ]


def rows(text: str) -> list[list[str]]:
    """The cells of a single table, without its header."""
    (table,) = tables(text)
    return table[1:]
