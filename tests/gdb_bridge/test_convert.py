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
    "printer": "Object(prog, 'int (*)(const char *)', address=",
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
    "first", "origin", "counter", "color", "printer", "fixed", "add", "main",
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


KINDS = """
struct flexible { int length; int items[]; };
struct flexible flexible = { 2, { 10, 20 } };
struct { int x; struct { int y; union { int z; float w; }; }; } unnamed
    = { 1, { 2, { 3 } } };
enum { LEFT, RIGHT } side = RIGHT;
struct opaque;
struct opaque *opaque;
__int128 wide = ((__int128)1 << 100) + 5;
unsigned __int128 unsigned_wide = ~(unsigned __int128)0;
_Complex double complex_number = 1.5;
_Atomic int atomic = 4;
int *restrict pointer = &flexible.length;
union { int i; float f; } either(void) { return (typeof(either())){ .f = 1.5f }; }
struct { int a; struct { int b; }; unsigned c : 3; } nested(void)
{
    return (typeof(nested())){ 1, { 2 }, 5 };
}
__attribute__((noipa)) int logged(const char *format, ...) { return format[0]; }
static inline __attribute__((always_inline)) int tripled(int x) { return x * 3; }
__attribute__((noipa)) int outer(int x) { return tripled(x); }
int (*nowhere)(int);
int main(void) { return outer(logged("x")); }
"""
KINDS_FROM_GDB = {
    "flexible.items": "Object(prog, 'int []', address=",
    "unnamed": "Object(prog, 'struct <anonymous>', address=",
    "unnamed.w": "Object(prog, 'float', address=",
    "side": "Object(prog, 'enum <anonymous>', value=1)",
    "opaque": "Object(prog, 'struct opaque *', address=",
    "wide": "Object(prog, '__int128', value=1267650600228229401496703205381)",
    "unsigned_wide": f"Object(prog, '__int128 unsigned', value={2**128 - 1})",
    "atomic": "Object(prog, '_Atomic int', value=4)",
    "pointer": "Object(prog, 'int * restrict', address=",
    "either()": "Object(prog, 'union <anonymous>', value={'i': 1069547520, 'f': 1.5})",
    "nested()": "Object(prog, 'struct <anonymous>', value={'a': 1, 'b': 2, 'c': 5})",
    "logged": "Object(prog, 'int (const char *, ...)', address=",
    "$nothing": "Object(prog, 'void')",
}


@pytest.fixture(scope="module")
def kinds(compile_c: Any) -> Path:
    found: Path = compile_c(KINDS, "-g", "-O1")
    return found


def test_kinds_from_gdb(gdb: Any, kinds: Path) -> None:
    commands = [
        f"drgn print(repr(Object(gdb.parse_and_eval({text!r}))))"
        for text in KINDS_FROM_GDB
    ]
    result = gdb(
        "break logged",
        "run",
        "echo --\\n",
        *commands,
        "drgn print([Object(gdb.parse_and_eval('flexible.items'))[i] for i in (0, 1)])",
        "drgn print(Object(gdb.parse_and_eval('$_siginfo')).si_signo.value_())",
        "drgn print(Object(gdb.parse_and_eval('$eflags')).type_.name)",
        "drgn Object(gdb.parse_and_eval('complex_number'))",
        program=kinds,
    )
    *lines, items, signal, flags = result.out.split("--\n")[1].splitlines()
    for line, expected in zip(lines, KINDS_FROM_GDB.values(), strict=True):
        assert line.startswith(expected)
    assert (items, signal, flags) == (
        "[Object(prog, 'int', address=" + items.split("=")[1].split(")")[0] + "), "
        "Object(prog, 'int', address=" + items.split("=")[2].split(")")[0] + ")]",
        "5",
        "i386_eflags",
    )
    assert result.err.splitlines()[-1] == (
        "LookupError: drgn has no type like complex double"
    )


def test_kinds_to_gdb(gdb: Any, kinds: Path) -> None:
    result = gdb(
        "break logged",
        "run",
        "echo --\\n",
        "output *$drgn(\"prog['outer']\")",
        "echo \\n",
        "print $drgn(\"prog['outer'].address_of_()\")",
        "print $drgn(\"prog['opaque']\")",
        "output/x $drgn(\"prog['wide'].read_()\")",
        "echo \\n",
        "output $drgn(\"prog['unnamed']\").x",
        "echo \\n",
        "print $drgn(\"prog['unnamed'].read_()\")",
        "drgn to_gdb_value(Object(prog, prog['nowhere'].type_.type, address=0))",
        program=kinds,
    )
    lines = result.out.split("--\n")[1].splitlines()
    assert lines[0].startswith("{int (int)} 0x") and lines[0].endswith(" <outer>")
    assert lines[1].startswith("$1 = (int (*)(int)) 0x")
    assert lines[2:] == [
        "$2 = (void *) 0x0",
        "0x10000000000000000000000005",
        "1",
    ]
    assert result.err.splitlines()[-2:] == [
        "LookupError: GDB cannot look up struct <anonymous>",
        "LookupError: GDB knows no function at 0x0",
    ]


OTHERS = """
struct thing { char text[24]; };
struct thing other = { "other" };
"""


def test_types_of_the_same_name(gdb: Any, compile_c: Any, tmp_path: Path) -> None:
    """A type of another size is not the one that GDB means."""
    second = tmp_path / "second.c"
    second.write_text(OTHERS)
    program = compile_c(
        "struct thing { int number; };\n"
        "struct thing thing = { 5 };\n"
        "int main(void) { return thing.number; }\n",
        "-g", "-O0", str(second),
    )  # fmt: skip
    result = gdb(
        "break main",
        "run",
        "echo --\\n",
        "drgn print(Object(gdb.parse_and_eval('thing')).number)",
        "drgn print(Object(gdb.parse_and_eval('other')).text)",
        program=program,
    )
    assert result.out.split("--\n")[1].splitlines() == ["(int)5", '(char [24])"other"']
