"""How compilers write the names of template instances.

The name of an instance is only text in debugging information, and every compiler
has its own idea of it: ``ring<long int, 4>`` for gcc is ``ring<long, 4L>`` for
clang. Names are taken apart here and put together as each of them writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..types.primitives import BY_SPELLING, SPELLINGS
from .cpp_names import ANONYMOUS_NAMESPACE

_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|\w+|::|\S")
_NUMBER = re.compile(r"([0-9]\w*?)[uUlL]*\Z")
_MAX_NESTING = 100
_ANONYMOUS = ["(", "anonymous", "namespace", ")"]
_CV = ("const", "volatile")
_SPECIFIERS = frozenset(word for name in BY_SPELLING for word in name.split())


class _Style(NamedTuple):
    """How a compiler writes template arguments."""

    is_gcc: bool
    angle: str
    """What ends an argument list that ends another one's last argument."""
    suffix: str | None
    """What follows integers, None for what the user wrote."""


_STYLES = (
    _Style(True, " >", ""),
    _Style(False, " >", None),
    _Style(False, ">", None),
    *(
        _Style(False, angle, suffix)
        for suffix in ("", "L", "UL", "U", "LL", "ULL")
        for angle in (" >", ">")
    ),
    _Style(True, ">", ""),
)


def other_spellings(name: str) -> Iterator[str]:
    """How compilers write ``name``, which has template arguments."""
    if name.count("<") > _MAX_NESTING:
        return
    tokens = _TOKEN.findall(name)
    seen = {name}
    for style in _STYLES:
        spelling = _Writer(tokens, style).name()
        if spelling not in seen:
            seen.add(spelling)
            yield spelling


class _Writer:
    """Writes the tokens of a name in a style."""

    __slots__ = ("_position", "_style", "_tokens")

    def __init__(self, tokens: list[str], style: _Style) -> None:
        self._tokens = tokens
        self._style = style
        self._position = 0

    def _peek(self) -> str:
        """The next token, empty at the end."""
        if self._position < len(self._tokens):
            return self._tokens[self._position]
        return ""

    def _take(self) -> str:
        token = self._peek()
        self._position += 1
        return token

    def name(self) -> str:
        """A qualified name up to what cannot be a part of one."""
        parts: list[str] = []
        while (token := self._peek()) and token not in _CV:
            if token == "<":
                parts.append(self._arguments())
            elif token == "::" or token[0].isalpha() or token[0] == "_":
                self._take()
                if parts and parts[-1][-1].isalnum() and token != "::":
                    parts.append(" ")
                parts.append(token)
            elif self._is_anonymous():
                self._position += len(_ANONYMOUS)
                parts.append(ANONYMOUS_NAMESPACE)
            else:
                break
        return "".join(parts)

    def _is_anonymous(self) -> bool:
        """Whether an anonymous namespace is next."""
        position = self._position
        return self._tokens[position : position + len(_ANONYMOUS)] == _ANONYMOUS

    def _arguments(self) -> str:
        """Template arguments with their angle brackets."""
        self._take()
        arguments = self._list(">")
        end = self._style.angle if arguments.endswith(">") else ">"
        return f"<{arguments}{end}"

    def _list(self, end: str) -> str:
        """Arguments up to ``end``, which is taken."""
        arguments = []
        while self._peek() not in ("", end):
            arguments.append(self._argument(end))
            if self._peek() == ",":
                self._take()
        self._take()
        return ", ".join(arguments)

    def _argument(self, end: str) -> str:
        stop = ("", ",", end)
        qualifiers, base, is_primitive = self._base(stop)
        if qualifiers:
            if self._style.is_gcc and is_primitive:
                base = f"{base} {qualifiers}"
            else:
                base = f"{qualifiers} {base}"
        return base + self._declarator(stop, bool(base))

    def _base(self, stop: tuple[str, ...]) -> tuple[str, str, bool]:
        """Qualifiers, the type or value they apply to, and if that is primitive."""
        qualifiers: list[str] = []
        words: list[str] = []
        base = ""
        while (token := self._peek()) not in stop:
            if token in _CV:
                qualifiers.append(self._take())
            elif token in _SPECIFIERS:
                words.append(self._take())
            elif (base or words) or not (token[0].isalpha() or token[0] in "_:"):
                break
            else:
                base = self.name()
        if words:
            base = self._primitive(words)
        ordered = [word for word in _CV if word in qualifiers]
        return " ".join(ordered), base, bool(words) or base == "void"

    def _primitive(self, words: list[str]) -> str:
        primitive = BY_SPELLING.get(" ".join(words))
        if primitive is None:
            return " ".join(words)
        usual = SPELLINGS[primitive][0].split()
        if not self._style.is_gcc:
            return " ".join(usual)
        # gcc: "long unsigned int", but "unsigned int" and "unsigned char".
        if ("long" in usual or "short" in usual) and "double" not in usual:
            if usual[0] == "unsigned":
                usual = [*usual[1:], "unsigned"]
            usual.append("int")
        return " ".join(usual)

    def _declarator(self, stop: tuple[str, ...], has_base: bool) -> str:
        """What follows the type of an argument, or an argument without one."""
        text = ""
        while (token := self._peek()) not in stop:
            self._take()
            if token in "*&":
                after_star = text.endswith(("*", "&"))
                is_first = has_base and not self._style.is_gcc and not after_star
                text += f" {token}" if is_first and text[-1:] != "(" else token
            elif token in _CV:
                text += f" {token}" if self._style.is_gcc else token
            elif token == "(":
                opens = f"{text}({self._nested()}"
                text = f" {opens}" if has_base and not text else opens
            elif token == "[":
                text += " [" if self._style.is_gcc else "["
            else:
                text += self._value(token)
        return text

    def _nested(self) -> str:
        """What is between parentheses, with the one that closes them."""
        return f"{self._list(')')})"

    def _value(self, token: str) -> str:
        number = _NUMBER.match(token)
        if number is None or self._style.suffix is None:
            return token
        return number[1] + self._style.suffix
