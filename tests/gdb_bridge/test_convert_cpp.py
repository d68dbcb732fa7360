"""GDB's values of C++ as Objects and back: classes, references, templates, names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
namespace shapes {
enum class Kind : unsigned char { None, Round = 7 };
struct Base { int id; virtual ~Base() {} virtual int area() const { return 0; } };
struct Named { const char *name; };
class Circle : public Base, public Named {
public:
    Circle(int id, int radius) : radius(radius) { this->id = id; name = "circle"; }
    int area() const override { return 3 * radius * radius; }
    Kind kind = Kind::Round;
private:
    int radius;
};
namespace deep { long value = 99; }
}
template <typename T, int N> struct Ring { T items[N]; unsigned next; Ring *link; };
namespace { struct Hidden { int z; } hidden = { 12 }; }
static int apply(int (*f)(const shapes::Named &), int n) { return n; }
int (*applied)(int (*)(const shapes::Named &), int) = apply;
shapes::Circle circle(5, 2);
Ring<long, 4> ring = { { 11, 22 }, 2, &ring };
shapes::Base &reference = circle;
int shapes::Base::*member = &shapes::Base::id;
static int total(const shapes::Circle &shape, int more)
{
    const int &alias = more;
    return shape.area() + alias;
}
int main() { return total(circle, 3); }
"""

FROM_GDB = {
    "circle": "Object(prog, 'Circle', address=",
    "reference": "Object(prog, 'Base', address=",
    "&circle": "Object(prog, 'Circle *', value=",
    "circle.kind": "Object(prog, 'Kind', value=7)",
    "circle.radius": "Object(prog, 'int', value=2)",
    "circle.area()": "Object(prog, 'int', value=12)",
    "circle.area": "Object(prog, 'int (const Circle * const)', address=",
    "*(shapes::Named *)&circle": "Object(prog, 'Named', address=",
    "(shapes::Base &)circle": "Object(prog, 'Base', address=",
    "shapes::deep::value": "Object(prog, 'long', value=99)",
    "ring.link->items": "Object(prog, 'long [4]', address=",
    "*ring.link": "Object(prog, 'Ring<long int, 4>', address=",
    "shape": "Object(prog, 'const Circle', address=",
    "alias": "Object(prog, 'const int', value=3)",
    "true": "Object(prog, 'bool', value=True)",
    "3.5": "Object(prog, 'double', value=3.5)",
}
TO_GDB = {
    'prog["circle"]': "circle",
    'prog["circle"].read_()': "circle",
    'prog["circle"].address_of_()': "&circle",
    'prog["circle"].kind': "circle.kind",
    'prog["reference"]': "&reference",
    'prog["ring"]': "ring",
    'prog["hidden"]': "hidden",
    'prog["applied"]': "applied",
    'prog["ring"].link': "ring.link",
    'prog["shapes::deep::value"]': "shapes::deep::value",
    'frame["shape"]': "&shape",
    'frame["alias"][0]': "more",
}


@pytest.fixture(scope="module")
def cpp_program(compile_c: Callable[..., Path]) -> Path:
    return compile_c(PROGRAM, "-g", "-O0", "-xc++", compiler="g++")


@pytest.fixture(scope="module")
def converted(gdb: Any, cpp_program: Path) -> list[str]:
    commands = [
        f"drgn print(repr(Object(gdb.parse_and_eval({text!r}))))" for text in FROM_GDB
    ]
    for ours, theirs in TO_GDB.items():
        commands += [
            f"drgn print({ours}.to_gdb_value().format_string())",
            f"drgn print(gdb.parse_and_eval({theirs!r}).format_string())",
        ]
    # "alias" is bound in the second line.
    result = gdb(
        "break total", "run", "next", "echo --\\n", *commands, program=cpp_program
    )
    assert "Error" not in result.err, result.err
    lines: list[str] = result.out.split("--\n")[1].splitlines()
    return lines


