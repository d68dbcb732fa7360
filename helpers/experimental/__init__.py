"""Helpers without a promise of stability: they may change, move or go away.

Nothing here is imported by the command line on its own.
"""
