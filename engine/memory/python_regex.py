"""Regular expressions in PCRE2's syntax, on Python's `re`, where there is no PCRE2.

Most of the syntax is translated: not recursion, conditions, verbs, ``\\K``, ``\\X`` and
properties of Unicode. Classes like ``\\w`` know ASCII only. Where the range that is
searched begins and ends is not known: ``^`` and ``$`` match at newlines alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .pattern import Edges

T = TypeVar("T")

Range = tuple[int, int]

_LAST_CODE_POINT = 0x10FFFF
_DEPTH_MAX = 100

_DIGIT = [(0x30, 0x39)]
_SPACE = [(0x09, 0x0D), (0x20, 0x20)]
_ALPHA = [(0x41, 0x5A), (0x61, 0x7A)]
_WORD = [*_DIGIT, *_ALPHA, (0x5F, 0x5F)]
_NEWLINE = [(0x0A, 0x0A)]

_SETS = {
    "d": _DIGIT,
    "s": _SPACE,
    "w": _WORD,
    "h": [(0x09, 0x09), (0x20, 0x20), (0xA0, 0xA0)],
    "v": [(0x0A, 0x0D), (0x85, 0x85)],
}
_POSIX = {
    "alnum": [*_DIGIT, *_ALPHA],
    "alpha": _ALPHA,
    "ascii": [(0x00, 0x7F)],
    "blank": [(0x09, 0x09), (0x20, 0x20)],
    "cntrl": [(0x00, 0x1F), (0x7F, 0x7F)],
    "digit": _DIGIT,
    "graph": [(0x21, 0x7E)],
    "lower": [(0x61, 0x7A)],
    "print": [(0x20, 0x7E)],
    "punct": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    "space": _SPACE,
    "upper": [(0x41, 0x5A)],
    "word": _WORD,
    "xdigit": [*_DIGIT, (0x41, 0x46), (0x61, 0x66)],
}
_CONTROLS = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}

_FLAGS = re.compile(r"\?([imsx]*)(?:-([imsx]+))?([:)])")
_NUMBER = re.compile(
    r"x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{0,2})|o\{([0-7]+)\}|(0[0-7]{0,2}|[1-3][0-7]{2})"
)
# A match of so many bytes is always found, and one up to the maximum as a rule.
_MATCH_MARGIN = 1 << 15
_MATCH_MAX = 1 << 24


class Pattern:
    """A pattern, translated.

    Raises Exception if it is malformed, or not supported.
    """

    def __init__(self, pattern: bytes | str) -> None:
        translated = _Translator(pattern).translate()
        try:
            self._compiled = re.compile(translated)
        except (re.error, OverflowError) as error:
            raise _invalid(str(error)) from None

    def scanner(self) -> Scanner:
        """What searches memory once."""
        return Scanner(self._compiled)


class Scanner:
    """Searches windows that follow each other."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern

    def scan(
        self, window: bytes, start: int, edges: Edges, found: Callable[[int, int], T]
    ) -> Generator[T, None, int]:
        """``found(start, end)`` of the matches from ``start`` on in a window.

        Returns where the next window must search on.
        """
        # What begins later may go on in the next window.
        limit = len(window) if edges.is_last else max(len(window) - _MATCH_MARGIN, 0)
        following = limit
        for match in self._pattern.finditer(window, start):
            low, high = match.span()
            if not edges.is_last:
                if low >= limit:
                    break
                if high == len(window) and high - low < _MATCH_MAX:
                    return low
            yield found(low, high)
            following = max(following, high)
        return following


def _invalid(reason: str) -> Exception:
    # Of no narrower class, as upstream has it.
    return Exception(f"invalid regular expression: {reason}")


