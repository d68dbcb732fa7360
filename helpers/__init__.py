"""Helpers: knowledge about programs, written on drgn's public API.

The subpackages follow the programs that they know: :mod:`drgn.helpers.common`
for every program, :mod:`drgn.helpers.linux` for the Linux kernel and
:mod:`drgn.helpers.experimental` for what may still change.
"""

from __future__ import annotations

__all__ = ("ValidationError",)


class ValidationError(Exception):
    """A data structure in the program contradicts itself."""
