"""Following chains of structures, for helpers whose loops must be fast."""

from __future__ import annotations

from drgn.engine.objects.chains import follow

__all__ = ("follow",)
