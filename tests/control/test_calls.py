"""Calls of functions of the program, and what they return."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .saying import said, say

Run = Callable[..., str]


def test_calls(run: Run) -> None:
    out = run(
        say("""
add = prog["add"]
say(repr(prog.call("add", 4, 5)), prog["counter"])
say(prog.call(add, prog["counter"], prog["color"]), prog.call(prog["operation"], 1, -2))
say(prog.call("length", "hello"), prog.call("length", b"hello!"),
    prog.call("length", prog["first_node"].name))
say(prog.call("sum_of", 3, 1, 2, prog["counter"]))
say(prog.call("is_color", 1), prog.call("is_color", prog["BLUE"]))
say(prog.call("halved", 5), prog.call("halved", prog["ratio"]))
say(prog.call("next_of", prog["first_node"].address_of_()).name.string_())
say(repr(prog.call("nothing")), prog["counter"])
say(prog.call("scale", {"x": 1, "y": 2}, 3).value_())
say(prog.call("scale", prog["origin"], 3.5).value_())
say(prog.call("scale", prog["origin"].read_(), 2).value_())
made = prog.call("made", 3)
say(made.address_, made.value_() | {"next": None}, made.next.value.value_())
say(prog.stack_trace()[0].name)
""")
    )
    assert said(out) == [
        "Object(prog, 'int', value=9) (int)9",
        "(int)10 (int)-1",
        "(int)5 (int)6 (int)3",
        "(int)2",
        "(_Bool)1 (_Bool)0",
        "(float)2.5 (float)0.25",
        "b'two'",
        "Object(prog, 'void') (int)0",
        "{'x': 3.0, 'y': 6.0}",
        "{'x': 5.25, 'y': -8.75}",
        "{'x': 3.0, 'y': -5.0}",
        "None {'value': 3, 'next': None, 'name': [109, 97, 100, 101, 0, 0, 0, 0],"
        " 'small': 5, 'other': 6, 'wide': -7} 1",
        "main",
    ]


def test_calls_that_cannot_be(run: Run) -> None:
    out = run(
        say("""
def failing(*arguments):
    try:
        say(prog.call(*arguments))
    except Exception as error:
        say(type(error).__name__, error)

failing("nope")
failing("add", 1)
failing("add", 1, 2, 3)
failing("sum_of")
failing("add", "x", 2)
failing("add", prog["origin"], 2)
failing("next_of", prog["counter"].address_of_())
failing("scale", prog["first_node"], 2)
failing(prog["counter"])
failing(12)
failing("crash")
say(prog.stack_trace()[0].name, prog.call("add", 1, 1))
""")
    )
    assert said(out) == [
        "ObjectNotFoundError could not find function 'nope'",
        "TypeError function takes 2 arguments, 1 were given",
        "TypeError function takes 2 arguments, 3 were given",
        "TypeError function takes at least 1 arguments, 0 were given",
        "TypeError 'int' value must be number",
        "TypeError cannot convert 'point' to incompatible type 'int'",
        "TypeError cannot convert 'int *' to incompatible type 'struct node *'",
        "TypeError cannot convert 'struct node' to incompatible type 'point'",
        "TypeError 'int' is not a function",
        "TypeError function must be str or Object, not int",
        "ValueError The program being debugged was signaled while in a function"
        " called from GDB",
        "main (int)2",
    ]


SCALARS = """
#include <stdbool.h>
__int128 wide = 5;
__int128 wider = (__int128)1 << 100;
bool agreed;
long double extended = 2.5L, extended_too;
int more(bool yes, unsigned char octet) { return 2 * yes + octet; }
int as_int(long double x) { return 2 * x; }
int high(__int128 x) { return x >> 96; }
int twice(int x) { return 2 * x; }
int (*chosen(void))(int) { return twice; }
int (*(*choose)(void))(int) = chosen;
int (*nowhere)(int);
int main(void)
{
    return more(1, 2) + as_int(extended) + high(wide) + choose()(1);
}
"""


def test_calls_with_scalars(host: Run, compile_c: Callable[..., Path]) -> None:
    out = host(
        say("""
say(prog.call("more", 2, 300), prog.call("more", 0.5, -1))
say(prog.call("as_int", prog["extended"]))
prog["extended_too"].write_(prog["extended"])
prog["wide"].write_(prog["wider"].read_())
prog["agreed"].write_(2)
extended = prog["extended_too"]
say(prog.call("as_int", extended), prog["wide"].value_() >> 99, prog["agreed"])
say(prog.call(prog.call("chosen"), 4), prog.call(prog.call(prog["choose"]), 5))
for name, value in ("high", 1 << 100), ("high", prog["wide"]), (prog["nowhere"], 1):
    try:
        say(prog.call(name, value))
    except ValueError as error:
        say(error)
