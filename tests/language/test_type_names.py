"""Type names of C, parsed and looked up."""

from __future__ import annotations

import pytest
from expressions import outcome

from .some_types import found_types

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

TABLES = [
    *SPECIFIERS,
    *NAMES,
    *QUALIFIERS,
    *DECLARATORS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_type_name(expression: str, expected: str) -> None:
    assert outcome(expression, found_types()) == expected
