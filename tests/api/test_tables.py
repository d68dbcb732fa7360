"""Programs, finders, modules, memory: sessions written down in tables.

A table is one session, run line by line in one namespace. A line that starts with
``! `` is a statement; any other is an expression. The indented line below is the repr
of an expression, or the class and message of an exception (or the class alone).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import drgn
from drgn import Platform, Program

TABLES = sorted((Path(__file__).parent / "tables").glob("*.txt"))


def searched(platform: Platform) -> Program:
    """A program with memory in which something is to be found.

    The same bytes are at 0x10000, in two segments, backwards at 0x20000 and at the
    physical address 0x30000.
    """
    numbers = random.Random(5)
    memory = bytearray(numbers.randrange(256) for _ in range(4096))
    for offset, text in (
        (100, b"\x78\x56\x34\x12\x12\x34\x56\x78\x9a\xbc\xde\xf0"),
        (200, b"hello world!"),
        (1003, b"hello"),
        (2000, "héllo wörld ΩΩ日本".encode().ljust(40, b"\0")),
        (3000, b"abcabcabc" * 11 + b"x"),
        (4090, b"hellox"),
    ):
        memory[offset : offset + len(text)] = text
    data = bytes(memory)
    prog = Program(platform)

    def add(address: int, data: bytes, physical: bool = False) -> None:
        prog.add_memory_segment(
            address, len(data), lambda a, n, o, p: data[o : o + n], physical
        )

    add(0x10000, data[:2048])
    add(0x10800, data[2048:])
    add(0x20000, data[::-1])
    add(0x30000, data, True)
    return prog


def found(results: Any) -> list[Any]:
    """The first results of a search, addresses in hexadecimal."""
    return [
        (hex(result[0]), *result[1:]) if isinstance(result, tuple) else hex(result)
        for result in list(results)[:12]
    ]


def names() -> dict[str, Any]:
    """What the tables know from the start."""
    import copy
    import re

    return {
        **{name: getattr(drgn, name) for name in drgn.__all__},
        "A": drgn.Architecture,
        "F": drgn.PlatformFlags,
        "K": drgn.KmodSearchMethod,
        "L": found,
        "M": drgn.ModuleFileStatus,
        "copy": copy,
        "re": re,
        "searched": searched,
    }


def run(line: str, namespace: dict[str, Any]) -> str | None:
    """The outcome of a line of a table, None if it is a statement that did work."""
    try:
        if line.startswith("! "):
            exec(line[2:], namespace)
            return None
        return repr(eval(line, namespace))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_table(table: Path) -> None:
    namespace = names()
    lines = [line for line in table.read_text().splitlines() if line]
    wrong = []
    for i, line in enumerate(lines):
        if line.startswith(("    ", "# ")):
            continue
        outcome = run(line, namespace)
        expected = None
        if i + 1 < len(lines) and lines[i + 1].startswith("    "):
            expected = lines[i + 1].strip()
        if outcome is not None:
            outcome = outcome.strip()
            if expected is not None and expected.endswith("Error"):
                outcome = outcome.partition(":")[0]
        if outcome != expected:
            wrong.append((line, outcome, expected))
    assert not wrong
