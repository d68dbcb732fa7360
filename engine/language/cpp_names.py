"""Names of C++: namespaces and templates."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[ \t\n\r\v\f]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ANONYMOUS_NAMESPACE = "(anonymous namespace)"
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(")]}")


def end_of_name(source: str, start: int, keywords: frozenset[str]) -> int:
    """Where the qualified name that starts at ``start`` ends; there if none does.

    A name is made of identifiers, template arguments, colons and
    ``(anonymous namespace)``, and does not end with colons after template arguments.
    SyntaxError if template arguments do not end.
    """
    end = position = start
    while True:
        if source.startswith(":", position):
            end = position = position + 1
        elif source.startswith(ANONYMOUS_NAMESPACE, position):
            end = position = position + len(ANONYMOUS_NAMESPACE)
        else:
            match = _IDENTIFIER.match(source, position)
            if match is None or match[0] in keywords:
                return end
            end = position = match.end()
            opening = _skip_space(source, position)
            if source.startswith("<", opening):
                end = end_of_template(source, opening)
                position = _skip_space(source, end)
                if not source.startswith("::", position):
                    return end
                position += 2
        position = _skip_space(source, position)


def end_of_template(source: str, start: int) -> int:
    """Where the template arguments end whose ``<`` is at ``start``.

    Brackets and character constants among them hide what looks like their end.
    """
    expected: list[str] = []
    depth = 0
    position = start
    while position < len(source):
        character = source[position]
        if character == "'":
            position = _end_of_character(source, position)
            continue
        if character in _OPENING:
            expected.append(_OPENING[character])
        elif character in _CLOSING:
            if expected and expected[-1] == character:
                expected.pop()
        elif not expected:
            if character == "<":
                depth += 1
            elif character == ">":
                depth -= 1
                if depth == 0:
                    return position + 1
        position += 1
    raise SyntaxError("invalid template arguments")


def _skip_space(source: str, position: int) -> int:
    space = _SPACE.match(source, position)
    return space.end() if space else position


def _end_of_character(source: str, start: int) -> int:
    """Where the character constant at ``start`` ends."""
    position = start + 1
    while position < len(source):
        if source[position] == "\\":
            position += 1
        elif source[position] == "'":
            return position + 1
        position += 1
    return position
