"""How values are printed: the settings of ``set print``, and what overrides them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .errors import error
from .session import Session

_SETTINGS = {
    "address": "print address",
    "array_indexes": "print array-indexes",
    "actual_objects": "print object",
    "max_depth": "print max-depth",
    "max_elements": "print elements",
    "null_stop": "print null-stop",
    "pretty_arrays": "print array",
    "pretty_structs": "print pretty",
    "repeat_threshold": "print repeats",
    "static_members": "print static-members",
    "symbols": "print symbol",
    "unions": "print union",
}
_PYTHON_ONLY = {"raw", "deref_refs", "styling", "nibbles", "summary", "max_characters"}


@dataclass(frozen=True)
class Options:
    """How to print; None is "unlimited"."""

    address: bool = True
    array_indexes: bool = False
    actual_objects: bool = False
    max_depth: int | None = 20
    max_elements: int | None = 200
    null_stop: bool = False
    pretty_arrays: bool = False
    pretty_structs: bool = False
    repeat_threshold: int | None = 10
    static_members: bool = True
    symbols: bool = True
    unions: bool = True
    raw: bool = False
    summary: bool = False
    format: str = ""


def options_of(session: Session, **changes: Any) -> Options:
    """What the session's settings say, with changes."""
    settings = session.settings
    values: dict[str, Any] = {name: settings[key] for name, key in _SETTINGS.items()}
    return replace(Options(**values), **changes)


def python_options(session: Session, options: dict[str, Any]) -> Options:
    """What ``Value.format_string()`` is called with. Raises TypeError, ValueError."""
    changes: dict[str, Any] = {}
    for name, value in options.items():
        if name == "format":
            if not isinstance(value, str) or len(value) != 1:
                raise ValueError("a single character is required")
            changes[name] = value
        elif name in ("max_elements", "repeat_threshold"):
            changes[name] = value or None
        elif name == "max_depth":
            changes[name] = None if value == -1 else value
        elif name in _SETTINGS or name in ("raw", "summary"):
            changes[name] = bool(value)
        elif name not in _PYTHON_ONLY:
            raise TypeError(
                f"'{name}' is an invalid keyword argument for this function"
            )
    return options_of(session, **changes)


_FLAGS = {
    "address": "address",
    "array": "pretty_arrays",
    "array-indexes": "array_indexes",
    "elements": "max_elements",
    "max-depth": "max_depth",
    "null-stop": "null_stop",
    "object": "actual_objects",
    "pretty": "pretty_structs",
    "raw-values": "raw",
    "repeats": "repeat_threshold",
    "static-members": "static_members",
    "symbol": "symbols",
    "union": "unions",
}
_NUMBERS = ("max_elements", "max_depth", "repeat_threshold")


def split_flags(text: str) -> tuple[dict[str, Any], str]:
    """The options that ``print -pretty on -- EXPR`` begins with, and the rest."""
    changes: dict[str, Any] = {}
    while text.startswith("-"):
        word, _, rest = text.partition(" ")
        if word == "--":
            return changes, rest.strip()
        name = word[1:]
        found = [each for each in _FLAGS if each.startswith(name)] if name else []
        if name in _FLAGS:
            found = [name]
        if not name[:1].isalpha() or not found:
            break
        if len(found) > 1:
            raise error(f"-{name}: ambiguous option")
        text = rest.strip()
        key = _FLAGS[found[0]]
        value, _, behind = text.partition(" ")
        if key in _NUMBERS:
            changes[key] = None if value in ("unlimited", "0") else int(value)
            text = behind.strip()
        elif value in ("on", "1", "yes", "off", "0", "no"):
            changes[key] = value in ("on", "1", "yes")
            text = behind.strip()
        else:
            changes[key] = True
    return changes, text
