"""Regular expressions. What is expected is what upstream (PCRE2) finds."""

from __future__ import annotations

import pytest

from drgn import Architecture, Platform, Program

_LINES = b"ab\ncd\nab\0ab"
_MIXED = b"x\xa0\x85\xe9\xc3\xa9 \xe2\x82\xac\x80z\xf0\x9f\x98\x80\xed\xa0\x80"


def _find(data: bytes, pattern: bytes | str) -> list[tuple[int, bytes | str]]:
    prog = Program(Platform(Architecture.X86_64))
    prog.add_memory_segment(0, len(data), lambda a, n, o, p: data[o : o + n])
    return list(prog.search_memory_regex(pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (rb"ab", [(0, b"ab"), (6, b"ab"), (9, b"ab")]),
        (rb"^ab", []),
        (rb"ab$", []),
        (rb"(?m)^ab", [(6, b"ab")]),
        (rb"(?m)b$", [(1, b"b")]),
        (rb"b.c", []),
        (rb"(?s)b.c", [(1, b"b\nc")]),
        (rb"(?i)AB\0", [(6, b"ab\0")]),
        (rb"(?i:AB)\n", [(0, b"ab\n")]),
        (rb"(a)(b)\n", [(0, b"ab\n")]),
        (b"[^\0]+", [(0, b"ab\ncd\nab"), (9, b"ab")]),
        (rb"\w\w\s", [(0, b"ab\n"), (3, b"cd\n")]),
        (rb"a\x62\x{a}", [(0, b"ab\n")]),
        (rb"\141b\0", [(6, b"ab\0")]),
        (rb"[[:alpha:]]+\n", [(0, b"ab\n"), (3, b"cd\n")]),
        (rb"[]a]b", [(0, b"ab"), (6, b"ab"), (9, b"ab")]),
        (rb"[^]a]d", [(3, b"cd")]),
        (rb"a++b\n", [(0, b"ab\n")]),
        (rb"(?<n>ab)\n(?#comment)c", [(0, b"ab\nc")]),
        (rb"\Qab\E\x00", [(6, b"ab\0")]),
        (rb"(?=ab)ab\0", [(6, b"ab\0")]),
        (rb"(?!ab)\w\w", [(3, b"cd")]),
        (rb"(a)b.\1", [(6, b"ab\0a")]),
        (rb"ab\Z", [(9, b"ab")]),
        (rb"\N{3}", [(6, b"ab\0")]),
        (rb"\cJc", [(2, b"\nc")]),
    ],
)
def test_bytes(pattern: bytes, expected: list[tuple[int, bytes]]) -> None:
    assert _find(_LINES, pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (rb"\h", [1, 6, 17]),
        (rb"\s", [6]),
        (rb"\w", [0, 11]),
        (rb"\R", [2]),
        (rb"[[:alpha:]]", [0, 11]),
        (b"\xe9", [3]),
        (rb"\x{e9}", [3]),
        (r"\h", [6]),
        (r"\w", [0, 11]),
        (r"\W", [4, 6, 7, 12]),
        (r".", [0, 4, 6, 7, 11, 12]),
        (r"[^a]", [0, 4, 6, 7, 11, 12]),
        ("é", [4]),
        ("[à-€]", [4, 7]),
        ("[^é]", [0, 6, 7, 11, 12]),
        (r"\x{e9}", [4]),
        (r"[\x{e9}-\x{ff}]", [4]),
        ("\U0001f600", [12]),
        (r"[\D]", [0, 4, 6, 7, 11, 12]),
        (r"[\W\d]", [4, 6, 7, 12]),
        (r"\S", [0, 4, 7, 11, 12]),
    ],
)
def test_characters(pattern: bytes | str, expected: list[int]) -> None:
    assert [address for address, _ in _find(_MIXED, pattern)] == expected


def test_str_patterns_give_str() -> None:
    assert _find("naïve café".encode(), r"\S+é") == [(7, "café")]


def test_empty_matches() -> None:
    assert _find(b"aa", b"a*?") == [(0, b""), (0, b"a"), (1, b""), (1, b"a"), (2, b"")]


@pytest.mark.parametrize("pattern", [r"\bab", r"(?<=a)b", r"(?<!a)b", r"\Aab", r"\Bb"])
def test_looking_back_is_not_allowed(pattern: str) -> None:
    with pytest.raises(ValueError, match="lookbehind is not allowed"):
        _find(b"", pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "*", "a\\", "[b-a]", r"[a-\d]", r"\x{110000}", "(?<n", "(?"]
    + [r"\p{L}", "[[:what:]]", "(" * 1000, "a{2}{3}{4}{99999999999}", "(?P<", r"\c"],
)
def test_malformed(pattern: str) -> None:
    with pytest.raises(Exception, match="invalid regular expression"):
        _find(b"", pattern)


def test_matches_longer_than_a_window() -> None:
    data = b"-" + b"a" * (3 << 18) + b"-"
    assert _find(data, b"a+") == [(1, data[1:-1])]
    assert len(_find(bytes(1 << 19), b"(?s).{1000}")) == (1 << 19) // 1000


def test_line_beginnings_across_windows() -> None:
    data = bytearray(b"x" * (1 << 18))
    places = list(range(1000, 1 << 18, 997))
    for place in places:
        data[place - 1] = 10
    assert [a for a, _ in _find(bytes(data), b"(?m)^x")] == places
