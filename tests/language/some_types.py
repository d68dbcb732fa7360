"""Types that the tables of texts start from."""

from __future__ import annotations

from typing import Any

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


def found_types() -> dict[str, Any]:
    """A program that knows ``foo_t``, ``struct foo``, ``union u`` and ``enum e``."""
    p = Program(Platform(Architecture.X86_64))
    integer = p.int_type("int", 4, True)
    types = {
        "foo_t": p.typedef_type("foo_t", integer),
        "foo": p.struct_type("foo", 0, ()),
        "u": p.union_type("u", 0, ()),
        "e": p.enum_type("e"),
        "const_t": p.typedef_type("const_t", integer, qualifiers=Qualifiers.CONST),
    }

    def find(prog: Program, kinds: Any, name: str, filename: Any) -> Any:
        found = types.get(name)
        if found is None or found.kind not in kinds:
            return None
        return found if filename in (None, "foo.c") else None

    p.register_type_finder("test", find, enable_index=0)
    return {"p": p}
