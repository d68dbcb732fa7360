"""Calling plugins, for programs that offer hooks of their own to them."""

from drgn.plugins import call_hooks as call_plugins

__all__ = ("call_plugins",)
