"""Places in source code."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, TypeVar

from ..arguments import class_label
from ..closed import AbstractApiClass, closed, not_constructible

if TYPE_CHECKING:
    from ..program import Program


class _Place(NamedTuple):
    filename: str
    line: int
    column: int


class SourceLocation(_Place):
    """A place in source code, and the name of the function that it is in.

    ``filename`` is empty if it is not known; so is ``column`` if it is 0. ``name()``
    returns the function's name or None.
    """

    name: Callable[[], str | None]

    def __new__(
        cls,
        filename: str,
        line: int,
        column: int,
        name: Callable[[], str | None] = lambda: None,
    ) -> SourceLocation:
        self = super().__new__(cls, filename, line, column)
        self.name = name
        return self

    def __deepcopy__(self, memo: object) -> SourceLocation:
        # ``name`` may belong to a stack frame, which cannot be copied.
        return type(self)(*self, self.name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _Place._fields:
            raise AttributeError("can't set attribute")
        super().__setattr__(name, value)

    def __str__(self) -> str:
        return f"{self.name() or '???'} at {_place(self)}"


def _place(location: _Place) -> str:
    filename, line, column = location
    if not filename:
        return "??:?"
    return f"{filename}:{line}:{column}" if column else f"{filename}:{line}"


@closed
@not_constructible
class SourceLocationList(Sequence[SourceLocation], metaclass=AbstractApiClass):
    """Where code comes from: the innermost inlined function, its caller, and so on."""

    __slots__ = ("_locations", "_prog")

    _locations: list[SourceLocation]
    _prog: Program

    def __init__(self, prog: Program, locations: list[SourceLocation]) -> None:
        self._prog = prog
        self._locations = locations

    @property
    def prog(self) -> Program:
        """The program of the code."""
        return self._prog

    def __len__(self) -> int:
        return len(self._locations)

    def __getitem__(self, index: SupportsIndex) -> SourceLocation:  # type: ignore[override]
        return item(self._locations, index, "source location list")

    def __iter__(self) -> Iterator[SourceLocation]:
        return iter(self._locations)

    def __str__(self) -> str:
        if len(self._locations) == 1:
            return str(self._locations[0])
        return "\n".join(f"#{i:<2} {x}" for i, x in enumerate(self._locations))

    def __repr__(self) -> str:
        return object.__repr__(self)

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text("..." if cycle else str(self))


_T = TypeVar("_T")


def item(items: Sequence[_T], index: SupportsIndex, what: str) -> _T:
    """An item by its index, with the errors of a sequence of the API."""
    try:
        number = operator.index(index)
    except TypeError:
        raise TypeError(
            f"sequence index must be integer, not '{class_label(index)}'"
        ) from None
    try:
        return items[number]
    except IndexError:
        raise IndexError(f"{what} index out of range") from None
