"""A Program: what wires a target, modules and finders together."""

from .program import Program

__all__ = ["Program"]
