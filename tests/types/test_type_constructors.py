"""The methods of Program that make simple types: what they make and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import outcome

from drgn import Architecture, Platform, Program, Qualifiers

PLATFORM = Platform(Architecture.X86_64)


def names() -> dict[str, Any]:
    """What the expressions of the tables start from."""
    p = Program(PLATFORM)
    q = Program(PLATFORM)
    return {
        "p": p,
        "q": q,
        "np": Program(),
        "I": p.int_type("int", 4, True),
        "U": p.int_type("unsigned int", 4, False),
        "C": p.int_type("char", 1, True),
        "V": p.void_type(),
        "S": p.struct_type("s"),
        "Q": q.int_type("int", 4, True),
        "CONST": Qualifiers.CONST,
    }


INTEGERS = [
    ('p.int_type("i", 4, True)', "prog.int_type(name='i', size=4, is_signed=True)"),
    ('p.int_type("i", 4, False)', "prog.int_type(name='i', size=4, is_signed=False)"),
    ("p.int_type(1, 4, True)", "TypeError: int_type() argument 1 must be str, not int"),
    (
        "p.int_type(None, 4, True)",
        "TypeError: int_type() argument 1 must be str, not None",
    ),
    ('p.int_type("", 4, True)', "prog.int_type(name='', size=4, is_signed=True)"),
    (
        'p.int_type("i", None, True)',
        "TypeError: 'NoneType' object cannot be interpreted as an integer",
    ),
    (
        'p.int_type("i", 4.0, True)',
        "TypeError: 'float' object cannot be interpreted as an integer",
    ),
    (
        'p.int_type("i", -1, True)',
        "OverflowError: can't convert negative int to unsigned",
    ),
    ('p.int_type("i", 2**64, True)', "OverflowError: int too big to convert"),
    (
        'p.int_type("i", 2**64 - 1, True)',
        "prog.int_type(name='i', size=18446744073709551615, is_signed=True)",
    ),
    ('p.int_type("i", 0, True)', "prog.int_type(name='i', size=0, is_signed=True)"),
    ('p.int_type("i", 17, True)', "prog.int_type(name='i', size=17, is_signed=True)"),
    ('p.int_type("i", 4, 1)', "prog.int_type(name='i', size=4, is_signed=True)"),
    ('p.int_type("i", 4, None)', "prog.int_type(name='i', size=4, is_signed=False)"),
    (
        'p.int_type("i", 4, True, "little")',
        "prog.int_type(name='i', size=4, is_signed=True)",
    ),
    (
        'p.int_type("i", 4, True, "big")',
        "prog.int_type(name='i', size=4, is_signed=True, byteorder='big')",
    ),
    (
        'p.int_type("i", 4, True, None)',
        "prog.int_type(name='i', size=4, is_signed=True)",
    ),
    (
        'p.int_type("i", 4, True, "x")',
        "ValueError: expected 'little', 'big', or None for byteorder",
    ),
    (
        'p.int_type("i", 4, True, 1)',
        "ValueError: expected 'little', 'big', or None for byteorder",
    ),
    (
        'p.int_type("i", 4, True, qualifiers=1)',
        "TypeError: expected Qualifiers, not int",
    ),
    (
        'p.int_type("i", 4, True, qualifiers=None)',
        "TypeError: expected Qualifiers, not NoneType",
    ),
    (
        'p.int_type("i", 4, True, qualifiers=CONST)',
        "prog.int_type(name='i', size=4, is_signed=True, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    ('p.int_type("i", 4, True, language=1)', "TypeError: expected Language, not int"),
    (
        'p.int_type("i", 4, True, language=None)',
        "prog.int_type(name='i', size=4, is_signed=True)",
    ),
    (
        'p.int_type("i", 4, True, language=Language.C)',
        "prog.int_type(name='i', size=4, is_signed=True)",
    ),
    (
        'p.int_type("i", 4, True, language=Language.CPP)',
        "prog.int_type(name='i', size=4, is_signed=True, language=Language.CPP)",
    ),
    (
        'p.int_type("long unsigned int", 8, False)',
        "prog.int_type(name='unsigned long', size=8, is_signed=False)",
    ),
    (
        'p.int_type("long unsigned int", 8, True)',
        "prog.int_type(name='long unsigned int', size=8, is_signed=True)",
    ),
    (
        'p.int_type("short int", 2, True)',
        "prog.int_type(name='short', size=2, is_signed=True)",
    ),
    (
        'p.int_type("unsigned", 4, False)',
        "prog.int_type(name='unsigned int', size=4, is_signed=False)",
    ),
    (
        'p.int_type("signed", 4, True)',
        "prog.int_type(name='int', size=4, is_signed=True)",
    ),
    (
        'p.int_type("long   int", 8, True)',
        "prog.int_type(name='long', size=8, is_signed=True)",
    ),
    ('np.int_type("i", 4, True)', "ValueError: program byte order is not known"),
    (
        'np.int_type("i", 4, True, "big")',
        "prog.int_type(name='i', size=4, is_signed=True, byteorder='big')",
    ),
]

BOOLEANS_AND_FLOATS = [
    ('p.bool_type("_Bool", 1)', "prog.bool_type(name='_Bool', size=1)"),
    ('p.bool_type("b", 3, "big")', "prog.bool_type(name='b', size=3, byteorder='big')"),
    ('p.bool_type("b", 0)', "prog.bool_type(name='b', size=0)"),
    ("p.bool_type(1, 1)", "TypeError: bool_type() argument 1 must be str, not int"),
    ('p.bool_type("b", -1)', "OverflowError: can't convert negative int to unsigned"),
    (
        'p.bool_type("b", 1, qualifiers=CONST, language=Language.CPP)',
        "prog.bool_type(name='b', size=1, qualifiers=<Qualifiers.CONST: 1>, "
        "language=Language.CPP)",
    ),
    ('np.bool_type("b", 1)', "ValueError: program byte order is not known"),
    (
        'np.bool_type("b", 1, "little")',
        "prog.bool_type(name='b', size=1, byteorder='little')",
    ),
    ('p.float_type("float", 4)', "prog.float_type(name='float', size=4)"),
    ('p.float_type("f", 3)', "prog.float_type(name='f', size=3)"),
    ('p.float_type("f", 0)', "prog.float_type(name='f', size=0)"),
    (
        'p.float_type("f", 4, "mid")',
        "ValueError: expected 'little', 'big', or None for byteorder",
    ),
    ('p.float_type("f", -4)', "OverflowError: can't convert negative int to unsigned"),
    (
        "p.float_type(None, 4)",
        "TypeError: float_type() argument 1 must be str, not None",
    ),
    ('p.float_type("double long", 16)', "prog.float_type(name='long double', size=16)"),
    ('np.float_type("f", 4)', "ValueError: program byte order is not known"),
]

VOID = [
    ("p.void_type()", "prog.void_type()"),
    ("np.void_type()", "prog.void_type()"),
    (
        "p.void_type(qualifiers=CONST)",
        "prog.void_type(qualifiers=<Qualifiers.CONST: 1>)",
    ),
    ("p.void_type(qualifiers=Qualifiers.NONE)", "prog.void_type()"),
    ("p.void_type(qualifiers=0)", "TypeError: expected Qualifiers, not int"),
    ("p.void_type(language=Language.CPP)", "prog.void_type(language=Language.CPP)"),
]

TYPEDEFS = [
    (
        'p.typedef_type("t", I)',
        "prog.typedef_type(name='t', type=prog.int_type(name='int', size=4, "
        "is_signed=True))",
    ),
    (
        'p.typedef_type("t", I.qualified(CONST))',
        "prog.typedef_type(name='t', type=prog.int_type(name='int', size=4, "
        "is_signed=True, qualifiers=<Qualifiers.CONST: 1>))",
    ),
    (
        'p.typedef_type("t", I, qualifiers=CONST)',
        "prog.typedef_type(name='t', type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.typedef_type("t", p.typedef_type("u", V))',
        "prog.typedef_type(name='t', type=prog.typedef_type(name='u', "
        "type=prog.void_type()))",
    ),
    (
        "p.typedef_type(1, I)",
        "TypeError: typedef_type() argument 1 must be str, not int",
    ),
    (
        "p.typedef_type(None, I)",
        "TypeError: typedef_type() argument 1 must be str, not None",
    ),
    (
        'p.typedef_type("t", 1)',
        "TypeError: typedef_type() argument 2 must be _drgn.Type, not int",
    ),
    (
        'p.typedef_type("t", None)',
        "TypeError: typedef_type() argument 2 must be _drgn.Type, not None",
    ),
    ('p.typedef_type("t", Q)', "ValueError: type is from different program"),
    (
        'p.typedef_type("t", I, language=Language.CPP)',
        "prog.typedef_type(name='t', type=prog.int_type(name='int', size=4, "
        "is_signed=True), language=Language.CPP)",
    ),
    (
        'p.typedef_type("t", p.int_type("int", 4, True, '
        "language=Language.CPP)).language",
        "Language.C",
    ),
]

POINTERS = [
    (
        "p.pointer_type(I)",
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        "p.pointer_type(I, 8)",
        "prog.pointer_type(type=prog.int_type(name='int', size=4, is_signed=True))",
    ),
    (
        "p.pointer_type(I, 4)",
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), size=4)",
    ),
    (
        "p.pointer_type(I, 0)",
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), size=0)",
    ),
    ("p.pointer_type(I, -1)", "OverflowError: can't convert negative int to unsigned"),
    ("p.pointer_type(I, 2**64)", "OverflowError: int too big to convert"),
    (
        'p.pointer_type(I, "8")',
        "TypeError: 'str' object cannot be interpreted as an integer",
    ),
    (
        'p.pointer_type(I, 8, "big")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), byteorder='big')",
    ),
    (
        'p.pointer_type(I, byteorder="big")',
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), byteorder='big')",
    ),
    (
        'p.pointer_type(I, 8, "foo")',
        "ValueError: expected 'little', 'big', or None for byteorder",
    ),
    (
        'p.pointer_type("int")',
        "TypeError: pointer_type() argument 1 must be _drgn.Type, not str",
    ),
    (
        "p.pointer_type(None)",
        "TypeError: pointer_type() argument 1 must be _drgn.Type, not None",
    ),
    ("p.pointer_type(Q)", "ValueError: type is from different program"),
    (
        "p.pointer_type(I, qualifiers=CONST)",
        "prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        'p.pointer_type(p.int_type("int", 4, True, language=Language.CPP)).language',
        "Language.C",
    ),
    (
        "np.pointer_type(np.void_type())",
        "ValueError: program address size is not known",
    ),
    (
        "np.pointer_type(np.void_type(), 8)",
        "ValueError: program byte order is not known",
    ),
    (
        'np.pointer_type(np.void_type(), 8, "little")',
        "prog.pointer_type(type=prog.void_type(), size=8, byteorder='little')",
    ),
]

ARRAYS = [
    (
        "p.array_type(I)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=None)",
    ),
    (
        "p.array_type(I, None)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=None)",
    ),
    (
        "p.array_type(I, 0)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=0)",
    ),
    (
        "p.array_type(I, 5)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=5)",
    ),
    (
        "p.array_type(I, length=5)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=5)",
    ),
    ("p.array_type(I, -1)", "OverflowError: can't convert negative int to unsigned"),
    ("p.array_type(I, 2**64)", "OverflowError: int too big to convert"),
    (
        "p.array_type(I, 2**64 - 1)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=18446744073709551615)",
    ),
    (
        'p.array_type(I, "1")',
        "TypeError: 'str' object cannot be interpreted as an integer",
    ),
    (
        "p.array_type(I, 2.0)",
        "TypeError: 'float' object cannot be interpreted as an integer",
    ),
    (
        "p.array_type(1, 1)",
        "TypeError: array_type() argument 1 must be _drgn.Type, not int",
    ),
    (
        "p.array_type(2, I)",
        "TypeError: array_type() argument 1 must be _drgn.Type, not int",
    ),
    ("p.array_type(Q, 1)", "ValueError: type is from different program"),
    ("p.array_type(V, 1)", "prog.array_type(type=prog.void_type(), length=1)"),
    (
        "p.array_type(p.array_type(I, 3), 2)",
        "prog.array_type(type=prog.array_type(type=prog.int_type(name='int', "
        "size=4, is_signed=True), length=3), length=2)",
    ),
    (
        "p.array_type(I, 2, qualifiers=CONST)",
        "prog.array_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "length=2, qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        "np.array_type(np.void_type(), 3)",
        "prog.array_type(type=prog.void_type(), length=3)",
    ),
]

TABLES = [
    *INTEGERS,
    *BOOLEANS_AND_FLOATS,
    *VOID,
    *TYPEDEFS,
    *POINTERS,
    *ARRAYS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_constructor(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected
