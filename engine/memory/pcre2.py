"""Regular expressions by PCRE2, where the system has that library.

What is here of its C API is described in pcre2api(3), pcre2jit(3) and pcre2partial(3).
"""

from __future__ import annotations

import ctypes
import re
import weakref
from collections.abc import Callable, Generator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .pattern import Edges

T = TypeVar("T")

_NEVER_UTF = 0x1000
_NEVER_BACKSLASH_C = 0x100000
_MATCH_INVALID_UTF = 0x04000000
_JIT_COMPLETE = 0x1
_JIT_PARTIAL_HARD = 0x4
_NOTBOL = 0x1
_NOTEOL = 0x2
_NOTEMPTY_ATSTART = 0x8
_PARTIAL_HARD = 0x20
_INFO_MAXLOOKBEHIND = 15
_ERROR_NOMATCH = -1
_ERROR_PARTIAL = -2

_CONFIG_VERSION = 11
_TEXT_MAX = 256

# \D, \S and \W outside of character classes and of what is quoted.
_NEGATION = re.compile(
    r"(\\[DSW])|\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|\[:.*?:\]|[^]\\])*\]", re.DOTALL
)


@cache
def library() -> ctypes.CDLL | None:
    """PCRE2 for bytes and UTF-8."""
    try:
        pcre2 = ctypes.CDLL("libpcre2-8.so.0")
    except OSError:
        return None
    size, flags, pointer = ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p
    pcre2.pcre2_compile_8.restype = pointer
    pcre2.pcre2_compile_8.argtypes = (
        ctypes.c_char_p,
        size,
        flags,
        ctypes.POINTER(ctypes.c_int),
        ctypes.POINTER(size),
        pointer,
    )
    pcre2.pcre2_code_free_8.restype = None
    pcre2.pcre2_code_free_8.argtypes = (pointer,)
    pcre2.pcre2_jit_compile_8.argtypes = (pointer, flags)
    pcre2.pcre2_pattern_info_8.argtypes = (pointer, flags, pointer)
    pcre2.pcre2_match_data_create_8.restype = pointer
    pcre2.pcre2_match_data_create_8.argtypes = (flags, pointer)
    pcre2.pcre2_match_data_free_8.restype = None
    pcre2.pcre2_match_data_free_8.argtypes = (pointer,)
    pcre2.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(size)
    pcre2.pcre2_get_ovector_pointer_8.argtypes = (pointer,)
    pcre2.pcre2_config_8.argtypes = (flags, pointer)
    pcre2.pcre2_get_error_message_8.argtypes = (ctypes.c_int, ctypes.c_char_p, size)
    return pcre2


class Pattern:
    """A pattern, compiled to machine code where that can be had.

    Raises Exception if it is malformed, and ValueError if it looks backwards.
    """

    def __init__(self, pcre2: ctypes.CDLL, pattern: bytes | str) -> None:
        options = _NEVER_UTF
        # Empty matches are skipped where they should not be.
        self.skips = False
        self.complete: Callable[[bytes], int] = len
        if isinstance(pattern, str):
            # Half a character would be no str.
            options = _MATCH_INVALID_UTF | _NEVER_BACKSLASH_C
            self.skips = True
            if _version(pcre2) < (10, 43):
                # Their machine code finds ASCII alone.
                pattern = _NEGATION.sub(
                    lambda found: f"[{found[1]}]" if found[1] else found[0], pattern
                )
            pattern = pattern.encode()
            self.complete = _whole_characters
        self.pcre2 = pcre2
        code, offset = ctypes.c_int(), ctypes.c_size_t()
        self.code = pcre2.pcre2_compile_8(
            pattern, len(pattern), options, code, offset, None
        )
        if not self.code:
            place = f" at offset {offset.value}"
            raise Exception(f"pcre2 error{place}: {self.message(code.value)}")
        weakref.finalize(self, pcre2.pcre2_code_free_8, self.code)
        lookbehind = ctypes.c_uint32()
        pcre2.pcre2_pattern_info_8(
            self.code, _INFO_MAXLOOKBEHIND, ctypes.byref(lookbehind)
        )
        if lookbehind.value:
            raise ValueError("lookbehind is not allowed")
        # It is interpreted where it cannot be compiled.
        pcre2.pcre2_jit_compile_8(self.code, _JIT_COMPLETE | _JIT_PARTIAL_HARD)

    def message(self, code: int) -> str:
        """What an error code means."""
        buffer = ctypes.create_string_buffer(_TEXT_MAX)
        self.pcre2.pcre2_get_error_message_8(code, buffer, _TEXT_MAX)
        return buffer.value.decode()

    def scanner(self) -> Scanner:
        """What searches memory once."""
        return Scanner(self)


