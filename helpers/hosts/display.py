"""How the prompt shows a value."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

from drgn import (
    Object,
    SourceLocation,
    SourceLocationList,
    StackFrame,
    StackTrace,
    Type,
)

T = TypeVar("T")

_by_str: list[type] = [SourceLocation, SourceLocationList, StackFrame, StackTrace, Type]


def display_str(tp: type[T]) -> type[T]:
    """Decorate a class whose instances the prompt shall show with ``str()``.

    Returns the same class.
    """
    _by_str.append(tp)
    return tp


def shown_types() -> tuple[type, ...]:
    """The classes whose instances the prompt shows in a way of its own."""
    return (Object, *_by_str)


def displayed(value: Any) -> str:
    """The text that the prompt shows for ``value``."""
    if isinstance(value, Object):
        import shutil

        columns = shutil.get_terminal_size((0, 0)).columns
        return value.format_(columns=columns)
    if isinstance(value, tuple(_by_str)):
        return str(value)
    return repr(value)


def displayhook(value: Any) -> None:
    """``sys.displayhook`` of the prompt."""
    import builtins

    if value is None:
        return
    builtins._ = None  # type: ignore[attr-defined]
    text = displayed(value)
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.write("\n")
    builtins._ = value  # type: ignore[attr-defined]
