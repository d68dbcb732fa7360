"""``gdb.Function``: convenience functions, ``$name(...)`` in expressions."""

from __future__ import annotations

from typing import Any


class Function:
    """A function that a script defines: it overrides ``invoke``."""

    def __init__(self, name: str) -> None:
        from .session import current

        current().functions[name] = self

    def invoke(self, *args: Any) -> Any:
        """What the function is in an expression; a script overrides it."""
        raise NotImplementedError
