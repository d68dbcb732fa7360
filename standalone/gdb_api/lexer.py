"""The words of an expression."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import error

MAX_LENGTH = 1 << 16
"""Characters of an expression."""


class Token(NamedTuple):
    """A word: its kind, its text, and where it begins and ends."""

    kind: str
    """number, float, char, string, name, variable, op or end."""
    text: str
    start: int
    end: int


_PATTERN = re.compile(
    r"""\s*(?:
    (?P<float>(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fFlL]? | \d+[eE][+-]?\d+[fFlL]?)
    |(?P<number>0[xX][0-9a-fA-F]+[uUlL]* | 0[bB][01]+[uUlL]* | \d+[uUlL]*)(?![\w.])
    |(?P<string>(?:L|u8|u|U)?"(?:[^"\\]|\\.)*")
    |(?P<char>(?:L|u|U)?'(?:[^'\\]|\\.)*')
    |(?P<variable>\$\$?\w*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<op><<=|>>=|->\*|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||::|
        [-+*/%&|^]=|[-+*/%&|^~!<>=?:,.()\[\]{}@\#])
    )""",
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> list[Token]:
    """The words of an expression, and an end. Raises ``gdb.error``."""
    if len(text) > MAX_LENGTH:
        raise error("Expression is too long.")
    found: list[Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _PATTERN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            if rest[:1] in "'\"":
                raise error(
                    "Unmatched single quote."
                    if rest[0] == "'"
                    else "Unterminated string in expression."
                )
            if rest[:1].isdigit():
                word = re.match(r"[\w.]+", rest)
                raise error(f'Invalid number "{word[0] if word else rest}".')
            raise error(f"Invalid character '{rest[:1]}' in expression.")
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind], match.start(kind), match.end(kind)))
        position = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


_SIMPLE = {
    "n": 10,
    "t": 9,
    "r": 13,
    "a": 7,
    "b": 8,
    "f": 12,
    "v": 11,
    "e": 27,
    "\\": 92,
    "'": 39,
    '"': 34,
    "?": 63,
}


def unescape(text: str) -> bytes:
    """The bytes that the inside of a literal stands for."""
    found = bytearray()
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter != "\\":
            found += letter.encode()
            continue
        letter = text[at : at + 1]
        at += 1
        if letter in "01234567":
            digits = re.match(r"[0-7]{1,3}", text[at - 1 :])
            assert digits is not None
            found.append(int(digits[0], 8) & 255)
            at += len(digits[0]) - 1
        elif letter == "x":
            digits = re.match(r"[0-9a-fA-F]+", text[at:])
            if digits is None:
                raise error("\\x escape without a following hex digit")
            found.append(int(digits[0], 16) & 255)
            at += len(digits[0])
        else:
            found += bytes([_SIMPLE[letter]]) if letter in _SIMPLE else letter.encode()
    return bytes(found)
