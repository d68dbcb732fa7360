"""Helpers for the Linux kernel.

Every name that a module of this package exports can be imported from the package,
which imports the module only then.
"""

from __future__ import annotations

from typing import Any

from drgn.helpers import _lazy
from drgn.helpers.linux._names import NAMES


def __getattr__(name: str) -> Any:
    value = globals()[name] = _lazy.find_name(__name__, NAMES, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES, *lazy_names()})


def lazy_names() -> dict[str, str]:
    """Return the module that each name of this package is in."""
    return _lazy.lazy_names(__name__, NAMES)
