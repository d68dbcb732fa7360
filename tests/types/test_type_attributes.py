"""Attributes of types by kind, and questions that every type answers."""

from __future__ import annotations

from typing import Any

import pytest

from drgn import (
    Architecture,
    Language,
    Platform,
    PrimitiveType,
    Program,
    Qualifiers,
    Type,
    TypeEnumerator,
    TypeKind,
    TypeMember,
    TypeParameter,
    TypeTemplateParameter,
)

CONST = Qualifiers.CONST
VOLATILE = Qualifiers.VOLATILE


@pytest.fixture
def prog() -> Program:
    return Program(Platform(Architecture.X86_64))


def example(prog: Program, kind: TypeKind) -> Type:
    """A type of ``kind``."""
    integer = prog.int_type("int", 4, True)
    members = (TypeMember(integer, "a"),)
    makers: dict[TypeKind, Any] = {
        TypeKind.VOID: prog.void_type,
        TypeKind.INT: lambda: integer,
        TypeKind.BOOL: lambda: prog.bool_type("_Bool", 1),
        TypeKind.FLOAT: lambda: prog.float_type("double", 8),
        TypeKind.STRUCT: lambda: prog.struct_type("s", 4, members),
        TypeKind.UNION: lambda: prog.union_type("u", 4, members),
        TypeKind.CLASS: lambda: prog.class_type("c", 4, members),
        TypeKind.ENUM: lambda: prog.enum_type("e", integer, [TypeEnumerator("A", 1)]),
        TypeKind.TYPEDEF: lambda: prog.typedef_type("t", integer),
        TypeKind.POINTER: lambda: prog.pointer_type(integer),
        TypeKind.ARRAY: lambda: prog.array_type(integer, 2),
        TypeKind.FUNCTION: lambda: prog.function_type(
            integer, [TypeParameter(integer, "a")]
        ),
    }
    return makers[kind]()


# The kinds that have an attribute, and what the others say.
ATTRIBUTES = {
    "name": ("INT BOOL FLOAT TYPEDEF", "type does not have a name"),
    "tag": ("STRUCT UNION CLASS ENUM", "type does not have a tag"),
    "size": (
        "INT BOOL FLOAT STRUCT UNION CLASS POINTER",
        "type does not have a size",
    ),
    "is_signed": ("INT", "type does not have a signedness"),
    "byteorder": ("INT BOOL FLOAT POINTER", "type does not have a byte order"),
    "length": ("ARRAY", "type does not have a length"),
    "type": (
        "ENUM TYPEDEF POINTER ARRAY FUNCTION",
        "type does not have an underlying type",
    ),
    "members": ("STRUCT UNION CLASS", "type does not have members"),
    "enumerators": ("ENUM", "type does not have enumerators"),
    "parameters": ("FUNCTION", "type does not have parameters"),
    "is_variadic": ("FUNCTION", "type cannot be variadic"),
    "template_parameters": (
        "STRUCT UNION CLASS FUNCTION",
        "type does not have template parameters",
    ),
}
EXPECTED: dict[str, dict[str, Any]] = {
    "INT": {"name": "int", "size": 4, "is_signed": True, "byteorder": "little"},
    "BOOL": {"name": "_Bool", "size": 1, "byteorder": "little"},
    "FLOAT": {"name": "double", "size": 8, "byteorder": "little"},
    "STRUCT": {"tag": "s", "size": 4, "template_parameters": ()},
    "UNION": {"tag": "u", "size": 4, "template_parameters": ()},
    "CLASS": {"tag": "c", "size": 4, "template_parameters": ()},
    "ENUM": {"tag": "e", "enumerators": (TypeEnumerator("A", 1),)},
    "TYPEDEF": {"name": "t"},
    "POINTER": {"size": 8, "byteorder": "little"},
    "ARRAY": {"length": 2},
    "FUNCTION": {"is_variadic": False, "template_parameters": ()},
}


@pytest.mark.parametrize("kind", TypeKind)
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attribute(prog: Program, kind: TypeKind, attribute: str) -> None:
    type = example(prog, kind)
    kinds, message = ATTRIBUTES[attribute]
    if kind.name not in kinds.split():
        with pytest.raises(AttributeError) as caught:
            getattr(type, attribute)
        assert str(caught.value) == f"{kind.name.lower()} {message}"
        return
    value = getattr(type, attribute)
    if attribute == "type":
        assert value is prog.int_type("int", 4, True)
    elif attribute in ("members", "parameters"):
        assert [part.name for part in value] == ["a"]
    else:
        assert value == EXPECTED[kind.name][attribute]


