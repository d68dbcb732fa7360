"""Which plugins the user wants, for who loads some that come along."""

from __future__ import annotations

from drgn.engine.plugins import is_wanted

__all__ = ("is_wanted",)
