"""The methods of Program that make structs, enums and functions."""

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
        'p.struct_type("s", template_parameters=[TypeTemplateParameter(lambda: I)])',
        "prog.struct_type(tag='s', size=None, members=None, "
        "template_parameters=(TypeTemplateParameter(prog.type('int')),))",
    ),
    (
        'p.struct_type("s", template_parameters=[TypeTemplateParameter(lambda: Q)])'
        ".template_parameters[0].argument",
        "ValueError: objects are from different programs",
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
    *COMPOUNDS,
    *ENUMS,
    *FUNCTIONS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_constructor(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected
