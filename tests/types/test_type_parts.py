"""Members, parameters, template parameters and enumerators."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import outcome

from drgn import Architecture, Object, Platform, Program, TypeEnumerator, TypeMember


def names() -> dict[str, Any]:
    """What the expressions of the tables start from."""
    p = Program(Platform(Architecture.X86_64))
    q = Program(Platform(Architecture.X86_64))
    return {
        "p": p,
        "q": q,
        "I": p.int_type("int", 4, True),
        "C": p.int_type("char", 1, True),
        "V": p.void_type(),
        "INC": p.struct_type("inc"),
        "Q": q.int_type("int", 4, True),
    }


MEMBERS = [
    ("TypeMember(I)", "TypeMember(prog.type('int'), bit_offset=0)"),
    ('TypeMember(I, "a")', "TypeMember(prog.type('int'), name='a', bit_offset=0)"),
    ('TypeMember(I, "a", 8)', "TypeMember(prog.type('int'), name='a', bit_offset=8)"),
    ("TypeMember(I, None, 3)", "TypeMember(prog.type('int'), bit_offset=3)"),
    (
        'TypeMember(object_or_type=I, name="x", bit_offset=8)',
        "TypeMember(prog.type('int'), name='x', bit_offset=8)",
    ),
    ("TypeMember(I, 1)", "TypeError: TypeMember name must be str or None"),
    (
        'TypeMember(1, "a")',
        "TypeError: TypeMember() first argument must be Object, Type, or "
        "callable returning Object or Type",
    ),
    (
        "TypeMember(None)",
        "TypeError: TypeMember() first argument must be Object, Type, or "
        "callable returning Object or Type",
    ),
    (
        'TypeMember("int")',
        "TypeError: TypeMember() first argument must be Object, Type, or "
        "callable returning Object or Type",
    ),
    ('TypeMember(I, "a", -1)', "TypeMember(prog.type('int'), name='a', bit_offset=-1)"),
    (
        'TypeMember(I, "a", 2**64)',
        "TypeMember(prog.type('int'), name='a', bit_offset=18446744073709551616)",
    ),
    (
        'TypeMember(I, "a", "b")',
        "TypeError: TypeMember() argument 3 must be int, not str",
    ),
    (
        'TypeMember(I, "a", 8.0)',
        "TypeError: TypeMember() argument 3 must be int, not float",
    ),
    (
        'TypeMember(Object(p, I, value=5), "a")',
        "TypeMember(Object(prog, 'int', value=5), name='a', bit_offset=0)",
    ),
    (
        'TypeMember(Object(p, I), "a")',
        "TypeMember(prog.type('int'), name='a', bit_offset=0)",
    ),
    (
        'TypeMember(Object(p, I, bit_field_size=5), "a", 3)',
        "TypeMember(Object(prog, 'int', bit_field_size=5), name='a', bit_offset=3)",
    ),
    (
        'TypeMember(Object(p, I, address=5), "a", 3)',
        "TypeMember(Object(prog, 'int', address=0x5), name='a', bit_offset=3)",
    ),
    ('TypeMember(I, "a", 3).offset', "ValueError: member is not byte-aligned"),
    ('TypeMember(I, "a", 16).offset', "2"),
    ('TypeMember(I, "a", 3).type', "prog.int_type(name='int', size=4, is_signed=True)"),
    ('TypeMember(I, "a", 3).object', "Object(prog, 'int')"),
    ('TypeMember(I, "a", 3).bit_field_size', "None"),
    ('TypeMember(Object(p, I, bit_field_size=5), "a", 3).bit_field_size', "5"),
    (
        'TypeMember(Object(p, I, bit_field_size=5), "a", 3).object',
        "Object(prog, 'int', bit_field_size=5)",
    ),
    (
        'TypeMember(Object(p, I, bit_field_size=5), "a", 3).type',
        "prog.int_type(name='int', size=4, is_signed=True)",
    ),
    ('TypeMember(Object(p, I, value=5), "a").object', "Object(prog, 'int', value=5)"),
    (
        'TypeMember(lambda: I, "x")',
        "TypeMember(prog.type('int'), name='x', bit_offset=0)",
    ),
    ("TypeMember(lambda: I).type", "prog.int_type(name='int', size=4, is_signed=True)"),
    ("TypeMember(lambda: Object(p, I, bit_field_size=2)).bit_field_size", "2"),
    (
        "TypeMember(lambda: 1).type",
        "TypeError: TypeMember() callable must return Object or Type",
    ),
    (
        "TypeMember(lambda: 1).object",
        "TypeError: TypeMember() callable must return Object or Type",
    ),
    (
        "TypeMember(lambda: 1).bit_field_size",
        "TypeError: TypeMember() callable must return Object or Type",
    ),
    (
        "TypeMember(lambda: 1)",
        "TypeError: TypeMember() callable must return Object or Type",
    ),
    ('TypeMember(lambda: 1, "x").name', "'x'"),
    ('TypeMember(lambda: 1, "x", 9).bit_offset', "9"),
    ("TypeMember(lambda: 1 / 0).type", "ZeroDivisionError: division by zero"),
    ('TypeMember(I, "a") == TypeMember(I, "a")', "False"),
]

OBJECT_TYPES = [
    ("TypeMember(V)", "TypeMember(prog.type('void'), bit_offset=0)"),
    ("TypeMember(INC)", "TypeMember(prog.type('struct inc'), bit_offset=0)"),
    ('TypeMember(p.enum_type("e"))', "TypeMember(prog.type('enum e'), bit_offset=0)"),
    (
        "TypeMember(p.array_type(INC))",
        "TypeMember(prog.type('struct inc []'), bit_offset=0)",
    ),
    (
        "TypeMember(p.array_type(INC, 2))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        "TypeMember(p.array_type(INC, 0))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    ("TypeMember(p.array_type(V, 2))", "TypeError: cannot get size of void type"),
    (
        "TypeMember(p.array_type(p.array_type(I), 2))",
        "TypeError: cannot get size of incomplete array type",
    ),
    (
        'TypeMember(p.array_type(p.enum_type("e"), 2))',
        "TypeError: cannot get size of incomplete enumerated type",
    ),
    (
        "TypeMember(p.array_type(p.function_type(I, ()), 2))",
        "TypeError: cannot get size of function type",
    ),
    ("TypeMember(p.array_type(I, 2**63))", "OverflowError: type size is too large"),
    ("TypeMember(p.array_type(I, 2**60))", "OverflowError: type bit size is too large"),
    (
        'TypeMember(p.struct_type("s", 2**62, ()))',
        "OverflowError: type bit size is too large",
    ),
    (
        'TypeMember(p.typedef_type("t", p.array_type(p.typedef_type("x", INC), 2)))',
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        "TypeMember(lambda: p.array_type(INC, 2)).type",
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        "TypeParameter(p.array_type(INC, 2))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        "TypeTemplateParameter(p.array_type(INC, 2))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        'TypeMember(p.int_type("i", 0, True))',
        "ValueError: unsupported integer bit size (0)",
    ),
    (
        'TypeMember(p.int_type("i", 17, True))',
        "TypeMember(prog.type('i'), bit_offset=0)",
    ),
    ('TypeMember(p.bool_type("b", 0))', "ValueError: unsupported integer bit size (0)"),
    (
        'TypeMember(p.float_type("f", 0))',
        "ValueError: unsupported floating-point bit size (0)",
    ),
    ('TypeMember(p.float_type("f", 32))', "TypeMember(prog.type('f'), bit_offset=0)"),
    (
        'TypeMember(p.float_type("f", 33))',
        "ValueError: unsupported floating-point bit size (264)",
    ),
    (
        "TypeMember(p.pointer_type(I, 0))",
        "ValueError: unsupported pointer bit size (0)",
    ),
    (
        "TypeMember(p.pointer_type(I, 16))",
        "TypeMember(prog.type('int *'), bit_offset=0)",
    ),
    (
        'TypeMember(p.enum_type("e", p.int_type("i", 0, True), ()))',
        "ValueError: unsupported integer bit size (0)",
    ),
]

PARAMETERS = [
    ("TypeParameter(I)", "TypeParameter(prog.type('int'))"),
    ('TypeParameter(I, "a")', "TypeParameter(prog.type('int'), name='a')"),
    (
        'TypeParameter(default_argument_or_type=I, name="x")',
        "TypeParameter(prog.type('int'), name='x')",
    ),
    ("TypeParameter(I, 1)", "TypeError: TypeParameter name must be str or None"),
    (
        "TypeParameter(1)",
        "TypeError: TypeParameter() first argument must be Object, Type, or "
        "callable returning Object or Type",
    ),
    ("TypeParameter(I).type", "prog.int_type(name='int', size=4, is_signed=True)"),
    ("TypeParameter(I).name", "None"),
    ("TypeParameter(I).default_argument", "Object(prog, 'int')"),
    (
        'TypeParameter(Object(p, I, 5), "a")',
        "TypeParameter(Object(prog, 'int', value=5), name='a')",
    ),
    (
        'TypeParameter(Object(p, I, 5), "a").default_argument',
        "Object(prog, 'int', value=5)",
    ),
    (
        'TypeParameter(Object(p, I, 5), "a").type',
        "prog.int_type(name='int', size=4, is_signed=True)",
    ),
    ('TypeParameter(lambda: I, "x")', "TypeParameter(prog.type('int'), name='x')"),
    (
        'TypeParameter(lambda: Object(p, I, 5), "x")',
        "TypeParameter(Object(prog, 'int', value=5), name='x')",
    ),
    (
        'TypeParameter(lambda: 1, "x").type',
        "TypeError: TypeParameter() callable must return Object or Type",
    ),
    (
        'TypeParameter(lambda: 1, "x").default_argument',
        "TypeError: TypeParameter() callable must return Object or Type",
    ),
]

TEMPLATE_PARAMETERS = [
    ("TypeTemplateParameter(I)", "TypeTemplateParameter(prog.type('int'))"),
    (
        'TypeTemplateParameter(I, "T")',
        "TypeTemplateParameter(prog.type('int'), name='T')",
    ),
    (
        'TypeTemplateParameter(I, "T", True)',
        "TypeTemplateParameter(prog.type('int'), name='T', is_default=True)",
    ),
    (
        'TypeTemplateParameter(argument=I, name="T", is_default=False)',
        "TypeTemplateParameter(prog.type('int'), name='T')",
    ),
    (
        "TypeTemplateParameter(1)",
        "TypeError: TypeTemplateParameter() first argument must be Object, Type, "
        "or callable returning Object or Type",
    ),
    (
        "TypeTemplateParameter(I, 1)",
        "TypeError: TypeTemplateParameter name must be str or None",
    ),
    (
        'TypeTemplateParameter(I, "T", 1)',
        "TypeError: TypeTemplateParameter() argument 3 must be bool, not int",
    ),
    (
        'TypeTemplateParameter(Object(p, I, 5), "N")',
        "TypeTemplateParameter(Object(prog, 'int', value=5), name='N')",
    ),
    (
        'TypeTemplateParameter(Object(p, I, 5), "N").argument',
        "Object(prog, 'int', value=5)",
    ),
    (
        'TypeTemplateParameter(Object(p, I), "N")',
        "ValueError: TypeTemplateParameter() first argument must not be absent Object",
    ),
    (
        'TypeTemplateParameter(lambda: 1, "N").argument',
        "TypeError: TypeTemplateParameter() callable must return Object or Type",
    ),
    (
        'TypeTemplateParameter(lambda: Object(p, I), "N").argument',
        "ValueError: TypeTemplateParameter() callable must not return absent Object",
    ),
    (
        'TypeTemplateParameter(lambda: I, "N")',
        "TypeTemplateParameter(prog.type('int'), name='N')",
    ),
    (
        'TypeTemplateParameter(lambda: I, "N").argument',
        "prog.int_type(name='int', size=4, is_signed=True)",
    ),
    ('TypeTemplateParameter(I, "T", True).is_default', "True"),
    ("TypeTemplateParameter(I).name", "None"),
]

ENUMERATORS = [
    ('TypeEnumerator("a", 1)', "TypeEnumerator('a', 1)"),
    ('TypeEnumerator(name="a", value=1)', "TypeEnumerator('a', 1)"),
    ('str(TypeEnumerator("a", 1))', "\"TypeEnumerator('a', 1)\""),
    (
        "TypeEnumerator(1, 1)",
        "TypeError: TypeEnumerator() argument 1 must be str, not int",
    ),
    (
        "TypeEnumerator(None, 1)",
        "TypeError: TypeEnumerator() argument 1 must be str, not None",
    ),
    (
        'TypeEnumerator("a", "b")',
        "TypeError: TypeEnumerator() argument 2 must be int, not str",
    ),
    (
        'TypeEnumerator("a", 1.0)',
        "TypeError: TypeEnumerator() argument 2 must be int, not float",
    ),
    ('TypeEnumerator("a", True)', "TypeEnumerator('a', True)"),
    ('TypeEnumerator("a", 2**64)', "TypeEnumerator('a', 18446744073709551616)"),
    ('TypeEnumerator("a", -2**63 - 1)', "TypeEnumerator('a', -9223372036854775809)"),
    ('TypeEnumerator("a", 1).name', "'a'"),
    ('TypeEnumerator("a", 1).value', "1"),
    ('TypeEnumerator("a", 1) == TypeEnumerator("a", 1)', "True"),
    ('TypeEnumerator("a", 1) != TypeEnumerator("a", 1)', "False"),
    ('TypeEnumerator("a", 1) == TypeEnumerator("a", 2)', "False"),
    ('TypeEnumerator("a", 1) == TypeEnumerator("b", 1)', "False"),
    ('TypeEnumerator("a", 1) == ("a", 1)', "False"),
    ('TypeEnumerator("a", 1) != ("a", 1)', "True"),
    ('len(TypeEnumerator("a", 1))', "2"),
    ('list(TypeEnumerator("a", 1))', "['a', 1]"),
    ('TypeEnumerator("a", 1)[0]', "'a'"),
    ('TypeEnumerator("a", 1)[1]', "1"),
    ('TypeEnumerator("a", 1)[-1]', "1"),
    ('TypeEnumerator("a", 1)[2]', "IndexError: TypeEnumerator index out of range"),
    ('TypeEnumerator("a", 1)[-3]', "IndexError: TypeEnumerator index out of range"),
    (
        'TypeEnumerator("a", 1)[0:1]',
        "TypeError: sequence index must be integer, not 'slice'",
    ),
    (
        'TypeEnumerator("a", 1)["x"]',
        "TypeError: sequence index must be integer, not 'str'",
    ),
]

TABLES = [
    *MEMBERS,
    *OBJECT_TYPES,
    *PARAMETERS,
    *TEMPLATE_PARAMETERS,
    *ENUMERATORS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_part(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


def test_callable_is_called_once(prog: Program) -> None:
    calls = []

    def member_type() -> Any:
        calls.append(1)
        return prog.int_type("int", 4, True)

    struct = prog.struct_type("s", 4, (TypeMember(member_type, "x"),))
    assert struct.members is not None
    assert struct.members[0].name == "x"
    assert calls == []
    assert struct.members[0].type.name == "int"
    assert struct.members[0].object.absent_
    assert str(struct) == "struct s {\n\tint x;\n}"
    assert calls == [1]


def test_failing_callable_is_called_again(prog: Program) -> None:
    answers: list[Any] = [1, None, prog.int_type("int", 4, True)]
    member = TypeMember(lambda: answers.pop(0), "x")
    for _ in range(2):
        with pytest.raises(TypeError, match="must return Object or Type"):
            member.type  # noqa: B018
    assert member.type.name == "int"
    assert answers == []


def test_callable_of_another_program(prog: Program) -> None:
    other = Program(Platform(Architecture.X86_64))
    foreign = other.int_type("int", 4, True)
    struct = prog.struct_type("s", 4, (TypeMember(lambda: foreign, "x"),))
    assert struct.has_member("x")
    with pytest.raises(ValueError, match="objects are from different programs"):
        str(struct)


def test_object_stays_out_of_repr(prog: Program) -> None:
    member = TypeMember(prog.int_type("int", 4, True), "x")
    assert isinstance(member.object, Object)
    assert repr(member) == "TypeMember(prog.type('int'), name='x', bit_offset=0)"


def test_parts_are_read_only(prog: Program) -> None:
    member = TypeMember(prog.int_type("int", 4, True), "x")
    with pytest.raises(AttributeError):
        member.name = "y"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        TypeEnumerator("a", 1).value = 2  # type: ignore[misc]


def test_enumerator_is_not_hashable() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(TypeEnumerator("a", 1))


def test_enumerator_unpacks() -> None:
    name, value = TypeEnumerator("a", 1)
    assert (name, value) == ("a", 1)
