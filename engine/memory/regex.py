"""Regular expressions over memory, which is searched window by window.

Memory has no beginning and no end: ``^`` and ``$`` match at newlines in it (with
``(?m)``) and where the range that is searched begins and ends, and what looks backwards
is not allowed. A ``str`` pattern matches UTF-8, a ``bytes`` pattern bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Edges(NamedTuple):
    """What is around a window."""

    begins: bool
    """The range that is searched begins with it."""
    ends: bool
    """That range ends with it."""
    is_last: bool
    """No memory follows it."""


class Scanner(Protocol):
    """Searches windows that follow each other."""

    def scan(
        self, window: bytes, start: int, edges: Edges, found: Callable[[int, int], T]
    ) -> Generator[T, None, int]:
        """``found(start, end)`` of the matches from ``start`` on in a window.

        Returns where the search goes on with the next window, which begins a byte
        before that if it can.
        """
        ...


class Pattern(Protocol):
    """A compiled pattern."""

    def scanner(self) -> Scanner:
        """What searches memory once."""
        ...


def compile_pattern(pattern: bytes | str) -> Pattern:
    """PCRE2's pattern if the system has PCRE2, else one of Python's `re`.

    Raises Exception if it is malformed, or not supported, and ValueError if it looks
    backwards.
    """
    from . import pcre2

    library = pcre2.library()
    if library is not None:
        return pcre2.Pattern(library, pattern)
    from .python_regex import Pattern

    return Pattern(pattern)
