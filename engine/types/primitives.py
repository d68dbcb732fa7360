"""Primitive types of C: how they are spelled and what they are by default."""

from __future__ import annotations

from itertools import permutations

from .kinds import PrimitiveType, TypeKind

_P = PrimitiveType
# The words of every primitive type, without the ones that may be left out.
_WORDS: dict[PrimitiveType, tuple[str, ...]] = {
    _P.C_CHAR: ("char",),
    _P.C_SIGNED_CHAR: ("signed", "char"),
    _P.C_UNSIGNED_CHAR: ("unsigned", "char"),
    _P.C_SHORT: ("short",),
    _P.C_UNSIGNED_SHORT: ("unsigned", "short"),
    _P.C_INT: ("int",),
    _P.C_UNSIGNED_INT: ("unsigned", "int"),
    _P.C_LONG: ("long",),
    _P.C_UNSIGNED_LONG: ("unsigned", "long"),
    _P.C_LONG_LONG: ("long", "long"),
    _P.C_UNSIGNED_LONG_LONG: ("unsigned", "long", "long"),
    _P.C_BOOL: ("_Bool",),
    _P.C_FLOAT: ("float",),
    _P.C_DOUBLE: ("double",),
    _P.C_LONG_DOUBLE: ("long", "double"),
}
_SIGNED_INTEGERS = (_P.C_SHORT, _P.C_INT, _P.C_LONG, _P.C_LONG_LONG)
_UNSIGNED_INTEGERS = (
    _P.C_UNSIGNED_SHORT,
    _P.C_UNSIGNED_INT,
    _P.C_UNSIGNED_LONG,
    _P.C_UNSIGNED_LONG_LONG,
)


def _spellings(primitive: PrimitiveType, words: tuple[str, ...]) -> tuple[str, ...]:
    """All names of ``primitive``, the usual ones first."""
    if primitive is _P.C_INT:
        return ("int", "signed", "signed int", "int signed")
    if primitive is _P.C_UNSIGNED_INT:
        return ("unsigned int", "int unsigned", "unsigned")
    variants = [words]
    if primitive in _SIGNED_INTEGERS:
        variants += [
            ("signed", *words),
            (*words, "int"),
            ("signed", *words, "int"),
        ]
    elif primitive in _UNSIGNED_INTEGERS:
        variants.append((*words, "int"))
    ordered: dict[str, None] = {}
    for variant in variants:
        for permutation in permutations(variant):
            ordered[" ".join(permutation)] = None
    return tuple(ordered)


SPELLINGS = {
    primitive: _spellings(primitive, words) for primitive, words in _WORDS.items()
}
"""The names that debugging information may have for a primitive type."""

BY_SPELLING = {
    spelling: primitive
    for primitive, spellings in SPELLINGS.items()
    for spelling in spellings
}
"""Which primitive type a name with single spaces is."""

_SIGNED = (_P.C_SIGNED_CHAR, *_SIGNED_INTEGERS)
_UNSIGNED = (_P.C_UNSIGNED_CHAR, *_UNSIGNED_INTEGERS)
SIGNEDNESS = dict.fromkeys(_SIGNED, True) | dict.fromkeys(_UNSIGNED, False)
"""Whether an integer is signed; plain char, which may be both, is not here."""

# Size in bytes, None for that of an address.
DEFAULT_SIZES: dict[PrimitiveType, int | None] = {
    _P.C_CHAR: 1,
    _P.C_SIGNED_CHAR: 1,
    _P.C_UNSIGNED_CHAR: 1,
    _P.C_SHORT: 2,
    _P.C_UNSIGNED_SHORT: 2,
    _P.C_INT: 4,
    _P.C_UNSIGNED_INT: 4,
    _P.C_LONG: None,
    _P.C_UNSIGNED_LONG: None,
    _P.C_LONG_LONG: 8,
    _P.C_UNSIGNED_LONG_LONG: 8,
    _P.C_BOOL: 1,
    _P.C_FLOAT: 4,
    _P.C_DOUBLE: 8,
    _P.C_LONG_DOUBLE: 16,
}
"""The sizes of types that no type finder knows."""

TYPEDEFS = {_P.C_SIZE_T: "size_t", _P.C_PTRDIFF_T: "ptrdiff_t"}
"""Primitive types that are typedefs."""

BY_TYPEDEF = {name: primitive for primitive, name in TYPEDEFS.items()}

ADDRESS_SIZED = {
    _P.C_SIZE_T: (_P.C_UNSIGNED_LONG, _P.C_UNSIGNED_LONG_LONG, _P.C_UNSIGNED_INT),
    _P.C_PTRDIFF_T: (_P.C_LONG, _P.C_LONG_LONG, _P.C_INT),
}
"""What a typedef may be of: the first that has the size of an address."""


def kind_of(primitive: PrimitiveType) -> TypeKind:
    """The kind of the types that are ``primitive``."""
    if primitive is _P.C_VOID:
        return TypeKind.VOID
    if primitive in TYPEDEFS:
        return TypeKind.TYPEDEF
    if primitive is _P.C_BOOL:
        return TypeKind.BOOL
    if primitive in (_P.C_FLOAT, _P.C_DOUBLE, _P.C_LONG_DOUBLE):
        return TypeKind.FLOAT
    return TypeKind.INT


def primitive_by_name(
    kind: TypeKind, name: str, is_signed: bool | None
) -> PrimitiveType | None:
    """Which primitive type a type of this kind and name is."""
    if kind is TypeKind.TYPEDEF:
        return BY_TYPEDEF.get(name)
    primitive = BY_SPELLING.get(name)
    if primitive is None:
        primitive = BY_SPELLING.get(" ".join(name.split()))
        if primitive is None:
            return None
    if kind_of(primitive) is not kind:
        return None
    signed = SIGNEDNESS.get(primitive)
    if signed is not None and signed is not is_signed:
        return None
    return primitive


def canonical_name(kind: TypeKind, name: str, is_signed: bool | None) -> str:
    """The usual name of a primitive type: compilers differ in the order of words.

    Other names are returned as they are.
    """
    primitive = primitive_by_name(kind, name, is_signed)
    return name if primitive is None else SPELLINGS[primitive][0]
