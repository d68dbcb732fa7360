"""Expressions and their outcomes, from the tables beside this file.

A table has lines of three kinds: ``! `` starts a statement that prepares what follows,
an expression stands alone, and the indented lines below it are its outcome: the text of
a string, the repr of anything else, or the class and message of an exception.
"""

from __future__ import annotations

import math
import operator
import pprint
import struct
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import drgn
from drgn import (
    Architecture,
    FindObjectFlags,
    Object,
    Platform,
    PlatformFlags,
    Program,
    Type,
    TypeEnumerator,
    TypeKindSet,
    TypeMember,
)

TABLES = Path(__file__).parent / "tables"
PLATFORMS = {
    "little_64": PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN,
    "big_64": PlatformFlags.IS_64_BIT,
    "little_32": PlatformFlags.IS_LITTLE_ENDIAN,
    "big_32": PlatformFlags(0),
}


class Case(NamedTuple):
    """An expression, its outcome, and the statements before it in its table."""

    table: str
    setup: tuple[str, ...]
    expression: str
    outcome: str


def read_table(path: Path) -> list[Case]:
    """The cases of a table."""
    setup: list[str] = []
    entries: list[tuple[tuple[str, ...], str, list[str]]] = []
    for line in path.read_text().splitlines():
        if line.startswith("    "):
            entries[-1][2].append(line[4:])
        elif line.startswith("! "):
            setup.append(line[2:].strip())
        elif line and not line.startswith("#"):
            entries.append((tuple(setup), line, []))
    return [Case(path.stem, s, e, "\n".join(lines)) for s, e, lines in entries]


CASES = [case for path in sorted(TABLES.glob("*.txt")) for case in read_table(path)]


def mem(prog: Program, address: int, data: bytes) -> bytearray:
    """Give the program memory with ``data``."""
    memory = bytearray(data)
    prog.add_memory_segment(
        address, len(memory), lambda a, count, o, p: bytes(memory[o : o + count])
    )
    return memory


def mk(platform: Platform | None = None) -> dict[str, Any]:
    """The names that tables use: a program and the types that it knows."""
    prog = Program(platform or P64)
    types: dict[str, Type] = {}

    def find_type(
        prog: Program, kinds: TypeKindSet, name: str, filename: str | None
    ) -> Type | None:
        found = types.get(name)
        return found if found is not None and found.kind in kinds else None

    def find_object(
        prog: Program, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        return None

    prog.register_type_finder("m", find_type, enable_index=0)
    prog.register_object_finder("m", find_object, enable_index=0)
    names: dict[str, Any] = {
        **{name: getattr(drgn, name) for name in drgn.__all__},
        **{module.__name__: module for module in (math, operator, pprint, struct)},
        "P32": P32,
        "P64": P64,
        "mem": mem,
        "mk": mk,
        "prog": prog,
        "fn": prog.function_type(prog.void_type(), (), False),
    }
    for name, type in table_types(prog).items():
        names[name] = type
        types[type.name if type.kind is drgn.TypeKind.TYPEDEF else type.tag or ""] = (
            type
        )
    return names


def table_types(prog: Program) -> dict[str, Type]:
    """The types that tables use, by the names that they have there."""
    integer = prog.int_type("int", 4, True)
    unsigned = prog.int_type("unsigned int", 4, False)
    single = prog.float_type("float", 4)
    boolean = prog.bool_type("_Bool", 1)
    member, enumerator = TypeMember, TypeEnumerator

    def bit_field(type: Type, size: int) -> Object:
        return Object(prog, type, bit_field_size=size)

    point = prog.struct_type(
        "point", 8, (member(integer, "x"), member(integer, "y", 32))
    )
    inner = prog.struct_type(
        None, 8, (member(integer, "s1"), member(integer, "s2", 32))
    )
    either = prog.union_type(None, 8, (member(integer, "u1"), member(inner)))
    return {
        "point": point,
        "line": prog.struct_type(
            "line_segment", 16, (member(point, "a"), member(point, "b", 64))
        ),
        "opt": prog.union_type(
            "option", 4, (member(integer, "i"), member(single, "f"))
        ),
        "inc": prog.struct_type("inc"),
        "uinc": prog.union_type("uinc"),
        "einc": prog.enum_type("einc"),
        "color": prog.enum_type(
            "color",
            unsigned,
            [enumerator("RED", 0), enumerator("GREEN", 1), enumerator("BLUE", 2)],
        ),
        "scolor": prog.enum_type(
            "scolor",
            integer,
            [enumerator("N", -1), enumerator("Z", 0), enumerator("A", 1)],
        ),
        "fl": prog.enum_type(
            "fl",
            unsigned,
            [enumerator("F1", 1), enumerator("F2", 2), enumerator("F4", 4)],
        ),
        "pid_t": prog.typedef_type("pid_t", integer),
        "point_t": prog.typedef_type("point_t", point),
        "bits": prog.struct_type(
            "bits",
            8,
            (
                member(bit_field(integer, 4), "a"),
                member(bit_field(unsigned, 28), "b", 4),
                member(bit_field(integer, 5), "c", 32),
                member(bit_field(boolean, 1), "d", 37),
            ),
        ),
        "anon": prog.struct_type(
            "anon", 12, (member(integer, "m"), member(either, None, 32))
        ),
        "flex": prog.struct_type(
            "flex",
            4,
            (member(integer, "n"), member(prog.array_type(integer), "data", 32)),
        ),
    }


P64 = Platform(Architecture.UNKNOWN, PLATFORMS["little_64"])
P32 = Platform(Architecture.UNKNOWN, PLATFORMS["little_32"])
_environments: dict[str, tuple[dict[str, Any], int]] = {}


def environment(case: Case) -> dict[str, Any]:
    """What the statements of the table have made by the time of the case."""
    flags = PLATFORMS.get(case.table, PLATFORMS["little_64"])
    names, done = _environments.get(case.table, ({}, 0))
    if not names or done > len(case.setup):
        names, done = mk(Platform(Architecture.UNKNOWN, flags)), 0
    for statement in case.setup[done:]:
        exec(statement, names)
    _environments[case.table] = names, len(case.setup)
    return names


def outcome(expression: str, names: dict[str, Any]) -> str:
    """The text of what an expression gives or raises."""
    try:
        if expression.startswith("!"):
            exec(expression[1:], names)
            return ""
        value = eval(expression, names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return value if isinstance(value, str) else repr(value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.table}-{case.expression}"[:80] for case in CASES]
)
def test_outcome(case: Case) -> None:
    names = environment(case)
    assert outcome(case.expression, names).splitlines() == case.outcome.splitlines()
