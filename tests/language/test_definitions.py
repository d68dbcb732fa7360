"""Types as text: definitions with members, and reprs."""

from __future__ import annotations

import pytest
from expressions import outcome

from .some_types import names

DEFINITIONS = [
    (
        'str(p.struct_type("s", 8, (TypeMember(anon), TypeMember(anon, "named"))))',
        "'struct s {\\n\\tstruct {\\n\\t\\tint a;\\n\\t\\tint b : "
        "3;\\n\\t};\\n\\tstruct {\\n\\t\\tint a;\\n\\t\\tint b : 3;\\n\\t} "
        "named;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(anon.qualified(CONST), "c"), '
        'TypeMember(e, "e"))))',
        "'struct s {\\n\\tconst struct {\\n\\t\\tint a;\\n\\t\\tint b : "
        "3;\\n\\t} c;\\n\\tenum {\\n\\t\\tA = 1,\\n\\t\\tB = -1,\\n\\t} e;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.array_type(anon, 2), "a"), '
        'TypeMember(p.pointer_type(anon), "p"))))',
        "'struct s {\\n\\tstruct <anonymous> a[2];\\n\\tstruct <anonymous> *p;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.union_type(None, 8, '
        '(TypeMember(anon),)), "u"),)))',
        "'struct s {\\n\\tunion {\\n\\t\\tstruct {\\n\\t\\t\\tint "
        "a;\\n\\t\\t\\tint b : 3;\\n\\t\\t};\\n\\t} u;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.array_type(C), "flex"), '
        'TypeMember(p.array_type(C, 0), "z"))))',
        "'struct s {\\n\\tchar flex[];\\n\\tchar z[0];\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(fp, "f"), '
        'TypeMember(p.array_type(fp, 2), "ff"))))',
        "'struct s {\\n\\tint (*f)(int a, char *, int z[2], void (*cb)(void), "
        "...);\\n\\tint (*ff[2])(int a, char *, int z[2], void (*cb)(void), "
        "...);\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(Object(p, ci, bit_field_size=7), '
        '"bf"),)))',
        "'struct s {\\n\\tconst int bf : 7;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(Object(p, I, bit_field_size=7)), '
        "TypeMember(I))))",
        "'struct s {\\n\\tint : 7;\\n\\tint;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.struct_type("in", 4, '
        '(TypeMember(I, "q"),)), "in"),)))',
        "'struct s {\\n\\tstruct in in;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.struct_type("in", 4, '
        '(TypeMember(I, "q"),))),)))',
        "'struct s {\\n\\tstruct in;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.typedef_type("t", anon), "t"), '
        'TypeMember(p.typedef_type("t", anon)))))',
        "'struct s {\\n\\tt t;\\n\\tt;\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(cptr, "c"), TypeMember(cptr), '
        'TypeMember(p.array_type(cptr, 2), "ac"))))',
        "'struct s {\\n\\tint * const c;\\n\\tint * const;\\n\\tint * const "
        "ac[2];\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(V, "v"), '
        'TypeMember(p.function_type(I, ()), "fn"))))',
        "'struct s {\\n\\tvoid v;\\n\\tint fn(void);\\n}'",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.function_type(I, ())),)))',
        "ValueError: function must have name",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.struct_type(None), "m"),)))',
        "ValueError: cannot get definition of incomplete compound type",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.struct_type(None)),)))',
        "ValueError: cannot get definition of incomplete compound type",
    ),
    (
        'str(p.struct_type("s", 8, (TypeMember(p.enum_type(None), "m"),)))',
        "ValueError: cannot get definition of incomplete enum type",
    ),
    (
        'str(p.struct_type("s", 8, '
        '(TypeMember(p.pointer_type(p.struct_type(None)), "m"),)))',
        "'struct s {\\n\\tstruct <anonymous> *m;\\n}'",
    ),
    (
        'str(p.class_type("C", 8, (TypeMember(p.struct_type("S", language=CPP), '
        '"s"), TypeMember(p.pointer_type(cpp), "n")), language=CPP))',
        "'class C {\\n\\tS s;\\n\\tC *n;\\n}'",
    ),
    (
        'str(p.enum_type(None, I, (TypeEnumerator("A", 2**63 - 1),)))',
        "'enum {\\n\\tA = 9223372036854775807,\\n}'",
    ),
]

