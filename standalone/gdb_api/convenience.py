"""The convenience functions that GDB has by itself: ``$_strlen()`` and such."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drgn import TypeKind

from .errors import error
from .value import Value, characters


class BuiltIn:
    """A function with a number of arguments."""

    def __init__(self, count: int, run: Callable[..., Any]) -> None:
        self._count, self._run = count, run

    def invoke(self, *arguments: Value) -> Any:
        """The function's value."""
        if len(arguments) != self._count:
            raise error(f"You must provide {self._count} argument(s).")
        return self._run(*arguments)


def _strlen(value: Value) -> int:
    return len(characters(value))


def _streq(one: Value, other: Value) -> bool:
    return characters(one) == characters(other)


def _memeq(one: Value, other: Value, size: Value) -> bool:
    return characters(one, int(size)) == characters(other, int(size))


def _regex(value: Value, pattern: Value) -> bool:
    found = re.match(pattern.string(), value.string())
    return found is not None


def _isvoid(value: Value) -> int:
    return int(value._obj.type_.kind is TypeKind.VOID)


def _as_string(value: Value) -> str:
    return str(value)


def functions() -> dict[str, Any]:
    """The functions by their names."""
    return {
        "_strlen": BuiltIn(1, _strlen),
        "_streq": BuiltIn(2, _streq),
        "_memeq": BuiltIn(3, _memeq),
        "_regex": BuiltIn(2, _regex),
        "_isvoid": BuiltIn(1, _isvoid),
        "_as_string": BuiltIn(1, _as_string),
    }
