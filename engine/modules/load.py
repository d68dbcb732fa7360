"""Loading debugging information: given files first, then what finders find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..program import Program
    from .module import Module


def load_debug_info(
    prog: Program, paths: Iterable[Any] | None, default: bool, main: bool
) -> None:
    """Load given files, and by default what all or the main module wants.

    Raises MissingDebugInfoError if a module stays without.
    """
    raise NotImplementedError


def load_module_debug_info(prog: Program, modules: Sequence[Module]) -> None:
    """Ask the enabled finders for what the modules want."""
    raise NotImplementedError
