"""Types as text: names and declarations."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import outcome

from drgn import (
    Architecture,
    Language,
    Object,
    Platform,
    Program,
    Qualifiers,
    TypeEnumerator,
    TypeMember,
    TypeParameter,
)

CONST = Qualifiers.CONST
VOLATILE = Qualifiers.VOLATILE


def names() -> dict[str, Any]:
    """What the expressions of the tables start from."""
    p = Program(Platform(Architecture.X86_64))
    I = p.int_type("int", 4, True)  # noqa: E741
    C = p.int_type("char", 1, True)
    V = p.void_type()
    bits = Object(p, I, bit_field_size=3)
    anon = p.struct_type(None, 8, (TypeMember(I, "a"), TypeMember(bits, "b", 32)))
    callback = p.pointer_type(p.function_type(V, ()))
    fn = p.function_type(
        I,
        (
            TypeParameter(I, "a"),
            TypeParameter(p.pointer_type(C)),
            TypeParameter(p.array_type(I, 2), "z"),
            TypeParameter(callback, "cb"),
        ),
        True,
    )
    cpp = p.class_type("C", 4, (TypeMember(I, "a"),), language=Language.CPP)
    return {
        "p": p,
        "I": I,
        "C": C,
        "V": V,
        "ci": I.qualified(CONST),
        "anon": anon,
        "fn": fn,
        "fp": p.pointer_type(fn),
        "cptr": p.pointer_type(I, qualifiers=CONST),
        "e": p.enum_type(None, I, (TypeEnumerator("A", 1), TypeEnumerator("B", -1))),
        "cpp": cpp,
        "CONST": CONST,
        "ALL": CONST | VOLATILE | Qualifiers.RESTRICT | Qualifiers.ATOMIC,
        "CPP": Language.CPP,
    }


DECLARATIONS = [
    ("str(I)", "'int'"),
    ("I.type_name()", "'int'"),
    ('I.variable_declaration("x")', "'int x'"),
    ("str(ci)", "'const int'"),
    ("ci.type_name()", "'const int'"),
    ('ci.variable_declaration("x")', "'const int x'"),
    ("str(I.qualified(ALL))", "'const volatile restrict _Atomic int'"),
    ("I.qualified(ALL).type_name()", "'const volatile restrict _Atomic int'"),
    (
        'I.qualified(ALL).variable_declaration("x")',
        "'const volatile restrict _Atomic int x'",
    ),
    ("str(V)", "'void'"),
    ("V.type_name()", "'void'"),
    ('V.variable_declaration("x")', "'void x'"),
    ("str(V.qualified(CONST))", "'const void'"),
    ("V.qualified(CONST).type_name()", "'const void'"),
    ('V.qualified(CONST).variable_declaration("x")', "'const void x'"),
    ('str(p.bool_type("_Bool", 1))', "'_Bool'"),
    ('p.bool_type("_Bool", 1).type_name()', "'_Bool'"),
    ('p.bool_type("_Bool", 1).variable_declaration("x")', "'_Bool x'"),
    ('str(p.float_type("double", 8))', "'double'"),
    ('p.float_type("double", 8).type_name()', "'double'"),
    ('p.float_type("double", 8).variable_declaration("x")', "'double x'"),
    ("str(p.pointer_type(I))", "'int *'"),
    ("p.pointer_type(I).type_name()", "'int *'"),
    ('p.pointer_type(I).variable_declaration("x")', "'int *x'"),
    ("str(p.pointer_type(ci))", "'const int *'"),
    ("p.pointer_type(ci).type_name()", "'const int *'"),
    ('p.pointer_type(ci).variable_declaration("x")', "'const int *x'"),
    (
        "str(p.pointer_type(p.pointer_type(ci, qualifiers=CONST), "
        "qualifiers=CONST | Qualifiers.VOLATILE))",
        "'const int * const * const volatile'",
    ),
    (
        "p.pointer_type(p.pointer_type(ci, qualifiers=CONST), qualifiers=CONST | "
        "Qualifiers.VOLATILE).type_name()",
        "'const int * const * const volatile'",
    ),
    (
        "p.pointer_type(p.pointer_type(ci, qualifiers=CONST), qualifiers=CONST | "
        'Qualifiers.VOLATILE).variable_declaration("x")',
        "'const int * const * const volatile x'",
    ),
    (
        "str(p.pointer_type(I, qualifiers=ALL))",
        "'int * const volatile restrict _Atomic'",
    ),
    (
        "p.pointer_type(I, qualifiers=ALL).type_name()",
        "'int * const volatile restrict _Atomic'",
    ),
    (
        'p.pointer_type(I, qualifiers=ALL).variable_declaration("x")',
        "'int * const volatile restrict _Atomic x'",
    ),
    ("str(p.pointer_type(cptr))", "'int * const *'"),
    ("p.pointer_type(cptr).type_name()", "'int * const *'"),
    ('p.pointer_type(cptr).variable_declaration("x")', "'int * const *x'"),
    ("str(p.pointer_type(p.pointer_type(I), qualifiers=CONST))", "'int ** const'"),
    (
        "p.pointer_type(p.pointer_type(I), qualifiers=CONST).type_name()",
        "'int ** const'",
    ),
    (
        'p.pointer_type(p.pointer_type(I), qualifiers=CONST).variable_declaration("x")',
        "'int ** const x'",
    ),
    ("str(p.array_type(I))", "'int []'"),
    ("p.array_type(I).type_name()", "'int []'"),
    ('p.array_type(I).variable_declaration("x")', "'int x[]'"),
    ("str(p.array_type(I, 0))", "'int [0]'"),
    ("p.array_type(I, 0).type_name()", "'int [0]'"),
    ('p.array_type(I, 0).variable_declaration("x")', "'int x[0]'"),
    ("str(p.array_type(p.array_type(ci, 3), 2))", "'const int [2][3]'"),
    ("p.array_type(p.array_type(ci, 3), 2).type_name()", "'const int [2][3]'"),
    (
        'p.array_type(p.array_type(ci, 3), 2).variable_declaration("x")',
        "'const int x[2][3]'",
    ),
    ("str(p.array_type(I, 2, qualifiers=CONST))", "'int [2]'"),
    ("p.array_type(I, 2, qualifiers=CONST).type_name()", "'int [2]'"),
    ('p.array_type(I, 2, qualifiers=CONST).variable_declaration("x")', "'int x[2]'"),
    ("str(p.pointer_type(p.array_type(p.array_type(I, 3), 2)))", "'int (*)[2][3]'"),
    (
        "p.pointer_type(p.array_type(p.array_type(I, 3), 2)).type_name()",
        "'int (*)[2][3]'",
    ),
    (
        'p.pointer_type(p.array_type(p.array_type(I, 3), 2)).variable_declaration("x")',
        "'int (*x)[2][3]'",
    ),
    ("str(p.array_type(p.pointer_type(I), 2))", "'int *[2]'"),
    ("p.array_type(p.pointer_type(I), 2).type_name()", "'int *[2]'"),
    ('p.array_type(p.pointer_type(I), 2).variable_declaration("x")', "'int *x[2]'"),
    ("str(p.array_type(cptr, 2))", "'int * const [2]'"),
    ("p.array_type(cptr, 2).type_name()", "'int * const [2]'"),
    ('p.array_type(cptr, 2).variable_declaration("x")', "'int * const x[2]'"),
    ("str(p.array_type(p.pointer_type(p.array_type(I, 5)), 2))", "'int (*[2])[5]'"),
    (
        "p.array_type(p.pointer_type(p.array_type(I, 5)), 2).type_name()",
        "'int (*[2])[5]'",
    ),
    (
        'p.array_type(p.pointer_type(p.array_type(I, 5)), 2).variable_declaration("x")',
        "'int (*x[2])[5]'",
    ),
    (
        "str(p.pointer_type(p.array_type(cptr, 2), qualifiers=Qualifiers.VOLATILE))",
        "'int * const (* volatile)[2]'",
    ),
    (
        "p.pointer_type(p.array_type(cptr, 2), "
        "qualifiers=Qualifiers.VOLATILE).type_name()",
        "'int * const (* volatile)[2]'",
    ),
    (
        "p.pointer_type(p.array_type(cptr, 2), "
        'qualifiers=Qualifiers.VOLATILE).variable_declaration("x")',
        "'int * const (* volatile x)[2]'",
    ),
    (
        "str(p.array_type(p.pointer_type(p.array_type(cptr, 2), "
        "qualifiers=Qualifiers.VOLATILE), 3))",
        "'int * const (* volatile [3])[2]'",
    ),
    (
        "p.array_type(p.pointer_type(p.array_type(cptr, 2), "
        "qualifiers=Qualifiers.VOLATILE), 3).type_name()",
        "'int * const (* volatile [3])[2]'",
    ),
    (
        "p.array_type(p.pointer_type(p.array_type(cptr, 2), "
        'qualifiers=Qualifiers.VOLATILE), 3).variable_declaration("x")',
        "'int * const (* volatile x[3])[2]'",
    ),
    (
        "str(p.array_type(p.pointer_type(p.function_type(I, ())), 2))",
        "'int (*[2])(void)'",
    ),
    (
        "p.array_type(p.pointer_type(p.function_type(I, ())), 2).type_name()",
        "'int (*[2])(void)'",
    ),
    (
        "p.array_type(p.pointer_type(p.function_type(I, ())), "
        '2).variable_declaration("x")',
        "'int (*x[2])(void)'",
    ),
    ("str(fn)", "'int (int a, char *, int z[2], void (*cb)(void), ...)'"),
    ("fn.type_name()", "'int (int a, char *, int z[2], void (*cb)(void), ...)'"),
    (
        'fn.variable_declaration("x")',
        "'int x(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    ("str(fp)", "'int (*)(int a, char *, int z[2], void (*cb)(void), ...)'"),
    ("fp.type_name()", "'int (*)(int a, char *, int z[2], void (*cb)(void), ...)'"),
    (
        'fp.variable_declaration("x")',
        "'int (*x)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "str(p.pointer_type(fp))",
        "'int (**)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.pointer_type(fp).type_name()",
        "'int (**)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        'p.pointer_type(fp).variable_declaration("x")',
        "'int (**x)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "str(p.pointer_type(fn, qualifiers=CONST))",
        "'int (* const)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.pointer_type(fn, qualifiers=CONST).type_name()",
        "'int (* const)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        'p.pointer_type(fn, qualifiers=CONST).variable_declaration("x")',
        "'int (* const x)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "str(p.pointer_type(fn.qualified(CONST)))",
        "'int (*)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.pointer_type(fn.qualified(CONST)).type_name()",
        "'int (*)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        'p.pointer_type(fn.qualified(CONST)).variable_declaration("x")',
        "'int (*x)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "str(p.array_type(fp, 2))",
        "'int (*[2])(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.array_type(fp, 2).type_name()",
        "'int (*[2])(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        'p.array_type(fp, 2).variable_declaration("x")',
        "'int (*x[2])(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "str(p.function_type(fp, ()))",
        "'int (*(void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.function_type(fp, ()).type_name()",
        "'int (*(void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        'p.function_type(fp, ()).variable_declaration("x")',
        "'int (*x(void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    ("str(p.function_type(cptr, ()))", "'int * const (void)'"),
    ("p.function_type(cptr, ()).type_name()", "'int * const (void)'"),
    ('p.function_type(cptr, ()).variable_declaration("x")', "'int * const x(void)'"),
    (
        "str(p.function_type(p.pointer_type(fn, qualifiers=CONST), ()))",
        "'int (* const (void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.function_type(p.pointer_type(fn, qualifiers=CONST), ()).type_name()",
        "'int (* const (void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    (
        "p.function_type(p.pointer_type(fn, qualifiers=CONST), "
        '()).variable_declaration("x")',
        "'int (* const x(void))(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    ("str(p.function_type(V, (), True))", "'void ()'"),
    ("p.function_type(V, (), True).type_name()", "'void ()'"),
    ('p.function_type(V, (), True).variable_declaration("x")', "'void x()'"),
    ("str(p.function_type(V, ()))", "'void (void)'"),
    ("p.function_type(V, ()).type_name()", "'void (void)'"),
    ('p.function_type(V, ()).variable_declaration("x")', "'void x(void)'"),
    ("str(p.function_type(V, (TypeParameter(V),)))", "'void (void)'"),
    ("p.function_type(V, (TypeParameter(V),)).type_name()", "'void (void)'"),
    (
        'p.function_type(V, (TypeParameter(V),)).variable_declaration("x")',
        "'void x(void)'",
    ),
    ('str(p.function_type(V, (TypeParameter(I, "a"),), True))', "'void (int a, ...)'"),
    (
        'p.function_type(V, (TypeParameter(I, "a"),), True).type_name()',
        "'void (int a, ...)'",
    ),
    (
        'p.function_type(V, (TypeParameter(I, "a"),), True).variable_declaration("x")',
        "'void x(int a, ...)'",
    ),
    (
        'str(p.function_type(anon, (TypeParameter(anon, "s"), TypeParameter(e))))',
        "'struct <anonymous> (struct <anonymous> s, enum <anonymous>)'",
    ),
    (
        'p.function_type(anon, (TypeParameter(anon, "s"), '
        "TypeParameter(e))).type_name()",
        "'struct <anonymous> (struct <anonymous> s, enum <anonymous>)'",
    ),
    (
        'p.function_type(anon, (TypeParameter(anon, "s"), '
        'TypeParameter(e))).variable_declaration("x")',
        "'struct <anonymous> x(struct <anonymous> s, enum <anonymous>)'",
    ),
    ("str(p.function_type(p.array_type(I, 2), ()))", "'int (void)[2]'"),
    ("p.function_type(p.array_type(I, 2), ()).type_name()", "'int (void)[2]'"),
    (
        'p.function_type(p.array_type(I, 2), ()).variable_declaration("x")',
        "'int x(void)[2]'",
    ),
    ("str(p.array_type(p.function_type(I, ()), 2))", "'int [2](void)'"),
    ("p.array_type(p.function_type(I, ()), 2).type_name()", "'int [2](void)'"),
    (
        'p.array_type(p.function_type(I, ()), 2).variable_declaration("x")',
        "'int x[2](void)'",
    ),
    ('str(p.typedef_type("t", I))', "'typedef int t'"),
    ('p.typedef_type("t", I).type_name()', "'t'"),
    ('p.typedef_type("t", I).variable_declaration("x")', "'t x'"),
    ('str(p.typedef_type("t", I, qualifiers=CONST))', "'const typedef int t'"),
    ('p.typedef_type("t", I, qualifiers=CONST).type_name()', "'const t'"),
    (
        'p.typedef_type("t", I, qualifiers=CONST).variable_declaration("x")',
        "'const t x'",
    ),
    ('str(p.typedef_type("t", p.typedef_type("u", ci)))', "'typedef u t'"),
    ('p.typedef_type("t", p.typedef_type("u", ci)).type_name()', "'t'"),
    ('p.typedef_type("t", p.typedef_type("u", ci)).variable_declaration("x")', "'t x'"),
    (
        'str(p.typedef_type("handler_t", fp))',
        "'typedef int (*handler_t)(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    ('p.typedef_type("handler_t", fp).type_name()', "'handler_t'"),
    ('p.typedef_type("handler_t", fp).variable_declaration("x")', "'handler_t x'"),
    (
        'str(p.typedef_type("fn_t", fn))',
        "'typedef int fn_t(int a, char *, int z[2], void (*cb)(void), ...)'",
    ),
    ('p.typedef_type("fn_t", fn).type_name()', "'fn_t'"),
    ('p.typedef_type("fn_t", fn).variable_declaration("x")', "'fn_t x'"),
    ('str(p.typedef_type("arr_t", p.array_type(I, 2)))', "'typedef int arr_t[2]'"),
    ('p.typedef_type("arr_t", p.array_type(I, 2)).type_name()', "'arr_t'"),
    (
        'p.typedef_type("arr_t", p.array_type(I, 2)).variable_declaration("x")',
        "'arr_t x'",
    ),
    ('str(p.typedef_type("v", V))', "'v'"),
    ('p.typedef_type("v", V).type_name()', "'v'"),
    ('p.typedef_type("v", V).variable_declaration("x")', "'v x'"),
    ('str(p.typedef_type("v", V, qualifiers=CONST))', "'const v'"),
    ('p.typedef_type("v", V, qualifiers=CONST).type_name()', "'const v'"),
    (
        'p.typedef_type("v", V, qualifiers=CONST).variable_declaration("x")',
        "'const v x'",
    ),
    ('str(p.typedef_type("t", p.struct_type("s")))', "'t'"),
    ('p.typedef_type("t", p.struct_type("s")).type_name()', "'t'"),
    ('p.typedef_type("t", p.struct_type("s")).variable_declaration("x")', "'t x'"),
    ('str(p.typedef_type("t", p.struct_type("s", 0, ())))', "'typedef struct s t'"),
    ('p.typedef_type("t", p.struct_type("s", 0, ())).type_name()', "'t'"),
    (
        'p.typedef_type("t", p.struct_type("s", 0, ())).variable_declaration("x")',
        "'t x'",
    ),
    (
        'str(p.typedef_type("t", p.pointer_type(p.struct_type("s"))))',
        "'typedef struct s *t'",
    ),
    ('p.typedef_type("t", p.pointer_type(p.struct_type("s"))).type_name()', "'t'"),
    (
        'p.typedef_type("t", p.pointer_type(p.struct_type("s"))).variable_declara'
        'tion("x")',
        "'t x'",
    ),
    ('str(p.typedef_type("t", p.array_type(I)))', "'t'"),
    ('p.typedef_type("t", p.array_type(I)).type_name()', "'t'"),
    ('p.typedef_type("t", p.array_type(I)).variable_declaration("x")', "'t x'"),
    (
        'str(p.typedef_type("t", anon))',
        "'typedef struct {\\n\\tint a;\\n\\tint b : 3;\\n} t'",
    ),
    ('p.typedef_type("t", anon).type_name()', "'t'"),
    ('p.typedef_type("t", anon).variable_declaration("x")', "'t x'"),
    (
        'str(p.typedef_type("t", anon.qualified(CONST)))',
        "'typedef const struct {\\n\\tint a;\\n\\tint b : 3;\\n} t'",
    ),
    ('p.typedef_type("t", anon.qualified(CONST)).type_name()', "'t'"),
    ('p.typedef_type("t", anon.qualified(CONST)).variable_declaration("x")', "'t x'"),
    (
        'str(p.typedef_type("t", anon, qualifiers=CONST))',
        "'const typedef struct {\\n\\tint a;\\n\\tint b : 3;\\n} t'",
    ),
    ('p.typedef_type("t", anon, qualifiers=CONST).type_name()', "'const t'"),
    (
        'p.typedef_type("t", anon, qualifiers=CONST).variable_declaration("x")',
        "'const t x'",
    ),
    ('str(p.typedef_type("t", p.typedef_type("u", anon)))', "'typedef u t'"),
    ('p.typedef_type("t", p.typedef_type("u", anon)).type_name()', "'t'"),
    (
        'p.typedef_type("t", p.typedef_type("u", anon)).variable_declaration("x")',
        "'t x'",
    ),
    (
        'str(p.typedef_type("t", p.pointer_type(anon)))',
        "'typedef struct <anonymous> *t'",
    ),
    ('p.typedef_type("t", p.pointer_type(anon)).type_name()', "'t'"),
    ('p.typedef_type("t", p.pointer_type(anon)).variable_declaration("x")', "'t x'"),
    (
        'str(p.typedef_type("t", p.enum_type("e", I, (TypeEnumerator("A", 1),))))',
        "'typedef enum e t'",
    ),
    (
        'p.typedef_type("t", p.enum_type("e", I, (TypeEnumerator("A", '
        "1),))).type_name()",
        "'t'",
    ),
    (
        'p.typedef_type("t", p.enum_type("e", I, (TypeEnumerator("A", '
        '1),))).variable_declaration("x")',
        "'t x'",
    ),
    ('str(p.typedef_type("t", e))', "'typedef enum {\\n\\tA = 1,\\n\\tB = -1,\\n} t'"),
    ('p.typedef_type("t", e).type_name()', "'t'"),
    ('p.typedef_type("t", e).variable_declaration("x")', "'t x'"),
    ('str(p.pointer_type(p.typedef_type("t", I, qualifiers=CONST)))', "'const t *'"),
    (
        'p.pointer_type(p.typedef_type("t", I, qualifiers=CONST)).type_name()',
        "'const t *'",
    ),
    (
        'p.pointer_type(p.typedef_type("t", I, '
        'qualifiers=CONST)).variable_declaration("x")',
        "'const t *x'",
    ),
    ('str(p.pointer_type(p.typedef_type("fn", p.function_type(I, ()))))', "'fn *'"),
    (
        'p.pointer_type(p.typedef_type("fn", p.function_type(I, ()))).type_name()',
        "'fn *'",
    ),
    (
        'p.pointer_type(p.typedef_type("fn", p.function_type(I, '
        '()))).variable_declaration("x")',
        "'fn *x'",
    ),
    ('str(p.array_type(p.typedef_type("fn", p.function_type(I, ())), 2))', "'fn [2]'"),
    (
        'p.array_type(p.typedef_type("fn", p.function_type(I, ())), 2).type_name()',
        "'fn [2]'",
    ),
    (
        'p.array_type(p.typedef_type("fn", p.function_type(I, ())), '
        '2).variable_declaration("x")',
        "'fn x[2]'",
    ),
    ('str(p.struct_type("s", 0, ()))', "'struct s {\\n}'"),
    ('p.struct_type("s", 0, ()).type_name()', "'struct s'"),
    ('p.struct_type("s", 0, ()).variable_declaration("x")', "'struct s x'"),
    ('str(p.struct_type("s"))', "'struct s'"),
    ('p.struct_type("s").type_name()', "'struct s'"),
    ('p.struct_type("s").variable_declaration("x")', "'struct s x'"),
    (
        'str(p.struct_type("s", 4, (TypeMember(I, "a"),), qualifiers=ALL))',
        "'const volatile restrict _Atomic struct s {\\n\\tint a;\\n}'",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(I, "a"),), qualifiers=ALL).type_name()',
        "'const volatile restrict _Atomic struct s'",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(I, "a"),), '
        'qualifiers=ALL).variable_declaration("x")',
        "'const volatile restrict _Atomic struct s x'",
    ),
    (
        'str(p.union_type("u", 4, (TypeMember(I, "a"), TypeMember(C, "b"))))',
        "'union u {\\n\\tint a;\\n\\tchar b;\\n}'",
    ),
    (
        'p.union_type("u", 4, (TypeMember(I, "a"), TypeMember(C, "b"))).type_name()',
        "'union u'",
    ),
    (
        'p.union_type("u", 4, (TypeMember(I, "a"), TypeMember(C, '
        '"b"))).variable_declaration("x")',
        "'union u x'",
    ),
    ('str(p.class_type("c", 4, (TypeMember(I, "a"),)))', "'class c {\\n\\tint a;\\n}'"),
    ('p.class_type("c", 4, (TypeMember(I, "a"),)).type_name()', "'class c'"),
    (
        'p.class_type("c", 4, (TypeMember(I, "a"),)).variable_declaration("x")',
        "'class c x'",
    ),
    ('str(p.class_type("c"))', "'class c'"),
    ('p.class_type("c").type_name()', "'class c'"),
    ('p.class_type("c").variable_declaration("x")', "'class c x'"),
    ("str(p.union_type(None, 0, ()))", "'union {\\n}'"),
    ("p.union_type(None, 0, ()).type_name()", "'union <anonymous>'"),
    ('p.union_type(None, 0, ()).variable_declaration("x")', "'union {\\n} x'"),
    ("str(p.struct_type(None))", "'struct <anonymous>'"),
    ("p.struct_type(None).type_name()", "'struct <anonymous>'"),
    (
        'p.struct_type(None).variable_declaration("x")',
        "ValueError: cannot get definition of incomplete compound type",
    ),
    ('str(p.enum_type("e", I, ()))', "'enum e {\\n}'"),
    ('p.enum_type("e", I, ()).type_name()', "'enum e'"),
    ('p.enum_type("e", I, ()).variable_declaration("x")', "'enum e x'"),
    ('str(p.enum_type("e"))', "'enum e'"),
    ('p.enum_type("e").type_name()', "'enum e'"),
    ('p.enum_type("e").variable_declaration("x")', "'enum e x'"),
    ("str(p.enum_type(None))", "'enum <anonymous>'"),
    ("p.enum_type(None).type_name()", "'enum <anonymous>'"),
    (
        'p.enum_type(None).variable_declaration("x")',
        "ValueError: cannot get definition of incomplete enum type",
    ),
    (
        'str(p.enum_type("e", I, (TypeEnumerator("A", 1), TypeEnumerator("B", '
        "-5)), qualifiers=ALL))",
        "'const volatile restrict _Atomic enum e {\\n\\tA = 1,\\n\\tB = -5,\\n}'",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 1), TypeEnumerator("B", -5)), '
        "qualifiers=ALL).type_name()",
        "'const volatile restrict _Atomic enum e'",
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 1), TypeEnumerator("B", -5)), '
        'qualifiers=ALL).variable_declaration("x")',
        "'const volatile restrict _Atomic enum e x'",
    ),
    ("str(e)", "'enum {\\n\\tA = 1,\\n\\tB = -1,\\n}'"),
    ("e.type_name()", "'enum <anonymous>'"),
    ('e.variable_declaration("x")', "'enum {\\n\\tA = 1,\\n\\tB = -1,\\n} x'"),
    ("str(anon)", "'struct {\\n\\tint a;\\n\\tint b : 3;\\n}'"),
    ("anon.type_name()", "'struct <anonymous>'"),
    ('anon.variable_declaration("x")', "'struct {\\n\\tint a;\\n\\tint b : 3;\\n} x'"),
    ("str(anon.qualified(CONST))", "'const struct {\\n\\tint a;\\n\\tint b : 3;\\n}'"),
    ("anon.qualified(CONST).type_name()", "'const struct <anonymous>'"),
    (
        'anon.qualified(CONST).variable_declaration("x")',
        "'const struct {\\n\\tint a;\\n\\tint b : 3;\\n} x'",
    ),
    ("str(p.pointer_type(anon))", "'struct <anonymous> *'"),
    ("p.pointer_type(anon).type_name()", "'struct <anonymous> *'"),
    ('p.pointer_type(anon).variable_declaration("x")', "'struct <anonymous> *x'"),
    ("str(p.array_type(anon, 3))", "'struct <anonymous> [3]'"),
    ("p.array_type(anon, 3).type_name()", "'struct <anonymous> [3]'"),
    ('p.array_type(anon, 3).variable_declaration("x")', "'struct <anonymous> x[3]'"),
    ("str(p.array_type(e, 2))", "'enum <anonymous> [2]'"),
    ("p.array_type(e, 2).type_name()", "'enum <anonymous> [2]'"),
    ('p.array_type(e, 2).variable_declaration("x")', "'enum <anonymous> x[2]'"),
    ("str(cpp)", "'class C {\\n\\tint a;\\n}'"),
    ("cpp.type_name()", "'C'"),
    ('cpp.variable_declaration("x")', "'C x'"),
    ("str(p.pointer_type(cpp))", "'C *'"),
    ("p.pointer_type(cpp).type_name()", "'C *'"),
    ('p.pointer_type(cpp).variable_declaration("x")', "'C *x'"),
    ("str(p.array_type(cpp, 2))", "'C [2]'"),
    ("p.array_type(cpp, 2).type_name()", "'C [2]'"),
    ('p.array_type(cpp, 2).variable_declaration("x")', "'C x[2]'"),
    ('str(p.typedef_type("T", cpp))', "'typedef C T'"),
    ('p.typedef_type("T", cpp).type_name()', "'T'"),
    ('p.typedef_type("T", cpp).variable_declaration("x")', "'T x'"),
    (
        'str(p.function_type(cpp, (TypeParameter(cpp, "c"),), language=CPP))',
        "'C (C c)'",
    ),
    (
        'p.function_type(cpp, (TypeParameter(cpp, "c"),), language=CPP).type_name()',
        "'C (C c)'",
    ),
    (
        'p.function_type(cpp, (TypeParameter(cpp, "c"),), '
        'language=CPP).variable_declaration("x")',
        "'C x(C c)'",
    ),
    ('str(p.struct_type("S", language=CPP))', "'S'"),
    ('p.struct_type("S", language=CPP).type_name()', "'S'"),
    ('p.struct_type("S", language=CPP).variable_declaration("x")', "'S x'"),
    ('str(p.union_type("U", language=CPP))', "'U'"),
    ('p.union_type("U", language=CPP).type_name()', "'U'"),
    ('p.union_type("U", language=CPP).variable_declaration("x")', "'U x'"),
    ('str(p.enum_type("E", language=CPP))', "'E'"),
    ('p.enum_type("E", language=CPP).type_name()', "'E'"),
    ('p.enum_type("E", language=CPP).variable_declaration("x")', "'E x'"),
    ("str(p.enum_type(None, language=CPP))", "'enum <anonymous>'"),
    ("p.enum_type(None, language=CPP).type_name()", "'enum <anonymous>'"),
    (
        'p.enum_type(None, language=CPP).variable_declaration("x")',
        "ValueError: cannot get definition of incomplete enum type",
    ),
    (
        'str(p.struct_type("N::S<int>", 4, (), language=CPP))',
        "'struct N::S<int> {\\n}'",
    ),
    ('p.struct_type("N::S<int>", 4, (), language=CPP).type_name()', "'N::S<int>'"),
    (
        'p.struct_type("N::S<int>", 4, (), language=CPP).variable_declaration("x")',
        "'N::S<int> x'",
    ),
    (
        'str(p.struct_type("s", 4, (TypeMember(cpp, "c"),)))',
        "'struct s {\\n\\tC c;\\n}'",
    ),
    ('p.struct_type("s", 4, (TypeMember(cpp, "c"),)).type_name()', "'struct s'"),
    (
        'p.struct_type("s", 4, (TypeMember(cpp, "c"),)).variable_declaration("x")',
        "'struct s x'",
    ),
]

ARGUMENTS = [
    (
        "I.variable_declaration(1)",
        "TypeError: variable_declaration() argument 1 must be str, not int",
    ),
    (
        "I.variable_declaration(None)",
        "TypeError: variable_declaration() argument 1 must be str, not None",
    ),
]

TABLES = [
    *DECLARATIONS,
    *ARGUMENTS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_text(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected
