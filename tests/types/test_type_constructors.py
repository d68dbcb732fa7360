"""The methods of Program that make types: what they make and what they refuse."""

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

COMPOUNDS = [
    ('p.struct_type("s", 8, ())', "prog.struct_type(tag='s', size=8, members=())"),
    (
        'p.struct_type("s", 8, [TypeMember(I, "a"), TypeMember(I, "b", 32)])',
        "prog.struct_type(tag='s', size=8, members=(TypeMember(prog.type('int'), "
        "name='a', bit_offset=0), TypeMember(prog.type('int'), name='b', "
        "bit_offset=32)))",
    ),
    ('p.struct_type("s")', "prog.struct_type(tag='s', size=None, members=None)"),
    ("p.struct_type(None)", "prog.struct_type(tag=None, size=None, members=None)"),
    (
        "p.struct_type(None, None, None)",
        "prog.struct_type(tag=None, size=None, members=None)",
    ),
    ('p.struct_type("s", 8)', "ValueError: incomplete struct type must not have size"),
    ('p.struct_type("s", None, ())', "ValueError: struct type must have size"),
    ('p.struct_type("s", members=())', "ValueError: struct type must have size"),
    ('p.union_type("s", 8, ())', "prog.union_type(tag='s', size=8, members=())"),
    (
        'p.union_type("s", 8, [TypeMember(I, "a"), TypeMember(I, "b", 32)])',
        "prog.union_type(tag='s', size=8, members=(TypeMember(prog.type('int'), "
        "name='a', bit_offset=0), TypeMember(prog.type('int'), name='b', "
        "bit_offset=32)))",
    ),
    ('p.union_type("s")', "prog.union_type(tag='s', size=None, members=None)"),
    ("p.union_type(None)", "prog.union_type(tag=None, size=None, members=None)"),
    (
        "p.union_type(None, None, None)",
        "prog.union_type(tag=None, size=None, members=None)",
    ),
    ('p.union_type("s", 8)', "ValueError: incomplete union type must not have size"),
    ('p.union_type("s", None, ())', "ValueError: union type must have size"),
    ('p.union_type("s", members=())', "ValueError: union type must have size"),
    ('p.class_type("s", 8, ())', "prog.class_type(tag='s', size=8, members=())"),
    (
        'p.class_type("s", 8, [TypeMember(I, "a"), TypeMember(I, "b", 32)])',
        "prog.class_type(tag='s', size=8, members=(TypeMember(prog.type('int'), "
        "name='a', bit_offset=0), TypeMember(prog.type('int'), name='b', "
        "bit_offset=32)))",
    ),
    ('p.class_type("s")', "prog.class_type(tag='s', size=None, members=None)"),
    ("p.class_type(None)", "prog.class_type(tag=None, size=None, members=None)"),
    (
        "p.class_type(None, None, None)",
        "prog.class_type(tag=None, size=None, members=None)",
    ),
    ('p.class_type("s", 8)', "ValueError: incomplete class type must not have size"),
    ('p.class_type("s", None, ())', "ValueError: class type must have size"),
    ('p.class_type("s", members=())', "ValueError: class type must have size"),
    ("p.struct_type(1)", "TypeError: struct_type() tag must be str or None"),
    (
        'p.struct_type("s", -1, ())',
        "OverflowError: can't convert negative int to unsigned",
    ),
    ('p.struct_type("s", 2**64, ())', "OverflowError: int too big to convert"),
    (
        'p.struct_type("s", 2**64 - 1, ())',
        "prog.struct_type(tag='s', size=18446744073709551615, members=())",
    ),
    (
        'p.struct_type("s", 4.0, ())',
        "TypeError: 'float' object cannot be interpreted as an integer",
    ),
    ('p.struct_type("s", 4, 4)', "TypeError: members must be sequence or None"),
    ('p.struct_type("s", 4, (1,))', "TypeError: member must be TypeMember"),
    ('p.struct_type("s", 4, iter(()))', "TypeError: members must be sequence or None"),
    (
        'p.struct_type("s", 4, (TypeMember(Q),))',
        "ValueError: object is from different program",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(I, None, 3),))',
        "prog.struct_type(tag='s', size=4, members=(TypeMember(prog.type('int'), "
        "bit_offset=3),))",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(Object(p, I, bit_field_size=3), "x", 5),))',
        "prog.struct_type(tag='s', size=4, members=(TypeMember(Object(prog, "
        "'int', bit_field_size=3), name='x', bit_offset=5),))",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(Object(p, I, value=5), "x"),))',
        "prog.struct_type(tag='s', size=4, members=(TypeMember(Object(prog, "
        "'int', value=5), name='x', bit_offset=0),))",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(lambda: I, "x"),))',
        "prog.struct_type(tag='s', size=4, members=(TypeMember(prog.type('int'), "
        "name='x', bit_offset=0),))",
    ),
    (
        'p.struct_type("s", 4, (), template_parameters=1)',
        "TypeError: 'int' object is not iterable",
    ),
    (
        'p.struct_type("s", 4, (), template_parameters=(1,))',
        "TypeError: template parameter must be TypeTemplateParameter",
    ),
    (
        'p.struct_type("s", 4, (), template_parameters=(TypeTemplateParameter(I, '
        '"T"),))',
        "prog.struct_type(tag='s', size=4, members=(), "
        "template_parameters=(TypeTemplateParameter(prog.type('int'), "
        "name='T'),))",
    ),
    (
        'p.struct_type("s", template_parameters=[TypeTemplateParameter(I, "T")])',
        "prog.struct_type(tag='s', size=None, members=None, "
        "template_parameters=(TypeTemplateParameter(prog.type('int'), "
        "name='T'),))",
    ),
    (
        'p.struct_type("s", template_parameters=(TypeTemplateParameter(Q),))',
        "ValueError: object is from different program",
    ),
    (
        'p.struct_type("s", template_parameters=(TypeTemplateParameter(Object(q, '
        "Q, 1)),))",
        "ValueError: object is from different program",
    ),
    (
        'p.struct_type("s", qualifiers=CONST, language=Language.CPP)',
        "prog.struct_type(tag='s', size=None, members=None, "
        "qualifiers=<Qualifiers.CONST: 1>, language=Language.CPP)",
    ),
    ('p.struct_type("s", qualifiers=1)', "TypeError: expected Qualifiers, not int"),
    ('p.struct_type("s", language="C")', "TypeError: expected Language, not str"),
    ('np.struct_type("s", 4, ())', "prog.struct_type(tag='s', size=4, members=())"),
]

