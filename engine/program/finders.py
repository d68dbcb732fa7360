"""Ordered registries of finders: who is asked for a type, object, symbol or file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ..arguments import check_argument, text_argument

_SIZE_MAX = 2**64 - 1

F = TypeVar("F", bound=Callable[..., Any])


class FinderRegistry(Generic[F]):
    """Finders by name, some of them enabled in an order.

    ``kind`` is the one of ``register_{kind}_finder()``, ``label`` what messages call
    it. A *static* finder gives the same answer until debugging information is loaded,
    so its answers may be kept.
    """

    __slots__ = (
        "_enabled",
        "_finders",
        "_kind",
        "_label",
        "_order",
        "_static",
        "on_change",
    )

    def __init__(self, kind: str, label: str | None = None) -> None:
        self._kind = kind
        self._label = label or kind
        self._finders: dict[str, F] = {}
        self._enabled: list[str] = []
        self._static: set[str] = set()
        self._order: list[tuple[F, bool]] = []
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
        check_argument(f"register_{self._kind}_finder", 1, name, str)
        text_argument(name)
        if not callable(fn):
            raise TypeError("fn must be callable")
        if enable_index is not None:
            if not isinstance(enable_index, int):
                raise TypeError("an integer is required")
            if enable_index > _SIZE_MAX:
                raise OverflowError("Python int too large to convert to C size_t")
            if enable_index < -1:
                raise OverflowError("can't convert negative value to size_t")
        if name in self._finders:
            raise ValueError(f"duplicate {self._label} finder name {name!r}")
        self._finders[name] = fn
        if static:
            self._static.add(name)
        if enable_index is not None:
            if enable_index == -1:
                enable_index = len(self._enabled)
            self._enabled.insert(min(enable_index, len(self._enabled)), name)
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
        try:
            names = list(names)
        except TypeError:
            raise TypeError("names must be sequence") from None
        seen: list[str] = []
        for name in names:
            if not isinstance(name, str):
                raise TypeError("bad argument type for built-in operation")
            if name not in self._finders:
                raise ValueError(f"{self._label} finder '{name}' not found")
            if name in seen:
                raise ValueError(
                    f"{self._label} finder '{name}' enabled multiple times"
                )
            seen.append(name)
        self._enabled = seen
        self._changed()

    def __iter__(self) -> Iterator[tuple[F, bool]]:
        """The enabled finders in order, each with whether it is static."""
        return iter(self._order)

    def _changed(self) -> None:
        # Another list: finders may be changed while one is asked.
        finders, static = self._finders, self._static
        self._order = [(finders[name], name in static) for name in self._enabled]
        if self.on_change is not None:
            self.on_change()
