"""Tokens of type names and member designators."""

from __future__ import annotations

import re
from typing import NamedTuple

from .cpp_names import end_of_template

_SPACE = re.compile(r"[ \t\n\r\v\f]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# As a preprocessing number: what follows the digits is looked at afterwards.
_NUMBER = re.compile(r"[0-9][A-Za-z0-9_]*")
_DECIMAL = re.compile(r"[1-9][0-9]*\Z")
_OCTAL = re.compile(r"0[0-7]*\Z")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+\Z")
_PUNCTUATION = frozenset("()[]*.:")

IDENTIFIER = "identifier"
NUMBER = "number"
TEMPLATE = "template arguments"
END = "end"


class Token(NamedTuple):
    """``kind`` is IDENTIFIER, NUMBER, TEMPLATE, END or the punctuation itself."""

    kind: str
    text: str
    start: int
    end: int


class Lexer:
    """Tokens of ``source``, with one to look at before it is taken.

    Template arguments are one token in C++, and none in C.
    """

    __slots__ = ("_cpp", "_next", "position", "source")

    def __init__(self, source: str, cpp: bool) -> None:
        # A NUL ends the name, as it does in C.
        self.source = source.partition("\0")[0]
        self._cpp = cpp
        self.position = 0
        self._next: Token | None = None

    def peek(self) -> Token:
        """The next token. SyntaxError if there is none to be made of what is next."""
        token = self._next
        if token is None:
            token = self._next = self._scan()
        return token

    def take(self) -> Token:
        """The next token, removed."""
        token = self.peek()
        self._next = None
        self.position = token.end
        return token

    def next_start(self) -> int:
        """Where the next token starts, even if none can."""
        space = _SPACE.match(self.source, self.position)
        return space.end() if space else self.position

    def skip_to(self, position: int) -> None:
        """Go on at ``position`` of the source."""
        self._next = None
        self.position = position

    def _scan(self) -> Token:
        source = self.source
        start = self.next_start()
        if start == len(source):
            return Token(END, "", start, start)
        character = source[start]
        if character in _PUNCTUATION:
            return Token(character, character, start, start + 1)
        match = _IDENTIFIER.match(source, start)
        if match:
            return Token(IDENTIFIER, match[0], start, match.end())
        match = _NUMBER.match(source, start)
        if match:
            if not is_number(match[0]):
                raise SyntaxError("invalid number")
            return Token(NUMBER, match[0], start, match.end())
        if character == "<" and self._cpp:
            end = end_of_template(source, start)
            return Token(TEMPLATE, source[start:end], start, end)
        byte = character.encode(errors="surrogateescape")[0]
        raise SyntaxError(f"invalid character \\x{byte:02x}")


def is_number(text: str) -> bool:
    """Whether ``text`` is a decimal, octal or hexadecimal constant."""
    return bool(_DECIMAL.match(text) or _OCTAL.match(text) or _HEXADECIMAL.match(text))


def number_value(text: str) -> int:
    """The value of a number token, ValueError if it takes more than 64 bits."""
    if len(text) > 64:
        value = 1 << 64
    elif text.startswith("0") and not text.startswith(("0x", "0X")):
        value = int(text, 8)
    else:
        value = int(text, 0)
    if value >> 64:
        raise ValueError("number is too large")
    return value
