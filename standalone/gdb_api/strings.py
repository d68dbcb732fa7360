"""Characters and strings as GDB prints them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

# Added to a character's code where an octet has the same number.
_LATIN = 0x110000

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r"}


def char_text(code: int, quote: str) -> str:
    """A character inside quotes, escaped where it must be."""
    if code in _ESCAPES:
        return "\\" + _ESCAPES[code]
    if 32 <= code < 127:
        letter = chr(code)
        return "\\" + letter if letter in (quote, "\\") else letter
    if code > _LATIN:
        code -= _LATIN
        return chr(code) if chr(code).isprintable() else _octets(chr(code).encode())
    if code > 255:
        return chr(code) if chr(code).isprintable() else _octets(chr(code).encode())
    return f"\\{code:03o}"


def _octets(data: bytes) -> str:
    return "".join(f"\\{octet:03o}" for octet in data)


def utf8_codes(data: bytes) -> list[int]:
    """The characters of UTF-8; an octet that is part of none stands for itself.

    Those from U+0080 to U+00FF are told from octets by being above U+10FFFF.
    """
    codes = []
    for character in data.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            code -= 0xDC00
        elif 0x80 <= code <= 0xFF:
            code += _LATIN
        codes.append(code)
    return codes


def string_text(
    codes: Sequence[int],
    elements: int | None,
    repeats: int | None,
    more: bool = False,
    prefix: str = "",
) -> str:
    """A string in quotes, with runs as ``'x' <repeats 20 times>``.

    ``more``: whether there would be more characters than those.
    """
    if not codes:
        return f'{prefix}""' + ("..." if more else "")
    parts: list[str] = []
    inside = ""
    count = 0
    finished = True
    for code, run in groupby(codes):
        if elements is not None and count >= elements:
            finished = False
            break
        length = len(list(run))
        if repeats is not None and length > repeats:
            if inside:
                parts.append(f'{prefix}"{inside}"')
                inside = ""
            letter = char_text(code, "'")
            parts.append(f"{prefix}'{letter}' <repeats {length} times>")
            count += length
            continue
        shown = length
        if elements is not None and count + length > elements:
            shown, finished = elements - count, False
        for _ in range(shown):
            inside += char_text(code, '"')
        count += shown
        if not finished:
            break
    if inside:
        parts.append(f'{prefix}"{inside}"')
    return ", ".join(parts) + ("..." if more or not finished else "")