class _Translator:
    """Rewrites a pattern into one that `re` takes for bytes."""

    def __init__(self, pattern: bytes | str) -> None:
        self._utf8 = isinstance(pattern, str)
        # Each byte of a bytes pattern is a character of its own.
        self._text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
        self._last = _LAST_CODE_POINT if self._utf8 else 0xFF
        self._position = 0
        self._depth = 0
        self._multiline = False
        self._dotall = False

    def translate(self) -> bytes:
        translated = b"".join(self._alternatives())
        if self._position < len(self._text):
            raise _invalid("unmatched closing parenthesis")
        return translated

    def _alternatives(self) -> list[bytes]:
        """Everything up to the end of a group, or of the pattern."""
        pieces = []
        while self._position < len(self._text):
            if self._text[self._position] == ")":
                break
            pieces.append(self._piece())
        return pieces

    def _piece(self) -> bytes:
        char = self._next()
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._emit(self._char_class())
        if char == "(":
            return self._group()
        if char == ".":
            return self._emit(self._complement([] if self._dotall else _NEWLINE))
        if char == "^":
            return rb"(?<=\n)(?!\Z)" if self._multiline else b"(?!)"
        if char == "$":
            return rb"(?=\n)" if self._multiline else b"(?!)"
        if ord(char) < 0x80:
            return char.encode()
        return self._emit([(ord(char), ord(char))])

    def _next(self) -> str:
        if self._position >= len(self._text):
            raise _invalid("it ends too early")
        char = self._text[self._position]
        self._position += 1
        return char

    def _take(self, text: str) -> bool:
        """Skip ``text`` if it follows."""
        if self._text.startswith(text, self._position):
            self._position += len(text)
            return True
        return False

    def _until(self, end: str) -> str:
        """What comes before ``end``; both are skipped."""
        start, stop = self._position, self._text.find(end, self._position)
        if stop < 0:
            raise _invalid(f"missing {end}")
        self._position = stop + len(end)
        return self._text[start:stop]

    def _group(self) -> bytes:
        """A group, after its opening parenthesis."""
        if self._take("?#"):
            self._until(")")
            return b""
        if self._take("?<=") or self._take("?<!"):
            raise ValueError("lookbehind is not allowed")
        if self._depth > _DEPTH_MAX:
            raise _invalid("groups are nested too deeply")
        self._depth += 1
        modes = self._multiline, self._dotall
        opening, rest_of_group = self._opening()
        group = opening + b"".join(self._alternatives()) + b")"
        if not rest_of_group:
            if not self._take(")"):
                raise _invalid("missing closing parenthesis")
            self._multiline, self._dotall = modes
        self._depth -= 1
        return group

    def _opening(self) -> tuple[bytes, bool]:
        """How a group begins, and if it is flags for the rest of the one around it."""
        flags = _FLAGS.match(self._text, self._position)
        if flags is None:
            if self._take("?<"):
                return b"(?P<" + self._until(">").encode() + b">", False
            if not self._take("?"):
                return b"(", False
            # (?: (?= (?! (?> (?P are the same in `re`, which rejects others.
            name = self._until(">") + ">" if self._take("P<") else self._next()
            return b"(?" + ("P<" + name if len(name) > 1 else name).encode(), False
        self._position = flags.end()
        on, off, end = flags[1], flags[2] or "", flags[3]
        self._multiline = (self._multiline or "m" in on) and "m" not in off
        self._dotall = (self._dotall or "s" in on) and "s" not in off
        # The translation has taken care of m and s.
        said = "".join(flag for flag in on if flag in "ix")
        unsaid = "".join(flag for flag in off if flag in "ix")
        both = said + ("-" + unsaid if unsaid else "")
        return b"(?" + both.encode() + b":", end == ")"

    def _escape(self) -> bytes:
        """What follows a backslash outside of a class."""
        number = _NUMBER.match(self._text, self._position)
        if number is not None:
            return self._emit([self._number(number)])
        char = self._next()
        if char in "AbBG":
            raise ValueError("lookbehind is not allowed")
        if char == "Z":
            return rb"(?=\n?\Z)"
        if char == "z":
            return rb"\Z"
        if char == "R":
            return rb"(?:\r\n|[\n-\r\x85])" if not self._utf8 else rb"(?:\r\n|[\n-\r])"
        if char == "N":
            return self._emit(self._complement(_NEWLINE))
        if char == "Q":
            literal = self._until("\\E") if "\\E" in self._text else self._rest()
            return b"".join(self._emit([(ord(c), ord(c))]) for c in literal)
        if char == "E":
            return b""
        if char.isdigit() or char == "k":
            return f"\\{char}".encode()  # A reference to a group, or `re` complains.
        found = self._set(char)
        return self._emit(found if found is not None else [self._literal(char)])

    def _rest(self) -> str:
        start, self._position = self._position, len(self._text)
        return self._text[start:]

    def _set(self, char: str) -> list[Range] | None:
        ranges = _SETS.get(char.lower())
        if ranges is None:
            return None
        return ranges if char.islower() else self._complement(ranges)

    def _literal(self, char: str) -> Range:
        """A character after a backslash that has no other meaning."""
        if char == "c":
            code = ord(self._next().upper()) ^ 0x40
        elif char in _CONTROLS:
            code = _CONTROLS[char]
        elif char.isalnum() and char.isascii():
            raise _invalid(f"\\{char} is not supported")
        else:
            code = ord(char)
        return code, code

    def _number(self, number: re.Match[str]) -> Range:
        self._position = number.end()
        hexadecimal = number[1] or number[2]
        if hexadecimal is not None:
            code = int(hexadecimal or "0", 16)
        else:
            code = int(number[3] or number[4], 8)
        if code > self._last:
            raise _invalid("character code is too large")
        return code, code

    def _char_class(self) -> list[Range]:
        """The characters of a class, after its opening bracket."""
        negated = self._take("^")
        ranges: list[Range] = []
        first = True
        while first or not self._take("]"):
            first = False
            low = self._class_item(ranges)
            if low is None or not self._text.startswith("-", self._position):
                ranges += [] if low is None else [low]
                continue
            if self._text.startswith("-]", self._position):
                ranges.append(low)
                continue
            self._position += 1
            high = self._class_item([])
            if high is None or high[0] < low[0]:
                raise _invalid("invalid range in character class")
            ranges.append((low[0], high[0]))
        return self._complement(ranges) if negated else ranges

    def _class_item(self, ranges: list[Range]) -> Range | None:
        """One character of a class, or None and all of a set to ``ranges``."""
        if self._take("[:"):
            name = self._until(":]")
            members = _POSIX.get(name.removeprefix("^"))
            if members is None:
                raise _invalid(f"unknown class [:{name}:]")
            ranges += self._complement(members) if name.startswith("^") else members
            return None
        char = self._next()
        if char != "\\":
            return ord(char), ord(char)
        number = _NUMBER.match(self._text, self._position)
        if number is not None:
            return self._number(number)
        char = self._next()
        if char == "b":
            return 8, 8
        found = self._set(char)
        if found is None:
            return self._literal(char)
        ranges += found
        return None

    def _complement(self, ranges: Iterable[Range]) -> list[Range]:
        """All other characters."""
        result = []
        start = 0
        for low, high in sorted(ranges):
            if low > start:
                result.append((start, low - 1))
            start = max(start, high + 1)
        if start <= self._last:
            result.append((start, self._last))
        return result

    def _emit(self, ranges: Iterable[Range]) -> bytes:
        """An expression for one character out of ranges."""
        single = [(low, min(high, 0x7F)) for low, high in ranges if low <= 0x7F]
        if not self._utf8:
            return _byte_class(ranges)
        sequences = [_byte_class(single)] if single else []
        for low, high in ranges:
            for parts in _utf8_sequences(max(low, 0x80), high):
                sequences.append(b"".join(_byte_class([part]) for part in parts))
        if len(sequences) == 1 and single:
            return sequences[0]
        return b"(?:" + b"|".join(sequences) + b")" if sequences else b"(?!)"