REPRS = [
    ("repr(I)", "\"prog.int_type(name='int', size=4, is_signed=True)\""),
    (
        "repr(I.qualified(ALL))",
        "\"prog.int_type(name='int', size=4, is_signed=True, "
        'qualifiers=<Qualifiers.CONST|VOLATILE|RESTRICT|ATOMIC: 15>)"',
    ),
    ("repr(V.qualified(CONST))", "'prog.void_type(qualifiers=<Qualifiers.CONST: 1>)'"),
    ('repr(p.float_type("double", 8))', "\"prog.float_type(name='double', size=8)\""),
    (
        "repr(p.pointer_type(ci))",
        "\"prog.pointer_type(type=prog.int_type(name='int', size=4, "
        'is_signed=True, qualifiers=<Qualifiers.CONST: 1>))"',
    ),
    (
        "repr(p.pointer_type(I, qualifiers=ALL))",
        "\"prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), qualifiers=<Qualifiers.CONST|VOLATILE|RESTRICT|ATOMIC: "
        '15>)"',
    ),
    (
        "repr(p.pointer_type(p.pointer_type(I), qualifiers=CONST))",
        "\"prog.pointer_type(type=prog.pointer_type(type=prog.int_type(name='int"
        "', size=4, is_signed=True)), qualifiers=<Qualifiers.CONST: 1>)\"",
    ),
    (
        "repr(p.array_type(I, 0))",
        "\"prog.array_type(type=prog.int_type(name='int', size=4, "
        'is_signed=True), length=0)"',
    ),
    (
        "repr(p.array_type(I, 2, qualifiers=CONST))",
        "\"prog.array_type(type=prog.int_type(name='int', size=4, "
        'is_signed=True), length=2, qualifiers=<Qualifiers.CONST: 1>)"',
    ),
    (
        "repr(p.array_type(p.pointer_type(I), 2))",
        "\"prog.array_type(type=prog.pointer_type(type=prog.int_type(name='int',"
        ' size=4, is_signed=True)), length=2)"',
    ),
    (
        "repr(p.array_type(p.pointer_type(p.array_type(I, 5)), 2))",
        '"prog.array_type(type=prog.pointer_type(type=prog.array_type(type=prog.i'
        "nt_type(name='int', size=4, is_signed=True), length=5)), length=2)\"",
    ),
    (
        "repr(p.array_type(p.pointer_type(p.array_type(cptr, 2), "
        "qualifiers=Qualifiers.VOLATILE), 3))",
        '"prog.array_type(type=prog.pointer_type(type=prog.array_type(type=prog.p'
        "ointer_type(type=prog.int_type(name='int', size=4, is_signed=True), "
        "qualifiers=<Qualifiers.CONST: 1>), length=2), "
        'qualifiers=<Qualifiers.VOLATILE: 2>), length=3)"',
    ),
    (
        "repr(fn)",
        "\"prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(TypeParameter(prog.type('int'), name='a'), "
        "TypeParameter(prog.type('char *')), TypeParameter(prog.type('int [2]'), "
        "name='z'), TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        'is_variadic=True)"',
    ),
    (
        "repr(p.pointer_type(fp))",
        '"prog.pointer_type(type=prog.pointer_type(type=prog.function_type(type=p'
        "rog.int_type(name='int', size=4, is_signed=True), "
        "parameters=(TypeParameter(prog.type('int'), name='a'), "
        "TypeParameter(prog.type('char *')), TypeParameter(prog.type('int [2]'), "
        "name='z'), TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        'is_variadic=True)))"',
    ),
    (
        "repr(p.pointer_type(fn.qualified(CONST)))",
        "\"prog.pointer_type(type=prog.function_type(type=prog.int_type(name='int"
        "', size=4, is_signed=True), parameters=(TypeParameter(prog.type('int'), "
        "name='a'), TypeParameter(prog.type('char *')), "
        "TypeParameter(prog.type('int [2]'), name='z'), "
        "TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        'is_variadic=True, qualifiers=<Qualifiers.CONST: 1>))"',
    ),
    (
        "repr(p.function_type(fp, ()))",
        '"prog.function_type(type=prog.pointer_type(type=prog.function_type(type='
        "prog.int_type(name='int', size=4, is_signed=True), "
        "parameters=(TypeParameter(prog.type('int'), name='a'), "
        "TypeParameter(prog.type('char *')), TypeParameter(prog.type('int [2]'), "
        "name='z'), TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        'is_variadic=True)), parameters=(), is_variadic=False)"',
    ),
    (
        "repr(p.function_type(p.pointer_type(fn, qualifiers=CONST), ()))",
        '"prog.function_type(type=prog.pointer_type(type=prog.function_type(type='
        "prog.int_type(name='int', size=4, is_signed=True), "
        "parameters=(TypeParameter(prog.type('int'), name='a'), "
        "TypeParameter(prog.type('char *')), TypeParameter(prog.type('int [2]'), "
        "name='z'), TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        "is_variadic=True), qualifiers=<Qualifiers.CONST: 1>), parameters=(), "
        'is_variadic=False)"',
    ),
    (
        "repr(p.function_type(V, ()))",
        "'prog.function_type(type=prog.void_type(), parameters=(), is_variadic=False)'",
    ),
    (
        'repr(p.function_type(V, (TypeParameter(I, "a"),), True))',
        '"prog.function_type(type=prog.void_type(), '
        "parameters=(TypeParameter(prog.type('int'), name='a'),), "
        'is_variadic=True)"',
    ),
    (
        "repr(p.function_type(p.array_type(I, 2), ()))",
        "\"prog.function_type(type=prog.array_type(type=prog.int_type(name='int'"
        ', size=4, is_signed=True), length=2), parameters=(), is_variadic=False)"',
    ),
    (
        'repr(p.typedef_type("t", I))',
        "\"prog.typedef_type(name='t', type=prog.int_type(name='int', size=4, "
        'is_signed=True))"',
    ),
    (
        'repr(p.typedef_type("t", p.typedef_type("u", ci)))',
        "\"prog.typedef_type(name='t', type=prog.typedef_type(name='u', "
        "type=prog.int_type(name='int', size=4, is_signed=True, "
        'qualifiers=<Qualifiers.CONST: 1>)))"',
    ),
    (
        'repr(p.typedef_type("fn_t", fn))',
        "\"prog.typedef_type(name='fn_t', "
        "type=prog.function_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), parameters=(TypeParameter(prog.type('int'), name='a'), "
        "TypeParameter(prog.type('char *')), TypeParameter(prog.type('int [2]'), "
        "name='z'), TypeParameter(prog.type('void (*)(void)'), name='cb')), "
        'is_variadic=True))"',
    ),
    (
        'repr(p.typedef_type("v", V))',
        "\"prog.typedef_type(name='v', type=prog.void_type())\"",
    ),
    (
        'repr(p.typedef_type("t", p.struct_type("s")))',
        "\"prog.typedef_type(name='t', type=prog.struct_type(tag='s', "
        'size=None, members=None))"',
    ),
    (
        'repr(p.typedef_type("t", p.pointer_type(p.struct_type("s"))))',
        "\"prog.typedef_type(name='t', "
        "type=prog.pointer_type(type=prog.struct_type(tag='s', size=None, "
        'members=None)))"',
    ),
    (
        'repr(p.typedef_type("t", anon))',
        "\"prog.typedef_type(name='t', type=prog.struct_type(tag=None, size=8, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0), "
        "TypeMember(Object(prog, 'int', bit_field_size=3), name='b', "
        'bit_offset=32))))"',
    ),
    (
        'repr(p.typedef_type("t", anon, qualifiers=CONST))',
        "\"prog.typedef_type(name='t', type=prog.struct_type(tag=None, size=8, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0), "
        "TypeMember(Object(prog, 'int', bit_field_size=3), name='b', "
        'bit_offset=32))), qualifiers=<Qualifiers.CONST: 1>)"',
    ),
    (
        'repr(p.typedef_type("t", p.pointer_type(anon)))',
        "\"prog.typedef_type(name='t', "
        "type=prog.pointer_type(type=prog.struct_type(tag=None, size=8, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0), "
        "TypeMember(Object(prog, 'int', bit_field_size=3), name='b', "
        'bit_offset=32)))))"',
    ),
    (
        'repr(p.typedef_type("t", e))',
        "\"prog.typedef_type(name='t', type=prog.enum_type(tag=None, "
        "type=prog.int_type(name='int', size=4, is_signed=True), "
        "enumerators=(TypeEnumerator('A', 1), TypeEnumerator('B', -1))))\"",
    ),
    (
        'repr(p.pointer_type(p.typedef_type("fn", p.function_type(I, ()))))',
        "\"prog.pointer_type(type=prog.typedef_type(name='fn', "
        "type=prog.function_type(type=prog.int_type(name='int', size=4, "
        'is_signed=True), parameters=(), is_variadic=False)))"',
    ),
    (
        'repr(p.struct_type("s", 0, ()))',
        "\"prog.struct_type(tag='s', size=0, members=())\"",
    ),
    (
        'repr(p.struct_type("s", 4, (TypeMember(I, "a"),), qualifiers=ALL))',
        "\"prog.struct_type(tag='s', size=4, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0),), "
        'qualifiers=<Qualifiers.CONST|VOLATILE|RESTRICT|ATOMIC: 15>)"',
    ),
    (
        'repr(p.class_type("c", 4, (TypeMember(I, "a"),)))',
        "\"prog.class_type(tag='c', size=4, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0),))\"",
    ),
    (
        "repr(p.union_type(None, 0, ()))",
        "'prog.union_type(tag=None, size=0, members=())'",
    ),
    (
        'repr(p.struct_type("s", 8, (TypeMember(anon), TypeMember(anon, "named"))))',
        "\"prog.struct_type(tag='s', size=8, "
        "members=(TypeMember(prog.type('struct <anonymous>'), bit_offset=0), "
        "TypeMember(prog.type('struct <anonymous>'), name='named', "
        'bit_offset=0)))"',
    ),
    (
        'repr(p.struct_type("s", 8, (TypeMember(anon.qualified(CONST), "c"), '
        'TypeMember(e, "e"))))',
        "\"prog.struct_type(tag='s', size=8, "
        "members=(TypeMember(prog.type('const struct <anonymous>'), name='c', "
        "bit_offset=0), TypeMember(prog.type('enum <anonymous>'), name='e', "
        'bit_offset=0)))"',
    ),
    (
        'repr(p.struct_type("s", 8, (TypeMember(p.array_type(anon, 2), "a"), '
        'TypeMember(p.pointer_type(anon), "p"))))',
        "\"prog.struct_type(tag='s', size=8, "
        "members=(TypeMember(prog.type('struct <anonymous> [2]'), name='a', "
        "bit_offset=0), TypeMember(prog.type('struct <anonymous> *'), name='p', "
        'bit_offset=0)))"',
    ),
    (
        'repr(p.struct_type("s", 8, (TypeMember(p.union_type(None, 8, '
        '(TypeMember(anon),)), "u"),)))',
        "\"prog.struct_type(tag='s', size=8, "
        "members=(TypeMember(prog.type('union <anonymous>'), name='u', "
        'bit_offset=0),))"',
    ),
    (
        "repr(cpp)",
        "\"prog.class_type(tag='C', size=4, "
        "members=(TypeMember(prog.type('int'), name='a', bit_offset=0),), "
        'language=Language.CPP)"',
    ),
    (
        'repr(p.struct_type("N::S<int>", 4, (), '
        'template_parameters=(TypeTemplateParameter(I, "T"), '
        'TypeTemplateParameter(Object(p, I, 3), "N", True)), language=CPP))',
        "\"prog.struct_type(tag='N::S<int>', size=4, members=(), "
        "template_parameters=(TypeTemplateParameter(prog.type('int'), name='T'), "
        "TypeTemplateParameter(Object(prog, 'int', value=3), name='N', "
        'is_default=True)), language=Language.CPP)"',
    ),
    (
        'repr(p.int_type("i", 4, True, "big", qualifiers=CONST, language=CPP))',
        "\"prog.int_type(name='i', size=4, is_signed=True, byteorder='big', "
        'qualifiers=<Qualifiers.CONST: 1>, language=Language.CPP)"',
    ),
    (
        'repr(p.pointer_type(I, 4, "big", qualifiers=CONST, language=CPP))',
        "\"prog.pointer_type(type=prog.int_type(name='int', size=4, "
        "is_signed=True), size=4, byteorder='big', qualifiers=<Qualifiers.CONST: "
        '1>, language=Language.CPP)"',
    ),
]

TABLES = [
    *DEFINITIONS,
    *REPRS,
]


@pytest.mark.parametrize(("expression", "expected"), TABLES)
def test_text(expression: str, expected: str) -> None:
    assert outcome(expression, names()) == expected
