"""Completion of Python, subscripts included (``prog["modules"].``)."""

from __future__ import annotations

import re
from typing import Any

from drgn.commands.completion import python_completions


class Completer:
    """A completer for ``readline.set_completer(Completer(namespace).complete)``."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._matches: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        """The match of that number for a text, None if there are no more."""
        if state == 0:
            before = re.sub(r"[\w.]*$", "", text)
            matches = python_completions(text, self._namespace)
            self._matches = sorted(before + each.removesuffix(")") for each in matches)
        return self._matches[state] if state < len(self._matches) else None
