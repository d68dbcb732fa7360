"""What is no type name of C, and what is said about it."""

from __future__ import annotations

import pytest
from expressions import outcome

from .some_types import found_types

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
    ('p.type("::foo_t")', "LookupError: could not find '::foo_t'"),
    ('p.type(":: é <")', "LookupError: could not find ':: é <'"),
    ('p.type("const : int")', "LookupError: could not find 'const : int'"),
    ('p.type("struct ::foo")', "LookupError: could not find 'struct ::foo'"),
    ('p.type("::foo_t", "f.c")', "LookupError: could not find '::foo_t' in 'f.c'"),
    ('p.type("int ::")', "SyntaxError: expected abstract declarator"),
    (r'p.type("nope\0<")', "LookupError: could not find 'nope'"),
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
    *ERRORS,
    *COMBINATIONS,
    *ARGUMENTS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_error(expression: str, expected: str) -> None:
    assert outcome(expression, found_types()) == expected