"""),
        compile_c(SCALARS),
        commands=("break main", "run", "delete"),
    )
    assert said(out) == [
        "(int)46 (int)255",
        "(int)5",
        "(int)5 2 (_Bool)1",
        "(int)8 (int)10",
        "GDB cannot call functions with '__int128'",
        "GDB cannot call functions with '__int128'",
        "The program being debugged was signaled while in a function called from GDB",
    ]


WITHOUT_PROTOTYPES = """
struct pair { float x, y; };
float sum(f, c, d, s) float f; char c; double d; short s; { return f + c + d + s; }
struct pair moved(p, by) struct pair p; float by; { p.x += by; return p; }
float product(float f, char c) { return f * c; }
int (*any)() = (int (*)()) product;
static inline int gone(int x) { return x + 1; }
int main(argc) int argc;
{
    struct pair p = { argc, argc };
    return sum(1.5f, 2, 3., 4) + moved(p, .5f).x + product(p.x, 2) + gone(argc) + !any;
}
"""


def test_calls_without_prototypes(host: Run, compile_c: Callable[..., Path]) -> None:
    """Numbers are promoted for them, and for them alone."""
    out = host(
        say("""
total = prog.call("sum", 1.5, 2, 3, 4)
say(total, prog.call("sum", total, 1, 1, 0.5))
say(prog.call("moved", {"x": 1, "y": 2}, 0.25).value_())
say(prog.call("product", 1.5, 4), prog.call("product", float("inf"), -1))
try:
    prog.call("gone", 1)
except ValueError as error:
    say(error)
"""),
        compile_c(WITHOUT_PROTOTYPES, "-g", "-O1", "-std=gnu89", "-fno-ipa-sra"),
        commands=("break main", "run", "delete"),
    )
    assert said(out) == [
        "(float)10.5 (float)12.5",
        "{'x': 1.25, 'y': 2.0}",
        "(float)6.0 (float)-inf",
        "function has no address",
    ]


NAMESPACES = """
namespace shapes {
struct Point { int x, y; int sum() const { return x + y; } };
enum class Kind : short { Flat = -1, Round = 5 };
}
namespace { struct Hidden { int z; }; int opened(Hidden h) { return h.z; } }
shapes::Point point = { 3, 4 };
shapes::Kind kind = shapes::Kind::Round;
Hidden hidden = { 6 };
int by_value(shapes::Point p) { return p.x - p.y; }
int by_reference(const shapes::Point &p) { return p.x * p.y; }
shapes::Point moved(shapes::Point p, int by) { return { p.x + by, p.y + by }; }
shapes::Kind other_kind(shapes::Kind k)
{
    return k == kind ? shapes::Kind::Flat : kind;
}
int apply(int (*f)(shapes::Point), shapes::Point p) { return f(p); }
int thrower(int x) { if (x) throw x; return x; }
struct Root { int id = 1; virtual ~Root() {} };
struct Left : virtual Root { int left = 2; };
struct Both : Left, virtual Root { union { int both; float real; }; int many[2] = {}; };
Both made(int x) { Both found; found.both = x; found.many[1] = 9; return found; }
int main()
{
    return apply(by_value, moved(point, 1)) + by_reference(point) + opened(hidden)
        + (int)other_kind(kind) + point.sum() + thrower(0) + made(0).both;
}
"""


def test_calls_in_cpp(host: Run, compile_c: Callable[..., Path]) -> None:
    out = host(
        say("""
point = prog["point"]
say(prog.call("by_value", point), prog.call("by_value", {"x": 9, "y": 4}))
say(prog.call("by_reference", point.address_of_()))
say(prog.call("shapes::Point::sum", point.address_of_()))
say(prog.call("moved", point, 2).value_(), prog.call("opened", prog["hidden"]))
say(prog.call("other_kind", prog["kind"]).value_(), prog.call("other_kind", 7).value_())
say(prog.call("apply", prog["by_value"], point))
made = prog.call("made", 7)
say(made.both, made.left, made.many[1], made.type_.type_name())
try:
    say(prog.call("thrower", 1))
except ValueError as error:
    say(error)
