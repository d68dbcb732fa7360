"""Types as gcc and clang describe them, of C, C++ and a kernel."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from drgn import (
    BadDataError,
    Language,
    Object,
    Program,
    Qualifiers,
    TypeKind,
    alignof,
    offsetof,
    sizeof,
)
from drgn.engine.dwarf.file import DwarfFile
from drgn.engine.elf.file import open_elf

SOURCE = """
#include <stdint.h>
struct incomplete;
struct elsewhere;
struct foo { int a; struct incomplete *none; struct elsewhere *found; };
struct bits { unsigned a:3; int b:5; unsigned long c:40; _Bool d:1;
    unsigned char e:2; };
union un { int i; float f; struct { int x, y; }; struct { int z; } named; };
struct flex { int n; char data[]; };
struct zero { int n; char data[0]; int m; };
enum color { RED, GREEN = 5, BLUE = -1 };
enum big { LARGE = 0xfffffffe, HUGE = 0xffffffff };
enum wide { ONE = 1, MANY = 0x123456789 };
typedef struct { int q; } td_struct;
typedef int (*fptr)(int, const char *, ...);
typedef void (*noproto)();
typedef struct foo *self_t;
struct node { struct node *next; struct node (*f)(struct node); };
struct foo foo; struct bits bits; union un un; struct flex flex; struct zero zero;
enum color color; enum big big; enum wide wide; td_struct td; fptr fp; noproto np;
self_t self; struct node node; int matrix[2][3][4]; int (*parr)[5];
const volatile int cv; __int128 i128; long double ld; signed char sc; unsigned char uc;
_Bool b; uint16_t u16; float f; double d; char *const *strs[3];
int variadic(const char *fmt, ...) { return fmt[0]; }
void *many(char *restrict p, _Atomic int *i, struct foo f) { return p + *i + f.a; }
int main(void) { return 0; }
"""

ELSEWHERE = """
struct elsewhere { long from_elsewhere; };
struct elsewhere elsewhere;
"""

TYPES = [
    (
        "struct foo",
        "struct foo {\n\tint a;\n\tstruct incomplete *none;\n"
        "\tstruct elsewhere *found;\n}",
    ),
    (
        "struct bits",
        "struct bits {\n\tunsigned int a : 3;\n\tint b : 5;\n\tunsigned long c : 40;\n"
        "\t_Bool d : 1;\n\tunsigned char e : 2;\n}",
    ),
    (
        "union un",
        "union un {\n\tint i;\n\tfloat f;\n\tstruct {\n\t\tint x;\n\t\tint y;\n\t};\n"
        "\tstruct {\n\t\tint z;\n\t} named;\n}",
    ),
    ("struct flex", "struct flex {\n\tint n;\n\tchar data[];\n}"),
    ("struct zero", "struct zero {\n\tint n;\n\tchar data[0];\n\tint m;\n}"),
    ("enum color", "enum color {\n\tRED = 0,\n\tGREEN = 5,\n\tBLUE = -1,\n}"),
    ("enum big", "enum big {\n\tLARGE = 4294967294,\n\tHUGE = 4294967295,\n}"),
    ("enum wide", "enum wide {\n\tONE = 1,\n\tMANY = 4886718345,\n}"),
    ("td_struct", "typedef struct {\n\tint q;\n} td_struct"),
    ("fptr", "typedef int (*fptr)(int, const char *, ...)"),
    ("noproto", "typedef void (*noproto)()"),
    (
        "struct node",
        "struct node {\n\tstruct node *next;\n\tstruct node (*f)(struct node);\n}",
    ),
    ("uint16_t", "typedef __uint16_t uint16_t"),
]

VARIABLES = [
    ("matrix", "int [2][3][4]"),
    ("parr", "int (*)[5]"),
    ("cv", "const volatile int"),
    ("i128", "__int128"),
    ("ld", "long double"),
    ("sc", "signed char"),
    ("b", "_Bool"),
    ("strs", "char * const *[3]"),
    ("self", "self_t"),
    ("variadic", "int (const char *fmt, ...)"),
]

VARIANTS = [
    ("gcc", ("-gdwarf-5", "-O0")),
    ("gcc", ("-gdwarf-4", "-O2")),
    ("gcc", ("-gdwarf-3", "-gstrict-dwarf", "-O0")),
    ("gcc", ("-gdwarf-2", "-gstrict-dwarf", "-O0")),
    ("gcc", ("-gdwarf-4", "-O0", "-fdebug-types-section")),
    ("gcc", ("-gdwarf-5", "-O0", "-gdwarf64")),
    ("gcc", ("-gdwarf-5", "-O0", "-gz=zlib")),
    ("clang", ("-gdwarf-5", "-O0")),
    ("clang", ("-gdwarf-4", "-O1")),
]


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda v: "".join([v[0], *v[1]]))
def prog(request, compile_c, debug_program) -> Program:
    compiler, flags = request.param
    objects = [
        compile_c(source, "-g", *flags, "-c", compiler=compiler, suffix=".o")
        for source in (SOURCE, ELSEWHERE)
    ]
    return debug_program(*objects)


@pytest.mark.parametrize(("name", "expected"), TYPES)
def test_types(prog: Program, name: str, expected: str) -> None:
    assert str(prog.type(name)) == expected


@pytest.mark.parametrize(("name", "expected"), VARIABLES)
def test_types_of_variables(prog: Program, name: str, expected: str) -> None:
    assert prog[name].type_.type_name() == expected


def test_declarations_and_definitions(prog: Program) -> None:
    foo = prog.type("struct foo")
    none = foo.member("none").type.type
    assert not none.is_complete()
    found = foo.member("found").type.type
    assert found is prog.type("struct elsewhere")
    assert found.member("from_elsewhere").offset == 0
    with pytest.raises(LookupError):
        prog.type("struct incomplete")


def test_one_definition_is_one_type(prog: Program) -> None:
    node = prog.type("struct node")
    assert node.member("next").type.type is node
    assert node.member("f").type.type.parameters[0].type is node
    assert prog["node"].type_ is node
    assert prog.type("self_t").type.type is prog.type("struct foo")


def test_bit_fields(prog: Program) -> None:
    bits = prog.type("struct bits")
    assert [(m.name, m.bit_offset, m.bit_field_size) for m in bits.members] == [
        ("a", 0, 3),
        ("b", 3, 5),
        ("c", 8, 40),
        ("d", 48, 1),
        ("e", 49, 2),
    ]


def test_numbers(prog: Program) -> None:
    for name, size, signed in [
        ("i128", 16, True),
        ("sc", 1, True),
        ("uc", 1, False),
    ]:
        type = prog[name].type_
        assert (type.kind, type.size, type.is_signed) == (TypeKind.INT, size, signed)
    assert prog["b"].type_.kind is TypeKind.BOOL
    for name, size in [("f", 4), ("d", 8), ("ld", 16)]:
        type = prog[name].type_
        assert (type.kind, type.size) == (TypeKind.FLOAT, size)
    assert prog["cv"].type_.qualifiers == Qualifiers.CONST | Qualifiers.VOLATILE
    assert prog["cv"].type_.language is Language.C


@pytest.mark.parametrize("flag", ["-fsigned-char", "-funsigned-char"])
def test_plain_char_is_as_the_program_has_it(
    compile_c, debug_program, flag: str
) -> None:
    prog = debug_program(compile_c("char c;", "-g", "-c", flag, suffix=".o"))
    assert prog["c"].type_.is_signed is (flag == "-fsigned-char")
    assert prog.type("char").is_signed is (flag == "-fsigned-char")


def test_complex_numbers_are_refused(compile_c, debug_program) -> None:
    prog = debug_program(compile_c("_Complex double c;", "-g", "-c", suffix=".o"))
    with pytest.raises(BadDataError, match="unknown DWARF encoding 0x3"):
        _ = prog["c"]


def test_unnamed_members_with_names_of_types(compile_c, debug_program) -> None:
    """Those that -fms-extensions allows: what is in them is in the structure, too."""
    source = """
    struct tagged { int x; }; typedef struct { int y; } alias; typedef alias other;
    struct all { int a; struct tagged; other; } all;
    int main(void) { return all.x + all.y; }
    """
    flags = ("-g", "-c", "-fms-extensions")
    prog = debug_program(compile_c(source, *flags, suffix=".o"))
    type = prog.type("struct all")
    assert [offsetof(type, name) for name in ("a", "x", "y")] == [0, 4, 8]
    value = {"a": 1, "x": 2, "y": 3}
    assert Object(prog, type, value).value_() == value
    assert str(type).endswith("\tint a;\n\tstruct tagged;\n\tother;\n}")


CPP = """
namespace ns {
struct A { int x; static int counter; enum class F : short { Y = 3 } f; int m(int a); };
int A::counter;
int A::m(int a) { return a + x; }
typedef int number;
namespace { struct Hidden { int h; } hidden; int find(Hidden *x) { return x->h; } }
}
struct B { int b; }; struct C { char c; };
struct D : B, private C { int d; B &ref; B &&rref; D(B &o) : ref(o), rref((B &&)o) {} };
template <typename T, int N> struct ring { T data[N]; ring *next; };
template <typename... T> struct pack { int n; };
template <typename T, int N> struct heap { static T top; T at(int i) { return i; } };
template <typename T, int N> T heap<T, N>::top = N;
template struct heap<unsigned long, 4>;
template <typename T> T twice(T value) { return value + value; }
template long long twice<long long>(long long);
class K { public: int k; } k;
ring<long, 4> r; pack<int, char> p; B base; D derived(base); ns::A a; ns::number n;
decltype(nullptr) np;
int K::*data = &K::k;
struct calls { char c; int (ns::A::*method)(int); } calls;
int main() { return a.m(1) + ns::find(&ns::hidden); }
"""


@pytest.fixture(scope="module", params=["g++", "clang++"])
def cpp(request, compile_c, debug_program) -> Program:
    flags = ("-g", "-xc++", "-std=c++17", "-c")
    prog = debug_program(compile_c(CPP, *flags, compiler=request.param, suffix=".o"))
    prog.language = Language.CPP
    return prog


def test_classes(cpp: Program) -> None:
    a = cpp.type("ns::A")
    assert a.kind is TypeKind.STRUCT
    assert a.language is Language.CPP
    # A static member is no part of the object.
    assert [m.name for m in a.members] == ["x", "f"]
    assert a.member("f").type.enumerators[0].value == 3
    assert cpp.type("K").kind is TypeKind.CLASS
    assert cpp["a"].type_ is a
    assert cpp.type("ns::number").type.name == "int"
    for name in ("A", "number", "ns::B"):
        with pytest.raises(LookupError):
            cpp.type(name)


def test_pointers_to_members(cpp: Program) -> None:
    """Offsets, and for a method two words (Itanium C++ ABI, 2.3), aligned as words."""
    data, calls = cpp["data"].type_, cpp.type("calls")
    method = calls.member("method").type
    assert (sizeof(data), sizeof(method), alignof(method)) == (8, 16, 8)
    assert (sizeof(calls), offsetof(calls, "method")) == (24, 8)


def test_anonymous_namespaces_may_be_named(cpp: Program) -> None:
    scope = "ns::(anonymous namespace)"
    hidden = cpp.type(f"{scope}::Hidden")
    assert hidden is cpp.type("ns::Hidden") and hidden is cpp.type(f"::{scope}::Hidden")
    assert cpp[f"{scope}::hidden"].type_ is hidden
    assert cpp[f"{scope}::find"].address_ == cpp["ns::find"].address_
    for name in ("A", "nothing"):
        with pytest.raises(LookupError, match="could not find"):
            cpp.type(f"{scope}::{name}")
    for name in (scope, f"{scope}::", "(anonymous namespace)::a"):
        assert name not in cpp


def test_base_classes_and_references(cpp: Program) -> None:
    d = cpp.type("struct D")
    assert [(m.name, m.bit_offset) for m in d.members] == [
        (None, 0),
        (None, 32),
        ("d", 64),
        ("ref", 128),
        ("rref", 192),
    ]
    base = cpp.type("struct B")
    assert d.members[0].type is base
    assert d.member("b").bit_offset == 0
    assert d.member("c").bit_offset == 32
    for name in ("ref", "rref"):
        type = d.member(name).type
        assert type.kind is TypeKind.POINTER
        assert type.type is base


def test_templates(cpp: Program) -> None:
    ring = cpp["r"].type_
    first, second = ring.template_parameters
    assert (first.name, first.argument.name) == ("T", "long")
    assert (second.name, second.argument.value_()) == ("N", 4)
    pack = cpp["p"].type_
    assert [p.argument.name for p in pack.template_parameters] == ["int", "char"]


def test_names_of_instances_are_spelled_in_any_way(cpp: Program) -> None:
    for heap in ("heap<unsigned long, 4>", "heap<long unsigned int,4>"):
        assert cpp[f"{heap}::top"].type_.type_name() == "unsigned long"
        assert cpp.function(f"{heap}::at").type_.type.name == "unsigned long"
    for name in ("twice<long long>", "twice<long long int>", "::twice< long long >"):
        assert cpp[name].type_.type.name == "long long"
    for name in ("twice<int>", "twice<long long", "twice", "operator<", "operator->"):
        assert name not in cpp


def test_null_pointers(cpp: Program) -> None:
    type = cpp["np"].type_
    assert type.type_name() == "decltype(nullptr)"
    assert type.unaliased_kind() is TypeKind.POINTER


STRUCT_LISTING = """
import sys
from drgn import Program
prog = Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
for line in sys.stdin:
    print("==", line, end="")
    print(prog.type(line.strip()))
