"""Type names of C++: namespaces, templates, and how compilers spell instances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drgn import (
    Architecture,
    Language,
    Platform,
    Program,
    TypeKind,
    TypeKindSet,
    TypeMember,
    offsetof,
)
from drgn.engine.language.cpp_templates import other_spellings

UNTAGGED = TypeKindSet(
    {
        TypeKind.STRUCT,
        TypeKind.UNION,
        TypeKind.CLASS,
        TypeKind.ENUM,
        TypeKind.TYPEDEF,
    }
)
CLASS = TypeKindSet({TypeKind.CLASS})
STRUCT = TypeKindSet({TypeKind.STRUCT})


@pytest.fixture
def prog() -> Program:
    prog = Program(Platform(Architecture.X86_64))
    prog.language = Language.CPP
    return prog


def first_question(prog: Program, name: str) -> tuple[TypeKindSet, str]:
    """What a type finder is asked first when ``name`` is looked up."""
    asked: list[tuple[TypeKindSet, str]] = []

    def find(prog: Program, kinds: TypeKindSet, name: str, filename: Any) -> None:
        asked.append((kinds, name))

    prog.register_type_finder("test", find, enable_index=0)
    with pytest.raises(LookupError) as caught:
        prog.type(name)
    assert str(caught.value) == f"could not find '{name}'"
    return asked[0]


NAMES = [
    ("foo", UNTAGGED, "foo"),
    ("bool", UNTAGGED, "bool"),
    ("class foo", CLASS, "foo"),
    ("struct foo", STRUCT, "foo"),
    ("foo::bar", UNTAGGED, "foo::bar"),
    ("::foo", UNTAGGED, "::foo"),
    ("struct ::foo::bar", STRUCT, "::foo::bar"),
    ("a::b::c::d *", UNTAGGED, "a::b::c::d"),
    ("foo :: bar", UNTAGGED, "foo :: bar"),
    ("const foo", UNTAGGED, "foo"),
    ("foo const *", UNTAGGED, "foo"),
    ("class foo const * [2]", CLASS, "foo"),
    ("foo<int>", UNTAGGED, "foo<int>"),
    ("struct ring<long, 4>", STRUCT, "ring<long, 4>"),
    ("ring< long , 4 >", UNTAGGED, "ring< long , 4 >"),
    ("foo<>", UNTAGGED, "foo<>"),
    ("foo<bar<int>>", UNTAGGED, "foo<bar<int>>"),
    ("foo<bar<int> > *", UNTAGGED, "foo<bar<int> >"),
    ("foo<a<b<c>>>::d", UNTAGGED, "foo<a<b<c>>>::d"),
    ("foo<int>::bar<char>::baz", UNTAGGED, "foo<int>::bar<char>::baz"),
    ("foo<int> const *", UNTAGGED, "foo<int>"),
    ("foo<int>(*)[2]", UNTAGGED, "foo<int>"),
    ("foo<(1>2)>", UNTAGGED, "foo<(1>2)>"),
    ("foo<'>'>", UNTAGGED, "foo<'>'>"),
    ("foo<'\\''> *", UNTAGGED, "foo<'\\''>"),
    ("foo<int()>", UNTAGGED, "foo<int()>"),
    ("foo<&bar>", UNTAGGED, "foo<&bar>"),
    ("foo<@>", UNTAGGED, "foo<@>"),
    ("foo<1ul, (char)49>", UNTAGGED, "foo<1ul, (char)49>"),
    ("(anonymous namespace)::foo", UNTAGGED, "(anonymous namespace)::foo"),
    (
        "struct a::(anonymous namespace)::b *",
        STRUCT,
        "a::(anonymous namespace)::b",
    ),
]


@pytest.mark.parametrize(("name", "kinds", "asked"), NAMES)
def test_name(prog: Program, name: str, kinds: TypeKindSet, asked: str) -> None:
    assert first_question(prog, name) == (kinds, asked)


ERRORS = {
    "foo<": "invalid template arguments",
    "foo<int": "invalid template arguments",
    "foo<(>": "invalid template arguments",
    "foo<'>": "invalid template arguments",
    "foo>": r"invalid character \x3e",
    "foo &": r"invalid character \x26",
    "int &&": r"invalid character \x26",
    "foo<int>@": r"invalid character \x40",
    "foo::~bar": r"invalid character \x7e",
    "class": "expected identifier after 'class'",
    "struct class foo": "expected identifier after 'struct'",
    "enum class foo": "expected identifier after 'enum'",
    "foo::int": "cannot combine 'int' with identifier",
    "bool int": "cannot combine 'int' with identifier",
    "unsigned foo": "expected abstract declarator",
    "(anonymous)": "expected type specifier",
    "<": "invalid template arguments",
    "<int> foo": "expected type specifier",
    "struct <int>": "expected identifier after 'struct'",
    "struct <": "invalid template arguments",
    "int <int>": "expected abstract declarator",
    "int *<": "invalid template arguments",
    "int [<int>]": "expected ']'",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(prog: Program, name: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        prog.type(name)
    assert str(caught.value) == ERRORS[name]


@pytest.mark.parametrize("name", [":", ": foo", "foo :bar", ":: <int>", "foo<a><b>"])
def test_names_of_nothing(prog: Program, name: str) -> None:
    with pytest.raises(LookupError, match=f"could not find '{name}'"):
        prog.type(name)


@pytest.mark.parametrize(
    "name",
    [
        "t<int> u",
        "t<int>u",
        "struct t<int> x",
        "t<int>:",
        "t<int> : *",
        "struct t<int>::",
        "t<int>::int",
        "t<int>::[2]",
    ],
)
def test_only_colons_go_on_after_template_arguments(prog: Program, name: str) -> None:
    found = prog.struct_type("t<int>", 4, ())
    prog.register_type_finder(
        "test", lambda *args: found if args[2] == "t<int>" else None, enable_index=0
    )
    with pytest.raises(SyntaxError, match="^expected abstract declarator$"):
        prog.type(name)


def test_designators_are_in_the_language_of_the_program(prog: Program) -> None:
    member = TypeMember(prog.int_type("int", 4, True), "class", 32)
    type = prog.struct_type("S", 8, (member,), language=Language.C)
    with pytest.raises(SyntaxError, match="expected identifier"):
        offsetof(type, "class")
    with pytest.raises(SyntaxError, match="expected identifier"):
        offsetof(type, "<x>")
    prog.language = Language.C
    assert offsetof(type, "class") == 4
    with pytest.raises(SyntaxError, match=r"invalid character \\x3c"):
        offsetof(type, "<x>")


def test_class_is_a_name_in_c(prog: Program) -> None:
    prog.language = Language.C
    assert first_question(prog, "class") == (
        TypeKindSet({TypeKind.TYPEDEF}),
        "class",
    )
    with pytest.raises(SyntaxError, match="invalid character"):
        prog.type("foo<int>")


def test_primitive_types_are_of_c(prog: Program) -> None:
    assert prog.type("long unsigned int").language is Language.C
    assert prog.type("int (*)[2]").language is Language.C
    assert prog.int_type("int", 4, True).language is Language.CPP


# The same instances as gcc 12 and clang 14 write them.
INSTANCES = [
    ("ring<long int, 4>", "ring<long, 4L>"),
    ("ring<long unsigned int, 4>", "ring<unsigned long, 4L>"),
    ("ring<ns::S*, 3>", "ring<ns::S *, 3L>"),
    ("ring<long int, 4>::inner", "ring<long, 4L>::inner"),
    ("ns::ring<long int, 4>", "ns::ring<long, 4L>"),
    ("ul<18446744073709551615>", "ul<18446744073709551615UL>"),
    ("fn<short int>", "fn<short>"),
    ("fn<long long int>", "fn<long long>"),
    ("fn<int const>", "fn<const int>"),
    ("fn<long int const>", "fn<const long>"),
    ("fn<char* const>", "fn<char *const>"),
    ("fn<char const* const*>", "fn<const char *const *>"),
    ("fn<const fn<int const>&>", "fn<const fn<const int> &>"),
    ("fn<int* const&>", "fn<int *const &>"),
    ("fn<int**>", "fn<int **>"),
    ("fn<unsigned char volatile*>", "fn<volatile unsigned char *>"),
    ("fn<int const* [3]>", "fn<const int *[3]>"),
    ("fn<void (*)(int, char const*)>", "fn<void (*)(int, const char *)>"),
    ("pair<int const&, int&&>", "pair<const int &, int &&>"),
    ("pair<pair<int, int>, char const*>", "pair<pair<int, int>, const char *>"),
    ("pair<unsigned char, long long unsigned int>",)
    + ("pair<unsigned char, unsigned long long>",),
    ("vector<int, std::allocator<int> >", "vector<int, std::allocator<int>>"),
]


@pytest.mark.parametrize(("gcc", "clang"), INSTANCES)
def test_other_spellings(gcc: str, clang: str) -> None:
    assert clang in other_spellings(gcc)
    assert gcc in other_spellings(clang)


def test_other_spellings_are_few() -> None:
    for name in ("foo<int>", "foo<", "foo<(1>2)>", "foo<'a', 1, 2u>", "a<b<c<d>>>"):
        spellings = list(other_spellings(name))
        assert len(spellings) == len(set(spellings)) < 20
        assert name not in spellings
    assert list(other_spellings("a<" * 5000 + ">" * 5000)) == []


SOURCE = """
namespace ns {
struct S { int a; } s;
template<typename T, long N> struct pair {
    T items[N];
    struct inner { T x; } i;
};
namespace { struct Hidden { int h; } hidden; }
pair<S *, 2> p;
}
template<typename T, long N> struct ring { T items[N]; };
ring<long, 4> r;
class K { public: int k; struct Nested { int n; } nested; } k;
enum class Color : short { RED, BLUE = 5 } color;
int main() { return ns::hidden.h; }
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_compiled(compile_c: Callable[..., Path], compiler: str) -> None:
    prog = Program()
    module = prog.extra_module("test", create=True)
    path = compile_c(SOURCE, "-g", "-x", "c++", compiler=compiler)
    module.try_file(path, force=True)
    assert prog.language is Language.CPP
    ring = prog.type("struct ring<long, 4>")
    assert str(ring).split("\n")[1:] == ["\tlong items[4];", "}"]
    for name in ("ring<long, 4>", "ring<long int,4>", "::ring<signed long, 4L> "):
        assert prog.type(name) is ring
    assert prog["r"].type_ is ring
    assert [p.name for p in ring.template_parameters] == ["T", "N"]
    inner = prog.type("ns::pair<ns::S*, 2>::inner")
    assert inner.member("x").type is prog.pointer_type(prog.type("ns::S"))
    assert prog.type("class K") is prog.type("K")
    assert str(prog.type("K")) == "class K {\n\tint k;\n\tNested nested;\n}"
    assert prog.type("K::Nested").type_name() == "Nested"
    assert str(prog.type("Color")) == "enum Color {\n\tRED = 0,\n\tBLUE = 5,\n}"
    for name in ("struct K", "ring<long, 5>", "Nested", "ns::K"):
        with pytest.raises(LookupError):
            prog.type(name)


def test_names_are_those_of_the_language_at_the_time(
    compile_c: Callable[..., Path],
) -> None:
    prog = Program()
    with pytest.raises(LookupError):
        prog.type("class K")
    module = prog.extra_module("test", create=True)
    path = compile_c(SOURCE, "-g", "-x", "c++", compiler="g++")
    module.try_file(path, force=True)
    assert prog.type("K").tag == "K"
    for _ in range(2):
        prog.language = Language.C
        for _ in range(2):
            with pytest.raises(LookupError, match="^could not find 'K'$"):
                prog.type("K")
        prog.language = Language.CPP
        assert prog.type("K").tag == "K"