ENUMS = [
    (
        'p.enum_type("e", I, ())',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=())",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 1), TypeEnumerator("B", -1)))',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=(TypeEnumerator('A', 1), "
        "TypeEnumerator('B', -1)))",
    ),
    (
        'p.enum_type("e", I, [TypeEnumerator("A", 1)])',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=(TypeEnumerator('A', 1),))",
    ),
    ('p.enum_type("e")', "prog.enum_type(tag='e', type=None, enumerators=None)"),
    ("p.enum_type(None)", "prog.enum_type(tag=None, type=None, enumerators=None)"),
    (
        "p.enum_type(None, I, [])",
        "prog.enum_type(tag=None, type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=())",
    ),
    (
        'p.enum_type("e", I)',
        "ValueError: incomplete enum type must not have compatible type",
    ),
    ('p.enum_type("e", None, ())', "ValueError: enum type must have compatible type"),
    ("p.enum_type(1, I, ())", "TypeError: enum_type() tag must be str or None"),
    (
        'p.enum_type("e", 1, ())',
        "TypeError: enum_type() compatible type must be Type or None",
    ),
    ('p.enum_type("e", I, 1)', "TypeError: enumerators must be sequence or None"),
    ('p.enum_type("e", I, (1,))', "TypeError: enumerator must be TypeEnumerator"),
    (
        'p.enum_type("e", I, (("a", 1),))',
        "TypeError: enumerator must be TypeEnumerator",
    ),
    (
        'p.enum_type("e", S, ())',
        "ValueError: enum_type() compatible type must be integer type",
    ),
    (
        'p.enum_type("e", p.typedef_type("t", I), ())',
        "ValueError: enum_type() compatible type must be integer type",
    ),
    (
        'p.enum_type("e", p.bool_type("b", 1), ())',
        "ValueError: enum_type() compatible type must be integer type",
    ),
    (
        'p.enum_type("e", I.qualified(CONST), ())',
        "ValueError: enum_type() compatible type must be unqualified",
    ),
    ('p.enum_type("e", Q, ())', "ValueError: type is from different program"),
    (
        'p.enum_type("e", C, (TypeEnumerator("A", 300),))',
        "prog.enum_type(tag='e', type=prog.int_type(name='char', size=1, "
        "is_signed=True), enumerators=(TypeEnumerator('A', 300),))",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 2**63 - 1),))',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=(TypeEnumerator('A', "
        "9223372036854775807),))",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 2**63),))',
        "OverflowError: int too big to convert",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", -2**63),))',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=(TypeEnumerator('A', "
        "-9223372036854775808),))",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", -2**63 - 1),))',
        "OverflowError: int too big to convert",
    ),
    (
        'p.enum_type("e", U, (TypeEnumerator("A", 2**64 - 1),))',
        "prog.enum_type(tag='e', type=prog.int_type(name='unsigned int', size=4, "
        "is_signed=False), enumerators=(TypeEnumerator('A', "
        "18446744073709551615),))",
    ),
    (
        'p.enum_type("e", U, (TypeEnumerator("A", 2**64),))',
        "OverflowError: int too big to convert",
    ),
    (
        'p.enum_type("e", U, (TypeEnumerator("A", -1),))',
        "OverflowError: can't convert negative int to unsigned",
    ),
    (
        'p.enum_type("e", I, (), qualifiers=CONST)',
        "prog.enum_type(tag='e', type=prog.int_type(name='int', size=4, "
        "is_signed=True), enumerators=(), qualifiers=<Qualifiers.CONST: 1>)",
    ),
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