"""),
        compile_c(NAMESPACES, "-g", "-O0", "-xc++", compiler="g++"),
        commands=("set language c++", "break main", "run", "delete"),
    )
    assert said(out) == [
        "(int)-1 (int)5",
        "(int)12",
        "(int)7",
        "{'x': 5, 'y': 6} (int)6",
        "-1 5",
        "(int)-1",
        "(int)7 (int)2 (int)9 Both",
        "The program being debugged entered a std::terminate call, most likely caused"
        " by an unhandled C++ exception",
    ]


OVERLOADS = """
struct Point { int x; int at(int i) { return x + i; } int at(int i) const { return -i; }
    Point(int x = 1) : x(x) {} };
struct Pair { int x; };
enum Color { RED, BLUE = 5 };
typedef const char *Name;
Name f(int) { return "int"; }
Name f(double) { return "double"; }
Name f(unsigned long) { return "unsigned long"; }
Name f(const char *) { return "characters"; }
Name f(Point *) { return "Point"; }
Name f(const Point *) { return "const Point"; }
Name f(int, int) { return "two"; }
Name f(int, int, ...) { return "two or more"; }
Name g(void *) { return "void"; }
Name g(Color) { return "Color"; }
Name g(char) { return "char"; }
Name g(Pair) { return "Pair"; }
Name h(Point &) { return "reference"; }
Name h(Point *) { return "pointer"; }
template <class T> T twice(T value) { return value + value; }
template int twice<int>(int);
template double twice<double>(double);
Point point(4);
const Point fixed(5);
Pair pair = { 3 };
Color color = BLUE;
short narrow = 3;
float single = 1;
unsigned number = 2;
unsigned long wide = 3;
char text[4] = "abc";
int main()
{
    return f(1)[0] + g('x')[0] + h(point)[0] + point.at(1) + fixed.at(1) + pair.x
        + color + narrow + (int)single + number + wide + text[0];
}
"""


def test_overloaded_functions(host: Run, compile_c: Callable[..., Path]) -> None:
    out = host(
        say("""
def called(name, *arguments):
    try:
        result = prog.call(name, *arguments)
        say(name, result.string_() if result.type_.type_name() == "Name" else result)
    except Exception as error:
        say(type(error).__name__, error)

point, fixed = prog["point"].address_of_(), prog["fixed"].address_of_()
for value in (1, 2.5, "x", b"x", prog["narrow"], prog["single"], prog["wide"],
              prog["color"], prog["text"], point, fixed):
    called("f", value)
called("f", 1, prog["color"], 3)
for value in (prog["number"],), (prog["pair"],), (1, 2), ():
    called("f", *value)
for value in prog["color"], prog["pair"], 1, point, prog["text"], {"x": 1}:
    called("g", value)
called("h", point)
called("Point::at", point, 1)
called("Point::at", fixed, 1)
called("Point::Point", point, 8)
say(prog["point"].x)
say(prog.call("twice<int>", 4), prog.call("twice<double>", 4))
"""),
        compile_c(OVERLOADS, "-g", "-O0", "-xc++", compiler="g++"),
        commands=("set language c++", "break main", "run", "delete"),
    )
    all_of_f = ", ".join(
        f"'Name ({parameters})'"
        for parameters in (
            "int, int, ...", "int, int", "const Point *", "Point *", "const char *",
            "unsigned long", "double", "int",
        )
    )  # fmt: skip
    assert said(out) == [
        "f b'int'",
        "f b'double'",
        "f b'characters'",
        "f b'characters'",
        "f b'int'",
        "f b'double'",
        "f b'unsigned long'",
        "f b'int'",
        "f b'characters'",
        "f b'Point'",
        "f b'const Point'",
        "f b'two or more'",
        "TypeError call of 'f' is ambiguous: 'Name (unsigned long)', 'Name (double)',"
        " 'Name (int)'",
        f"TypeError no function 'f' takes these arguments: {all_of_f}",
        "TypeError call of 'f' is ambiguous: 'Name (int, int, ...)', 'Name (int, int)'",
        f"TypeError no function 'f' takes these arguments: {all_of_f}",
        "g b'Color'",
        "g b'Pair'",
        "g b'char'",
        "g b'void'",
        "g b'void'",
        "g b'Pair'",
        "TypeError call of 'h' is ambiguous: 'Name (Point *)', 'Name (Point *)'",
        "Point::at (int)5",
        "Point::at (int)-1",
        "Point::Point (void)<absent>",
        "(int)8",
        "(int)8 (double)8.0",
    ]
