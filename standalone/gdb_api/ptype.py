"""``ptype`` and ``whatis``: types in the words of a declaration."""

from __future__ import annotations

from typing import Any

import drgn
from drgn import TypeKind

from .errors import error
from .evaluate import parse, static_type
from .names import qualifiers_text, tag_of, type_text
from .session import Session
from .types import Type, enumerator_name

_COMPOUND = {
    TypeKind.STRUCT: "struct",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
}


def whatis(session: Session, text: str) -> str:
    """The line of ``whatis``: of a typedef, what it stands for by one step."""
    rest = _without_flags(text)[1]
    tree = parse(session, rest)
    if tree[0] == "type":
        type_ = tree[1]
        if type_.kind is TypeKind.TYPEDEF:
            type_ = type_.type.qualified(type_.qualifiers | type_.type.qualifiers)
    else:
        type_ = static_type(session, rest)
    return f"type = {type_text(type_)}\n"


def ptype(session: Session, text: str) -> str:
    """What ``ptype`` prints."""
    flags, rest = _without_flags(text)
    if not rest:
        raise error("Argument required (expression to compute).")
    type_ = static_type(session, rest)
    if "o" in flags:
        raise error("ptype/o is not there: offsetof() of the prompt tells offsets.")
    return f"type = {expanded(type_)}\n"


def _without_flags(text: str) -> tuple[str, str]:
    text = text.strip()
    if not text.startswith("/"):
        return "", text
    flags, _, rest = text[1:].partition(" ")
    for letter in flags:
        if letter not in "rmMtTodxs":
            raise error(f"unrecognized flag '{letter}'")
    return flags, rest.strip()


def expanded(type_: drgn.Type) -> str:
    """A type with the body of the structure that it is about."""
    inner = _base(Type(type_).strip_typedefs()._type)
    base = Type(inner).strip_typedefs()._type
    outer = Type(type_).strip_typedefs()._type
    return type_text(outer, base=body(base, 0, 1))


def _base(type_: drgn.Type) -> drgn.Type:
    while type_.kind in (TypeKind.POINTER, TypeKind.ARRAY, TypeKind.FUNCTION):
        type_ = type_.type
    return type_


def body(type_: drgn.Type, indent: int, show: int) -> str:
    """A type with its members, if ``show`` levels of them are to be seen."""
    kind = type_.kind
    if kind is TypeKind.ENUM:
        return _enum_body(type_, show)
    if kind not in _COMPOUND:
        return type_text(type_)
    tag = tag_of(type_)
    if show <= 0 and tag is not None:
        return type_text(type_)
    words = (qualifiers_text(type_), _COMPOUND[kind], tag)
    head = " ".join(word for word in words if word)
    if show < 0:
        return head + " {...}"
    if type_.members is None:
        return f"{head} {{\n{' ' * (indent + 4)}<incomplete type>\n{' ' * indent}}}"
    fields = Type(type_).fields()
    bases = [f"public {field.type.name}" for field in fields if field.is_base_class]
    if bases:
        head += " : " + ", ".join(bases)
    lines = []
    for field in fields:
        if field.is_base_class or field.artificial:
            continue
        lines.append(f"{' ' * (indent + 4)}{member_text(field, indent, show)};\n")
    if not lines:
        lines.append(" " * (indent + 4) + "<no data fields>\n")
    return f"{head} {{\n{''.join(lines)}{' ' * indent}}}"


def member_text(field: Any, indent: int, show: int) -> str:
    """A member's declaration."""
    type_: drgn.Type = field.type._type
    base = body(_base(type_), indent + 4, show - 1)
    text = type_text(type_, field.name or "", base)
    return f"{text} : {field.bitsize}" if field.bitsize else text


def _enum_body(type_: drgn.Type, show: int) -> str:
    if show <= 0 and type_.tag is not None:
        return type_text(type_)
    head = "enum" if type_.tag is None else f"enum {tag_of(type_)}"
    if show < 0:
        return head + " {...}"
    parts, expected = [], 0
    for each in type_.enumerators or ():
        name = enumerator_name(type_, each.name)
        parts.append(name if each.value == expected else f"{name} = {each.value}")
        expected = each.value + 1
    return f"{head} {{{', '.join(parts)}}}"
