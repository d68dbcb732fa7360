"""
Chains of pointers
------------------

Pointers in great numbers, for helpers whose loops must be fast.
"""

from __future__ import annotations

from drgn.engine.objects.chains import follow, pointers

__all__ = ("follow", "pointers")