@pytest.mark.parametrize("number", range(len(FROM_GDB)), ids=list(FROM_GDB))
def test_from_gdb(converted: list[str], number: int) -> None:
    assert converted[number].startswith(list(FROM_GDB.values())[number])


@pytest.mark.parametrize("number", range(len(TO_GDB)), ids=list(TO_GDB))
def test_to_gdb(converted: list[str], number: int) -> None:
    ours, theirs = converted[len(FROM_GDB) :][2 * number : 2 * number + 2]
    assert ours == theirs


UNNAMED = """
struct { int x, y; } point = { 1, 2 };
union { int i; float f; } both = { 5 };
enum { ONE = 1, TWO } number = TWO;
static struct { long before; struct { int deep; } many[2]; } nest
    = { 0, { { 7 }, { 8 } } };
struct Outer { int first; struct { int a, b; } inner; enum { X, Y } kind; };
Outer outer = { 0, { 1, 2 }, Outer::Y };
int apply(int k)
{
    auto closure = [k](int z) { return k + z; };
    auto *pointer = &closure;
    auto **second = &pointer;
    return (**second)(2);
}
int main()
{
    return apply(3) + point.x + both.i + number + nest.many[1].deep + outer.kind;
}
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_types_without_names_to_gdb(
    gdb: Any, compile_c: Callable[..., Path], compiler: str
) -> None:
    program = compile_c(UNNAMED, "-g", "-O0", "-xc++", compiler=compiler)
    names = ["point", "both", "number", "nest", "nest.many", "nest.many[1]",
             "outer.inner", "outer.kind", "closure", "pointer", "*pointer"]  # fmt: skip
    commands = []
    for name in names:
        first, dot, rest = name.lstrip("*").partition(".")
        where = "frame" if first in ("closure", "pointer") else "prog"
        ours = f'{where}["{first}"]{dot}{rest}' + "[0]" * name.startswith("*")
        commands.append(
            f"drgn v = {ours}.to_gdb_value(); w = gdb.parse_and_eval({name!r});"
            " print(v.format_string() == w.format_string(), v.address == w.address)"
        )
    result = gdb(
        "break apply", "run", "next", "next", "next", "echo --\\n", *commands,
        'print $drgn("prog[\\"nest\\"].many[1]").deep + 1',
        'drgn frame["second"].to_gdb_value()',
        'drgn prog["point"].read_().to_gdb_value()',
        program=program,
    )  # fmt: skip
    lines = result.out.split("--\n")[1].splitlines()
    # A pointer that is followed is a new one.
    assert lines == [
        "True False" if name == "pointer" else "True True" for name in names
    ] + ["$1 = 9"]
    kind = "struct" if compiler == "g++" else "class"
    assert result.err.splitlines()[-2:] == [
        f"LookupError: GDB cannot look up {kind} <anonymous>",
        "LookupError: GDB cannot look up struct <anonymous>",
    ]


def test_calls(gdb: Any, cpp_program: Path) -> None:
    result = gdb(
        "break total",
        "run",
        "delete",
        "echo --\\n",
        'drgn prog.call("total", prog["circle"].address_of_(), 4)',
        'drgn prog.call("total", frame["shape"], prog["ring"].items[0])',
        program=cpp_program,
    )
    assert result.out.split("--\n")[1].splitlines() == ["(int)16", "(int)23"]


def test_what_has_no_value(gdb: Any, cpp_program: Path) -> None:
    result = gdb(
        "drgn Object(gdb.parse_and_eval('member'))",
        "drgn Object(prog, 'int', 1).to_gdb_value() + 1",
        "drgn Program().int_type('x', 4, True)",
        "drgn Object(gdb.Value(3), 'int')",
        program=cpp_program,
    )
    assert result.err.splitlines()[0] == (
        "LookupError: drgn has no type like int shapes::Base::*"
    )
    assert "TypeError: Object() argument 1 must be _drgn.Program" in result.err
