"""Lookups of type names: finders, primitive types, platforms."""

from __future__ import annotations

from typing import Any

import pytest

from drgn import (
    Architecture,
    Language,
    Platform,
    PlatformFlags,
    PrimitiveType,
    Program,
    Type,
    TypeKind,
    TypeKindSet,
)

KINDS = {
    "struct s": (TypeKindSet({TypeKind.STRUCT}), "s"),
    "const union s *": (TypeKindSet({TypeKind.UNION}), "s"),
    "enum s [2]": (TypeKindSet({TypeKind.ENUM}), "s"),
    "s": (TypeKindSet({TypeKind.TYPEDEF}), "s"),
    "int": (TypeKindSet({TypeKind.INT}), "int"),
    "_Bool *": (TypeKindSet({TypeKind.BOOL}), "_Bool"),
    "double": (TypeKindSet({TypeKind.FLOAT}), "double"),
    "size_t": (TypeKindSet({TypeKind.TYPEDEF}), "size_t"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_finders_are_asked(name: str) -> None:
    prog = Program(Platform(Architecture.X86_64))
    asked = []

    def find(prog: Program, kinds: TypeKindSet, name: str, filename: Any) -> None:
        asked.append((kinds, name))

    prog.register_type_finder("test", find, enable_index=0)
    try:
        prog.type(name)
    except LookupError:
        pass
    assert asked[0] == KINDS[name]


# Primitive types that finders know, and the platform's own.


def program_with(platform: Platform | None, **sizes: int) -> Program:
    """A program in which integers have these sizes."""
    prog = Program(platform)

    def find(prog: Program, kinds: TypeKindSet, name: str, filename: Any) -> Any:
        size = sizes.get(name.replace(" ", "_"))
        if size is None or TypeKind.INT not in kinds:
            return None
        return prog.int_type(name, size, not name.startswith("unsigned"))

    prog.register_type_finder("test", find, enable_index=0)
    return prog


X86_64 = Platform(Architecture.X86_64)


def test_finders_know_primitive_types() -> None:
    prog = program_with(X86_64, long=4, int=8, long_unsigned_int=2)
    assert prog.type("long").size == 4
    assert prog.type("signed int").size == 8
    # A name that contradicts the signedness is another type's.
    assert prog.type("unsigned long").size == 8
    assert prog.type("short").size == 2


def test_plain_char_is_what_finders_say() -> None:
    prog = Program(X86_64)
    prog.register_type_finder(
        "test",
        lambda prog, kinds, name, filename: (
            prog.int_type("char", 1, False) if name == "char" else None
        ),
        enable_index=0,
    )
    assert prog.type("char").is_signed is False
    assert Program(X86_64).type("char").is_signed is True


def test_size_t_has_the_size_of_an_address() -> None:
    def underlying(name: str, **sizes: int) -> str:
        return program_with(X86_64, **sizes).type(name).type.name

    assert underlying("size_t") == "unsigned long"
    assert underlying("size_t", unsigned_long=4) == "unsigned long long"
    assert (
        underlying("size_t", unsigned_long=4, unsigned_long_long=4, unsigned_int=8)
        == "unsigned int"
    )
    assert underlying("ptrdiff_t", long=16) == "long long"
    assert underlying("ptrdiff_t", long=4, long_long=4, int=8) == "int"
    for name, word in (("size_t", "unsigned_"), ("ptrdiff_t", "")):
        sizes = {f"{word}long": 4, f"{word}long_long": 4}
        with pytest.raises(ValueError, match=f"no suitable integer type for {name}"):
            underlying(name, **sizes)


def test_size_t_of_a_finder() -> None:
    prog = Program(X86_64)
    found = prog.typedef_type("size_t", prog.int_type("unsigned int", 4, False))
    prog.register_type_finder(
        "test",
        lambda prog, kinds, name, filename: (
            found if name == "size_t" and TypeKind.TYPEDEF in kinds else None
        ),
        enable_index=0,
    )
    assert prog.type("size_t") is found
    assert found.primitive is PrimitiveType.C_SIZE_T


SIZES_32 = {
    "char": 1,
    "short": 2,
    "int": 4,
    "long": 4,
    "long long": 8,
    "void *": 4,
    "float": 4,
    "double": 8,
    "long double": 16,
    "_Bool": 1,
}
SIZES_64 = {**SIZES_32, "long": 8, "void *": 8}


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [
        (Architecture.X86_64, SIZES_64),
        (Architecture.AARCH64, SIZES_64),
        (Architecture.S390X, SIZES_64),
        (Architecture.I386, SIZES_32),
        (Architecture.ARM, SIZES_32),
    ],
)
def test_defaults_of_the_platform(
    architecture: Architecture, sizes: dict[str, int]
) -> None:
    platform = Platform(architecture)
    prog = Program(platform)
    for name, size in sizes.items():
        type = prog.type(name)
        assert type.size == size
        assert type.language is Language.C
        big = not platform.flags & PlatformFlags.IS_LITTLE_ENDIAN
        assert type.byteorder == ("big" if big else "little")
    assert str(prog.type("size_t")) == "typedef unsigned long size_t"
    assert str(prog.type("ptrdiff_t")) == "typedef long ptrdiff_t"


def test_no_platform() -> None:
    prog = Program()
    assert prog.type("void").kind is TypeKind.VOID
    for name in ("int", "char", "_Bool", "int [2]"):
        with pytest.raises(ValueError, match="program byte order is not known"):
            prog.type(name)
    for name in ("long", "size_t", "void *"):
        with pytest.raises(ValueError, match="program address size is not known"):
            prog.type(name)


# Whole names.


def test_type_of_a_type() -> None:
    prog = Program(X86_64)
    integer = prog.type("int")
    assert prog.type(integer) is integer
    assert prog.type(integer, "foo.c") is integer
    assert prog.type(name="int") is integer
    with pytest.raises(ValueError, match="type is from different program"):
        Program(X86_64).type(integer)


def test_finders_may_change_their_mind() -> None:
    prog = Program(X86_64)
    answers = [prog.struct_type("s"), prog.struct_type("s", 0, ())]
    prog.register_type_finder(
        "test", lambda prog, kinds, name, filename: answers.pop(0), enable_index=0
    )
    assert not prog.type("struct s").is_complete()
    assert prog.type("struct s").is_complete()


def test_names_are_parsed_to_the_same_types() -> None:
    prog = Program(X86_64)
    for name in ("int", "const char *[2]", "int (*)[2]", "size_t * const", "void **"):
        type = prog.type(name)
        assert isinstance(type, Type)
        assert prog.type(type.type_name()) is type


def test_nesting_does_not_recurse() -> None:
    prog = Program(X86_64)
    deep = 5000
    pointer = prog.type("int " + "*" * deep)
    with pytest.raises(RecursionError, match="maximum type depth exceeded"):
        str(pointer)
    name = "int " + "(" * deep + "*" + ")" * deep
    assert prog.type(name) is prog.type("int *")
    with pytest.raises(SyntaxError, match=r"expected '\)'"):
        prog.type("int " + "(*" * deep)
