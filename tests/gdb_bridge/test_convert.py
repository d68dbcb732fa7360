"""GDB's values as Objects and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

EXPRESSIONS = {
    "counter": "Object(prog, 'int', value=7)",
    "&first": "Object(prog, 'struct node *', value=",
    "first": "Object(prog, 'struct node', address=",
    "first.small": "Object(prog, 'unsigned int', value=3)",
    "first.name": "Object(prog, 'char [8]', address=",
    "origin": "Object(prog, 'point', address=",
    "origin.x * 2": "Object(prog, 'double', value=3.0)",
    "color": "Object(prog, 'enum color', value=1)",
    "RED": "Object(prog, 'enum color', value=0)",
    "callback": "Object(prog, 'int (*)(const char *)', address=",
    "fixed": "Object(prog, 'const volatile short', value=-3)",
    "(const int *)&counter": "Object(prog, 'const int *', value=",
    "(void *)0": "Object(prog, 'void *', value=0x0)",
    "add": "Object(prog, 'int (int, int)', address=",
}


@pytest.fixture(scope="module")
def converted(gdb: Any, list_program: Path) -> list[str]:
    script = [
        f"drgn print(repr(from_gdb_value(gdb.parse_and_eval({text!r}))))"
        for text in EXPRESSIONS
    ]
    result = gdb("break add", "run", "echo --\\n", *script, program=list_program)
    assert not [line for line in result.err.splitlines() if "Error" in line]
    lines: list[str] = result.out.split("--\n")[1].splitlines()
    return lines


@pytest.mark.parametrize("number", range(len(EXPRESSIONS)), ids=list(EXPRESSIONS))
def test_from_gdb(converted: list[str], number: int) -> None:
    expected = list(EXPRESSIONS.values())[number]
    assert converted[number].startswith(expected)


NAMES = [
    "first", "origin", "counter", "color", "callback", "fixed", "add", "main",
]  # fmt: skip


def test_to_gdb(gdb: Any, list_program: Path) -> None:
    """GDB prints what it has from drgn as it prints its own."""
    commands = []
    for name in NAMES:
        commands += [f'output $drgn("prog[\\"{name}\\"]")', "echo \\n"]
        commands += [f"output {name}", "echo \\n"]
        if name not in ("add", "main"):
            commands += [f'output $drgn("prog[\\"{name}\\"].read_()")', "echo \\n"]
            commands += [f"output {name}", "echo \\n"]
    result = gdb("break add", "run", "echo --\\n", *commands, program=list_program)
    lines = result.out.split("--\n")[1].splitlines()
    assert len(lines) == len(commands) // 2
    assert lines[::2] == lines[1::2]


def test_references_can_be_assigned_to(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "break add",
        "run",
        "echo --\\n",
        'set var $drgn("prog[\\"first\\"].value") = 77',
        'drgn prog["first"].value',
        'output &$drgn("prog[\\"first\\"]") == &first',
        program=list_program,
    )
    assert result.out.endswith("--\n(int)77\n1")


def test_bit_fields(gdb: Any, list_program: Path) -> None:
    result = gdb('output $drgn("prog[\\"first\\"].small")', program=list_program)
    assert result.out == "3"


def test_what_gdb_does_not_know(gdb: Any, list_program: Path) -> None:
    result = gdb(
        "drgn to_gdb_value(Object(prog, prog.struct_type('new', 4, ()), address=0))",
        "drgn to_gdb_value(Object(prog, 'int'))",
        "drgn to_gdb_value([])",
        program=list_program,
    )
    assert result.err.splitlines() == [
        "LookupError: GDB knows no type struct new",
        "_drgn.ObjectAbsentError: object absent",
        "ValueError: GDB has no values of type list",
    ]
