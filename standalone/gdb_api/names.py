"""The names of types as GDB prints them."""

from __future__ import annotations

import drgn
from drgn import Qualifiers, TypeKind
from drgn.target import is_prototyped, qualified_name

_KEYWORDS = {
    TypeKind.STRUCT: "struct",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
    TypeKind.ENUM: "enum",
}


def tag_of(type_: drgn.Type) -> str | None:
    """A structure's or enumeration's name, with its namespaces."""
    if type_.tag is None:
        return None
    if type_.language.name == "C":
        return type_.tag
    return qualified_name(type_.unqualified()) or type_.tag


def qualifiers_text(type_: drgn.Type) -> str:
    """``const``, ``volatile``, both or nothing."""
    words = []
    if type_.qualifiers & Qualifiers.CONST:
        words.append("const")
    if type_.qualifiers & Qualifiers.VOLATILE:
        words.append("volatile")
    return " ".join(words)


def base_text(type_: drgn.Type) -> str:
    """The name of a type that is no pointer, array or function."""
    kind = type_.kind
    if kind in _KEYWORDS:
        from .session import current

        keyword = "" if current().is_cplus() else _KEYWORDS[kind] + " "
        tag = tag_of(type_)
        if tag is None:
            text = f"{_KEYWORDS[kind]} {{...}}"
        else:
            text = keyword + tag
    elif kind is TypeKind.VOID:
        text = "void"
    else:
        text = type_.name
    qualifiers = qualifiers_text(type_)
    return f"{qualifiers} {text}" if qualifiers else text


def type_text(type_: drgn.Type, name: str = "", base: str | None = None) -> str:
    """A type around a name, as in a declaration; ``base`` is instead of its base's."""
    before, behind = "", ""
    inner = type_
    while True:
        kind = inner.kind
        if kind is TypeKind.POINTER:
            qualifiers = qualifiers_text(inner)
            star = f"* {qualifiers}" if qualifiers else "*"
            if qualifiers and (before or name):
                star += " "
            before = star + before
            inner = inner.type
            if inner.kind in (TypeKind.ARRAY, TypeKind.FUNCTION):
                before, behind = "(" + before, behind + ")"
        elif kind is TypeKind.ARRAY:
            part = f"[{'' if inner.length is None else inner.length}]"
            behind += part
            inner = inner.type
        elif kind is TypeKind.FUNCTION:
            behind += _parameters(inner)
            inner = inner.type
        else:
            break
    text = base_text(inner) if base is None else base
    around = before + name + behind
    return f"{text} {around}" if around else text


def _parameters(type_: drgn.Type) -> str:
    words = [type_text(each.type) for each in type_.parameters]
    if type_.is_variadic:
        if words:
            words.append("...")
    elif not words and is_prototyped(type_):
        words.append("void")
    return f"({', '.join(words)})"
