"""``ptype`` and ``whatis``: types in the words of a declaration."""

from __future__ import annotations

from typing import Any

import drgn
from drgn import TypeKind
from drgn.target import is_scoped

from .errors import error
from .evaluate import parse
from .names import qualifiers_text, tag_of, type_text
from .session import Session
from .static import static_type
from .types import Type, enumerator_name, size_of

_COMPOUND = {
    TypeKind.STRUCT: "struct",
    TypeKind.UNION: "union",
    TypeKind.CLASS: "class",
}
_HEAD = "/* offset      |    size */  "
_MARGIN = " " * 27
"""As wide as the offset and the size before a member."""


def whatis(session: Session, text: str) -> str:
    """The line of ``whatis``: of a typedef, what it stands for by one step.

    Raises ``gdb.error``.
    """
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
    """What ``ptype`` prints; with ``/o``, where members are. Raises ``gdb.error``."""
    flags, rest = _without_flags(text)
    if not rest:
        raise error("Argument required (expression to compute).")
    type_ = static_type(session, rest)
    if "o" not in flags:
        return f"type = {expanded(type_)}\n"
    hexadecimal = bool(session.settings["print type hex"])
    for letter in flags:
        hexadecimal = {"x": True, "d": False}.get(letter, hexadecimal)
    head = _HEAD if type_.kind in _COMPOUND else ""
    return f"{head}type = {expanded(type_, Offsets(hexadecimal))}\n"


def _without_flags(text: str) -> tuple[str, str]:
    """The letters behind a slash, and the rest. Raises ``gdb.error``."""
    text = text.strip()
    if not text.startswith("/"):
        return "", text
    flags, _, rest = text[1:].partition(" ")
    for letter in flags:
        if letter not in "rmMtTodxs":
            raise error(f"unrecognized flag '{letter}'")
    if not rest:
        raise error("expected space after format")
    return flags, rest.strip()


class Offsets:
    """What ``ptype/o`` has at the left, as the members of a structure go by."""

    def __init__(self, hexadecimal: bool, start: int = 0) -> None:
        self._hexadecimal = hexadecimal
        self._start = start
        """Where the structure begins in that which is printed, in bits."""
        self._end = 0
        """Where the last member ended in the structure, in bits."""

    def inside(self, field: Any, expanded: bool) -> Offsets:
        """Those of a member; they count from it if it is not of this structure."""
        start = self._start + field.bitpos if expanded else 0
        return Offsets(self._hexadecimal, start)

    def before(self, parent: drgn.Type, field: Any) -> str:
        """What is before a member, with the line of a hole that it ends."""
        if field._is_static:
            return _MARGIN
        size = size_of(field.type._type)
        shown = f"{size:#06x}" if self._hexadecimal else str(size)
        if parent.kind is TypeKind.UNION:
            return f"/*{shown:>22} */"
        hole = self._gap(field.bitpos, "hole")
        self._end = field.bitpos + (field.bitsize or 8 * size)
        byte, bit = divmod(self._start + field.bitpos, 8)
        place = f"{byte:#06x}" if self._hexadecimal else str(byte)
        of_bits = ""
        if field.bitsize:
            of_bits = f": {bit:#x}" if self._hexadecimal else f": {bit}"
        return f"{hole}/*{place:>7}{of_bits:<6}|{shown:>8} */"

    def end(self, type_: drgn.Type, indent: int) -> str:
        """The lines before the end of a structure."""
        size = size_of(type_)
        padding = "" if type_.kind is TypeKind.UNION else self._gap(8 * size, "padding")
        margin = _MARGIN + " " * (indent + 4)
        return f"{padding}\n{margin}/* total size (bytes): {size:4} */\n"

    def _gap(self, position: int, what: str) -> str:
        if not 0 < self._end < position:
            return ""
        octets, bits = divmod(position - self._end, 8)
        gaps = (bits, "bit"), (octets, "byte")
        return "".join(
            f"/* XXX {gap:2}-{f'{unit} {what}':<15}*/\n" for gap, unit in gaps if gap
        )


def expanded(type_: drgn.Type, offsets: Offsets | None = None) -> str:
    """A type with the body of the structure that it is about."""
    inner = _base(Type(type_).strip_typedefs()._type)
    base = Type(inner).strip_typedefs()._type
    outer = Type(type_).strip_typedefs()._type
    return type_text(outer, base=_body(base, 0, 1, offsets))


def _base(type_: drgn.Type) -> drgn.Type:
    """What pointers point to, arrays have elements of, functions return."""
    while type_.kind in (TypeKind.POINTER, TypeKind.ARRAY, TypeKind.FUNCTION):
        type_ = type_.type
    return type_


def _body(type_: drgn.Type, indent: int, show: int, offsets: Offsets | None) -> str:
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
    fields = Type(type_).fields()
    bases = [f"public {field.type.name}" for field in fields if field.is_base_class]
    if bases:
        head += " : " + ", ".join(bases)
    space = " " * indent
    lines = []
    for field in fields:
        if field.is_base_class or field.artificial:
            continue
        before = "" if offsets is None else offsets.before(type_, field)
        if field._is_static:
            text = type_text(field.type._type, field.name)
            lines.append(f"{before}{space}    static {text};\n")
            continue
        text = _member(field, indent, show, offsets)
        lines.append(f"{before}{space}    {text};\n")
    margin = "" if offsets is None else _MARGIN
    if not lines:
        what = "incomplete type" if type_.members is None else "no data fields"
        lines.append(f"{margin}{space}    <{what}>\n")
    if offsets is not None:
        if show > 0:
            lines.append(offsets.end(type_, indent))
        if not indent:
            margin += "  "
    return f"{head} {{\n{''.join(lines)}{margin}{space}}}"


def _member(field: Any, indent: int, show: int, offsets: Offsets | None) -> str:
    """A member's declaration; where offsets are shown, with its own members'."""
    type_: drgn.Type = field.type._type
    inner = None
    show -= 1
    if offsets is not None:
        is_expanded = type_.kind in _COMPOUND
        inner = offsets.inside(field, is_expanded)
        show += is_expanded
    base = _body(_base(type_), indent + 4, show, inner)
    text = type_text(type_, field.name or "", base)
    return f"{text} : {field.bitsize}" if field.bitsize else text


def _enum_body(type_: drgn.Type, show: int) -> str:
    if show <= 0 and type_.tag is not None:
        return type_text(type_)
    cplus = type_.language.name != "C"
    head = "enum class" if cplus and is_scoped(type_) else "enum"
    if type_.tag is not None:
        head += f" {tag_of(type_)}"
    if show < 0:
        return head + " {...}"
    if cplus and type_.type is not None:
        head += f" : {type_.type.name}"
    parts, expected = [], 0
    for each in type_.enumerators or ():
        name = enumerator_name(type_, each.name)
        parts.append(name if each.value == expected else f"{name} = {each.value}")
        expected = each.value + 1
    return f"{head} {{{', '.join(parts)}}}"
