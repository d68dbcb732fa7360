"""Ordered registries of finders: who is asked for a type, object, symbol or file."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class FinderRegistry(Generic[F]):
    """Finders by name, some of them enabled in an order.

    ``kind`` names in messages what is found. A *static* finder gives the same
    answer until debugging information is loaded, so its answers may be kept.
    """

    __slots__ = ("_enabled", "_finders", "_kind", "_static", "on_change")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._finders: dict[str, F] = {}
        self._enabled: list[str] = []
        self._static: set[str] = set()
        self.on_change: Callable[[], None] | None = None

    def register(
        self,
        name: str,
        fn: F,
        enable_index: int | None = None,
        *,
        static: bool = False,
    ) -> None:
        """Add a finder; enable it at ``enable_index`` (-1 is the end) unless None.

        Raises ValueError if the name is taken.
        """
        if not isinstance(name, str):
            raise TypeError(f"finder name must be str, not {type(name).__name__}")
        if not callable(fn):
            raise TypeError("fn must be callable")
        if enable_index is not None:
            enable_index = operator.index(enable_index)
            if enable_index < -1:
                raise OverflowError("can't convert negative value to size_t")
        if name in self._finders:
            raise ValueError(f"duplicate {self._kind} finder name {name!r}")
        self._finders[name] = fn
        if static:
            self._static.add(name)
        if enable_index is not None:
            if enable_index == -1:
                enable_index = len(self._enabled)
            self._enabled.insert(enable_index, name)
        self._changed()

    def registered(self) -> set[str]:
        """The names of all finders."""
        return set(self._finders)

    def enabled(self) -> list[str]:
        """The names of the enabled finders, the first to be asked first."""
        return list(self._enabled)

    def set_enabled(self, names: Sequence[str]) -> None:
        """Enable exactly ``names``, in that order.

        Raises ValueError for a name that is unknown or stands twice.
        """
        seen: list[str] = []
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"expected str, not {type(name).__name__}")
            if name not in self._finders:
                raise ValueError(f"{self._kind} finder {name!r} not found")
            if name in seen:
                raise ValueError(f"{self._kind} finder {name!r} enabled multiple times")
            seen.append(name)
        self._enabled = seen
        self._changed()

    def __iter__(self) -> Iterator[tuple[F, bool]]:
        """The enabled finders in order, each with whether it is static."""
        for name in list(self._enabled):
            yield self._finders[name], name in self._static

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()