FUNCTIONS = [
    (
        "p.function_type(I, ())",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False)",
    ),
    (
        "p.function_type(V, [])",
        "prog.function_type(type=prog.void_type(), parameters=(), is_variadic=False)",
    ),
    (
        "p.function_type(I, (TypeParameter(I),))",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(TypeParameter(prog.type('int')),), "
        "is_variadic=False)",
    ),
    (
        'p.function_type(I, (TypeParameter(I, "x"), TypeParameter(C, "y")), True)',
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(TypeParameter(prog.type('int'), name='x'), "
        "TypeParameter(prog.type('char'), name='y')), is_variadic=True)",
    ),
    (
        "p.function_type(I, (), is_variadic=1)",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=True)",
    ),
    (
        'p.function_type(I, (), is_variadic="")',
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False)",
    ),
    (
        "p.function_type(I, (), None)",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False)",
    ),
    ("p.function_type(I, (1,))", "TypeError: parameter must be TypeParameter"),
    ("p.function_type(I, 1)", "TypeError: parameters must be sequence"),
    (
        "p.function_type(1, ())",
        "TypeError: function_type() argument 1 must be _drgn.Type, not int",
    ),
    ("p.function_type(Q, ())", "ValueError: type is from different program"),
    (
        'p.function_type(I, (TypeParameter(Q, "x"),))',
        "ValueError: object is from different program",
    ),
    (
        'p.function_type(I, (TypeParameter(Object(p, I, 5), "x"),))',
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(TypeParameter(Object(prog, 'int', "
        "value=5), name='x'),), is_variadic=False)",
    ),
    (
        "p.function_type(I, (), template_parameters=(TypeTemplateParameter(I),))",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False, "
        "template_parameters=(TypeTemplateParameter(prog.type('int')),))",
    ),
    (
        "p.function_type(I, (), "
        'template_parameters=(TypeTemplateParameter(Object(p, I, 2), "N", '
        "True),))",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False, "
        "template_parameters=(TypeTemplateParameter(Object(prog, 'int', "
        "value=2), name='N', is_default=True),))",
    ),
    (
        "p.function_type(I, (), qualifiers=CONST)",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False, "
        "qualifiers=<Qualifiers.CONST: 1>)",
    ),
    (
        "p.function_type(I, (), language=Language.CPP)",
        "prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(), is_variadic=False, "
        "language=Language.CPP)",
    ),
]

TABLES = [
    *INTEGERS,
    *BOOLEANS_AND_FLOATS,
    *VOID,
    *COMPOUNDS,
    *ENUMS,
    *TYPEDEFS,
    *POINTERS,
    *ARRAYS,
    *FUNCTIONS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_constructor(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected
