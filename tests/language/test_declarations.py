"""Types as text: names and declarations."""

from __future__ import annotations

import ast

import pytest
from expressions import outcome

from .some_types import names

# Type, its name, a variable of it, and its definition if it has one.
TYPES = [
    ("I", "int", "int x", None),
    ("ci", "const int", "const int x", None),
    (
        "I.qualified(ALL)",
        "const volatile restrict _Atomic int",
        "const volatile restrict _Atomic int x",
        None,
    ),
    ("V", "void", "void x", None),
    ("V.qualified(CONST)", "const void", "const void x", None),
    ('p.bool_type("_Bool", 1)', "_Bool", "_Bool x", None),
    ('p.float_type("double", 8)', "double", "double x", None),
    ("p.pointer_type(I)", "int *", "int *x", None),
    ("p.pointer_type(ci)", "const int *", "const int *x", None),
    (
        "p.pointer_type(p.pointer_type(ci, qualifiers=CONST),"
        " qualifiers=CONST | Qualifiers.VOLATILE)",
        "const int * const * const volatile",
        "const int * const * const volatile x",
        None,
    ),
    (
        "p.pointer_type(I, qualifiers=ALL)",
        "int * const volatile restrict _Atomic",
        "int * const volatile restrict _Atomic x",
        None,
    ),
    ("p.pointer_type(cptr)", "int * const *", "int * const *x", None),
    (
        "p.pointer_type(p.pointer_type(I), qualifiers=CONST)",
        "int ** const",
        "int ** const x",
        None,
    ),
    ("p.array_type(I)", "int []", "int x[]", None),
    ("p.array_type(I, 0)", "int [0]", "int x[0]", None),
    (
        "p.array_type(p.array_type(ci, 3), 2)",
        "const int [2][3]",
        "const int x[2][3]",
        None,
    ),
    ("p.array_type(I, 2, qualifiers=CONST)", "int [2]", "int x[2]", None),
    (
        "p.pointer_type(p.array_type(p.array_type(I, 3), 2))",
        "int (*)[2][3]",
        "int (*x)[2][3]",
        None,
    ),
    ("p.array_type(p.pointer_type(I), 2)", "int *[2]", "int *x[2]", None),
    ("p.array_type(cptr, 2)", "int * const [2]", "int * const x[2]", None),
    (
        "p.array_type(p.pointer_type(p.array_type(I, 5)), 2)",
        "int (*[2])[5]",
        "int (*x[2])[5]",
        None,
    ),
    (
        "p.pointer_type(p.array_type(cptr, 2), qualifiers=Qualifiers.VOLATILE)",
        "int * const (* volatile)[2]",
        "int * const (* volatile x)[2]",
        None,
    ),
    (
        "p.array_type(p.pointer_type(p.array_type(cptr, 2),"
        " qualifiers=Qualifiers.VOLATILE), 3)",
        "int * const (* volatile [3])[2]",
        "int * const (* volatile x[3])[2]",
        None,
    ),
    (
        "p.array_type(p.pointer_type(p.function_type(I, ())), 2)",
        "int (*[2])(void)",
        "int (*x[2])(void)",
        None,
    ),
    (
        "fn",
        "int (int a, char *, int z[2], void (*cb)(void), ...)",
        "int x(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "fp",
        "int (*)(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (*x)(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "p.pointer_type(fp)",
        "int (**)(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (**x)(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "p.pointer_type(fn, qualifiers=CONST)",
        "int (* const)(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (* const x)(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "p.pointer_type(fn.qualified(CONST))",
        "int (*)(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (*x)(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "p.array_type(fp, 2)",
        "int (*[2])(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (*x[2])(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    (
        "p.function_type(fp, ())",
        "int (*(void))(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (*x(void))(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    ("p.function_type(cptr, ())", "int * const (void)", "int * const x(void)", None),
    (
        "p.function_type(p.pointer_type(fn, qualifiers=CONST), ())",
        "int (* const (void))(int a, char *, int z[2], void (*cb)(void), ...)",
        "int (* const x(void))(int a, char *, int z[2], void (*cb)(void), ...)",
        None,
    ),
    ("p.function_type(V, (), True)", "void ()", "void x()", None),
    ("p.function_type(V, ())", "void (void)", "void x(void)", None),
    ("p.function_type(V, (TypeParameter(V),))", "void (void)", "void x(void)", None),
    (
        'p.function_type(V, (TypeParameter(I, "a"),), True)',
        "void (int a, ...)",
        "void x(int a, ...)",
        None,
    ),
    (
        'p.function_type(anon, (TypeParameter(anon, "s"), TypeParameter(e)))',
        "struct <anonymous> (struct <anonymous> s, enum <anonymous>)",
        "struct <anonymous> x(struct <anonymous> s, enum <anonymous>)",
        None,
    ),
    (
        "p.function_type(p.array_type(I, 2), ())",
        "int (void)[2]",
        "int x(void)[2]",
        None,
    ),
    (
        "p.array_type(p.function_type(I, ()), 2)",
        "int [2](void)",
        "int x[2](void)",
        None,
    ),
    ('p.typedef_type("t", I)', "t", "t x", "typedef int t"),
    (
        'p.typedef_type("t", I, qualifiers=CONST)',
        "const t",
        "const t x",
        "const typedef int t",
    ),
    ('p.typedef_type("t", p.typedef_type("u", ci))', "t", "t x", "typedef u t"),
    (
        'p.typedef_type("handler_t", fp)',
        "handler_t",
        "handler_t x",
        "typedef int (*handler_t)(int a, char *, int z[2], void (*cb)(void), ...)",
    ),
    (
        'p.typedef_type("fn_t", fn)',
        "fn_t",
        "fn_t x",
        "typedef int fn_t(int a, char *, int z[2], void (*cb)(void), ...)",
    ),
    (
        'p.typedef_type("arr_t", p.array_type(I, 2))',
        "arr_t",
        "arr_t x",
        "typedef int arr_t[2]",
    ),
    ('p.typedef_type("v", V)', "v", "v x", None),
    ('p.typedef_type("v", V, qualifiers=CONST)', "const v", "const v x", None),
    ('p.typedef_type("t", p.struct_type("s"))', "t", "t x", None),
    (
        'p.typedef_type("t", p.struct_type("s", 0, ()))',
        "t",
        "t x",
        "typedef struct s t",
    ),
    (
        'p.typedef_type("t", p.pointer_type(p.struct_type("s")))',
        "t",
        "t x",
        "typedef struct s *t",
    ),
    ('p.typedef_type("t", p.array_type(I))', "t", "t x", None),
    (
        'p.typedef_type("t", anon)',
        "t",
        "t x",
        "typedef struct {\n\tint a;\n\tint b : 3;\n} t",
    ),
    (
        'p.typedef_type("t", anon.qualified(CONST))',
        "t",
        "t x",
        "typedef const struct {\n\tint a;\n\tint b : 3;\n} t",
    ),
    (
        'p.typedef_type("t", anon, qualifiers=CONST)',
        "const t",
        "const t x",
        "const typedef struct {\n\tint a;\n\tint b : 3;\n} t",
    ),
    ('p.typedef_type("t", p.typedef_type("u", anon))', "t", "t x", "typedef u t"),
    (
        'p.typedef_type("t", p.pointer_type(anon))',
        "t",
        "t x",
        "typedef struct <anonymous> *t",
    ),
    (
        'p.typedef_type("t", p.enum_type("e", I, (TypeEnumerator("A", 1),)))',
        "t",
        "t x",
        "typedef enum e t",
    ),
    ('p.typedef_type("t", e)', "t", "t x", "typedef enum {\n\tA = 1,\n\tB = -1,\n} t"),
    (
        'p.pointer_type(p.typedef_type("t", I, qualifiers=CONST))',
        "const t *",
        "const t *x",
        None,
    ),
    (
        'p.pointer_type(p.typedef_type("fn", p.function_type(I, ())))',
        "fn *",
        "fn *x",
        None,
    ),
    (
        'p.array_type(p.typedef_type("fn", p.function_type(I, ())), 2)',
        "fn [2]",
        "fn x[2]",
        None,
    ),
    ('p.struct_type("s", 0, ())', "struct s", "struct s x", "struct s {\n}"),
    ('p.struct_type("s")', "struct s", "struct s x", None),
    (
        'p.struct_type("s", 4, (TypeMember(I, "a"),), qualifiers=ALL)',
        "const volatile restrict _Atomic struct s",
        "const volatile restrict _Atomic struct s x",
        "const volatile restrict _Atomic struct s {\n\tint a;\n}",
    ),
    (
        'p.union_type("u", 4, (TypeMember(I, "a"), TypeMember(C, "b")))',
        "union u",
        "union u x",
        "union u {\n\tint a;\n\tchar b;\n}",
    ),
    (
        'p.class_type("c", 4, (TypeMember(I, "a"),))',
        "class c",
        "class c x",
        "class c {\n\tint a;\n}",
    ),
    ('p.class_type("c")', "class c", "class c x", None),
    ("p.union_type(None, 0, ())", "union <anonymous>", "union {\n} x", "union {\n}"),
    (
        "p.struct_type(None)",
        "struct <anonymous>",
        "ValueError: cannot get definition of incomplete compound type",
        None,
    ),
    ('p.enum_type("e", I, ())', "enum e", "enum e x", "enum e {\n}"),
    ('p.enum_type("e")', "enum e", "enum e x", None),
    (
        "p.enum_type(None)",
        "enum <anonymous>",
        "ValueError: cannot get definition of incomplete enum type",
        None,
    ),
    (
        'p.enum_type("e", I, (TypeEnumerator("A", 1), TypeEnumerator("B", -5)),'
        " qualifiers=ALL)",
        "const volatile restrict _Atomic enum e",
        "const volatile restrict _Atomic enum e x",
        "const volatile restrict _Atomic enum e {\n\tA = 1,\n\tB = -5,\n}",
    ),
    (
        "e",
        "enum <anonymous>",
        "enum {\n\tA = 1,\n\tB = -1,\n} x",
        "enum {\n\tA = 1,\n\tB = -1,\n}",
    ),
    (
        "anon",
        "struct <anonymous>",
        "struct {\n\tint a;\n\tint b : 3;\n} x",
        "struct {\n\tint a;\n\tint b : 3;\n}",
    ),
    (
        "anon.qualified(CONST)",
        "const struct <anonymous>",
        "const struct {\n\tint a;\n\tint b : 3;\n} x",
        "const struct {\n\tint a;\n\tint b : 3;\n}",
    ),
    ("p.pointer_type(anon)", "struct <anonymous> *", "struct <anonymous> *x", None),
    (
        "p.array_type(anon, 3)",
        "struct <anonymous> [3]",
        "struct <anonymous> x[3]",
        None,
    ),
    ("p.array_type(e, 2)", "enum <anonymous> [2]", "enum <anonymous> x[2]", None),
    ("cpp", "C", "C x", "class C {\n\tint a;\n}"),
    ("p.pointer_type(cpp)", "C *", "C *x", None),
    ("p.array_type(cpp, 2)", "C [2]", "C x[2]", None),
    ('p.typedef_type("T", cpp)', "T", "T x", "typedef C T"),
    (
        'p.function_type(cpp, (TypeParameter(cpp, "c"),), language=CPP)',
        "C (C c)",
        "C x(C c)",
        None,
    ),
    ('p.struct_type("S", language=CPP)', "S", "S x", None),
    ('p.union_type("U", language=CPP)', "U", "U x", None),
    ('p.enum_type("E", language=CPP)', "E", "E x", None),
    (
        "p.enum_type(None, language=CPP)",
        "enum <anonymous>",
        "ValueError: cannot get definition of incomplete enum type",
        None,
    ),
    (
        'p.struct_type("N::S<int>", 4, (), language=CPP)',
        "N::S<int>",
        "N::S<int> x",
        "struct N::S<int> {\n}",
    ),
    (
        'p.struct_type("s", 4, (TypeMember(cpp, "c"),))',
        "struct s",
        "struct s x",
        "struct s {\n\tC c;\n}",
    ),
]


@pytest.mark.parametrize(("type", "name", "declaration", "definition"), TYPES)
def test_text(type: str, name: str, declaration: str, definition: str | None) -> None:
    assert _text(f"{type}.type_name()") == name
    assert _text(f"{type}.variable_declaration('x')") == declaration
    assert _text(f"str({type})") == (definition or name)


def _text(expression: str) -> str:
    """A string, or the class and message of an exception."""
    result = outcome(expression, names())
    return ast.literal_eval(result) if result[0] in "'\"" else result


@pytest.mark.parametrize("name", ["1", "None"])
def test_names_of_variables(name: str) -> None:
    label = "None" if name == "None" else "int"
    message = f"variable_declaration() argument 1 must be str, not {label}"
    assert (
        outcome(f"I.variable_declaration({name})", names()) == f"TypeError: {message}"
    )
