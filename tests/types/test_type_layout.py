"""Sizes, alignments and offsets of members."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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
    offsetof,
    set_default_prog,
    sizeof,
)


def names() -> dict[str, Any]:
    """What the expressions of the tables start from."""
    p = Program(Platform(Architecture.X86_64))
    I = p.int_type("int", 4, True)  # noqa: E741
    C = p.int_type("char", 1, True)
    inc = p.struct_type("inc")
    inner = p.struct_type(
        "inner",
        16,
        (
            TypeMember(I, "x"),
            TypeMember(p.array_type(I, 2), "arr", 32),
            TypeMember(Object(p, I, bit_field_size=4), "bf", 96),
            TypeMember(Object(p, I, bit_field_size=4), "bf2", 100),
        ),
    )
    inner_t = p.typedef_type("inner_t", inner)
    unnamed = p.struct_type(
        None, 20, (TypeMember(I, "u"), TypeMember(inner_t, "v", 32))
    )
    S = p.struct_type(
        "S",
        200,
        (
            TypeMember(I, "a"),
            TypeMember(p.array_type(inner, 5), "in", 64),
            TypeMember(p.array_type(p.array_type(I, 3), 2), "m", 800),
            TypeMember(p.pointer_type(inner), "ptr", 1024),
            TypeMember(unnamed, None, 1088),
            TypeMember(p.array_type(C), "flex", 1312),
            TypeMember(inner.qualified(Qualifiers.CONST), "ci"),
            TypeMember(p.typedef_type("arr_t", p.array_type(inner, 3)), "ta", 64),
            TypeMember(inc, "inc", 8),
        ),
    )
    return {"p": p, "I": I, "C": C, "S": S, "inc": inc, "V": p.void_type()}


SIZES = [
    ("sizeof(I)", "4"),
    ("sizeof(p.array_type(I, 3))", "12"),
    ("sizeof(p.array_type(p.array_type(C, 3), 2))", "6"),
    ("sizeof(p.array_type(I, 0))", "0"),
    ("sizeof(p.array_type(I))", "TypeError: cannot get size of incomplete array type"),
    (
        "sizeof(p.array_type(p.array_type(I), 2))",
        "TypeError: cannot get size of incomplete array type",
    ),
    ("sizeof(p.array_type(V, 2))", "TypeError: cannot get size of void type"),
    (
        "sizeof(p.array_type(inc, 2))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    (
        "sizeof(p.array_type(inc, 0))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    ("sizeof(p.array_type(I, 2**63))", "OverflowError: type size is too large"),
    ("sizeof(p.array_type(I, 2**62))", "OverflowError: type size is too large"),
    ('sizeof(p.array_type(p.struct_type("s", 2**62, ()), 3))', "13835058055282163712"),
    (
        'sizeof(p.array_type(p.struct_type("s", 2**62, ()), 4))',
        "OverflowError: type size is too large",
    ),
    ("sizeof(inc)", "TypeError: cannot get size of incomplete structure type"),
    (
        'sizeof(p.union_type("u"))',
        "TypeError: cannot get size of incomplete union type",
    ),
    (
        'sizeof(p.class_type("c"))',
        "TypeError: cannot get size of incomplete class type",
    ),
    ('sizeof(p.enum_type("e", C, ()))', "1"),
    (
        'sizeof(p.enum_type("e"))',
        "TypeError: cannot get size of incomplete enumerated type",
    ),
    ('sizeof(p.typedef_type("t", I))', "4"),
    (
        'sizeof(p.typedef_type("t", p.enum_type("e")))',
        "TypeError: cannot get size of incomplete enumerated type",
    ),
    ('sizeof(p.typedef_type("t", V))', "TypeError: cannot get size of void type"),
    (
        'sizeof(p.typedef_type("t", p.function_type(I, ())))',
        "TypeError: cannot get size of function type",
    ),
    ("sizeof(V)", "TypeError: cannot get size of void type"),
    ("sizeof(p.function_type(I, ()))", "TypeError: cannot get size of function type"),
    ("sizeof(p.pointer_type(V))", "8"),
    ("sizeof(p.pointer_type(V, 4))", "4"),
    ("sizeof(I.qualified(Qualifiers.CONST))", "4"),
    ('sizeof(p.int_type("i", 0, True))', "0"),
    ('sizeof(p.int_type("i", 3, True))', "3"),
    ('sizeof(p.int_type("i", 16, True))', "16"),
    ('sizeof(p.int_type("i", 24, True))', "24"),
    ('sizeof(p.float_type("long double", 16))', "16"),
    ('sizeof(p.float_type("long double", 12))', "12"),
    ('sizeof(p.struct_type("e", 0, ()))', "0"),
    (
        'sizeof(p.struct_type("s", 4, (TypeMember(Object(p, I, '
        'bit_field_size=3), "b"),)))',
        "4",
    ),
    ('sizeof(p.struct_type("s", 4, (TypeMember(inc, "x"),)))', "4"),
    (
        'sizeof(p.struct_type("s", 4, (TypeMember(I, "n"), '
        'TypeMember(p.array_type(C), "f", 32))))',
        "4",
    ),
    ('sizeof(p.struct_type("s", 0, (TypeMember(p.array_type(I, 0), "f"),)))', "0"),
    ('sizeof(p.struct_type("s", 0, (TypeMember(V, "f"),)))', "0"),
    (
        'sizeof(p.union_type("u", 8, (TypeMember(C, "c"), '
        'TypeMember(p.float_type("d", 8), "d"))))',
        "8",
    ),
    (
        'sizeof(p.class_type("c", 2, (TypeMember(p.int_type("short", 2, True), '
        '"f"),)))',
        "2",
    ),
    ("sizeof(Object(p, I, value=1))", "4"),
    ("sizeof(Object(p, I, address=0))", "4"),
    ("sizeof(Object(p, I))", "4"),
    (
        "sizeof(Object(p, I, value=1, bit_field_size=3))",
        "TypeError: cannot get size of bit field",
    ),
    ("sizeof(Object(p, V, address=0))", "TypeError: cannot get size of void type"),
    (
        "sizeof(Object(p, inc, address=0))",
        "TypeError: cannot get size of incomplete structure type",
    ),
    ("sizeof(1)", "TypeError: expected Type, Object, or str, not int"),
    ("sizeof(None)", "TypeError: expected Type, Object, or str, not NoneType"),
    ('sizeof("int")', "NoDefaultProgramError: no default program"),
]

ALIGNMENTS = [
    ("alignof(I)", "4"),
    ("alignof(p.array_type(I, 3))", "4"),
    ("alignof(p.array_type(p.array_type(C, 3), 2))", "1"),
    ("alignof(p.array_type(I, 0))", "4"),
    (
        "alignof(p.array_type(I))",
        "TypeError: cannot get alignment of incomplete array type",
    ),
    (
        "alignof(p.array_type(p.array_type(I), 2))",
        "TypeError: cannot get alignment of incomplete array type",
    ),
    ("alignof(p.array_type(V, 2))", "TypeError: cannot get alignment of void type"),
    (
        "alignof(p.array_type(inc, 2))",
        "TypeError: cannot get alignment of incomplete structure type",
    ),
    (
        "alignof(p.array_type(inc, 0))",
        "TypeError: cannot get alignment of incomplete structure type",
    ),
    ("alignof(p.array_type(I, 2**63))", "4"),
    ("alignof(p.array_type(I, 2**62))", "4"),
    ('alignof(p.array_type(p.struct_type("s", 2**62, ()), 3))', "1"),
    ('alignof(p.array_type(p.struct_type("s", 2**62, ()), 4))', "1"),
    ("alignof(inc)", "TypeError: cannot get alignment of incomplete structure type"),
    (
        'alignof(p.union_type("u"))',
        "TypeError: cannot get alignment of incomplete union type",
    ),
    (
        'alignof(p.class_type("c"))',
        "TypeError: cannot get alignment of incomplete class type",
    ),
    ('alignof(p.enum_type("e", C, ()))', "1"),
    (
        'alignof(p.enum_type("e"))',
        "TypeError: cannot get alignment of incomplete enumerated type",
    ),
    ('alignof(p.typedef_type("t", I))', "4"),
    (
        'alignof(p.typedef_type("t", p.enum_type("e")))',
        "TypeError: cannot get alignment of incomplete enumerated type",
    ),
    ('alignof(p.typedef_type("t", V))', "TypeError: cannot get alignment of void type"),
    (
        'alignof(p.typedef_type("t", p.function_type(I, ())))',
        "TypeError: cannot get alignment of function type",
    ),
    ("alignof(V)", "TypeError: cannot get alignment of void type"),
    (
        "alignof(p.function_type(I, ()))",
        "TypeError: cannot get alignment of function type",
    ),
    ("alignof(p.pointer_type(V))", "8"),
    ("alignof(p.pointer_type(V, 4))", "4"),
    ("alignof(I.qualified(Qualifiers.CONST))", "4"),
    ('alignof(p.int_type("i", 0, True))', "1"),
    ('alignof(p.int_type("i", 3, True))', "2"),
    ('alignof(p.int_type("i", 16, True))', "16"),
    ('alignof(p.int_type("i", 24, True))', "16"),
    ('alignof(p.float_type("long double", 16))', "16"),
    ('alignof(p.float_type("long double", 12))', "8"),
    ('alignof(p.struct_type("e", 0, ()))', "1"),
    (
        'alignof(p.struct_type("s", 4, (TypeMember(Object(p, I, '
        'bit_field_size=3), "b"),)))',
        "4",
    ),
    (
        'alignof(p.struct_type("s", 4, (TypeMember(inc, "x"),)))',
        "TypeError: cannot get alignment of incomplete structure type",
    ),
    ('alignof(p.struct_type("s", 0, (TypeMember(p.array_type(I, 0), "f"),)))', "4"),
    (
        'alignof(p.struct_type("s", 0, (TypeMember(V, "f"),)))',
        "TypeError: cannot get alignment of void type",
    ),
    (
        'alignof(p.union_type("u", 8, (TypeMember(C, "c"), '
        'TypeMember(p.float_type("d", 8), "d"))))',
        "8",
    ),
    (
        'alignof(p.class_type("c", 2, (TypeMember(p.int_type("short", 2, True), '
        '"f"),)))',
        "2",
    ),
    ("alignof(Object(p, I, 1))", "TypeError: expected Type or str, not _drgn.Object"),
    ("alignof(1)", "TypeError: expected Type or str, not int"),
    ('alignof("int")', "NoDefaultProgramError: no default program"),
    (
        'alignof(Program().int_type("i", 4, True, "big"))',
        "ValueError: program alignment requirements are not known",
    ),
]

OFFSETS = [
    ('offsetof(S, "a")', "0"),
    ('offsetof(S, "in")', "8"),
    ('offsetof(S, "in[1]")', "24"),
    ('offsetof(S, "in[1].x")', "24"),
    ('offsetof(S, "in[2].arr[1]")', "48"),
    ('offsetof(S, "in[0].bf")', "20"),
    ('offsetof(S, "in[0].bf2")', "ValueError: member is not byte-aligned"),
    ('offsetof(S, "m")', "100"),
    ('offsetof(S, "m[1]")', "112"),
    ('offsetof(S, "m[1][2]")', "120"),
    ('offsetof(S, "m[1][2][3]")', "TypeError: 'int' is not an array"),
    ('offsetof(S, "ptr")', "128"),
    (
        'offsetof(S, "ptr.x")',
        "TypeError: 'struct inner *' is not a structure, union, or class",
    ),
    ('offsetof(S, "ptr[1]")', "TypeError: 'struct inner *' is not an array"),
    ('offsetof(S, "ptr->x")', "SyntaxError: invalid character \\x2d"),
    ('offsetof(S, "u")', "136"),
    ('offsetof(S, "v")', "140"),
    ('offsetof(S, "v.x")', "140"),
    ('offsetof(S, "v.arr[1]")', "148"),
    ('offsetof(S, "flex")', "164"),
    ('offsetof(S, "flex[3]")', "167"),
    ('offsetof(S, "in[100].x")', "1608"),
    ('offsetof(S, "in[-1]")', "SyntaxError: invalid character \\x2d"),
    ('offsetof(S, "in[0x2].x")', "40"),
    ('offsetof(S, "in[010].x")', "136"),
    ('offsetof(S, "in[08]")', "SyntaxError: invalid number"),
    ('offsetof(S, "in[0b1]")', "SyntaxError: invalid number"),
    ('offsetof(S, "in[a]")', "SyntaxError: expected number after '['"),
    ('offsetof(S, "in[]")', "SyntaxError: expected number after '['"),
    ('offsetof(S, "in[1")', "SyntaxError: expected ']' after number"),
    (
        'offsetof(S, "in.x")',
        "TypeError: 'struct inner [5]' is not a structure, union, or class",
    ),
    ('offsetof(S, "a.b")', "TypeError: 'int' is not a structure, union, or class"),
    ('offsetof(S, "a[0]")', "TypeError: 'int' is not an array"),
    ('offsetof(S, "nope")', "LookupError: 'struct S' has no member 'nope'"),
    ('offsetof(S, "in[0].nope")', "LookupError: 'struct inner' has no member 'nope'"),
    ('offsetof(S, "")', "SyntaxError: expected identifier"),
    ('offsetof(S, ".")', "SyntaxError: expected identifier"),
    ('offsetof(S, " a ")', "0"),
    ('offsetof(S, "in [ 1 ] . x")', "24"),
    ('offsetof(S, "a.")', "SyntaxError: expected identifier after '.'"),
    ('offsetof(S, "[0]")', "SyntaxError: expected identifier"),
    ('offsetof(S, "in[1]x")', "SyntaxError: expected '.' or '[' after ']'"),
    ('offsetof(S, "ci.x")', "0"),
    ('offsetof(S, "ta[2].x")', "40"),
    ('offsetof(S, "inc")', "1"),
    ('offsetof(S, "inc.x")', "LookupError: 'struct inc' has no member 'x'"),
    ('offsetof(S, "1")', "SyntaxError: expected identifier"),
    ('offsetof(S, "a b")', "SyntaxError: expected '.' or '[' after identifier"),
    ('offsetof(S, "a-b")', "SyntaxError: invalid character \\x2d"),
    ('offsetof(S, "in[18446744073709551615].x")', "OverflowError: offset is too large"),
    ('offsetof(S, "in[18446744073709551616].x")', "ValueError: number is too large"),
    ('offsetof(S, "in[99999999999999999].x")', "1599999999999999992"),
    ('offsetof(S, "in[1152921504606846976]")', "OverflowError: offset is too large"),
    ('offsetof(S, "struct")', "SyntaxError: expected identifier"),
    ('offsetof(S, "int")', "SyntaxError: expected identifier"),
    ('offsetof(S, "in[1].struct")', "SyntaxError: expected identifier after '.'"),
    ('offsetof(S, "a.1")', "SyntaxError: expected identifier after '.'"),
    ('offsetof(S, "in[1]..x")', "SyntaxError: expected identifier after '.'"),
    ('offsetof(S, "in[1u]")', "SyntaxError: invalid number"),
    (
        'offsetof(S, "in[0].bf.x")',
        "TypeError: 'int' is not a structure, union, or class",
    ),
    ('offsetof(S, "é")', "SyntaxError: invalid character \\xc3"),
    ('offsetof(p.typedef_type("S_t", S), "a")', "0"),
    ('offsetof(type=S, member="a")', "0"),
    ("offsetof(S, 1)", "TypeError: offsetof() argument 2 must be str, not int"),
    ('offsetof(1, "a")', "TypeError: expected Type or str, not int"),
    ("offsetof(1, 2)", "TypeError: offsetof() argument 2 must be str, not int"),
    ("offsetof('S', 2)", "TypeError: offsetof() argument 2 must be str, not int"),
    ('offsetof("struct S", "a")', "NoDefaultProgramError: no default program"),
    ('offsetof(inc, "a")', "LookupError: 'struct inc' has no member 'a'"),
    ('offsetof(I, "a")', "TypeError: 'int' is not a structure, union, or class"),
    (
        'offsetof(p.pointer_type(S), "a")',
        "TypeError: 'struct S *' is not a structure, union, or class",
    ),
]

TABLES = [
    *SIZES,
    *ALIGNMENTS,
    *OFFSETS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_layout(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected


# Of integers of 1, 2, 3, 4, 5, 8, 12, 16 and 32 bytes.
ALIGNMENTS_BY_ARCHITECTURE = {
    "X86_64": [1, 2, 2, 4, 4, 8, 8, 16, 16],
    "I386": [1, 2, 2, 4, 4, 4, 4, 16, 16],
    "AARCH64": [1, 2, 2, 4, 4, 8, 8, 16, 16],
    "ARM": [1, 2, 2, 4, 4, 8, 8, 8, 8],
    "PPC64": [1, 2, 2, 4, 4, 8, 8, 16, 16],
    "RISCV64": [1, 2, 2, 4, 4, 8, 8, 16, 16],
    "RISCV32": [1, 2, 2, 4, 4, 8, 8, 16, 16],
    "S390X": [1, 2, 2, 4, 4, 8, 8, 8, 8],
    "S390": [1, 2, 2, 4, 4, 8, 8, 8, 8],
    "LOONGARCH64": [1, 2, 2, 4, 4, 8, 8, 16, 16],
}


@pytest.mark.parametrize("architecture", ALIGNMENTS_BY_ARCHITECTURE)
def test_alignment_by_architecture(architecture: str) -> None:
    prog = Program(Platform(Architecture[architecture]))
    sizes = (1, 2, 3, 4, 5, 8, 12, 16, 32)
    found = [alignof(prog.int_type("i", size, True)) for size in sizes]
    assert found == ALIGNMENTS_BY_ARCHITECTURE[architecture]


def test_flexible_arrays_have_no_alignment() -> None:
    prog = Program(Platform(Architecture.X86_64))
    flexible = TypeMember(prog.array_type(prog.type("double")), "data", 64)
    count = TypeMember(prog.type("char"), "count")
    with pytest.raises(TypeError, match="alignment of incomplete array type"):
        alignof(prog.struct_type("s", 8, (count, flexible)))


def test_alignment_that_the_program_asks_for(compile_c: Callable[..., Path]) -> None:
    path = compile_c(
        """
        struct s { int a; } __attribute__((aligned(32)));
        struct outer { char c; struct s s; } outer;
        int main(void) { return 0; }
        """
    )
    prog = Program()
    prog.extra_module("test", create=True).try_file(path, force=True)
    assert alignof(prog.type("struct s")) == 32
    assert alignof(prog.type("struct outer")) == 32


def test_default_program() -> None:
    prog = Program(Platform(Architecture.X86_64))
    char = prog.int_type("char", 1, True)
    struct = prog.struct_type("s", 8, (TypeMember(char, "x", 16),))

    def find_type(prog: Program, kinds: Any, name: str, filename: Any) -> Any:
        return struct if name == "s" and struct.kind in kinds else None

    def find_object(prog: Program, name: str, flags: Any, filename: Any) -> Any:
        return Object(prog, char, address=1) if name in ("var", "int") else None

    prog.register_type_finder("x", find_type, enable_index=0)
    prog.register_object_finder("x", find_object, enable_index=0)
    set_default_prog(prog)
    try:
        assert sizeof("struct s") == 8
        # A type comes before an object of the same name.
        assert sizeof("int") == 4
        assert sizeof("var") == 1
        assert alignof("long") == 8
        assert offsetof("struct s", "x") == 2
        with pytest.raises(LookupError, match="could not find 'nope'"):
            sizeof("nope")
        with pytest.raises(LookupError, match="could not find 'var'"):
            alignof("var")
        with pytest.raises(SyntaxError, match="invalid character"):
            sizeof("var@")
    finally:
        set_default_prog(None)
