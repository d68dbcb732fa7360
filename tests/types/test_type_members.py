"""Members by name, through unnamed structs and unions."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import outcome

from drgn import (
    Architecture,
    Object,
    Platform,
    Program,
    Qualifiers,
    TypeMember,
    alignof,
)


def names() -> dict[str, Any]:
    """Structs with unnamed members, and what they are made of."""
    p = Program(Platform(Architecture.X86_64))
    I = p.int_type("int", 4, True)  # noqa: E741
    C = p.int_type("char", 1, True)
    inner = p.struct_type(None, 8, (TypeMember(I, "a"), TypeMember(C, "z", 40)))
    bits = Object(p, I, bit_field_size=3)
    shifted = p.struct_type(None, 4, (TypeMember(bits, "k", 5),))
    return {
        "p": p,
        "I": I,
        "C": C,
        "inner": inner,
        "first": p.struct_type(
            "first", 8, (TypeMember(inner, None, 32), TypeMember(C, "a"))
        ),
        "last": p.struct_type(
            "last",
            8,
            (TypeMember(C, "a"), TypeMember(inner, None, 32), TypeMember(C, "z", 8)),
        ),
        "deep": p.struct_type(
            "deep",
            16,
            (
                TypeMember(
                    p.union_type(None, 8, (TypeMember(inner), TypeMember(I, "u"))),
                    None,
                    64,
                ),
            ),
        ),
        "bit": p.struct_type("bit", 8, (TypeMember(shifted, None, 3),)),
        "pointers": p.struct_type(
            "pointers",
            8,
            (
                TypeMember(I),
                TypeMember(p.pointer_type(inner)),
                TypeMember(p.array_type(inner, 1)),
            ),
        ),
        "tagged": p.struct_type(
            "tagged", 8, (TypeMember(p.struct_type("named", 4, (TypeMember(I, "k"),))),)
        ),
        "qualified": p.struct_type(
            "qualified", 8, (TypeMember(inner.qualified(Qualifiers.CONST)),)
        ),
        "inc": p.struct_type("inc"),
    }


FOUND = [
    ('first.member("a")', "TypeMember(prog.type('int'), name='a', bit_offset=32)"),
    ('first.member("z")', "TypeMember(prog.type('char'), name='z', bit_offset=72)"),
    ('first.member("z").bit_offset', "72"),
    ('first.member("z").offset', "9"),
    ('first.member("z").type', "prog.int_type(name='char', size=1, is_signed=True)"),
    ('last.member("a")', "TypeMember(prog.type('char'), name='a', bit_offset=0)"),
    ('last.member("z")', "TypeMember(prog.type('char'), name='z', bit_offset=72)"),
    ('deep.member("a")', "TypeMember(prog.type('int'), name='a', bit_offset=64)"),
    ('deep.member("z")', "TypeMember(prog.type('char'), name='z', bit_offset=104)"),
    ('deep.member("u")', "TypeMember(prog.type('int'), name='u', bit_offset=64)"),
    (
        'bit.member("k")',
        "TypeMember(Object(prog, 'int', bit_field_size=3), name='k', bit_offset=8)",
    ),
    ('bit.member("k").offset', "1"),
    ('bit.member("k").bit_field_size', "3"),
    ('tagged.member("k")', "TypeMember(prog.type('int'), name='k', bit_offset=0)"),
    ('qualified.member("a")', "TypeMember(prog.type('int'), name='a', bit_offset=0)"),
    ('qualified.member("a").type', "prog.int_type(name='int', size=4, is_signed=True)"),
    (
        'p.typedef_type("t", first).member("a")',
        "TypeMember(prog.type('int'), name='a', bit_offset=32)",
    ),
    (
        'first.qualified(Qualifiers.CONST).member("a")',
        "TypeMember(prog.type('int'), name='a', bit_offset=32)",
    ),
    (
        '[first.has_member(name) for name in ("a", "z", "b", "")]',
        "[True, True, False, False]",
    ),
    ('p.typedef_type("t", first).has_member("a")', "True"),
    ('pointers.has_member("a")', "False"),
    ('inc.has_member("a")', "False"),
]

NOT_FOUND = [
    ('first.member("q")', "LookupError: 'struct first' has no member 'q'"),
    ('first.member("")', "LookupError: 'struct first' has no member ''"),
    ('inner.member("b")', "LookupError: 'struct <anonymous>' has no member 'b'"),
    ('inc.member("a")', "LookupError: 'struct inc' has no member 'a'"),
    ('p.typedef_type("t", inner).member("b")', "LookupError: 't' has no member 'b'"),
    (
        'p.union_type(None, 0, ()).member("b")',
        "LookupError: 'union <anonymous>' has no member 'b'",
    ),
    (
        'p.class_type("c", 0, ()).member("b")',
        "LookupError: 'class c' has no member 'b'",
    ),
    ('I.member("a")', "TypeError: 'int' is not a structure, union, or class"),
    ('I.has_member("a")', "TypeError: 'int' is not a structure, union, or class"),
    (
        'p.pointer_type(first).member("a")',
        "TypeError: 'struct first *' is not a structure, union, or class",
    ),
    (
        'p.pointer_type(first).has_member("a")',
        "TypeError: 'struct first *' is not a structure, union, or class",
    ),
    (
        'p.array_type(first, 2).has_member("a")',
        "TypeError: 'struct first [2]' is not a structure, union, or class",
    ),
    (
        'p.function_type(I, ()).has_member("a")',
        "TypeError: 'int (void)' is not a structure, union, or class",
    ),
    (
        'p.enum_type("e").member("a")',
        "TypeError: 'enum e' is not a structure, union, or class",
    ),
    (
        'p.typedef_type("t", I).member("a")',
        "TypeError: 't' is not a structure, union, or class",
    ),
    (
        'p.void_type().member("a")',
        "TypeError: 'void' is not a structure, union, or class",
    ),
]

TABLES = [
    *FOUND,
    *NOT_FOUND,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_member(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected


def test_struct_that_contains_itself() -> None:
    prog = Program(Platform(Architecture.X86_64))
    struct = prog.struct_type("s", 4, (TypeMember(lambda: struct),))
    with pytest.raises(RecursionError, match="maximum anonymous member depth exceeded"):
        struct.has_member("x")
    with pytest.raises(RecursionError, match=r"maximum type depth .* in alignof\(\)$"):
        alignof(struct)


def test_member_before_the_one_that_contains_itself() -> None:
    prog = Program(Platform(Architecture.X86_64))
    first = TypeMember(prog.int_type("int", 4, True), "first")
    struct = prog.struct_type("s", 8, (first, TypeMember(lambda: struct)))
    assert struct.member("first").offset == 0
    with pytest.raises(RecursionError, match="maximum anonymous member depth exceeded"):
        struct.member("second")


def test_unnamed_struct_that_contains_itself() -> None:
    prog = Program(Platform(Architecture.X86_64))
    struct = prog.struct_type(None, 4, (TypeMember(lambda: struct, "x"),))
    with pytest.raises(RecursionError, match="maximum type depth exceeded"):
        str(struct)


def test_deep_types() -> None:
    prog = Program(Platform(Architecture.X86_64))
    pointer = typedef = prog.int_type("int", 4, True)
    for _ in range(1000):
        pointer, typedef = prog.pointer_type(pointer), prog.typedef_type("t", typedef)
    assert pointer.type_name() == "int " + 1000 * "*"
    with pytest.raises(RecursionError, match="maximum type depth exceeded"):
        prog.pointer_type(pointer).type_name()
    assert typedef.is_complete()
    assert str(typedef) == "typedef t t"
