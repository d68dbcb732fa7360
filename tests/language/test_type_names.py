"""Type names of C, parsed and looked up."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import outcome

from drgn import (
    Architecture,
    Language,
    Platform,
    PlatformFlags,
    PrimitiveType,
    Program,
    Qualifiers,
    Type,
    TypeKind,
    TypeKindSet,
)


def names() -> dict[str, Any]:
    """A program that knows ``foo_t``, ``struct foo``, ``union u`` and ``enum e``."""
    p = Program(Platform(Architecture.X86_64))
    integer = p.int_type("int", 4, True)
    types = {
        "foo_t": p.typedef_type("foo_t", integer),
        "foo": p.struct_type("foo", 0, ()),
        "u": p.union_type("u", 0, ()),
        "e": p.enum_type("e"),
        "const_t": p.typedef_type("const_t", integer, qualifiers=Qualifiers.CONST),
    }

    def find(prog: Program, kinds: Any, name: str, filename: Any) -> Any:
        found = types.get(name)
        if found is None or found.kind not in kinds:
            return None
        return found if filename in (None, "foo.c") else None

    p.register_type_finder("test", find, enable_index=0)
    return {"p": p}


SPECIFIERS = [
    ('p.type("int")', "prog.int_type(name='int', size=4, is_signed=True)"),
    ('p.type("char")', "prog.int_type(name='char', size=1, is_signed=True)"),
    (
        'p.type("signed char")',
        "prog.int_type(name='signed char', size=1, is_signed=True)",
    ),
    (
        'p.type("char signed")',
        "prog.int_type(name='signed char', size=1, is_signed=True)",
    ),
    (
        'p.type("unsigned char")',
        "prog.int_type(name='unsigned char', size=1, is_signed=False)",
    ),
    ('p.type("short")', "prog.int_type(name='short', size=2, is_signed=True)"),
    ('p.type("short int")', "prog.int_type(name='short', size=2, is_signed=True)"),
    (
        'p.type("short unsigned int")',
        "prog.int_type(name='unsigned short', size=2, is_signed=False)",
    ),
    (
        'p.type("unsigned")',
        "prog.int_type(name='unsigned int', size=4, is_signed=False)",
    ),
    ('p.type("signed")', "prog.int_type(name='int', size=4, is_signed=True)"),
    ('p.type("signed int")', "prog.int_type(name='int', size=4, is_signed=True)"),
    (
        'p.type("unsigned int")',
        "prog.int_type(name='unsigned int', size=4, is_signed=False)",
    ),
    (
        'p.type("int unsigned")',
        "prog.int_type(name='unsigned int', size=4, is_signed=False)",
    ),
    ('p.type("long")', "prog.int_type(name='long', size=8, is_signed=True)"),
    ('p.type("long int")', "prog.int_type(name='long', size=8, is_signed=True)"),
    (
        'p.type("long unsigned int")',
        "prog.int_type(name='unsigned long', size=8, is_signed=False)",
    ),
    (
        'p.type("unsigned int long")',
        "prog.int_type(name='unsigned long', size=8, is_signed=False)",
    ),
    ('p.type("long long")', "prog.int_type(name='long long', size=8, is_signed=True)"),
    (
        'p.type("int long long")',
        "prog.int_type(name='long long', size=8, is_signed=True)",
    ),
    (
        'p.type("long long unsigned")',
        "prog.int_type(name='unsigned long long', size=8, is_signed=False)",
    ),
    (
        'p.type("int unsigned long long")',
        "prog.int_type(name='unsigned long long', size=8, is_signed=False)",
    ),
    (
        'p.type("long int unsigned long")',
        "prog.int_type(name='unsigned long long', size=8, is_signed=False)",
    ),
    ('p.type("float")', "prog.float_type(name='float', size=4)"),
    ('p.type("double")', "prog.float_type(name='double', size=8)"),
    ('p.type("long double")', "prog.float_type(name='long double', size=16)"),
    ('p.type("double long")', "prog.float_type(name='long double', size=16)"),
    ('p.type("_Bool")', "prog.bool_type(name='_Bool', size=1)"),
    ('p.type("void")', "prog.void_type()"),
    (
        'p.type("size_t")',
        "prog.typedef_type(name='size_t', type=prog.int_type(name='unsigned "
        "long', size=8, is_signed=False))",
    ),
    (
        'p.type("ptrdiff_t")',
        "prog.typedef_type(name='ptrdiff_t', type=prog.int_type(name='long', "
        "size=8, is_signed=True))",
    ),
    (
        'p.type("signed const int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("long const long")',
        "prog.int_type(name='long long', size=8, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    ('p.type("\\tint\\n")', "prog.int_type(name='int', size=4, is_signed=True)"),
    ('p.type("int\\x00 ignored")', "prog.int_type(name='int', size=4, is_signed=True)"),
]

NAMES = [
    ('p.type("struct foo")', "prog.struct_type(tag='foo', size=0, members=())"),
    ('p.type("union u")', "prog.union_type(tag='u', size=0, members=())"),
    ('p.type("enum e")', "prog.enum_type(tag='e', type=None, enumerators=None)"),
    (
        'p.type("foo_t")',
        "prog.typedef_type(name='foo_t', type=prog.int_type(name='int', size=4, "
        "is_signed=True))",
    ),
    ('p.type("struct  foo ")', "prog.struct_type(tag='foo', size=0, members=())"),
    ('p.type("struct nope")', "LookupError: could not find 'struct nope'"),
    ('p.type("union foo")', "LookupError: could not find 'union foo'"),
    ('p.type("enum foo")', "LookupError: could not find 'enum foo'"),
    ('p.type("class foo")', "LookupError: could not find 'class foo'"),
    ('p.type("foo")', "LookupError: could not find 'foo'"),
    ('p.type("nope")', "LookupError: could not find 'nope'"),
    ('p.type("bool")', "LookupError: could not find 'bool'"),
    ('p.type("__int128")', "LookupError: could not find '__int128'"),
    ('p.type("_Complex")', "LookupError: could not find '_Complex'"),
    ('p.type("inline")', "LookupError: could not find 'inline'"),
    ('p.type("e")', "LookupError: could not find 'e'"),
    ('p.type("struct foo_t")', "LookupError: could not find 'struct foo_t'"),
    (
        'p.type("struct foo", "foo.c")',
        "prog.struct_type(tag='foo', size=0, members=())",
    ),
    (
        'p.type("struct foo", filename="foo.c")',
        "prog.struct_type(tag='foo', size=0, members=())",
    ),
    (
        'p.type("struct foo", "bar.c")',
        "LookupError: could not find 'struct foo' in 'bar.c'",
    ),
    ('p.type("foo_t *", "bar.c")', "LookupError: could not find 'foo_t *' in 'bar.c'"),
    ('p.type("int", "bar.c")', "prog.int_type(name='int', size=4, is_signed=True)"),
    (
        'p.type("size_t", "bar.c")',
        "prog.typedef_type(name='size_t', type=prog.int_type(name='unsigned "
        "long', size=8, is_signed=False))",
    ),
    ('p.type("struct foo", None)', "prog.struct_type(tag='foo', size=0, members=())"),
]

QUALIFIERS = [
    (
        'p.type("const int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("int const")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("const const int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("const volatile int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST|VOLATILE: 3>)",
    ),
    (
        'p.type("volatile const int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST|VOLATILE: 3>)",
    ),
    (
        'p.type("restrict int")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.RESTRICT: 4>)",
    ),
    (
        'p.type("int _Atomic")',
        "prog.int_type(name='int', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.ATOMIC: 8>)",
    ),
    (
        'p.type("const foo_t")',
        "prog.typedef_type(name='foo_t', type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("foo_t volatile")',
        "prog.typedef_type(name='foo_t', type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.VOLATILE: 2>)",
    ),
    (
        'p.type("const const_t")',
        "prog.typedef_type(name='const_t', type=prog.int_type(name='int', "
        "size=4, is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("volatile const_t")',
        "prog.typedef_type(name='const_t', type=prog.int_type(name='int', "
        "size=4, is_signed=True), qualifiers=<Qualifiers.CONST|VOLATILE: 3>)",
    ),
    (
        'p.type("const struct foo")',
        "prog.struct_type(tag='foo', size=0, members=(), "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("struct foo const")',
        "prog.struct_type(tag='foo', size=0, members=(), "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("const size_t")',
        "prog.typedef_type(name='size_t', type=prog.int_type(name='unsigned "
        "long', size=8, is_signed=False), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("unsigned const char const")',
        "prog.int_type(name='unsigned char', size=1, is_signed=False, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
]

DECLARATORS = [
    (
        'p.type("int *")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        'p.type("int*")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        'p.type("int **")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True)))",
    ),
    ('p.type("void *")', "prog.pointer_type(type=prog.void_type())"),
    (
        'p.type("const int *")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True, qualifiers=<Qualifiers.CONST: 1>))",
    ),
    (
        'p.type("int * const")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("int *const*")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), qualifiers=<Qualifiers.CONST: 1>))",
    ),
    (
        'p.type("int * const restrict volatile _Atomic")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST|VOLATILE|RESTRICT|ATOMIC: "
        "15>)",
    ),
    (
        'p.type("int * const const")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("char const * volatile * const")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='char',"
        " size=1, is_signed=True, qualifiers=<Qualifiers.CONST: 1>), "
        "qualifiers=<Qualifiers.VOLATILE: 2>), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("struct foo *")',
        "prog.pointer_type(type=prog.struct_type(tag='foo', size=0, members=()))",
    ),
    (
        'p.type("foo_t *")',
        "prog.pointer_type(type=prog.typedef_type(name='foo_t', "
        "type=prog.int_type(name='int', size=4, is_signed=True)))",
    ),
    (
        'p.type("size_t *")',
        "prog.pointer_type(type=prog.typedef_type(name='size_t', "
        "type=prog.int_type(name='unsigned long', size=8, is_signed=False)))",
    ),
    (
        'p.type("int [2]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=2)",
    ),
    (
        'p.type("int[2]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=2)",
    ),
    (
        'p.type("int [ 2 ]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=2)",
    ),
    (
        'p.type("int []")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=None)",
    ),
    (
        'p.type("int [0]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=0)",
    ),
    (
        'p.type("int [2][3]")',
        "prog.array_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=3), length=2)",
    ),
    (
        'p.type("int [][2]")',
        "prog.array_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=2), length=None)",
    ),
    (
        'p.type("int [2][]")',
        "prog.array_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=None), length=2)",
    ),
    (
        'p.type("int [0x10]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=16)",
    ),
    (
        'p.type("int [0X1f]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=31)",
    ),
    (
        'p.type("int [010]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=8)",
    ),
    (
        'p.type("int [00]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=0)",
    ),
    (
        'p.type("int [18446744073709551615]")',
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=18446744073709551615)",
    ),
    (
        'p.type("int *[2]")',
        "prog.array_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True)), length=2)",
    ),
    (
        'p.type("int **[2]")',
        "prog.array_type(type=prog.pointer_type(type=prog.pointer_type(type=prog."
        "int_type(name='int', size=4, is_signed=True))), length=2)",
    ),
    (
        'p.type("const char *[2]")',
        "prog.array_type(type=prog.pointer_type(type=prog.int_type(name='char', "
        "size=1, is_signed=True, qualifiers=<Qualifiers.CONST: 1>)), length=2)",
    ),
    (
        'p.type("int * const [2]")',
        "prog.array_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), qualifiers=<Qualifiers.CONST: 1>), length=2)",
    ),
    (
        'p.type("struct foo [2]")',
        "prog.array_type(type=prog.struct_type(tag='foo', size=0, members=()), "
        "length=2)",
    ),
    (
        'p.type("int (*)")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        'p.type("int (*)[2]")',
        "prog.pointer_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=2))",
    ),
    (
        'p.type("int (*)[2][3]")',
        "prog.pointer_type(type=prog.array_type(type=prog.array_type(type=prog.in"
        "t_type(name='int', size=4, is_signed=True), length=3), length=2))",
    ),
    (
        'p.type("int (*[2])[3]")',
        "prog.array_type(type=prog.pointer_type(type=prog.array_type(type=prog.in"
        "t_type(name='int', size=4, is_signed=True), length=3)), length=2)",
    ),
    (
        'p.type("int (**)[2]")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.array_type(type=prog."
        "int_type(name='int', size=4, is_signed=True), length=2)))",
    ),
    (
        'p.type("int ((*))[2]")',
        "prog.pointer_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=2))",
    ),
    (
        'p.type("int (((*)))")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        'p.type("int ((*[2])[3])[4]")',
        "prog.array_type(type=prog.pointer_type(type=prog.array_type(type=prog.ar"
        "ray_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=4), length=3)), length=2)",
    ),
    (
        'p.type("int (*(*)[2])[3]")',
        "prog.pointer_type(type=prog.array_type(type=prog.pointer_type(type=prog."
        "array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=3)), length=2))",
    ),
    (
        'p.type("int ([2])[3]")',
        "prog.array_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=3), length=2)",
    ),
    (
        'p.type("int *([2])")',
        "prog.array_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True)), length=2)",
    ),
    (
        'p.type("int *(*)")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True)))",
    ),
    (
        'p.type("int **(*)[2]")',
        "prog.pointer_type(type=prog.array_type(type=prog.pointer_type(type=prog."
        "pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))), "
        "length=2))",
    ),
    (
        'p.type("int (* const)[2]")',
        "prog.pointer_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=2), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.type("int (* const * volatile)[2]")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.array_type(type=prog."
        "int_type(name='int', size=4, is_signed=True), length=2), "
        "qualifiers=<Qualifiers.CONST: 1>), qualifiers=<Qualifiers.VOLATILE: 2>)",
    ),
    (
        'p.type("int const * const (*)")',
        "prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True, qualifiers=<Qualifiers.CONST: 1>), "
        "qualifiers=<Qualifiers.CONST: 1>))",
    ),
]

ERRORS = [
    ('p.type("")', "SyntaxError: expected type specifier"),
    ('p.type("   ")', "SyntaxError: expected type specifier"),
    ('p.type("*")', "SyntaxError: expected type specifier"),
    ('p.type("[2]")', "SyntaxError: expected type specifier"),
    ('p.type("(")', "SyntaxError: expected type specifier"),
    ('p.type("()")', "SyntaxError: expected type specifier"),
    ('p.type("123")', "SyntaxError: expected type specifier"),
    ('p.type("1foo")', "SyntaxError: invalid number"),
    ('p.type("const")', "SyntaxError: expected type specifier"),
    ('p.type("const *")', "SyntaxError: expected type specifier"),
    ('p.type("struct")', "SyntaxError: expected identifier after 'struct'"),
    ('p.type("struct *")', "SyntaxError: expected identifier after 'struct'"),
    ('p.type("struct {")', "SyntaxError: invalid character \\x7b"),
    ('p.type("struct const foo")', "SyntaxError: expected identifier after 'struct'"),
    ('p.type("struct int")', "SyntaxError: expected identifier after 'struct'"),
    ('p.type("enum")', "SyntaxError: expected identifier after 'enum'"),
    ('p.type("union")', "SyntaxError: expected identifier after 'union'"),
    ('p.type("int x")', "SyntaxError: expected abstract declarator"),
    ('p.type("int 5")', "SyntaxError: expected abstract declarator"),
    ('p.type("int )")', "SyntaxError: expected abstract declarator"),
    ('p.type("int ]")', "SyntaxError: expected abstract declarator"),
    ('p.type("int .")', "SyntaxError: expected abstract declarator"),
    ('p.type("int : 5")', "SyntaxError: expected abstract declarator"),
    ('p.type("int (")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int ()")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int (2)")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int (void)")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int (int")', "SyntaxError: function pointer types are not implemented"),
    (
        'p.type("int (*)(void)")',
        "SyntaxError: function pointer types are not implemented",
    ),
    ('p.type("int (*)(")', "SyntaxError: function pointer types are not implemented"),
    (
        'p.type("void (*)(int, char)")',
        "SyntaxError: function pointer types are not implemented",
    ),
    (
        'p.type("int (const *)[2]")',
        "SyntaxError: function pointer types are not implemented",
    ),
    ('p.type("int [2](")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int [2](*)")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int * (")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int *()")', "SyntaxError: function pointer types are not implemented"),
    ('p.type("int (*")', "SyntaxError: expected ')'"),
    ('p.type("int (*x)")', "SyntaxError: expected ')'"),
    ('p.type("int ((*)")', "SyntaxError: expected ')'"),
    ('p.type("int ((*)[2]")', "SyntaxError: expected ')'"),
    ('p.type("int ([2]*)")', "SyntaxError: expected ')'"),
    ('p.type("int [")', "SyntaxError: expected ']'"),
    ('p.type("int [2")', "SyntaxError: expected ']'"),
    ('p.type("int [a]")', "SyntaxError: expected ']'"),
    ('p.type("int [-1]")', "SyntaxError: invalid character \\x2d"),
    ('p.type("int [+1]")', "SyntaxError: invalid character \\x2b"),
    ('p.type("int [08]")', "SyntaxError: invalid number"),
    ('p.type("int [0b11]")', "SyntaxError: invalid number"),
    ('p.type("int [0x]")', "SyntaxError: invalid number"),
    ('p.type("int [1u]")', "SyntaxError: invalid number"),
    ('p.type("int [1e3]")', "SyntaxError: invalid number"),
    ('p.type("int [1.5]")', "SyntaxError: expected ']'"),
    ('p.type("int [2 3]")', "SyntaxError: expected ']'"),
    ('p.type("int [(1)]")', "SyntaxError: expected ']'"),
    ('p.type("int [18446744073709551616]")', "ValueError: number is too large"),
    ('p.type("int *)")', "SyntaxError: extra tokens after type name"),
    ('p.type("int (*)]")', "SyntaxError: extra tokens after type name"),
    ('p.type("int (*))")', "SyntaxError: extra tokens after type name"),
    ('p.type("int [2]*")', "SyntaxError: extra tokens after type name"),
    ('p.type("int [2] foo")', "SyntaxError: extra tokens after type name"),
    ('p.type("int[]*")', "SyntaxError: extra tokens after type name"),
    ('p.type("int [2] const")', "SyntaxError: extra tokens after type name"),
    ('p.type("int * foo")', "SyntaxError: extra tokens after type name"),
    ('p.type("int * __restrict")', "SyntaxError: extra tokens after type name"),
    ('p.type("foo_t foo_t")', "SyntaxError: expected abstract declarator"),
    ('p.type("foo_t ::x")', "SyntaxError: expected abstract declarator"),
    ('p.type("unsigned foo_t")', "SyntaxError: expected abstract declarator"),
    ('p.type("int &")', "SyntaxError: invalid character \\x26"),
    ('p.type("int, int")', "SyntaxError: invalid character \\x2c"),
    ('p.type("int;")', "SyntaxError: invalid character \\x3b"),
    ('p.type("int % 2")', "SyntaxError: invalid character \\x25"),
    ('p.type("int@")', "SyntaxError: invalid character \\x40"),
    ('p.type("int é")', "SyntaxError: invalid character \\xc3"),
    ('p.type("éa")', "SyntaxError: invalid character \\xc3"),
    ('p.type("$foo")', "SyntaxError: invalid character \\x24"),
    ('p.type("foo-bar")', "SyntaxError: invalid character \\x2d"),
    ('p.type("int/**/")', "SyntaxError: invalid character \\x2f"),
    ('p.type("foo_t<int>")', "SyntaxError: invalid character \\x3c"),
    ('p.type("struct foo<int>")', "SyntaxError: invalid character \\x3c"),
    ('p.type("_Atomic(int)")', "SyntaxError: expected type specifier"),
]

COMBINATIONS = [
    ('p.type("int int")', "SyntaxError: cannot combine 'int' with 'int'"),
    ('p.type("int char")', "SyntaxError: cannot combine 'char' with 'int'"),
    ('p.type("char int")', "SyntaxError: cannot combine 'int' with 'char'"),
    (
        'p.type("unsigned signed")',
        "SyntaxError: cannot combine 'signed' with 'unsigned'",
    ),
    ('p.type("signed signed")', "SyntaxError: cannot combine 'signed' with 'signed'"),
    ('p.type("long long long")', "SyntaxError: cannot combine 'long' with 'long long'"),
    ('p.type("short long")', "SyntaxError: cannot combine 'long' with 'short'"),
    ('p.type("long short")', "SyntaxError: cannot combine 'short' with 'long'"),
    ('p.type("short int long")', "SyntaxError: cannot combine 'long' with 'short int'"),
    ('p.type("unsigned float")', "SyntaxError: cannot combine 'float' with 'unsigned'"),
    ('p.type("float double")', "SyntaxError: cannot combine 'double' with 'float'"),
    ('p.type("long float")', "SyntaxError: cannot combine 'float' with 'long'"),
    ('p.type("long char")', "SyntaxError: cannot combine 'char' with 'long'"),
    (
        'p.type("unsigned char char")',
        "SyntaxError: cannot combine 'char' with 'unsigned char'",
    ),
    (
        'p.type("long double long")',
        "SyntaxError: cannot combine 'long' with 'long double'",
    ),
    (
        'p.type("signed int unsigned")',
        "SyntaxError: cannot combine 'unsigned' with 'signed int'",
    ),
    (
        'p.type("unsigned long int int")',
        "SyntaxError: cannot combine 'int' with 'unsigned long int'",
    ),
    (
        'p.type("int short unsigned short")',
        "SyntaxError: cannot combine 'short' with 'unsigned short int'",
    ),
    ('p.type("void int")', "SyntaxError: cannot combine 'int' with 'void'"),
    ('p.type("int void")', "SyntaxError: cannot combine 'void' with 'int'"),
    ('p.type("unsigned _Bool")', "SyntaxError: cannot combine '_Bool' with 'unsigned'"),
    ('p.type("foo_t int")', "SyntaxError: cannot combine 'int' with identifier"),
    (
        'p.type("foo_t unsigned")',
        "SyntaxError: cannot combine 'unsigned' with identifier",
    ),
    ('p.type("nope int")', "SyntaxError: cannot combine 'int' with identifier"),
    ('p.type("struct foo int")', "SyntaxError: cannot combine 'int' with 'struct'"),
    (
        'p.type("struct foo struct bar")',
        "SyntaxError: cannot combine 'struct' with identifier",
    ),
    (
        'p.type("struct foo enum e")',
        "SyntaxError: cannot combine 'enum' with identifier",
    ),
    ('p.type("int struct foo")', "SyntaxError: cannot combine 'struct' with 'int'"),
    ('p.type("typedef int")', "SyntaxError: cannot combine 'int' with identifier"),
    ('p.type("__const int")', "SyntaxError: cannot combine 'int' with identifier"),
    ('p.type("size_t int")', "SyntaxError: cannot combine 'int' with identifier"),
    ('p.type("int size_t")', "SyntaxError: expected abstract declarator"),
]

ARGUMENTS = [
    ("p.type(1)", "TypeError: type() argument 1 must be str or Type"),
    ("p.type(None)", "TypeError: type() argument 1 must be str or Type"),
    ("p.type(b'int')", "TypeError: type() argument 1 must be str or Type"),
    (
        "p.type('int', 1)",
        "TypeError: expected str, bytes or os.PathLike object, not int",
    ),
]

TABLES = [
    *SPECIFIERS,
    *NAMES,
    *QUALIFIERS,
    *DECLARATORS,
    *ERRORS,
    *COMBINATIONS,
    *ARGUMENTS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_type_name(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected


KINDS = {
    "struct s": (TypeKindSet({TypeKind.STRUCT}), "s"),
    "const union s *": (TypeKindSet({TypeKind.UNION}), "s"),
    "enum s [2]": (TypeKindSet({TypeKind.ENUM}), "s"),
    "s": (TypeKindSet({TypeKind.TYPEDEF}), "s"),
    "int": (TypeKindSet({TypeKind.INT}), "int"),
    "_Bool *": (TypeKindSet({TypeKind.BOOL}), "_Bool"),
    "double": (TypeKindSet({TypeKind.FLOAT}), "double"),
    "size_t": (TypeKindSet({TypeKind.TYPEDEF}), "size_t"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_finders_are_asked(name: str) -> None:
    prog = Program(Platform(Architecture.X86_64))
    asked = []

    def find(prog: Program, kinds: TypeKindSet, name: str, filename: Any) -> None:
        asked.append((kinds, name))

    prog.register_type_finder("test", find, enable_index=0)
    try:
        prog.type(name)
    except LookupError:
        pass
    assert asked[0] == KINDS[name]


# Primitive types that finders know, and the platform's own.


def program_with(platform: Platform | None, **sizes: int) -> Program:
    """A program in which integers have these sizes."""
    prog = Program(platform)

    def find(prog: Program, kinds: TypeKindSet, name: str, filename: Any) -> Any:
        size = sizes.get(name.replace(" ", "_"))
        if size is None or TypeKind.INT not in kinds:
            return None
        return prog.int_type(name, size, not name.startswith("unsigned"))

    prog.register_type_finder("test", find, enable_index=0)
    return prog


X86_64 = Platform(Architecture.X86_64)


def test_finders_know_primitive_types() -> None:
    prog = program_with(X86_64, long=4, int=8, long_unsigned_int=2)
    assert prog.type("long").size == 4
    assert prog.type("signed int").size == 8
    # A name that contradicts the signedness is another type's.
    assert prog.type("unsigned long").size == 8
    assert prog.type("short").size == 2


def test_plain_char_is_what_finders_say() -> None:
    prog = Program(X86_64)
    prog.register_type_finder(
        "test",
        lambda prog, kinds, name, filename: (
            prog.int_type("char", 1, False) if name == "char" else None
        ),
        enable_index=0,
    )
    assert prog.type("char").is_signed is False
    assert Program(X86_64).type("char").is_signed is True


def test_size_t_has_the_size_of_an_address() -> None:
    def underlying(name: str, **sizes: int) -> str:
        return program_with(X86_64, **sizes).type(name).type.name

    assert underlying("size_t") == "unsigned long"
    assert underlying("size_t", unsigned_long=4) == "unsigned long long"
    assert (
        underlying("size_t", unsigned_long=4, unsigned_long_long=4, unsigned_int=8)
        == "unsigned int"
    )
    assert underlying("ptrdiff_t", long=16) == "long long"
    assert underlying("ptrdiff_t", long=4, long_long=4, int=8) == "int"
    for name, word in (("size_t", "unsigned_"), ("ptrdiff_t", "")):
        sizes = {f"{word}long": 4, f"{word}long_long": 4}
        with pytest.raises(ValueError, match=f"no suitable integer type for {name}"):
            underlying(name, **sizes)


def test_size_t_of_a_finder() -> None:
    prog = Program(X86_64)
    found = prog.typedef_type("size_t", prog.int_type("unsigned int", 4, False))
    prog.register_type_finder(
        "test",
        lambda prog, kinds, name, filename: (
            found if name == "size_t" and TypeKind.TYPEDEF in kinds else None
        ),
        enable_index=0,
    )
    assert prog.type("size_t") is found
    assert found.primitive is PrimitiveType.C_SIZE_T


SIZES_32 = {
    "char": 1,
    "short": 2,
    "int": 4,
    "long": 4,
    "long long": 8,
    "void *": 4,
    "float": 4,
    "double": 8,
    "long double": 16,
    "_Bool": 1,
}
SIZES_64 = {**SIZES_32, "long": 8, "void *": 8}


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [
        (Architecture.X86_64, SIZES_64),
        (Architecture.AARCH64, SIZES_64),
        (Architecture.S390X, SIZES_64),
        (Architecture.I386, SIZES_32),
        (Architecture.ARM, SIZES_32),
    ],
)
def test_defaults_of_the_platform(
    architecture: Architecture, sizes: dict[str, int]
) -> None:
    platform = Platform(architecture)
    prog = Program(platform)
    for name, size in sizes.items():
        type = prog.type(name)
        assert type.size == size
        assert type.language is Language.C
        big = not platform.flags & PlatformFlags.IS_LITTLE_ENDIAN
        assert type.byteorder == ("big" if big else "little")
    assert str(prog.type("size_t")) == "typedef unsigned long size_t"
    assert str(prog.type("ptrdiff_t")) == "typedef long ptrdiff_t"


def test_no_platform() -> None:
    prog = Program()
    assert prog.type("void").kind is TypeKind.VOID
    for name in ("int", "char", "_Bool", "int [2]"):
        with pytest.raises(ValueError, match="program byte order is not known"):
            prog.type(name)
    for name in ("long", "size_t", "void *"):
        with pytest.raises(ValueError, match="program address size is not known"):
            prog.type(name)


# Whole names.


def test_type_of_a_type() -> None:
    prog = Program(X86_64)
    integer = prog.type("int")
    assert prog.type(integer) is integer
    assert prog.type(name="int") is integer


def test_names_are_parsed_to_the_same_types() -> None:
    prog = Program(X86_64)
    for name in ("int", "const char *[2]", "int (*)[2]", "size_t * const", "void **"):
        type = prog.type(name)
        assert isinstance(type, Type)
        assert prog.type(type.type_name()) is type


def test_nesting_does_not_recurse() -> None:
    prog = Program(X86_64)
    deep = 5000
    assert str(prog.type("int " + "*" * deep)) == "int " + "*" * deep
    name = "int " + "(" * deep + "*" + ")" * deep
    assert prog.type(name) is prog.type("int *")
    with pytest.raises(SyntaxError, match=r"expected '\)'"):
        prog.type("int " + "(*" * deep)
