"""Plugins, for who has hooks of his own or loads some that come along."""

from __future__ import annotations

from drgn.engine.plugins import call_hooks, is_wanted

__all__ = ("call_hooks", "is_wanted")
