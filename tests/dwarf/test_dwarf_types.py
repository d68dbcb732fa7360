"""Types from debug information: what gcc and clang write, and what nobody does."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import dwarf_asm
import pytest
from dwarf_asm import A, D, Unit

from drgn import BadDataError, Language, Program, Qualifiers, TypeKind, alignof
from drgn.engine.dwarf import constants as dw
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


def one(debug_program, dies: list[D], version: int = 5, order: str = "<") -> Program:
    sections = dwarf_asm.assemble([Unit(dies, version)], order=order)
    return debug_program(dwarf_asm.elf(sections, order=order))


def integer(size: int = 4, encoding: int = dw.DW_ATE_signed) -> D:
    return D(dw.DW_TAG_base_type, name="int", byte_size=size, encoding=encoding)


def test_length_of_an_array_of_32_bits(debug_program) -> None:
    element = integer()
    bound = D(dw.DW_TAG_subrange_type, upper_bound=A(dw.DW_FORM_data4, (1 << 32) - 1))
    array = D(dw.DW_TAG_array_type, [bound], type=element)
    typedef = D(dw.DW_TAG_typedef, name="t", type=array)
    unit = Unit([element, array, typedef], address_size=4)
    image = dwarf_asm.elf(dwarf_asm.assemble([unit]), bits=32, machine=3)
    assert debug_program(image).type("t").type.length == 0


@pytest.mark.parametrize(
    ("bound", "length"),
    [
        ({"upper_bound": A(dw.DW_FORM_data1, 9)}, 10),
        ({"upper_bound": A(dw.DW_FORM_data1, 255)}, 256),
        ({"upper_bound": A(dw.DW_FORM_sdata, -1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_data8, (1 << 64) - 1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_udata, (1 << 64) - 1)}, 0),
        ({"upper_bound": A(dw.DW_FORM_data4, (1 << 32) - 1)}, 1 << 32),
        ({"upper_bound": A(dw.DW_FORM_implicit_const, 3)}, 4),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_data1, 1),
            },
            9,
        ),
        ({"count": A(dw.DW_FORM_udata, 7)}, 7),
        ({"upper_bound": A(dw.DW_FORM_exprloc, b"\x30")}, None),
        ({"count": A(dw.DW_FORM_exprloc, b"\x30")}, None),
        ({}, None),
    ],
)
def test_lengths_of_arrays(debug_program, bound: dict[str, A], length) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, **bound)], type=element)
    variable = D(dw.DW_TAG_variable, name="v", type=array)
    prog = one(debug_program, [element, array, variable])
    assert prog["v"].type_.length == length


@pytest.mark.parametrize(
    ("bound", "length"),
    [
        ({"upper_bound": A(dw.DW_FORM_data1, 9)}, 9),
        ({"upper_bound": A(dw.DW_FORM_data1, 0)}, 0),
        ({"upper_bound": A(dw.DW_FORM_sdata, -1)}, 0),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_data1, 0),
            },
            10,
        ),
        (
            {
                "upper_bound": A(dw.DW_FORM_data1, 9),
                "lower_bound": A(dw.DW_FORM_exprloc, b"\x30"),
            },
            None,
        ),
    ],
)
def test_lengths_of_arrays_that_start_at_one(debug_program, bound, length) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type, **bound)], type=element)
    variable = D(dw.DW_TAG_variable, name="v", type=array)
    unit = Unit([element, array, variable], language=dw.DW_LANG_Fortran08)
    prog = debug_program(dwarf_asm.elf(dwarf_asm.assemble([unit])))
    assert prog["v"].type_.length == length


@pytest.mark.parametrize(
    ("layout", "error"),
    [
        ({"bit_stride": A(dw.DW_FORM_data1, 1)}, "DW_AT_bit_stride is not the size"),
        ({"byte_stride": A(dw.DW_FORM_data1, 8)}, "DW_AT_byte_stride is not the size"),
        ({"data_location": A(dw.DW_FORM_exprloc, b"\x97\x06")}, "DW_AT_data_location"),
        ({"byte_stride": A(dw.DW_FORM_data1, 4)}, None),
        ({"ordering": A(dw.DW_FORM_data1, 0)}, None),
    ],
)
def test_elements_that_lie_elsewhere(debug_program, layout, error: str | None) -> None:
    element = integer()
    bound = D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, 3))
    array = D(dw.DW_TAG_array_type, [bound], type=element, **layout)
    prog = one(
        debug_program, [element, array, D(dw.DW_TAG_typedef, name="t", type=array)]
    )
    if error is None:
        assert prog.type("t").type.length == 3
        return
    with pytest.raises(BadDataError, match=error):
        prog.type("t")


def test_first_index_varies_fastest(debug_program) -> None:
    element = integer()
    bounds = [
        D(dw.DW_TAG_subrange_type, count=A(dw.DW_FORM_data1, n)) for n in (2, 3, 4)
    ]
    ordering = A(dw.DW_FORM_data1, dw.DW_ORD_col_major)
    array = D(dw.DW_TAG_array_type, bounds, type=element, ordering=ordering)
    prog = one(
        debug_program, [element, array, D(dw.DW_TAG_typedef, name="t", type=array)]
    )
    assert prog.type("t").type.type_name() == "int [4][3][2]"


def test_functions_in_assembler_return_void(debug_program) -> None:
    unspecified = D(dw.DW_TAG_unspecified_type)
    function = D(
        dw.DW_TAG_subprogram, name="f", low_pc=0x10, high_pc=4, type=unspecified
    )
    prog = one(debug_program, [unspecified, function])
    assert prog.function("f").type_.type_name() == "void (void)"


@pytest.mark.parametrize("order", ["<", ">"])
def test_bit_fields_in_storage_units(debug_program, order: str) -> None:
    # DWARF 2: DW_AT_bit_offset counts from the most significant bit of 4 bytes.
    unit = integer()
    members = [
        D(
            dw.DW_TAG_member,
            name=name,
            type=unit,
            bit_size=A(dw.DW_FORM_data1, size),
            bit_offset=A(dw.DW_FORM_data1, offset),
            data_member_location=A(dw.DW_FORM_block1, b"\x23" + bytes([location])),
            **extra,
        )
        for name, size, offset, location, extra in [
            ("a", 3, 29 if order == "<" else 0, 0, {}),
            ("b", 5, 24 if order == "<" else 3, 0, {}),
            ("c", 8, 0, 4, {"byte_size": A(dw.DW_FORM_data1, 1)}),
        ]
    ]
    struct = D(dw.DW_TAG_structure_type, members, name="s", byte_size=8)
    prog = one(debug_program, [unit, struct], 2, order)
    found = prog.type("struct s").members
    assert [(m.name, m.bit_offset, m.bit_field_size) for m in found] == [
        ("a", 0, 3),
        ("b", 3, 5),
        ("c", 32, 8),
    ]


def straddling(bit_offset: A, **attributes: A) -> list[D]:
    """A structure with a bit field that goes past its storage unit."""
    unit = integer()
    field = D(
        dw.DW_TAG_member,
        name="f",
        type=unit,
        bit_size=A(dw.DW_FORM_data1, 25),
        bit_offset=bit_offset,
        data_member_location=A(dw.DW_FORM_data1, 4),
    )
    return [unit, D(dw.DW_TAG_structure_type, [field], name="s", byte_size=12)]


@pytest.mark.parametrize(
    "offset", [A(dw.DW_FORM_data8, 2**64 - 13), A(dw.DW_FORM_sdata, -13)]
)
def test_bit_field_that_goes_past_its_storage_unit(debug_program, offset: A) -> None:
    # Clang for i386: bits 20 to 44 after byte 4, where an int of 4 bytes is.
    prog = one(debug_program, straddling(offset), 4)
    assert prog.type("struct s").member("f").bit_offset == 4 * 8 + 20


def test_bit_offset_of_a_member_that_is_no_bit_field(debug_program) -> None:
    die = straddling(A(dw.DW_FORM_data1, 0))
    (member,) = [child for d in die for child in d.children]
    member.attributes = [a for a in member.attributes if a[0] != dw.DW_AT_bit_size]
    prog = one(debug_program, die, 4)
    assert prog.type("struct s").member("f").bit_offset == 4 * 8


def test_bit_field_before_its_structure(debug_program) -> None:
    prog = one(debug_program, straddling(A(dw.DW_FORM_data1, 200)), 4)
    with pytest.raises(BadDataError, match="bit offset -161"):
        prog.type("struct s").members[0]


def test_arrays_of_length_zero_as_old_gcc_wrote_them(debug_program) -> None:
    element = integer()
    array = D(dw.DW_TAG_array_type, [D(dw.DW_TAG_subrange_type)], type=element)
    members = [
        D(dw.DW_TAG_member, name=name, type=array, data_member_location=0)
        for name in ("inner", "last")
    ]
    struct = D(dw.DW_TAG_structure_type, members, name="s", byte_size=0)
    prog = one(debug_program, [element, array, struct])
    assert [m.type.length for m in prog.type("struct s").members] == [0, None]


def test_enumerations_without_a_type(debug_program) -> None:
    def enum(name: str, *values: A) -> D:
        children = [
            D(dw.DW_TAG_enumerator, name=f"{name}{i}", const_value=value)
            for i, value in enumerate(values)
        ]
        return D(dw.DW_TAG_enumeration_type, children, name=name, byte_size=4)

    prog = one(
        debug_program,
        [
            enum("s", A(dw.DW_FORM_sdata, -1), A(dw.DW_FORM_data1, 200)),
            enum("u", A(dw.DW_FORM_data4, 0xFFFFFFFF), A(dw.DW_FORM_data1, 200)),
        ],
    )
    assert [e.value for e in prog.type("enum s").enumerators] == [-1, 200]
    assert [e.value for e in prog.type("enum u").enumerators] == [0xFFFFFFFF, 200]
    assert prog.type("enum s").type.name == "<unknown>"
    assert prog.type("enum s").type.is_signed
    assert not prog.type("enum u").type.is_signed


def test_values_of_enumerators_are_as_they_are_stored(debug_program) -> None:
    # Forms of fixed size have no sign; an object has the value that fits.
    values = {
        "A": A(dw.DW_FORM_data1, 0xFF),
        "B": A(dw.DW_FORM_data4, 0xFFFFFFFF),
        "C": A(dw.DW_FORM_data8, (1 << 64) - 2),
        "D": A(dw.DW_FORM_sdata, -3),
        "E": A(dw.DW_FORM_data16, (1 << 128) - 4),
    }
    children = [
        D(dw.DW_TAG_enumerator, name=name, const_value=value)
        for name, value in values.items()
    ]
    type_ = integer()
    enum = D(dw.DW_TAG_enumeration_type, children, name="e", byte_size=4, type=type_)
    prog = one(debug_program, [type_, enum])
    found = [value for _, value in prog.type("enum e").enumerators]
    assert found == [0xFF, 0xFFFFFFFF, -2, -3, -4]
    assert [prog[name].value_() for name in values] == [0xFF, -1, -2, -3, -4]


def test_enumerators_of_a_declaration_are_none(debug_program) -> None:
    enum = D(
        dw.DW_TAG_enumeration_type,
        [D(dw.DW_TAG_enumerator, name="E", const_value=1)],
        name="e",
        declaration=1,
    )
    prog = one(debug_program, [enum])
    assert "E" not in prog


def test_elements_and_members_without_values(debug_program) -> None:
    function = D(dw.DW_TAG_subroutine_type)
    nothing = D(dw.DW_TAG_typedef, name="nothing")
    member = D(dw.DW_TAG_member, name="m", type=nothing)
    struct = D(dw.DW_TAG_structure_type, [member], name="s", byte_size=0)
    array = D(dw.DW_TAG_array_type, type=function)
    typedef = D(dw.DW_TAG_typedef, name="t", type=array)
    prog = one(debug_program, [function, nothing, struct, array, typedef])
    assert prog.type("t").type.type_name() == "void [](void)"
    assert str(prog.type("struct s")) == "struct s {\n\tnothing m;\n}"
    with pytest.raises(TypeError, match="cannot get alignment of void type"):
        alignof(prog.type("struct s"))


def test_byte_order_of_a_base_type(debug_program) -> None:
    big = integer()
    big.attributes.append((dw.DW_AT_endianity, A(dw.DW_FORM_data1, dw.DW_END_big)))
    prog = one(debug_program, [big, D(dw.DW_TAG_variable, name="v", type=big)])
    assert prog["v"].type_.byteorder == "big"


def test_types_made_of_themselves(debug_program) -> None:
    typedef = D(dw.DW_TAG_typedef, name="t")
    pointer = D(dw.DW_TAG_pointer_type, type=typedef)
    typedef.attributes.append((dw.DW_AT_type, A(dw.DW_FORM_ref4, pointer)))
    prog = one(debug_program, [typedef, pointer])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        prog.type("t")


def test_enumerations_made_of_themselves(debug_program) -> None:
    inner = D(dw.DW_TAG_enumeration_type, byte_size=4)
    outer = D(dw.DW_TAG_enumeration_type, name="e", byte_size=4, type=inner)
    inner.attributes.append((dw.DW_AT_type, A(dw.DW_FORM_ref4, outer)))
    prog = one(debug_program, [outer, inner])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        prog.type("enum e")


def test_a_long_chain_of_types(debug_program) -> None:
    chain = [integer()]
    for depth in range(1, 1002):
        chain.append(D(dw.DW_TAG_pointer_type, type=chain[-1]))
        if depth > 999:
            chain.append(D(dw.DW_TAG_variable, name=f"v{depth}", type=chain[-1]))
            chain[-2:] = reversed(chain[-2:])
    with pytest.raises(RecursionError, match="maximum DWARF type parsing depth"):
        _ = one(debug_program, chain)["v1001"]
    type = one(debug_program, chain)["v1000"].type_
    depth = 0
    while type.kind is TypeKind.POINTER:
        depth += 1
        type = type.type
    assert depth == 1000


@pytest.mark.parametrize(
    ("dies", "message"),
    [
        ([D(0x1234)], "unknown DWARF type tag 0x1234"),
        ([D(dw.DW_TAG_typedef)], "DW_TAG_typedef has missing or invalid DW_AT_name"),
        (
            [D(dw.DW_TAG_base_type, name="x", byte_size=4)],
            "DW_TAG_base_type has missing or invalid DW_AT_encoding",
        ),
        (
            [D(dw.DW_TAG_base_type, name="x", encoding=dw.DW_ATE_signed)],
            "DW_TAG_base_type has missing or invalid DW_AT_byte_size",
        ),
        (
            [D(dw.DW_TAG_structure_type, name="x")],
            "DW_TAG_structure_type has missing or invalid DW_AT_byte_size",
        ),
    ],
)
def test_malformed_types(debug_program, dies: list[D], message: str) -> None:
    variable = D(dw.DW_TAG_variable, name="v", type=dies[0])
    prog = one(debug_program, [*dies, variable])
    with pytest.raises(BadDataError, match=f"^image: DIE at 0x[0-9a-f]+: {message}$"):
        _ = prog["v"]


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