class Scanner:
    """Searches windows that follow each other."""

    def __init__(self, pattern: Pattern) -> None:
        # It must not be freed meanwhile.
        self._pattern = pattern
        pcre2 = pattern.pcre2
        self._match = pcre2.pcre2_match_8
        self._code = ctypes.c_void_p(pattern.code)
        # Only where the whole match is, not its groups.
        self._data = ctypes.c_void_p(pcre2.pcre2_match_data_create_8(1, None))
        weakref.finalize(self, pcre2.pcre2_match_data_free_8, self._data)
        self._offsets = pcre2.pcre2_get_ovector_pointer_8(self._data)
        self._after_empty = False

    def scan(
        self, window: bytes, start: int, edges: Edges, found: Callable[[int, int], T]
    ) -> Generator[T, None, int]:
        """``found(start, end)`` of the matches from ``start`` on in a window.

        Returns where the next window must search on.
        """
        options = 0 if edges.begins else _NOTBOL
        end = len(window)
        if not edges.is_last:
            options |= _PARTIAL_HARD
            end = self._pattern.complete(window)
        elif not edges.ends:
            options |= _NOTEOL
        # Arguments are made once, since to make them costs as much as a call.
        place = ctypes.c_size_t(start)
        subject = self._code, ctypes.c_char_p(window), ctypes.c_size_t(end), place
        rest = self._data, None
        anything = *subject, ctypes.c_uint32(options), *rest
        # As in Perl, an empty match is not found twice.
        something = *subject, ctypes.c_uint32(options | _NOTEMPTY_ATSTART), *rest
        match, offsets = self._match, self._offsets
        while start < end or edges.is_last:
            place.value = start
            result = match(*(something if self._after_empty else anything))
            if result < 0:
                if result == _ERROR_PARTIAL:
                    self._after_empty = self._after_empty and offsets[0] == start
                    return int(offsets[0])
                if result != _ERROR_NOMATCH:
                    raise Exception(f"pcre2 error: {self._pattern.message(result)}")
                break
            low = offsets[0]
            if self._after_empty and self._pattern.skips and low > start + 1:
                # No empty match is found among bytes that are no characters.
                self._after_empty = False
                start += _character_size(window, start)
                continue
            start = offsets[1]
            if low == end and not edges.is_last:
                break
            self._after_empty = low == start
            yield found(low, start)
        self._after_empty = False
        return end


def _version(pcre2: ctypes.CDLL) -> tuple[int, ...]:
    buffer = ctypes.create_string_buffer(_TEXT_MAX)
    pcre2.pcre2_config_8(_CONFIG_VERSION, buffer)
    return tuple(int(number) for number in re.findall(rb"\d+", buffer.value)[:2])


def _whole_characters(window: bytes) -> int:
    """How much of a window is there before a character of UTF-8 that is cut off."""
    for back in range(1, min(4, len(window) + 1)):
        byte = window[-back]
        if byte & 0xC0 != 0x80:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(window) - (back if byte >= 0xC0 and size > back else 0)
    return len(window)


def _character_size(window: bytes, start: int) -> int:
    """The size of a character of UTF-8, 1 where there is none."""
    for size in range(1, 5):
        try:
            window[start : start + size].decode()
        except UnicodeDecodeError:
            continue
        return size
    return 1
