"""What searching asks of a compiled regular expression."""

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
