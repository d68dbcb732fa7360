"""The standard debugging information finder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..program import Program
    from .module import Module
    from .options import DebugInfoOptions


def find_standard_debug_info(
    prog: Program, modules: Iterable[Module], options: DebugInfoOptions | None = None
) -> None:
    """Look for the modules' files in the standard places."""
    raise NotImplementedError
