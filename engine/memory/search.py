"""Searching memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, SupportsIndex, TypeVar

T = TypeVar("T")


class MemorySearchIterator(Generic[T]):
    """What a search finds, in order of address."""

    __slots__ = ("_results",)

    def __init__(self, results: Iterator[T]) -> None:
        self._results = results

    def __iter__(self) -> MemorySearchIterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._results)


def search_memory(prog: Any, value: Any, **kwargs: Any) -> MemorySearchIterator[int]:
    """See ``Program.search_memory``."""
    raise NotImplementedError


def search_memory_regex(prog: Any, pattern: Any) -> MemorySearchIterator[Any]:
    """See ``Program.search_memory_regex``."""
    raise NotImplementedError


def search_memory_uint(
    prog: Any, size: int, values: tuple[Any, ...], ignore_mask: SupportsIndex
) -> MemorySearchIterator[tuple[int, int]]:
    """See ``Program.search_memory_u64``."""
    raise NotImplementedError
