"""``gdb.xmethod``: methods of scripts, which are kept but not called."""

from __future__ import annotations

from typing import Any

from .session import current


class XMethod:
    """A method: its name, and whether it is on."""

    def __init__(self, name: str) -> None:
        self.name, self.enabled = name, True


class XMethodMatcher:
    """Methods for some types."""

    def __init__(self, name: str) -> None:
        self.name, self.enabled = name, True
        self.methods: Any = None

    def match(self, class_type: Any, method_name: str) -> Any:
        """The methods of a name; a script overrides it."""
        raise NotImplementedError("XMethodMatcher match")


class XMethodWorker:
    """A method that a script calls."""

    def get_arg_types(self) -> Any:
        """The types of its arguments; a script overrides it."""
        raise NotImplementedError("XMethodWorker get_arg_types")


def register_xmethod_matcher(locus: Any, matcher: Any, replace: bool = False) -> None:
    """Keep methods of an objfile, a program space, or of all (None)."""
    place = current().progspace() if locus is None else locus
    place.xmethods.insert(0, matcher)


__all__ = ("XMethod", "XMethodMatcher", "XMethodWorker", "register_xmethod_matcher")
