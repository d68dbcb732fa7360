"""``printf``, ``echo`` and ``eval``."""

from __future__ import annotations

import re

from drgn import TypeKind

from .errors import error
from .evaluate import parse, value_of
from .lexer import tokens, unescape
from .session import Session
from .types import Type
from .value import Value, characters, number

_SPEC = re.compile(r"%([-+ #0]*)(\d*)(?:\.(\d+))?(hh|h|ll|l|j|z|t|L)?([a-zA-Z%])")

_DIGITS = 6
"""Of a width or a precision, at most."""


def formatted(session: Session, text: str) -> str:
    """What ``printf TEXT`` prints: a format in quotes, and expressions."""
    text = text.strip()
    if not text:
        raise error("Argument required (format-control string and values to print).")
    first = tokens(text)[0] if text.startswith('"') else None
    if first is None or first.kind != "string":
        raise error("Bad format string")
    pattern = first.text[1:-1]
    rest = text[first.end :].strip()
    if rest and not rest.startswith(","):
        raise error("Invalid argument syntax")
    values = _values(session, rest[1:]) if rest else []
    return _fill(unescape(pattern).decode("utf-8", "replace"), values)


def _values(session: Session, text: str) -> list[Value]:
    tree = parse(session, text)
    found = []
    while tree[0] == "comma":
        found.append(tree[2])
        tree = tree[1]
    found.append(tree)
    return [value_of(session, each) for each in reversed(found)]


def _fill(pattern: str, values: list[Value]) -> str:
    wanted = [match[5] for match in _SPEC.finditer(pattern) if match[5] != "%"]
    if len(wanted) != len(values):
        raise error("Wrong number of arguments for specified format-string")
    rest = iter(values)

    def one(match: re.Match[str]) -> str:
        flags, width, precision, length, letter = match.groups()
        if letter == "%":
            return "%"
        if len(width) > _DIGITS or len(precision or "") > _DIGITS:
            raise error(f"Field of the format is too wide: {match[0]}")
        precision = "" if precision is None else f".{precision}"
        return _one(flags, width, precision, length or "", letter, next(rest))

    return _SPEC.sub(one, pattern)


def _one(
    flags: str, width: str, precision: str, length: str, letter: str, value: Value
) -> str:
    start = f"%{flags}{width}"
    if letter == "s":
        limit = int(precision[1:]) if precision else None
        return f"{start}{precision}s" % _string(value, limit)
    if letter == "c":
        return f"{start}c" % chr(number(value._obj) & 255)
    if letter == "p":
        address = number(value._obj)
        return f"{start}s" % (f"{address:#x}" if address else "(nil)")
    if letter in "aAeEfFgG":
        return f"{start}{precision}{letter}" % float(value)
    if letter in "diuxXo":
        size = {"": 4, "h": 4, "hh": 4}.get(length, 8)
        bits = number(value._obj) & ((1 << size * 8) - 1)
        if letter in "di" and bits >> (size * 8 - 1):
            bits -= 1 << size * 8
        letter = "d" if letter in "iu" else letter
        if letter == "o" and "#" in flags:
            return f"%{flags.replace('#', '')}{width}s" % (f"0{bits:o}")
        return f"{start}{precision}{letter}" % bits
    raise error(f"Unrecognized format specifier '{letter}' in printf")


def _string(value: Value, limit: int | None) -> str:
    obj = value._obj
    kind = obj.type_.unaliased_kind()
    if kind is TypeKind.POINTER and not number(obj):
        return "(null)"
    if kind is TypeKind.INT:
        value = value.cast(Type(obj.prog_.pointer_type(obj.prog_.type("char"))))
    elif kind not in (TypeKind.ARRAY, TypeKind.POINTER):
        raise error(f"Value has type {value.type}, not a string.")
    elif kind is TypeKind.POINTER and limit is not None:
        # Up to there memory must be readable, and not beyond.
        data = characters(value, limit)
        return data.partition(b"\0")[0].decode("utf-8", "replace")
    return characters(value).decode("utf-8", "replace")


def echoed(text: str) -> str:
    """What ``echo TEXT`` prints: escapes are what they stand for."""
    if text.endswith("\\"):
        text = text[:-1]
    return unescape(text.replace("\\ ", " ")).decode("utf-8", "replace")
