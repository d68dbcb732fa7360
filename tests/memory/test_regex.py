"""Regular expressions. What is expected is what upstream (PCRE2) finds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgn import Architecture, Platform, Program
from drgn.engine.memory import pcre2
from drgn.engine.memory import search as search_module

_LINES = b"ab\ncd\nab\0ab"
_MIXED = b"x\xa0\x85\xe9\xc3\xa9 \xe2\x82\xac\x80z\xf0\x9f\x98\x80\xed\xa0\x80"


_BASE = 0x1000


@pytest.fixture(params=["pcre2", "re"])
def library(request: pytest.FixtureRequest) -> Iterator[str]:
    """PCRE2, and what there is without it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "re":
            patch.setattr(pcre2, "library", lambda: None)
        else:
            assert pcre2.library() is not None
        yield request.param


def _program(*pieces: bytes, base: int = _BASE) -> Program:
    """The pieces lie one after the other."""
    prog = Program(Platform(Architecture.X86_64))
    for piece in pieces:
        prog.add_memory_segment(
            base,
            len(piece),
            lambda a, size, offset, p, piece=piece: piece[offset : offset + size],
        )
        base += len(piece)
    return prog


def _find(data: bytes, pattern: bytes | str) -> list[tuple[int, bytes | str]]:
    matches = _program(data).search_memory_regex(pattern)
    return [(address - _BASE, match) for address, match in matches]


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
def test_bytes(pattern: bytes, expected: list[tuple[int, bytes]], library: str) -> None:
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
def test_characters(pattern: bytes | str, expected: list[int], library: str) -> None:
    assert [address for address, _ in _find(_MIXED, pattern)] == expected


def test_str_patterns_give_str(library: str) -> None:
    assert _find("naïve café".encode(), r"\S+é") == [(7, "café")]


def test_empty_matches(library: str) -> None:
    assert _find(b"aa", b"a*?") == [(0, b""), (0, b"a"), (1, b""), (1, b"a"), (2, b"")]


def test_nothing_behind_the_last_address(library: str) -> None:
    last = 2**64 - 1
    found = list(_program(b"ab", base=last - 1).search_memory_regex(b"b?"))
    assert found == [(last - 1, b""), (last, b"b"), (0, b"")]


@pytest.mark.parametrize("pattern", [r"\bab", r"(?<=a)b", r"(?<!a)b", r"\Aab", r"\Bb"])
def test_looking_back_is_not_allowed(pattern: str, library: str) -> None:
    with pytest.raises(ValueError, match="lookbehind is not allowed"):
        _find(b"", pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "*", "a\\", "[b-a]", r"[a-\d]", r"\x{110000}", "(?<n", "(?"]
    + ["[[:what:]]", "(" * 1000, "a{2}{3}{4}{99999999999}", "(?P<", r"\c", r"\p{Foo}"],
)
def test_malformed(pattern: str, library: str) -> None:
    said = "pcre2 error at offset" if library == "pcre2" else "invalid regular"
    with pytest.raises(Exception, match=said):
        _find(b"", pattern)


def test_matches_longer_than_a_window(library: str) -> None:
    data = b"-" + b"a" * (3 << 18) + b"-"
    assert _find(data, b"a+") == [(1, data[1:-1])]
    assert len(_find(bytes(1 << 19), b"(?s).{1000}")) == (1 << 19) // 1000


def test_line_beginnings_across_windows(library: str) -> None:
    data = bytearray(b"x" * (1 << 18))
    places = list(range(1000, 1 << 18, 997))
    for place in places:
        data[place - 1] = 10
    assert [a for a, _ in _find(bytes(data), b"(?m)^x")] == places


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (rb"a\Kb\n", [(1, b"b\n")]),
        (rb"(?|(a)|(c))[bd]\n", [(0, b"ab\n"), (3, b"cd\n")]),
        (rb"(a(?1)?b)\0", [(6, b"ab\0")]),
        (rb"(?(?=a)ab|cd)\n", [(0, b"ab\n"), (3, b"cd\n")]),
        (rb"(?(DEFINE)(?<q>c))(?&q)d", [(3, b"cd")]),
        (rb"a(*SKIP)(*F)|b\n", [(1, b"b\n")]),
        (rb"a(*ACCEPT)b", [(0, b"a"), (6, b"a"), (9, b"a")]),
        (rb"\X\0", [(7, b"b\0")]),
        (rb"\p{Lu}|\P{L}\p{L}", [(2, b"\nc"), (5, b"\na"), (8, b"\0a")]),
        (rb"(*NUL)(?m)b$", [(7, b"b")]),
        (rb"b??", [(p, b"") for p in (0, 1)] + [(1, b"b")] + [(2, b"")]),
    ],
)
def test_of_pcre2_alone(pattern: bytes, expected: list[tuple[int, bytes]]) -> None:
    assert _find(_LINES, pattern)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\W+", [(2, "é"), (5, "€ \\"), (11, "]")]),
        (r"[^\W]|\\W|\Q\W\E", [(0, "a"), (1, "b"), (9, "\\W")]),
        (r"[a\W]+", [(0, "a"), (2, "é"), (5, "€ \\"), (11, "]")]),
        (r"[]\S]+", [(0, "abé"), (5, "€"), (9, "\\W]")]),
        (r"[[:alpha:]\D]+", [(0, "abé"), (5, "€ \\W]")]),
        (r"\p{L}+", [(0, "abé"), (10, "W")]),
        (r"\S\D", [(0, "ab"), (5, "€ "), (9, "\\W")]),
    ],
)
def test_negated_classes(pattern: str, expected: list[tuple[int, str]]) -> None:
    data = "abé".encode() + b"\xff" + "€ \\W]".encode()
    assert _find(data, pattern) == expected