@pytest.mark.parametrize("kind", TypeKind)
def test_common_attributes(prog: Program, kind: TypeKind) -> None:
    type = example(prog, kind)
    assert type.prog is prog
    assert type.kind is kind
    assert type.unaliased_kind() is (TypeKind.INT if kind is TypeKind.TYPEDEF else kind)
    assert type.qualifiers is Qualifiers.NONE
    assert type.language is Language.C
    assert type.is_complete() is (kind is not TypeKind.VOID)
    with pytest.raises(AttributeError):
        type.kind = TypeKind.INT  # type: ignore[misc]
    with pytest.raises(AttributeError):
        type.nonsense  # type: ignore[attr-defined] # noqa: B018


def test_type_cannot_be_created() -> None:
    with pytest.raises(TypeError, match=r"cannot create '_drgn\.Type' instances"):
        Type()


def test_incomplete(prog: Program) -> None:
    for type in (prog.struct_type("s"), prog.union_type("u"), prog.class_type("c")):
        assert not type.is_complete()
        assert type.members is None
        assert type.size is None
    enum = prog.enum_type("e")
    assert not enum.is_complete()
    assert enum.enumerators is None
    assert enum.type is None
    array = prog.array_type(prog.struct_type("s"))
    assert not array.is_complete()
    assert array.length is None
    # An array is complete when its length is known.
    assert prog.array_type(prog.struct_type("s"), 2).is_complete()
    assert not prog.typedef_type("t", prog.struct_type("s")).is_complete()
    assert not prog.typedef_type("t", prog.void_type()).is_complete()
    assert prog.struct_type("s", 0, ()).is_complete()
    assert prog.pointer_type(prog.void_type()).is_complete()


def test_template_parameters(prog: Program) -> None:
    integer = prog.int_type("int", 4, True)
    parameters = (TypeTemplateParameter(integer, "T"),)
    for type in (
        prog.struct_type("s", template_parameters=parameters),
        prog.function_type(integer, (), template_parameters=parameters),
    ):
        assert [parameter.name for parameter in type.template_parameters] == ["T"]


# Qualifiers and typedefs.


def test_qualified(prog: Program) -> None:
    integer = prog.int_type("int", 4, True)
    constant = integer.qualified(CONST)
    assert constant.qualifiers is CONST
    assert constant.name == "int"
    # They replace, they do not add.
    assert constant.qualified(VOLATILE).qualifiers is VOLATILE
    assert constant.unqualified() is integer
    assert integer.qualified(Qualifiers.NONE) is integer
    for wrong in (1, None, "const"):
        with pytest.raises(TypeError, match="expected Qualifiers, not"):
            integer.qualified(wrong)  # type: ignore[arg-type]


def test_unaliased(prog: Program) -> None:
    integer = prog.int_type("int", 4, True)
    inner = prog.typedef_type("b", integer.qualified(CONST), qualifiers=VOLATILE)
    outer = prog.typedef_type("a", inner)
    assert outer.unaliased() is integer.qualified(CONST | VOLATILE)
    assert inner.unaliased() is integer.qualified(CONST | VOLATILE)
    assert outer.unqualified() is outer
    restricted = outer.qualified(Qualifiers.RESTRICT)
    assert restricted.unaliased().qualifiers == (CONST | VOLATILE | Qualifiers.RESTRICT)
    assert integer.unaliased() is integer
    # Only what is at the top is replaced.
    pointer = prog.pointer_type(outer)
    assert pointer.unaliased() is pointer


# One definition is one Type.


def test_types_with_the_same_parts_are_one(prog: Program) -> None:
    integer = prog.int_type("int", 4, True)
    assert prog.int_type("int", 4, True) is integer
    assert prog.int_type("signed int", 4, True) is integer
    assert prog.int_type("int", 4, False) is not integer
    assert prog.int_type("int", 4, True, "big") is not integer
    assert prog.int_type("int", 4, True, qualifiers=CONST) is integer.qualified(CONST)
    assert prog.int_type("int", 4, True, language=Language.CPP) is not integer
    assert prog.void_type() is prog.void_type()
    assert prog.pointer_type(integer) is prog.pointer_type(integer, 8, "little")
    assert prog.pointer_type(integer) is not prog.pointer_type(integer.qualified(CONST))
    assert prog.array_type(integer, 2) is prog.array_type(integer, 2)
    assert prog.array_type(integer, 2) is not prog.array_type(integer)
    assert prog.typedef_type("t", integer) is prog.typedef_type("t", integer)


def test_structs_are_never_one(prog: Program) -> None:
    first = prog.struct_type("s", 0, ())
    second = prog.struct_type("s", 0, ())
    assert first is not second
    assert first != second
    assert prog.pointer_type(first) is prog.pointer_type(first)
    assert prog.pointer_type(first) != prog.pointer_type(second)
    assert {first: 1, second: 2}[first] == 1


