"""Helpers: knowledge about programs, written on drgn's public API.

The subpackages follow the programs that they know: :mod:`drgn.helpers.common`
for every program, :mod:`drgn.helpers.linux` for the Linux kernel and
:mod:`drgn.helpers.experimental` for what may still change.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ("ValidationError",)


class ValidationError(Exception):
    """A data structure in the program contradicts itself."""


def __getattr__(name: str) -> object:
    # Scripts that upstream's command runs find the packages without an import.
    if name in ("common", "experimental", "linux"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