@pytest.mark.parametrize(
    ("bounds", "pattern", "expected"),
    [
        ((None, None), b"^a", []),
        ((None, None), b"d$", []),
        ((_BASE, None), b"^a", [(0, b"a")]),
        ((_BASE + 1, None), b"^b", [(1, b"b")]),
        ((None, _BASE + 4), b"d$", [(4, b"d")]),
        ((None, _BASE + 5), b"d$", [(4, b"d")]),
        ((None, _BASE + 6), b"d$", []),
        ((_BASE, _BASE + 0x100), b"b\\z", [(10, b"b")]),
        ((_BASE, _BASE + 1), b"b\\z", [(1, b"b")]),
    ],
)
def test_where_the_range_begins_and_ends(
    bounds: tuple[int | None, int | None],
    pattern: bytes,
    expected: list[tuple[int, bytes]],
) -> None:
    search = _program(_LINES).search_memory_regex(pattern).set_address_range(*bounds)
    assert [(a - _BASE, match) for a, match in search] == expected


def test_the_first_address() -> None:
    assert list(_program(b"ab", base=0).search_memory_regex(b"^a")) == [(0, b"a")]


def test_error_messages() -> None:
    with pytest.raises(Exception) as error:
        _find(b"", b"(")
    assert error.type is Exception
    assert str(error.value) == "pcre2 error at offset 1: missing closing parenthesis"
    # After what was found before it.
    found = _program(b"ab" + b"\0" * 16 + b"x" * 40000).search_memory_regex(
        b"ab|x(?R)?y"
    )
    assert next(found) == (_BASE, b"ab")
    with pytest.raises(Exception, match="^pcre2 error: JIT stack limit reached$"):
        next(found)


def test_a_match_of_megabytes() -> None:
    data = b"-" + b"a" * (5 << 20) + b"-"
    assert _find(data, b"a+") == [(1, data[1:-1])]
    assert _find(data, b"-(?=a*-)") == [(0, b"-")]


def test_a_match_that_would_fill_the_memory() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_KEPT_MAX", 1 << 19)
        assert len(_find(b"a" * (1 << 18), b"a+")) == 1
        with pytest.raises(MemoryError, match="longer than"):
            _find(b"a" * (1 << 21), b"a+b")


_ATOMS = ["a", "b", "[ab]", "é", "\\n", "(?!a)", "a(?=b)", r"\w", "[^a]", "(?:ab|b)"]


@given(
    data=st.text("abé\n", max_size=60).map(str.encode),
    pattern=st.lists(
        st.tuples(
            st.sampled_from(_ATOMS), st.sampled_from(["", "", "*", "+", "?", "+?"])
        ),
        min_size=1,
        max_size=3,
    ),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    multiline=st.sampled_from(["", "(?m)^", "(?m)"]),
    is_str=st.booleans(),
)
def test_windows_make_no_difference(
    data: bytes,
    pattern: list[tuple[str, str]],
    cuts: list[int],
    multiline: str,
    is_str: bool,
) -> None:
    text = multiline + "".join(f"(?:{atom}){count}" for atom, count in pattern)
    if multiline == "(?m)":
        text += "$"
    places = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    pieces = [data[i:j] for i, j in pairwise(places)]
    expression = text if is_str else text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_CALLBACK_WINDOW", 8)
        found = list(_program(*pieces).search_memory_regex(expression))
    assert found == list(_program(data).search_memory_regex(expression))