def test_parts_are_reached_as_one(prog: Program) -> None:
    struct = prog.struct_type(
        "list", 8, (TypeMember(lambda: prog.pointer_type(struct), "next"),)
    )
    assert struct.member("next").type.type is struct
    assert prog.pointer_type(struct).type is struct
    assert struct.qualified(CONST).member("next").type is prog.pointer_type(struct)
    assert struct.qualified(CONST).unqualified() is struct


# Primitive types.

PRIMITIVES = [
    ("char", 1, None, PrimitiveType.C_CHAR),
    ("signed char", 1, True, PrimitiveType.C_SIGNED_CHAR),
    ("char signed", 1, True, PrimitiveType.C_SIGNED_CHAR),
    ("unsigned char", 1, False, PrimitiveType.C_UNSIGNED_CHAR),
    ("short", 2, True, PrimitiveType.C_SHORT),
    ("int short", 2, True, PrimitiveType.C_SHORT),
    ("signed short int", 2, True, PrimitiveType.C_SHORT),
    ("unsigned short", 2, False, PrimitiveType.C_UNSIGNED_SHORT),
    ("short  unsigned int", 2, False, PrimitiveType.C_UNSIGNED_SHORT),
    ("int", 4, True, PrimitiveType.C_INT),
    (" int", 4, True, PrimitiveType.C_INT),
    ("signed", 4, True, PrimitiveType.C_INT),
    ("unsigned", 4, False, PrimitiveType.C_UNSIGNED_INT),
    ("int unsigned", 4, False, PrimitiveType.C_UNSIGNED_INT),
    ("long", 8, True, PrimitiveType.C_LONG),
    ("int long", 8, True, PrimitiveType.C_LONG),
    ("long int unsigned", 8, False, PrimitiveType.C_UNSIGNED_LONG),
    ("long int long", 8, True, PrimitiveType.C_LONG_LONG),
    ("long unsigned long", 8, False, PrimitiveType.C_UNSIGNED_LONG_LONG),
]


@pytest.mark.parametrize(("name", "size", "signed", "primitive"), PRIMITIVES)
def test_primitive_integers(
    prog: Program, name: str, size: int, signed: bool | None, primitive: PrimitiveType
) -> None:
    for is_signed in (True, False):
        matches = signed is None or is_signed is signed
        # The size and the byte order do not matter.
        for type in (
            prog.int_type(name, size, is_signed),
            prog.int_type(name, 16, is_signed, "big", qualifiers=CONST),
        ):
            assert type.primitive is (primitive if matches else None)
    # The usual name is what it goes by.
    usual = prog.int_type(name, size, signed is not False)
    assert usual is prog.type(name) or primitive is PrimitiveType.C_CHAR
    assert usual.name == prog.type(" ".join(name.split())).name


@pytest.mark.parametrize(
    "name",
    [
        *("size_t", "ptrdiff_t", "_Bool", "foo", "__int128", "void", "double"),
        *("unsigned _Bool", "const int", "char int", "long long long", ""),
    ],
)
def test_other_integers_are_not_primitive(prog: Program, name: str) -> None:
    assert prog.int_type(name, 4, True).primitive is None
    assert prog.int_type(name, 4, False).primitive is None
    assert prog.int_type(name, 4, True).name == name


def test_primitives_of_other_kinds(prog: Program) -> None:
    integer = prog.int_type("int", 4, True)
    assert prog.void_type().primitive is PrimitiveType.C_VOID
    assert prog.bool_type("_Bool", 4).primitive is PrimitiveType.C_BOOL
    assert prog.bool_type("bool", 1).primitive is None
    assert prog.float_type("float", 8).primitive is PrimitiveType.C_FLOAT
    assert prog.float_type("double", 8).primitive is PrimitiveType.C_DOUBLE
    assert prog.float_type("double long", 16).primitive is PrimitiveType.C_LONG_DOUBLE
    assert prog.float_type("int", 4).primitive is None
    assert prog.typedef_type("size_t", integer).primitive is PrimitiveType.C_SIZE_T
    assert (
        prog.typedef_type("ptrdiff_t", prog.void_type()).primitive
        is PrimitiveType.C_PTRDIFF_T
    )
    assert prog.typedef_type("int", integer).primitive is None
    assert prog.struct_type("int").primitive is None
    assert prog.pointer_type(integer).primitive is None


# IPython.


class _Printer:
    def __init__(self) -> None:
        self.parts: list[str] = []

    def text(self, text: str) -> None:
        self.parts.append(text)


def test_repr_pretty(prog: Program) -> None:
    struct = prog.struct_type("s", 4, (TypeMember(prog.type("int"), "a"),))
    printer = _Printer()
    struct._repr_pretty_(printer, False)
    struct._repr_pretty_(printer, True)
    assert printer.parts == ["struct s {\n\tint a;\n}", "..."]
