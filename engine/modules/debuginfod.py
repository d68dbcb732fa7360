"""The debuginfod finder: files by build ID over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module


def debuginfod_finder(modules: Sequence[Module]) -> None:
    """Ask the servers in ``$DEBUGINFOD_URLS`` for what the modules want."""