"""


def unambiguous_names(path: Path, count: int) -> list[str]:
    """Names of types that are defined once, and the first ones at that."""
    index = DwarfFile(open_elf(path)).index
    keywords = {0x13: "struct ", 0x17: "union ", 0x04: "enum ", 0x16: ""}
    found: dict[tuple[int, int], list[int]] = {}
    for check, entry in zip(index._checks, index._entries, strict=True):
        if entry >> 8 & 0xFF in keywords:
            found.setdefault((check, entry >> 8 & 0xFF), []).append(entry >> 16)
    once = sorted(dies[0] for dies in found.values() if len(dies) == 1)
    file = DwarfFile(open_elf(path))
    chosen = random.Random(count).sample(once, count)
    dies = [file.die_at(offset) for offset in chosen]
    return [keywords[die.tag] + die.name for die in dies if die.name]


def test_types_of_a_kernel_are_as_upstream_prints_them(lab, oracle: Path) -> None:
    names = unambiguous_names(lab.vmlinux, 400)
    names += ["struct task_struct", "struct page", "struct list_head", "gfp_t"]
    dump = lab.dump("live.elf")

    def listing(command: list[str]) -> str:
        return subprocess.run(
            [*command, "-c", STRUCT_LISTING, dump, lab.vmlinux],
            input="\n".join(names) + "\n",
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    python = oracle.parent / "python"
    assert listing([sys.executable]) == listing([str(python)])