def _byte_class(ranges: Iterable[Range]) -> bytes:
    items = []
    for low, high in ranges:
        items.append(rf"\x{low:02x}" + (rf"-\x{high:02x}" if high > low else ""))
    if len(items) == 1 and "-" not in items[0]:
        return items[0].encode()
    return f"[{''.join(items)}]".encode() if items else b"(?!)"


def _utf8_sequences(low: int, high: int) -> Iterator[list[Range]]:
    """Ranges of bytes that follow each other in the UTF-8 of low to high."""
    # Code points of one length in UTF-8, and without the surrogates.
    for first, last in (
        (0x80, 0x7FF),
        (0x800, 0xD7FF),
        (0xE000, 0xFFFF),
        (0x10000, _LAST_CODE_POINT),
    ):
        start, end = max(low, first), min(high, last)
        if start <= end:
            yield from _split(list(chr(start).encode()), list(chr(end).encode()))


def _split(low: list[int], high: list[int]) -> Iterator[list[Range]]:
    """All byte strings from low to high, of one length, as products of ranges."""
    if len(low) == 1:
        yield [(low[0], high[0])]
        return
    if low[0] == high[0]:
        for rest in _split(low[1:], high[1:]):
            yield [(low[0], low[0]), *rest]
        return
    rest_low, rest_high = [0x80] * (len(low) - 1), [0xBF] * (len(low) - 1)
    start, end = low[0], high[0]
    if low[1:] != rest_low:
        for rest in _split(low[1:], rest_high):
            yield [(start, start), *rest]
        start += 1
    if high[1:] != rest_high:
        end -= 1
    if start <= end:
        yield [(start, end), *[(0x80, 0xBF)] * (len(low) - 1)]
    if high[1:] != rest_high:
        for rest in _split(rest_low, high[1:]):
            yield [(high[0], high[0]), *rest]
