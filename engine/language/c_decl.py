"""Types as text: names, declarations and definitions in the syntax of C."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..types.kinds import Qualifiers, TypeKind

if TYPE_CHECKING:
    from ..types.parts import TypeMember
    from ..types.type import Type

_QUALIFIERS = (
    (Qualifiers.CONST.value, "const"),
    (Qualifiers.VOLATILE.value, "volatile"),
    (Qualifiers.RESTRICT.value, "restrict"),
    (Qualifiers.ATOMIC.value, "_Atomic"),
)
_KEYWORDS = {
    TypeKind.STRUCT: "struct",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
    TypeKind.ENUM: "enum",
}
_POINTER = TypeKind.POINTER
_ARRAY = TypeKind.ARRAY
_FUNCTION = TypeKind.FUNCTION
_INDENT = "\t"
_NONE = Qualifiers.NONE
_MAX_NESTING = 200
_MAX_DEPTH = 1000
_TOO_DEEP = "maximum type depth exceeded"


def type_name(type: Type) -> str:
    """The name of ``type``, such as ``int (*)[2]``."""
    base, declarator = _declarator(type, None)
    return _join(_base_name(base), declarator)


def declaration(type: Type, name: str) -> str:
    """The declaration of a variable ``name``; an unnamed struct is written out.

    An empty name is a name, with a space before it.
    """
    return _declare(type, name, "")


def definition(type: Type) -> str:
    """The definition of ``type``, its name if it has none or is incomplete."""
    if type.is_complete():
        kind = type.kind
        if kind is TypeKind.TYPEDEF:
            aliased = declaration(type.type, type.name)
            return f"{_qualifiers(type)}typedef {aliased}"
        if kind in _KEYWORDS:
            return _body(type, "")
    return type_name(type)


def _qualifiers(type: Type) -> str:
    """The qualifiers of ``type``, each with a space after it."""
    qualifiers = type.qualifiers
    if qualifiers is _NONE:
        return ""
    value = qualifiers.value
    return "".join(f"{word} " for bit, word in _QUALIFIERS if value & bit)


def _join(base: str, declarator: str | None) -> str:
    return base if declarator is None else f"{base} {declarator}"


def _base_name(type: Type) -> str:
    """The name of a type that is no pointer, array or function."""
    kind = type.kind
    keyword = _KEYWORDS.get(kind)
    if keyword is not None:
        tag = type.tag
        if tag is None:
            name = f"{keyword} <anonymous>"
        elif type.language._is_cpp:
            name = tag
        else:
            name = f"{keyword} {tag}"
    elif kind is TypeKind.VOID:
        name = "void"
    else:
        name = type.name
    return _qualifiers(type) + name


def _declarator(type: Type, declarator: str | None) -> tuple[Type, str | None]:
    """Unwind pointers, arrays and functions around ``declarator``, None for no name.

    Returns the type beneath them, and what is declared to be of it.
    """
    kind = type.kind
    for _ in range(_MAX_DEPTH + 1):
        if kind is _POINTER:
            qualifiers = _qualifiers(type)
            if not qualifiers:
                declarator = f"*{declarator or ''}"
            elif declarator is None:
                declarator = f"* {qualifiers[:-1]}"
            else:
                declarator = f"* {qualifiers}{declarator}"
            type = type.type
            kind = type.kind
            if kind is _ARRAY or kind is _FUNCTION:
                declarator = f"({declarator})"
        elif kind is _ARRAY:
            length = type.length
            dimension = "[]" if length is None else f"[{length}]"
            declarator = f"{declarator or ''}{dimension}"
            type = type.type
            kind = type.kind
        elif kind is _FUNCTION:
            declarator = f"{declarator or ''}{_parameters(type)}"
            type = type.type
            kind = type.kind
        else:
            return type, declarator
    raise RecursionError(_TOO_DEEP)


def _parameters(type: Type) -> str:
    """The parameters of a function type in parentheses."""
    parts = []
    for parameter in type.parameters:
        base, declarator = _declarator(parameter.type, parameter.name or None)
        parts.append(_join(_base_name(base), declarator))
    if not parts:
        return "()" if type.is_variadic else "(void)"
    if type.is_variadic:
        parts.append("...")
    return f"({', '.join(parts)})"


def _declare(type: Type, name: str | None, indent: str) -> str:
    """The declaration of ``name``, whose first line is indented by the caller."""
    if type.kind in _KEYWORDS and type.tag is None:
        return _join(_body(type, indent), name)
    base, declarator = _declarator(type, name)
    return _join(_base_name(base), declarator)


def _body(type: Type, indent: str) -> str:
    """A struct, union, class or enum with what is between its braces."""
    keyword = _KEYWORDS[type.kind]
    tag = type.tag
    opening = f"{keyword} {{" if tag is None else f"{keyword} {tag} {{"
    inner = indent + _INDENT
    if len(inner) > _MAX_NESTING:
        raise RecursionError(_TOO_DEEP)
    lines = [_qualifiers(type) + opening]
    if type.kind is TypeKind.ENUM:
        enumerators = type.enumerators
        if enumerators is None:
            raise ValueError("cannot get definition of incomplete enum type")
        lines.extend(f"{inner}{name} = {value}," for name, value in enumerators)
    else:
        members = type.members
        if members is None:
            raise ValueError("cannot get definition of incomplete compound type")
        lines.extend(_members(members, inner))
    lines.append(indent + "}")
    return "\n".join(lines)


def _members(members: Sequence[TypeMember], indent: str) -> list[str]:
    lines = []
    for member in members:
        type = member.type
        name = member.name
        if name is None and type.kind is _FUNCTION:
            raise ValueError("function must have name")
        text = _declare(type, name or None, indent)
        bits = member.bit_field_size
        suffix = "" if bits is None else f" : {bits}"
        lines.append(f"{indent}{text}{suffix};")
    return lines
